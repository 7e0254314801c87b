import { expect, it } from "vitest";
import { FAKE_POLICY } from "../src/testing/fake-sessions.js";
import { connected, HOUR, MINUTE, SECOND, status, within, world, ADA } from "./world.js";

it("a session is polled at the server's pace, and from half of the token's life on a refresh takes the place of a poll", async () => {
  const { clock, server, client } = await connected();
  await clock.advance(HOUR);
  expect(status({ client })).toBe("active");
  expect(server.to("refresh").length).toBe(6);
  expect(server.to("validate").length).toBe(6);
  expect(server.to("policy").length).toBe(1);
});

it("the first page of a visitor asks once and shows nobody", async () => {
  const { clock, server, page } = world();
  const first = page();
  await clock.advance(HOUR);
  expect(status(first)).toBe("anonymous");
  expect(server.to("refresh").length).toBe(1);
  page();
  await clock.advance(HOUR);
  expect(server.to("refresh").length).toBe(1);
});

it("whenever a page connects, nobody is shown to be signed out while it does", async () => {
  for (const ms of [0, 1, 24, 25, 40, 100, 1000]) {
    const at = world();
    const page = at.page();
    await at.clock.advance(ms);
    const connecting = page.client.connect(ADA);
    const shown = [];
    for (let waited = 0; waited < SECOND; waited++) {
      await at.clock.advance(1);
      shown.push(status(page));
    }
    await connecting;
    expect([...new Set(shown)], `${String(ms)} ms after it was loaded`).toEqual(["connecting", "active"]);
  }
});

it("an idle tab that polls never reports activity and ends at its idle limit", async () => {
  const at = await connected();
  const ended: unknown[] = [];
  at.client.on("ended", (end) => ended.push(end));
  await at.clock.advance(24 * HOUR - MINUTE);
  expect(status(at)).toBe("warning");
  await at.clock.advance(2 * MINUTE);
  expect(status(at)).toBe("ended idle_timeout");
  expect(ended.length).toBe(1);
  const reports = [...at.server.to("validate"), ...at.server.to("refresh")].map(({ body }) => body?.["lastActiveMsAgo"]);
  expect(new Set(reports)).toEqual(new Set([null]));
});

it("a token is replaced a minute before its end, however seldom the server wants to be asked", async () => {
  const at = world();
  at.server.policy = { ...FAKE_POLICY, heartbeatIntervalMs: HOUR };
  const page = at.page();
  await within(at.clock, page.client.connect(ADA), SECOND);
  await at.clock.advance(HOUR);
  const first = at.server.to("refresh")[0];
  expect([at.server.to("refresh").length, at.server.to("validate").length]).toEqual([4, 0]);
  expect(Math.round(((first?.at ?? 0) - (at.server.to("connect")[0]?.at ?? 0)) / MINUTE)).toBe(14);
});

it("input of a person keeps the session, input of a script does not", async () => {
  for (const [isTrusted, alive] of [[true, true], [false, false]] as const) {
    const at = await connected();
    for (let hour = 0; hour < 30; hour++) {
      at.tab.input("keydown", isTrusted);
      await at.clock.advance(HOUR);
    }
    expect(status(at) === "active", String(isTrusted)).toBe(alive);
  }
});

it("a 401 of the app is repeated once with a new token", async () => {
  const at = await connected();
  const first = at.server.sessions[0]?.refresh.generation;
  at.server.app = () => new Response("{}", { status: at.server.sessions[0]?.refresh.generation === first ? 401 : 200 });
  const response = await within(at.clock, at.client.fetch("https://api.test/app", { method: "POST", body: "text" }));
  expect(response.status).toBe(200);
  expect(at.server.to("app").length).toBe(2);
  expect(at.server.to("app").every(({ headers }) => headers.get("authorization")?.startsWith("Bearer access."))).toBe(true);
});

it("a 401 of the app is not repeated when the session has ended", async () => {
  for (const remember of [false, true]) {
    const at = await connected({ remember });
    at.server.app = () => new Response("{}", { status: 401 });
    const [session] = at.server.sessions;
    if (session) at.server.end(session, "revoked");
    const response = await within(at.clock, at.client.fetch("https://api.test/app"));
    expect([response.status, at.server.to("app").length, status(at)]).toEqual([401, 1, "ended revoked"]);
  }
});

it("fetch and clock are called as they were given", async () => {
  const at = world();
  const tab = at.browser.tab();
  const { clock } = at;
  const receivers = new Set<unknown>();
  // As window.fetch, which throws if it is called as a method of anything else.
  const fetch = function (this: unknown, ...given: Parameters<typeof globalThis.fetch>) {
    receivers.add(this);
    return tab.environment.fetch(...given);
  };
  /** Its functions are in the prototype, and need it. */
  class OwnClock {
    readonly #clock = clock;
    now(): number {
      return this.#clock.now();
    }
    wall(): number {
      return this.#clock.wall();
    }
    after(ms: number, done: () => void): () => void {
      return this.#clock.after(ms, done);
    }
  }
  const page = at.page({ fetch, clock: new OwnClock() });
  await within(clock, page.client.connect(ADA));
  await within(clock, page.client.fetch("https://api.test/app"));
  await within(clock, page.client.fetch("https://other.test/app"));
  expect([...receivers]).toEqual([undefined]);
});

