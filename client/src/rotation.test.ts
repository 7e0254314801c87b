import { expect, it } from "vitest";
import type { SessionAnswer } from "./contract.js";
import { beginChain, rotate, type Rotations } from "./rotation.js";
import { SessionError } from "./session-error.js";
import { memoryStorage, openStore, type Store } from "./store.js";
import { createFakeClock, sequence } from "./testing/index.js";

/** The session stays the same. */
const always = (): void => undefined;

function bench(inBody = false) {
  const clock = createFakeClock();
  const store = openStore(memoryStorage(), "");
  let keys = 0;
  /** A page of the same browser, whose turn it always is. */
  function page(): Rotations {
    let key = "";
    return {
      ...clock,
      ...store,
      get: <Name extends Parameters<Store["get"]>[0]>(name: Name) => (name === "turn" ? key : store.get(name)) as ReturnType<typeof store.get<Name>>,
      id: "s",
      random: sequence(++keys),
      randomKey: () => (key = `x${++keys}`),
      inBody,
      raceWindowMs: 60_000,
      sure: {},
    };
  }
  const answer = { session: { id: "s" }, refreshToken: "next" } as SessionAnswer;
  const names = new Map<string, string>();
  /** Keys in the order in which they were first sent. */
  const named = (keys: string): string =>
    keys
      .split(",")
      .map((key) => names.get(key) ?? (names.set(key, `k${names.size + 1}`), `k${names.size}`))
      .join(",");
  const headers: string[] = [];
  const ok = async (tab: Rotations, outcome: "200" | "lost" = "200") => {
    // Long enough that no earlier request is still believed to be on its way.
    await clock.advance(31_000);
    await rotate(tab, "refresh", always, (sent) => {
      headers.push(named(sent));
      return outcome === "200" ? Promise.resolve({ body: answer, sentAt: 0 }) : Promise.reject(new SessionError("timeout"));
    }).catch(() => undefined);
  };
  return { clock, store, page, ok, headers, named };
}

it("a key is repeated until a 200, and then sent along as one of the last two", async () => {
  const { page, ok, headers } = bench();
  const first = page();
  beginChain(first, "refresh", "s", undefined);
  for (const outcome of ["lost", "lost", "200", "lost", "200", "200", "200"] as const) await ok(first, outcome);
  expect(headers).toEqual(["k1", "k1", "k1", "k2,k1", "k2,k1", "k3,k2,k1", "k4,k3,k2"]);
});

it("the first 200 of a page that knows its cookie only by hearsay settles no key", async () => {
  const { page, ok, headers } = bench();
  const before = page();
  beginChain(before, "refresh", "s", undefined);
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
  const { page, ok, headers, named, store } = bench();
  const [one, two] = [page(), page()];
  beginChain(one, "refresh", "s", undefined);
  beginChain(two, "refresh", "s", undefined);
  await rotate(two, "refresh", always, async (keys) => {
    headers.push(named(keys));
    await ok(one);
    await ok(one, "lost");
    return { body: { session: { id: "s" } } as SessionAnswer, sentAt: 0 };
  });
  expect(headers).toEqual(["k1", "k1", "k2,k1"]);
  const { pending = "", settled = [] } = store.get("refresh") ?? {};
  expect([named(pending), ...settled.map(named)]).toEqual(["k2", "k1"]);
});

it("a token that another tab has stored meanwhile is not replaced by an older one", async () => {
  const { page, store } = bench(true);
  const rotation = page();
  beginChain(rotation, "refresh", "s", "t1");
  await rotate(rotation, "refresh", always, () => {
    store.set("refresh", { id: "s", n: 1, settled: ["k1"], flights: {}, token: "t3" });
    return Promise.resolve({ body: { session: { id: "s" }, refreshToken: "t2" } as SessionAnswer, sentAt: 0 });
  });
  expect(store.get("refresh")?.token).toBe("t3");
});

it("in the cookie transport no token is stored, even if an answer has one", async () => {
  for (const inBody of [true, false]) {
    const { page, ok, store } = bench(inBody);
    const rotation = page();
    beginChain(rotation, "refresh", "s", "first");
    expect(store.get("refresh")?.token).toBe(inBody ? "first" : undefined);
    await ok(rotation);
    expect(store.get("refresh")?.token).toBe(inBody ? "next" : undefined);
  }
});

it("nobody rotates a second time while a request from before may still arrive", async () => {
  for (const [code, waitedMs] of [["timeout", 30_000], ["network_error", 5_000], ["temporarily_unavailable", 0]] as const) {
    const { clock, page } = bench();
    const rotation = page();
    beginChain(rotation, "refresh", "s", undefined);
    const answer = { body: { session: { id: "s" } } as SessionAnswer, sentAt: 0 };
    await rotate(rotation, "refresh", always, () => Promise.reject(new SessionError(code))).catch(() => undefined);
    const before = clock.now();
    // With the same token as the one in doubt: at once.
    await rotate(rotation, "refresh", always, () => Promise.resolve(answer));
    expect(clock.now()).toBe(before);
    let at = 0;
    const second = rotate(rotation, "refresh", always, () => {
      at = clock.now();
      return Promise.resolve(answer);
    });
    await clock.advance(31_000);
    await second;
    expect(at - before, code).toBe(waitedMs);
  }
});
