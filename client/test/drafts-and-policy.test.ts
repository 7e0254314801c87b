import { expect, it } from "vitest";
import { createDrafts } from "../src/index.js";
import { FAKE_POLICY } from "../src/testing/fake-sessions.js";
import { ADA, BOB, connected, HOUR, MINUTE, SECOND, status, within, world } from "./world.js";

function field(text: string) {
  const box = { text, given: [] as string[] };
  return { box, read: () => box.text, write: (draft: string) => void box.given.push(draft) };
}

it("a draft is given back to the same subject only, after the next connect", async () => {
  const at = await connected();
  const drafts = createDrafts(at.client, at.tab.environment.storage ?? undefined);
  const { box, read, write } = field("half a letter");
  drafts.preserve("letter", read, write);
  const [session] = at.server.sessions;
  if (session) at.server.end(session, "revoked");
  await at.clock.advance(10 * MINUTE);
  expect(status(at)).toBe("ended revoked");
  expect(drafts.kept()).toEqual(["letter"]);
  await within(at.clock, at.client.connect(BOB), SECOND);
  expect(box.given).toEqual([]);
  box.text = "";
  await within(at.clock, at.client.connect(ADA), SECOND);
  expect(box.given).toEqual(["half a letter"]);
  expect(drafts.kept()).toEqual([]);
});

it("a draft kept at the warning survives a reload, and is not given back to a user who stayed", async () => {
  const at = await connected();
  const drafts = createDrafts(at.client, at.tab.environment.storage ?? undefined);
  const { box, read, write } = field("draft");
  drafts.preserve("letter", read, write);
  await at.clock.advance(24 * HOUR - 4 * MINUTE);
  expect([status(at), drafts.kept()]).toEqual(["warning", ["letter"]]);
  const after = field("");
  at.tab.crash();
  const next = at.page();
  const later = createDrafts(next.client, next.tab.environment.storage ?? undefined);
  later.preserve("letter", after.read, after.write);
  await at.clock.advance(SECOND);
  expect(after.box.given).toEqual(["draft"]);
  await within(at.clock, next.client.extend(), SECOND);
  expect([status(next), later.kept(), box.given]).toEqual(["active", [], []]);
});

it.each(["", "for the next user"])("a draft outlives a sign-in that fails, and an app that leaves %j in its field at the end", async (left) => {
  const at = await connected();
  const drafts = createDrafts(at.client, at.tab.environment.storage ?? undefined);
  const { box, read, write } = field("half a letter");
  drafts.preserve("letter", read, write);
  at.client.on("ended", () => (box.text = left));
  const [session] = at.server.sessions;
  if (session) at.server.end(session, "revoked");
  await at.clock.advance(10 * MINUTE);
  await expect(within(at.clock, at.client.connect({ ...ADA, password: "wrong" }), SECOND)).rejects.toMatchObject({ code: "credential_rejected" });
  expect([status(at), drafts.kept()]).toEqual(["ended revoked", ["letter"]]);
  await within(at.clock, at.client.connect(ADA), SECOND);
  expect(box.given).toEqual(["half a letter"]);
});

it("an empty field is no draft: it is not counted, and takes nothing from what another tab has kept", async () => {
  const at = await connected();
  const other = at.page();
  await at.clock.advance(SECOND);
  const storage = at.tab.environment.storage ?? undefined;
  const [drafts, others] = [createDrafts(at.client, storage), createDrafts(other.client, storage)];
  const written = field("half a letter");
  drafts.preserve("letter", written.read, written.write);
  for (const key of ["letter", "note"]) others.preserve(key, () => "", () => undefined);
  const [session] = at.server.sessions;
  if (session) at.server.end(session, "revoked");
  await at.clock.advance(10 * MINUTE);
  expect([status(at), status(other), drafts.kept()]).toEqual(["ended revoked", "ended revoked", ["letter"]]);
});

it("drafts are at most 65,536 units long, and a logout removes them", async () => {
  for (const [length, kept] of [[65_536, ["letter"]], [65_537, []]] as const) {
    const at = await connected();
    const drafts = createDrafts(at.client, at.tab.environment.storage ?? undefined);
    const { read, write } = field("x".repeat(length));
    drafts.preserve("letter", read, write);
    await at.clock.advance(24 * HOUR - 4 * MINUTE);
    expect(drafts.kept()).toEqual(kept);
    await within(at.clock, at.client.logout(), SECOND);
    expect(drafts.kept()).toEqual([]);
  }
});

