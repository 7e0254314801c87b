import { expect, it } from "vitest";
import { ADA, connected, HOUR, MINUTE, SECOND, status, within, world } from "./world.js";

it("an outage shorter than the idle limit signs nobody out and is asked after patiently", async () => {
  const at = await connected();
  await at.clock.advance(MINUTE);
  const before = at.server.requests.length;
  at.server.fault = () => ({ kind: "refuse", status: 503, code: "temporarily_unavailable", retryAfterSeconds: 5 });
  const seen = new Set<string>();
  at.client.subscribe(() => seen.add(status(at)));
  for (let minute = 0; minute < 180; minute++) {
    at.tab.event("focus");
    await at.clock.advance(MINUTE);
  }
  expect([...seen]).toEqual(["offline"]);
  // Somebody looks at the page every minute: about one request for each look, and backoff in between.
  expect(at.server.requests.length - before).toBeLessThan(300);
  at.server.fault = () => undefined;
  at.tab.event("online");
  await at.clock.advance(10 * SECOND);
  expect(status(at)).toBe("active");
});

it("in an outage that nobody looks at, the rate falls to the pace of polls", async () => {
  const at = await connected();
  at.server.fault = () => ({ kind: "unreached" });
  await at.clock.advance(30 * MINUTE);
  const before = at.server.requests.length;
  await at.clock.advance(3 * HOUR);
  expect(at.server.requests.length - before).toBeLessThan(150);
  expect(at.client.getSnapshot()).toMatchObject({ status: "offline", failure: "network_error", session: { subject: "subject-ada" } });
});

it("Retry-After is obeyed, also when somebody looks at the page", async () => {
  const at = await connected();
  await at.clock.advance(MINUTE);
  at.server.fault = () => ({ kind: "refuse", status: 429, code: "too_many_attempts", retryAfterSeconds: 120 });
  at.client.validate().catch(() => undefined);
  await at.clock.advance(SECOND);
  const before = at.server.requests.length;
  for (let look = 0; look < 11; look++) {
    await at.clock.advance(10 * SECOND);
    at.tab.event("online");
  }
  expect(at.server.requests.length).toBe(before);
  await at.clock.advance(30 * SECOND);
  expect(at.server.requests.length).toBeGreaterThan(before);
});

it.each([
  ["HTML of a captive portal", { kind: "answer", status: 200, body: "<html>", headers: { "content-type": "text/html" } }, "unexpected_answer"],
  ["JSON of somebody else", { kind: "answer", status: 200, body: "{}", headers: { "content-type": "application/json" } }, "unexpected_answer"],
  ["JSON that looks like an answer", { kind: "answer", status: 200, body: '{"session":{},"nextPollMs":1000}', headers: { "content-type": "application/json" } }, "unexpected_answer"],
  ["JSON that is cut off", { kind: "answer", status: 200, body: '{"session":{"id":', headers: { "content-type": "application/json" } }, "network_error"],
  ["a code that is not in problem details", { kind: "answer", status: 401, body: '{"code":"session_ended"}', headers: { "content-type": "application/json" } }, "unexpected_answer"],
  ["a 401 of a proxy", { kind: "answer", status: 401, body: "{}", headers: { "content-type": "application/json" } }, "unexpected_answer"],
  ["a 403 of a firewall", { kind: "answer", status: 403 }, "unexpected_answer"],
  ["a gateway without a backend", { kind: "answer", status: 500 }, "unexpected_answer"],
  ["silence", { kind: "silent" }, "timeout"],
  ["no network", { kind: "unreached" }, "network_error"],
] as const)("%s ends nothing", async (_, fault, failure) => {
  const at = await connected();
  await at.clock.advance(MINUTE);
  at.server.fault = () => fault;
  await at.clock.advance(HOUR);
  expect(at.client.getSnapshot()).toMatchObject({ status: "offline", failure });
  at.server.fault = () => undefined;
  at.tab.event("online");
  // A request that nobody answers has to be given up first, and the next one waits for up to the heartbeat.
  await at.clock.advance(fault.kind === "silent" ? 6 * MINUTE : MINUTE);
  expect(status(at)).toBe("active");
});

it("who does not reach the server stops hoping the buffer after the idle limit", async () => {
  const at = await connected();
  at.server.fault = () => ({ kind: "unreached" });
  // The last answer counts from when its request was sent.
  await at.clock.advance(24 * HOUR + 4.5 * MINUTE);
  expect(status(at)).toBe("offline");
  await at.clock.advance(MINUTE);
  expect(at.client.getSnapshot()).toMatchObject({ status: "ended", reason: "idle_timeout", confirmed: false });
});

it("a wall clock that is set ahead while the server is not reached ends no hope", async () => {
  const at = await connected();
  at.server.fault = () => ({ kind: "unreached" });
  await at.clock.advance(HOUR);
  at.clock.shiftWall(48 * HOUR);
  await at.clock.advance(HOUR);
  expect(status(at)).toBe("offline");
});

it("input that a repeated refresh did not count is reported again", async () => {
  const at = await connected();
  await at.clock.advance(MINUTE);
  at.server.fault = ({ route }) => (route === "refresh" ? { kind: "lost" } : undefined);
  at.client.refresh().catch(() => undefined);
  await at.clock.advance(100);
  at.server.fault = () => undefined;
  at.tab.input();
  const seenAt = at.clock.now();
  await within(at.clock, at.client.refresh(), 5 * SECOND);
  expect(at.server.sessions[0]?.lastActiveAt).toBeLessThan(seenAt);
  await at.clock.advance(6 * MINUTE);
  expect(at.server.sessions[0]?.lastActiveAt).toBeGreaterThanOrEqual(seenAt - 100);
});

