import { describe, expect, it } from "vitest";
import { sequence } from "../src/testing/index.js";
import { ADA, BOB, connected, HOUR, MINUTE, SECOND, status, within } from "./world.js";

describe.each([2, 8])("%i tabs without locks", (count) => {
  it.each([1, 2, 3, 4, 5, 6])("storms of refreshes with unequal delays log nobody out (run %i)", async (seed) => {
    const random = sequence(seed);
    const at = await connected({ random });
    // Cold starts: a few requests take seconds, and some answers are lost.
    at.server.latencyMs = () => (random() < 0.2 ? 1000 + random() * 3000 : 20 + random() * 80);
    at.server.fault = ({ route }) => (route === "refresh" && random() < 0.1 ? { kind: "lost" } : undefined);
    const pages = [at, ...Array.from({ length: count - 1 }, () => at.page())];
    await at.clock.advance(2 * MINUTE);
    for (let storm = 0; storm < 6; storm++) {
      for (const { client } of pages) client.refresh().catch(() => undefined);
      await at.clock.advance(random() * 20 * SECOND);
      for (const { tab } of pages) tab.event("focus");
      await at.clock.advance(MINUTE);
    }
    at.server.fault = () => undefined;
    await at.clock.advance(10 * MINUTE);
    expect(at.server.sessions.map(({ end }) => end)).toEqual([null]);
    expect(pages.map(status)).toEqual(pages.map(() => "active"));
  });
});

it.each([8, 12, 24, 40])("requests that arrive %i seconds later, or after they were given up, log nobody out", async (slowSeconds) => {
  for (let seed = 1; seed <= 5; seed++) {
    const random = sequence(seed);
    const at = await connected({ random });
    at.server.latencyMs = ({ route }) => (route === "refresh" && random() < 0.1 ? slowSeconds * SECOND : 20 + random() * 80);
    const pages = [at, ...Array.from({ length: 7 }, () => at.page())];
    await at.clock.advance(2 * MINUTE);
    for (let storm = 0; storm < 4; storm++) {
      for (const { client } of pages) client.refresh().catch(() => undefined);
      await at.clock.advance(90 * SECOND);
    }
    expect(at.server.sessions.map(({ end }) => end), String(seed)).toEqual([null]);
  }
});

it("tabs that wake together from sleep all go on, with one refresh each", async () => {
  {
    const at = await connected();
    const pages = [at, ...Array.from({ length: 7 }, () => at.page())];
    await at.clock.advance(MINUTE);
    const before = at.server.to("refresh").length;
    at.clock.sleep(8 * HOUR);
    for (const { tab } of pages) for (const type of ["visibilitychange", "pageshow", "focus", "online", "resume"]) tab.event(type);
    await at.clock.advance(MINUTE);
    expect(pages.map(status)).toEqual(pages.map(() => "active"));
    expect(at.server.to("refresh").length - before).toBe(8);
  }
});

it("a holder of the turn that froze holds others up for five seconds at most", async () => {
  const at = await connected();
  const other = at.page();
  await at.clock.advance(SECOND);
  at.server.fault = ({ route }) => (route === "refresh" ? { kind: "silent" } : undefined);
  at.client.refresh().catch(() => undefined);
  await at.clock.advance(100);
  at.tab.crash();
  at.server.fault = () => undefined;
  other.client.refresh().catch(() => undefined);
  const before = at.server.to("refresh").length;
  await at.clock.advance(4 * SECOND);
  expect(at.server.to("refresh").length).toBe(before);
  await at.clock.advance(1.2 * SECOND);
  expect(at.server.to("refresh").length).toBe(before + 1);
});

it("another user who connects in another tab is the user of all tabs", async () => {
  const at = await connected();
  const other = at.page();
  await at.clock.advance(SECOND);
  await within(at.clock, other.client.connect(BOB), 5 * SECOND);
  for (const { client } of [at, other]) {
    expect(client.getSnapshot()).toMatchObject({ status: "active", session: { subject: "subject-bob" } });
  }
  expect(at.server.sessions.map(({ end }) => end?.reason)).toEqual(["replaced", undefined]);
});