it("a policy that changes reaches an open tab without a reload", async () => {
  const at = await connected();
  await at.clock.advance(HOUR);
  at.server.policy = { ...FAKE_POLICY, version: "v2", heartbeatIntervalMs: MINUTE, refreshThresholdMs: 2 * MINUTE };
  await at.clock.advance(6 * MINUTE);
  expect(at.client.policy()).toMatchObject({ version: "v2", heartbeatIntervalMs: MINUTE });
  const asked = () => at.server.to("validate").length + at.server.to("refresh").length;
  const before = asked();
  await at.clock.advance(10 * MINUTE);
  expect(asked() - before).toBeGreaterThanOrEqual(9);
  expect(at.server.to("policy").length).toBe(2);
});

it("a service whose policy cannot be had is used with the defaults", async () => {
  const at = world();
  at.server.fault = ({ route }) => (route === "policy" ? { kind: "unreached" } : undefined);
  const page = at.page();
  await within(at.clock, page.client.connect(ADA), SECOND);
  await at.clock.advance(HOUR);
  expect([status(page), page.client.policy().version]).toEqual(["active", ""]);
});

it("the time left is that until the first limit, or until the named one", async () => {
  const at = world();
  at.server.policy = { ...FAKE_POLICY, idleTimeoutMs: HOUR, absoluteTimeoutMs: 2 * HOUR };
  const page = at.page();
  const left = () => [page.client.remainingMs(), page.client.remainingMs("idle"), page.client.remainingMs("absolute")];
  expect(left()).toEqual([null, null, null]);
  const before = at.clock.now();
  await within(at.clock, page.client.connect(ADA));
  const sinceMs = at.clock.now() - before;
  // The turn and the way there and back take less than half a second.
  expect(left().map((ms) => Math.round(((ms ?? 0) + sinceMs) / SECOND))).toEqual([3_600, 3_600, 7_200]);
  await within(at.clock, page.client.logout());
  expect(left()).toEqual([null, null, null]);
});

it("a policy of seconds is kept as well as one of days", async () => {
  const at = world();
  at.server.policy = {
    ...FAKE_POLICY,
    accessTokenTtlMs: 2000,
    heartbeatIntervalMs: 1000,
    refreshThresholdMs: 1000,
    idleTimeoutMs: 4000,
    sessionTimeoutMs: 5000,
    warningLeadMs: 1000,
  };
  const page = at.page();
  await within(at.clock, page.client.connect(ADA), SECOND);
  for (let second = 0; second < 60; second++) {
    page.tab.input();
    await at.clock.advance(SECOND);
  }
  expect(status(page)).toBe("active");
  expect(at.server.requests.length).toBeLessThan(150);
  await at.clock.advance(2.5 * SECOND);
  expect(status(page)).toBe("warning");
  await at.clock.advance(2 * SECOND);
  expect(status(page)).toBe("ended idle_timeout");
});

it("tokens in bodies stay in memory, or in the storage that was given for them", async () => {
  const at = world();
  const memory = at.page({ transport: "body" });
  await within(at.clock, memory.client.connect(ADA), SECOND);
  await at.clock.advance(HOUR);
  expect([status(memory), at.browser.cookies.size, at.browser.stored.size]).toEqual(["active", 0, 0]);
  const given = at.browser.tab();
  const storage = given.environment.storage;
  if (!storage) throw new Error("no storage");
  const stored = at.page({ transport: "body", storage });
  await within(at.clock, stored.client.connect(ADA, { remember: true }), SECOND);
  const other = at.page({ transport: "body", storage });
  await at.clock.advance(HOUR);
  expect([status(stored), status(other)]).toEqual(["active", "active"]);
  at.server.end(at.server.sessions[1] ?? (() => { throw new Error(); })(), "unknown");
  await at.clock.advance(HOUR);
  expect([status(stored), status(other), at.server.sessions.length]).toEqual(["active", "active", 3]);
});