it("a wall clock that is set by two hours changes no request", async () => {
  const counts = await Promise.all(
    [0, 2 * HOUR, -2 * HOUR].map(async (shift) => {
      const at = await connected();
      await at.clock.advance(7 * MINUTE);
      at.clock.shiftWall(shift);
      await at.clock.advance(2 * HOUR);
      expect(status(at)).toBe("active");
      return at.server.requests.length;
    }),
  );
  expect(counts[2]).toBe(counts[0]);
  // Forward looks like sleep: one refresh, which takes the place of the next one.
  expect(Math.abs((counts[1] ?? 0) - (counts[0] ?? 0))).toBeLessThanOrEqual(1);
});

it("a lost session is reconnected without the user, and only if that is allowed", async () => {
  for (const [reason, remember, state] of [
    ["unknown", true, "active"],
    ["unknown", false, "ended unknown"],
    ["revoked", true, "ended revoked"],
    ["reuse_detected", true, "ended reuse_detected"],
  ] as const) {
    const at = await connected({ remember });
    const other = at.page();
    const ended: string[] = [];
    at.client.on("ended", (end) => ended.push(end.reason));
    await at.clock.advance(MINUTE);
    const [session] = at.server.sessions;
    if (session) at.server.end(session, reason);
    await at.clock.advance(10 * MINUTE);
    expect([status(at), status(other)], reason).toEqual([state, state]);
    expect(ended).toEqual(state === "active" ? [] : [reason]);
    expect(at.server.sessions.length).toBe(state === "active" ? 2 : 1);
    // Without permission it is not even tried: an attempt with a stolen token would raise an alarm.
    expect(at.server.to("reconnect").length).toBe(state === "active" ? 1 : 0);
  }
});

it("a reconnect whose answer was lost opens one session, also after a crash", async () => {
  const at = await connected({ remember: true });
  await at.clock.advance(MINUTE);
  const [session] = at.server.sessions;
  if (session) at.server.end(session, "unknown");
  at.server.fault = ({ route }) => (route === "reconnect" ? { kind: "lost" } : undefined);
  await at.clock.advance(5 * MINUTE);
  expect(status(at)).toBe("reconnecting");
  at.tab.crash();
  at.server.fault = () => undefined;
  const reopened = at.page();
  await at.clock.advance(MINUTE);
  expect(status(reopened)).toBe("active");
  expect(at.server.sessions.length).toBe(2);
});

it("a stored credential that its server refuses ends the session with the reason it was lost for", async () => {
  const at = await connected({ remember: true });
  await at.clock.advance(MINUTE);
  const [session] = at.server.sessions;
  if (session?.remembered) session.remembered.rejected = true;
  if (session) at.server.end(session, "unknown");
  await at.clock.advance(10 * MINUTE);
  expect(status(at)).toBe("ended unknown");
  expect(at.server.to("reconnect").length).toBe(1);
});

it("an old cookie that a crash brings back is replayed, however often", async () => {
  const at = await connected();
  await at.clock.advance(MINUTE);
  let { tab } = at;
  const old = new Map(at.browser.cookies);
  await within(at.clock, at.client.refresh(), SECOND);
  for (let crash = 0; crash < 5; crash++) {
    tab.crash();
    at.browser.cookies = new Map(old);
    await at.clock.advance(MINUTE);
    const reopened = at.page();
    tab = reopened.tab;
    await at.clock.advance(5 * SECOND);
    expect(status(reopened), String(crash)).toBe("active");
  }
  expect(at.server.sessions[0]?.end).toBe(null);
});

it("the same cookie is not sent beyond half of the race window after a 409", async () => {
  const at = await connected();
  await at.clock.advance(MINUTE);
  at.server.fault = ({ route }) => (route === "refresh" ? { kind: "refuse", status: 409, code: "refresh_superseded", retryAfterSeconds: 1 } : undefined);
  const refresh = at.client.refresh();
  await expect(within(at.clock, refresh, HOUR)).rejects.toMatchObject({ code: "refresh_superseded" });
  const sent = at.server.to("refresh").slice(1).map((request) => request.at);
  expect(sent.length).toBeGreaterThan(20);
  expect((sent.at(-1) ?? 0) - (sent[0] ?? 0)).toBeLessThanOrEqual(30 * SECOND);
  expect(status(at)).toBe("offline");
});

it("a logout that cannot be told is told later, also by the next page", async () => {
  const at = await connected();
  await at.clock.advance(MINUTE);
  at.server.fault = ({ route }) => (route === "logout" ? { kind: "unreached" } : undefined);
  await within(at.clock, at.client.logout());
  expect(at.client.getSnapshot()).toMatchObject({ status: "ended", reason: "logout", confirmed: false });
  at.tab.crash();
  at.server.fault = () => undefined;
  const next = at.page();
  await at.clock.advance(MINUTE);
  expect(at.server.sessions[0]?.end?.reason).toBe("logout");
  expect(next.client.getSnapshot()).toMatchObject({ status: "ended", reason: "logout", confirmed: true });
});

it("a refused credential ends an attempt and nothing else", async () => {
  const at = await connected();
  const attempt = at.client.connect({ ...ADA, password: "wrong" });
  await expect(within(at.clock, attempt)).rejects.toMatchObject({ code: "credential_rejected", details: { status: 401 } });
  expect(status(at)).toBe("active");
  const nobody = world();
  const page = nobody.page();
  await expect(within(nobody.clock, page.client.connect({ ...ADA, password: "wrong" }))).rejects.toMatchObject({ code: "credential_rejected" });
  expect(status(page)).toBe("anonymous");
});