it("a request of one user is not repeated with the token of the next", async () => {
  const at = await connected();
  const other = at.page();
  await at.clock.advance(SECOND);
  at.server.app = () => new Response("{}", { status: 401 });
  at.server.latencyMs = ({ route }) => (route === "app" ? 6 * SECOND : 20);
  const asked = at.client.fetch("https://api.test/app");
  await within(at.clock, other.client.connect(BOB), 5 * SECOND);
  const response = await within(at.clock, asked, 20 * SECOND);
  expect(at.client.getSnapshot()).toMatchObject({ status: "active", session: { subject: "subject-bob" } });
  expect([response.status, at.server.to("app").length]).toEqual([401, 1]);
});

it("an answer about an older session that comes late is discarded", async () => {
  const at = await connected();
  await at.clock.advance(SECOND);
  at.server.latencyMs = ({ route }) => (route === "validate" ? 6 * SECOND : 20);
  at.client.validate().catch(() => undefined);
  await at.clock.advance(100);
  await within(at.clock, at.client.connect(ADA), 3 * SECOND);
  // The old session has been replaced, so the answer to the old token is session_ended.
  await at.clock.advance(10 * SECOND);
  expect(status(at)).toBe("active");
  expect(at.client.explain().entries.some(({ kind }) => kind === "discard")).toBe(true);
});

it("tabs learn of a logout by the storage where there are no channels", async () => {
  const at = await connected({ channels: false });
  const other = at.page();
  await at.clock.advance(SECOND);
  await within(at.clock, other.client.logout(), SECOND);
  expect(status(at)).toBe("ended logout");
});

it("a page that comes back from the back/forward cache follows what it did not hear of", async () => {
  const at = await connected();
  at.browser.stored.set("session-keepalive:https://api.test:session", JSON.stringify({ id: null, end: { reason: "logout", endedAt: null } }));
  at.tab.event("pageshow", { persisted: true });
  expect(status(at)).toBe("ended logout");
});

it("input in one tab is reported by another, also by the next page", async () => {
  const at = await connected();
  const other = at.page();
  await at.clock.advance(SECOND);
  other.tab.input("wheel");
  other.tab.crash();
  other.client.dispose();
  await at.clock.advance(5 * MINUTE);
  const reports = at.server.to("validate").map(({ body }) => body?.["lastActiveMsAgo"]);
  expect(reports.filter((report) => report !== null).length).toBe(1);
  expect(at.server.sessions[0]?.lastActiveAt).toBeGreaterThan(at.server.sessions[0]?.createdAt ?? 0);
});

it("neither storage nor messages nor the flight recorder hold a token or a credential", async () => {
  const at = await connected({ remember: true });
  const other = at.page();
  at.server.latencyMs = () => 50;
  for (let hour = 0; hour < 3; hour++) {
    at.tab.input();
    await at.clock.advance(HOUR);
  }
  const session = at.server.sessions[0];
  if (session) at.server.end(session, "unknown");
  await at.clock.advance(HOUR);
  expect(status(other)).toBe("active");
  const everything = JSON.stringify([
    [...at.browser.stored],
    at.browser.messages,
    at.client.explain().entries,
    at.client.explain().toString(),
    at.client.getSnapshot(),
  ]);
  for (const secret of ["access.", "refresh.session", "reconnect.session", ADA.password]) {
    expect(everything.includes(secret), secret).toBe(false);
  }
  expect(JSON.stringify(at.client.explain().entries)).not.toContain("key-");
  expect(at.browser.messages.length).toBeGreaterThan(3);
});

it("a tab that tries to reconnect after another one logged out says why the session ended", async () => {
  const at = await connected({ remember: true });
  const other = at.page();
  await at.clock.advance(MINUTE);
  await within(at.clock, other.client.logout());
  expect(status(at)).toBe("ended logout");
  const states: string[] = [];
  at.client.on("change", (state) => states.push("reason" in state ? `${state.status} ${state.reason}` : state.status));
  await within(at.clock, at.client.reconnect().catch(() => undefined));
  expect(states).toEqual(["reconnecting logout", "ended logout"]);
});
