import { expect, it } from "vitest";
import { createSessionClient, type SessionPolicy } from "../src/index.js";
import { ADA, connected, MINUTE, SECOND, status, within, world } from "./world.js";

/** What a newer service adds, in whatever it answers. */
const ADDED = { ofTheFuture: { deep: [1] }, keyIndex: 0, replayed: false };

it("an end for a reason that is not known is an end under that name", async () => {
  for (const reason of ["password_changed", "blocked", "constructor"]) {
    for (const remember of [false, true]) {
      const at = await connected({ remember });
      await at.clock.advance(MINUTE);
      const [session] = at.server.sessions;
      if (session) at.server.end(session, reason);
      await at.clock.advance(10 * MINUTE);
      expect(status(at)).toBe(`ended ${reason}`);
      expect(at.server.to("reconnect").length).toBe(0);
    }
  }
});

it.each([400, 403, 409, 428, 429, 500, 503])("a code that is not known ends no session, by a %i", async (refusal) => {
  for (const route of ["refresh", "validate"]) {
    const at = await connected({ remember: true });
    await at.clock.advance(MINUTE);
    at.server.fault = (request) => (request.route === route ? { kind: "refuse", status: refusal, code: "of_2031" } : undefined);
    await at.clock.advance(20 * MINUTE);
    expect(at.client.getSnapshot()).toMatchObject({ status: "offline", failure: "of_2031" });
    at.server.fault = () => undefined;
    await at.clock.advance(6 * MINUTE);
    expect(status(at)).toBe("active");
    expect(at.server.sessions.length).toBe(1);
  }
});

it("a code that is not known refuses a connect and leaves the session that there is", async () => {
  const at = await connected();
  at.server.fault = ({ route }) => (route === "connect" ? { kind: "refuse", status: 403, code: "user_blocked" } : undefined);
  await expect(within(at.clock, at.client.connect(ADA))).rejects.toMatchObject({ code: "user_blocked", details: { status: 403 } });
  expect(status(at)).toBe("active");
});

it.each([
  [400, "invalid_request"],
  [409, "session_live"],
  [401, "of_2031"],
])("a reconnect that is refused by a %i %s can be tried again, with what was stored", async (refusal, code) => {
  for (const transport of ["cookie", "body"] as const) {
    const at = world();
    const stored = new Map<string, string>();
    const storage = {
      getItem: (key: string) => stored.get(key) ?? null,
      setItem: (key: string, value: string) => void stored.set(key, value),
      removeItem: (key: string) => void stored.delete(key),
    };
    const { client, tab } = at.page({ transport, storage });
    await within(at.clock, client.connect(ADA, { remember: true }));
    const [session] = at.server.sessions;
    if (session) at.server.end(session, "unknown");
    at.server.fault = ({ route }) => (route === "reconnect" ? { kind: "refuse", status: refusal, code } : undefined);
    await at.clock.advance(10 * MINUTE);
    expect(status({ client }), transport).toBe("ended unknown");
    expect(at.server.to("reconnect").length).toBe(1);
    tab.crash();
    at.server.fault = () => undefined;
    const next = at.page({ transport, storage });
    await at.clock.advance(MINUTE);
    expect(status(next), transport).toBe("active");
  }
});

it("a reconnect that another build has to answer is waited for", async () => {
  const at = await connected({ remember: true });
  const [session] = at.server.sessions;
  if (session) at.server.end(session, "unknown");
  at.server.fault = ({ route }) => (route === "reconnect" ? { kind: "refuse", status: 503, code: "of_2031" } : undefined);
  await at.clock.advance(10 * MINUTE);
  expect(status(at)).toBe("reconnecting");
  at.server.fault = () => undefined;
  await at.clock.advance(6 * MINUTE);
  expect(status(at)).toBe("active");
});

it("a logout that is refused is not confirmed, and the next page tells it again", async () => {
  const at = await connected();
  at.server.fault = ({ route }) => (route === "logout" ? { kind: "refuse", status: 400, code: "invalid_request" } : undefined);
  await within(at.clock, at.client.logout());
  expect(at.client.getSnapshot()).toMatchObject({ status: "ended", reason: "logout", confirmed: false });
  at.tab.crash();
  at.server.fault = () => undefined;
  const next = at.page();
  await at.clock.advance(MINUTE);
  expect(at.server.sessions[0]?.end?.reason).toBe("logout");
  expect(next.client.getSnapshot()).toMatchObject({ status: "ended", reason: "logout", confirmed: true });
});

it("members, kinds and warnings that are not known disturb nothing", async () => {
  const at = world();
  const tab = at.browser.tab();
  let warns = false;
  const fetch = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const response = await tab.environment.fetch(input, init);
    const text = await response.text();
    if (!text) return response;
    const body = JSON.parse(text) as Record<string, unknown>;
    const session = { ...(body["session"] as object | undefined), ...ADDED, credential: "ticket", userId: "user-7" };
    const warning = warns ? { reason: "credential_timeout", inMs: 60_000, ...ADDED } : null;
    const added = { ...body, ...ADDED, ...("session" in body && { session, warning }) };
    return new Response(JSON.stringify(added), { status: response.status, headers: response.headers });
  };
  const client = createSessionClient({ baseUrl: at.server.baseUrl, clock: at.clock, environment: tab.environment, fetch });
  const policies: SessionPolicy[] = [];
  client.on("policy", (policy) => policies.push(policy));
  const opened = await within(at.clock, client.connect(ADA));
  expect(opened).toMatchObject({ credential: "ticket", subject: "subject-ada" });
  await within(at.clock, client.refresh(), SECOND);
  expect(client.getSnapshot()).toMatchObject({ status: "active", session: { credential: "ticket" } });
  expect(policies.at(-1)).toMatchObject({ ...ADDED, version: "v1" });
  expect(await within(at.clock, client.sessions())).toHaveLength(1);
  warns = true;
  await within(at.clock, client.validate(), SECOND);
  expect(client.getSnapshot()).toMatchObject({ status: "warning", reason: "credential_timeout" });
  warns = false;
  await within(at.clock, client.validate(), SECOND);
  expect(client.getSnapshot()).toMatchObject({ status: "active" });
});