it("a crash after a refresh whose answer was lost keeps the session", async () => {
  const at = await connected();
  await at.clock.advance(MINUTE);
  at.server.fault = ({ route }) => (route === "refresh" ? { kind: "lost" } : undefined);
  at.client.refresh().catch(() => undefined);
  await at.clock.advance(SECOND);
  at.tab.crash();
  at.server.fault = () => undefined;
  await at.clock.advance(HOUR);
  const reopened = at.page();
  await at.clock.advance(MINUTE);
  expect(status(reopened)).toBe("active");
  expect(at.server.sessions.length).toBe(1);
});

it("logs out in every tab at once, and for good", async () => {
  const at = await connected();
  const other = at.page();
  await at.clock.advance(SECOND);
  expect(status(other)).toBe("active");
  await within(at.clock, at.client.logout(), SECOND);
  expect([status(at), status(other)]).toEqual(["ended logout", "ended logout"]);
  expect(at.server.sessions[0]?.end?.reason).toBe("logout");
  expect(at.browser.cookies.size).toBe(0);
  await within(at.clock, at.client.connect(ADA), SECOND);
  await at.clock.advance(SECOND);
  expect([status(at), status(other)]).toEqual(["active", "active"]);
});

it("who logs out while a connect is on its way is logged out", async () => {
  const at = await connected();
  at.server.latencyMs = ({ route }) => (route === "connect" ? 2 * SECOND : 20);
  const connecting = at.client.connect(ADA);
  connecting.catch(() => undefined);
  await at.clock.advance(SECOND);
  await within(at.clock, at.client.logout());
  await expect(connecting).rejects.toMatchObject({ code: "outdated" });
  expect(status(at)).toBe("ended logout");
  expect(at.server.sessions.map(({ end }) => end?.reason)).toEqual(["replaced", "logout"]);
});

it("the app's own requests do not storm a server that cannot be reached", async () => {
  const at = await connected();
  await at.clock.advance(MINUTE);
  at.server.fault = ({ route }) => (route === "app" ? undefined : { kind: "refuse", status: 503, code: "temporarily_unavailable", retryAfterSeconds: 60 });
  await at.clock.advance(HOUR);
  const before = at.server.to("refresh").length;
  for (let request = 0; request < 100; request++) {
    at.client.fetch("https://api.test/app").catch(() => undefined);
    await at.clock.advance(100);
  }
  expect(at.server.to("refresh").length - before).toBeLessThanOrEqual(1);
});

it("the access token goes to the service's, the page's and the named origins only", async () => {
  const at = world();
  const page = at.page({ origins: ["https://app.test"] });
  await within(at.clock, page.client.connect(ADA), SECOND);
  for (const [url, carries] of [["https://api.test/app", true], ["https://app.test/x", true], ["https://other.test/x", false]] as const) {
    await within(at.clock, page.client.fetch(url), SECOND);
    expect(at.server.to("app").at(-1)?.headers.has("authorization"), url).toBe(carries);
  }
});

it("a stream is not sent twice", async () => {
  const at = await connected();
  at.server.app = () => new Response("{}", { status: 401 });
  const body = new Blob(["text"]).stream();
  const init = { method: "POST", body, duplex: "half" } as RequestInit;
  const response = await within(at.clock, at.client.fetch("https://api.test/app", init));
  expect([response.status, at.server.to("app").length]).toEqual([401, 1]);
});

it("lists the user's sessions and ends them, this one too", async () => {
  const at = await connected();
  const listed = await within(at.clock, at.client.sessions(), SECOND);
  expect(listed.map(({ current, remembered }) => [current, remembered])).toEqual([[true, false]]);
  await within(at.clock, at.client.endSessions("others"), SECOND);
  expect(status(at)).toBe("active");
  await within(at.clock, at.client.endSessions({ id: "session-1" }), 2 * SECOND);
  expect(status(at)).toBe("ended revoked");
});

it("the snapshot is the same object until something changes", async () => {
  const at = await connected();
  const before = at.client.getSnapshot();
  await at.clock.advance(HOUR);
  expect(at.client.getSnapshot()).toBe(before);
});

it("a client that was disposed of is silent", async () => {
  const at = await connected();
  at.client.dispose();
  const before = at.server.requests.length;
  at.tab.event("focus");
  await at.clock.advance(HOUR);
  expect(at.server.requests.length).toBe(before);
});

it("a client that was disposed of while it connected is silent", async () => {
  const at = world();
  const page = at.page();
  await at.clock.advance(SECOND);
  const connecting = page.client.connect(ADA);
  await at.clock.advance(10);
  page.client.dispose();
  await within(at.clock, connecting, SECOND);
  const before = at.server.requests.length;
  await at.clock.advance(HOUR);
  expect(at.server.requests.length).toBe(before);
});

it("a refresh that was on its way when the client was disposed of keeps its answer for the next page", async () => {
  const at = await connected();
  await at.clock.advance(MINUTE);
  at.client.refresh().catch(() => undefined);
  await at.clock.advance(30);
  at.client.dispose();
  await at.clock.advance(SECOND);
  expect(JSON.parse(at.browser.stored.get("session-keepalive:https://api.test:refresh") ?? "")).toMatchObject({ n: 1, flights: {} });
});
