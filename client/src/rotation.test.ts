import { expect, it } from "vitest";
import type { SessionAnswer } from "./contract.js";
import { createRotations } from "./rotation.js";
import { SessionError } from "./session-error.js";
import { memoryStorage, openStore } from "./store.js";
import { createFakeClock } from "./testing/index.js";

function bench(inBody = false) {
  const clock = createFakeClock();
  const store = openStore(memoryStorage(), "");
  let keys = 0;
  /** A page of the same browser. */
  const page = () =>
    createRotations({ clock, store, inTurn: (task) => task(), randomKey: () => `k${++keys}`, inBody, raceWindowMs: 60_000 });
  const answer = { session: { id: "s" }, refreshToken: "next" } as SessionAnswer;
  const headers: string[] = [];
  const ok = (rotations: ReturnType<typeof page>, outcome: "200" | "lost" = "200") =>
    rotations
      .rotate("refresh", () => "s", (sent) => {
        headers.push(sent);
        return outcome === "200" ? Promise.resolve({ body: answer, sentAt: 0 }) : Promise.reject(new SessionError("timeout"));
      })
      .catch(() => undefined);
  return { clock, store, page, ok, headers };
}

it("a key is repeated until a 200, and then sent along as one of the last two", async () => {
  const { page, ok, headers } = bench();
  const first = page();
  first.begin("refresh", "s", undefined);
  for (const outcome of ["lost", "lost", "200", "lost", "200", "200", "200"] as const) await ok(first, outcome);
  expect(headers).toEqual(["k1", "k1", "k1", "k2,k1", "k2,k1", "k3,k2,k1", "k4,k3,k2"]);
});

it("the first 200 of a page that knows its cookie only by hearsay settles no key", async () => {
  const { page, ok, headers } = bench();
  const before = page();
  before.begin("refresh", "s", undefined);
  await ok(before);
  await ok(before);
  // Crash after crash, each bringing back the cookie that needs k2.
  for (let crash = 0; crash < 3; crash++) await ok(page());
  const alive = page();
  await ok(alive);
  await ok(alive);
  await ok(alive);
  expect(headers.slice(2)).toEqual(["k3,k2,k1", "k3,k2,k1", "k3,k2,k1", "k3,k2,k1", "k3,k2,k1", "k4,k3,k2"]);
});

it("an answer that comes after another tab has settled the key settles nothing", async () => {
  const { page, ok, headers, store } = bench();
  const [one, two] = [page(), page()];
  one.begin("refresh", "s", undefined);
  two.begin("refresh", "s", undefined);
  await two.rotate("refresh", () => "s", async (keys) => {
    headers.push(keys);
    await ok(one);
    await ok(one, "lost");
    return { body: { session: { id: "s" } } as SessionAnswer, sentAt: 0 };
  });
  expect(headers).toEqual(["k1", "k1", "k2,k1"]);
  expect(store.get("refresh")).toMatchObject({ pending: "k2", settled: ["k1"] });
});

it("a token that another tab has stored meanwhile is not replaced by an older one", async () => {
  const { page, store } = bench(true);
  const rotations = page();
  rotations.begin("refresh", "s", "t1");
  await rotations.rotate("refresh", () => "s", () => {
    store.set("refresh", { id: "s", settled: ["k1"], token: "t3" });
    return Promise.resolve({ body: { session: { id: "s" }, refreshToken: "t2" } as SessionAnswer, sentAt: 0 });
  });
  expect(rotations.token("refresh")).toBe("t3");
});

it("in the cookie transport no token is stored, even if an answer has one", async () => {
  for (const inBody of [true, false]) {
    const { page, ok, store } = bench(inBody);
    const rotations = page();
    rotations.begin("refresh", "s", "first");
    expect(store.get("refresh")?.token).toBe(inBody ? "first" : undefined);
    await ok(rotations);
    expect(store.get("refresh")?.token).toBe(inBody ? "next" : undefined);
  }
});
