import * as fc from "fast-check";
import { expect, it } from "vitest";
import type { EndReason } from "../src/index.js";
import type { Fault } from "../src/testing/index.js";
import { ADA, BOB, connected, MINUTE, SECOND, type Page, type World } from "./world.js";

/** What may happen, to one of four tabs. */
const happening = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("wait" as const), ms: fc.integer({ min: 1, max: 10 * MINUTE }) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("wait" as const), ms: fc.integer({ min: 1, max: 5 * SECOND }) }) },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constantFrom("refresh" as const, "validate" as const, "extend" as const, "input" as const, "focus" as const, "online" as const, "crash" as const, "open" as const),
      tab: fc.nat(3),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant("weather" as const), of: fc.constantFrom("fine" as const, "lost" as const, "unreached" as const, "silent" as const, "portal" as const, "busy" as const) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("sleep" as const), ms: fc.integer({ min: SECOND, max: 60 * MINUTE }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("wall" as const), ms: fc.integer({ min: -120 * MINUTE, max: 120 * MINUTE }) }) },
);

const WEATHER: Record<string, Fault | undefined> = {
  lost: { kind: "lost" },
  unreached: { kind: "unreached" },
  silent: { kind: "silent" },
  portal: { kind: "answer", status: 200, body: "<html>", headers: { "content-type": "text/html" } },
  busy: { kind: "refuse", status: 503, code: "temporarily_unavailable", retryAfterSeconds: 2 },
};

type Happening = typeof happening extends fc.Arbitrary<infer Value> ? Value : never;

async function happen(at: World, pages: Page[], one: Happening): Promise<void> {
  switch (one.kind) {
    case "wait":
      return at.clock.advance(one.ms);
    case "sleep":
      { at.clock.sleep(one.ms); return; }
    case "wall":
      { at.clock.shiftWall(one.ms); return; }
    case "weather":
      at.server.fault = () => WEATHER[one.of];
      return;
    default:
  }
  const page = pages[one.tab % pages.length];
  if (!page) return;
  switch (one.kind) {
    case "open":
      if (pages.length < 4) pages.push(at.page());
      return;
    case "crash":
      if (pages.length > 1) {
        pages.splice(pages.indexOf(page), 1);
        page.tab.crash();
        page.client.dispose();
      }
      return;
    case "input":
      { page.tab.input(); return; }
    case "focus":
    case "online":
      { page.tab.event(one.kind); return; }
    default:
      page.client[one.kind]().catch(() => undefined);
  }
}

it("whatever happens in whatever order, nothing ends a session that the server keeps", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(happening, { minLength: 5, maxLength: 40 }), async (order) => {
      const at = await connected();
      const pages: Page[] = [at];
      for (const one of order) {
        await happen(at, pages, one);
        for (const { client } of pages) expect(client.getSnapshot().status).not.toBe("ended");
        expect(at.server.sessions.map(({ end }) => end)).toEqual([null]);
      }
      at.server.fault = () => undefined;
      await at.clock.advance(6 * MINUTE);
      expect(pages.map(({ client }) => client.getSnapshot().status)).toEqual(pages.map(() => "active"));
      expect(at.server.sessions.map(({ end }) => end)).toEqual([null]);
    }),
    { numRuns: 150, seed: 20261121 },
  );
});

it("a tab has one refresh in flight at most, and a key is not lost before its 200", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(happening, { minLength: 5, maxLength: 40 }), async (order) => {
      const at = await connected();
      let inFlight = 0;
      let most = 0;
      const sent: string[] = [];
      const tab = at.browser.tab();
      const environment = {
        ...tab.environment,
        fetch: async (input: string | URL | Request, init?: RequestInit) => {
          if (typeof input !== "string" || !input.endsWith("/refresh")) return tab.environment.fetch(input, init);
          most = Math.max(most, ++inFlight);
          const [key = ""] = (new Headers(init?.headers).get("idempotency-key") ?? "").split(",");
          expect(JSON.parse(at.browser.stored.get("session-keepalive:https://api.test:refresh") ?? "{}")).toMatchObject({ pending: key });
          // A key that had no 200 is the one that is sent again.
          if (sent.length) expect(key).toBe(sent[0]);
          sent[0] = key;
          try {
            const response = await tab.environment.fetch(input, init);
            if (response.status === 200 && response.headers.get("content-type") === "application/json") sent.length = 0;
            return response;
          } finally {
            inFlight--;
          }
        },
      };
      at.tab.crash();
      at.client.dispose();
      const pages: Page[] = [at.page({ environment })];
      // The first 200 of a page leaves its key: from the second on, each has its own.
      await at.clock.advance(MINUTE);
      for (const one of order.filter(({ kind }) => kind !== "open" && kind !== "crash")) await happen(at, pages, one);
      expect(most).toBe(1);
    }),
    { numRuns: 100, seed: 20261121 },
  );
});

it("a session ends in every tab with the reason the server gives, or with another user's connect", async () => {
  const reasons: readonly EndReason[] = ["idle_timeout", "absolute_timeout", "logout", "revoked", "replaced", "reuse_detected", "unknown"];
  for (const reason of reasons) {
    const at = await connected();
    const other = at.page();
    await at.clock.advance(MINUTE);
    const [session] = at.server.sessions;
    if (session) at.server.end(session, reason);
    await at.clock.advance(10 * MINUTE);
    for (const { client } of [at, other]) expect(client.getSnapshot()).toMatchObject({ status: "ended", reason, confirmed: true });
    for (const credential of [BOB, ADA]) {
      const connecting = at.client.connect(credential);
      await at.clock.advance(5 * SECOND);
      await connecting;
      for (const { client } of [at, other]) expect(client.getSnapshot()).toMatchObject({ status: "active", session: { subject: `subject-${credential.username}` } });
    }
  }
});
