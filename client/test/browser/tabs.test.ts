import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { PATIENT } from "./stack.js";
import { staged } from "./stage.js";
import { ASKS, connectGuest, open, reaches, register, session, state } from "./tab.js";

/** Whom a tab shows, and whom its bearer is made out to. */
const subjectOf = (page: Page): Promise<string | undefined> =>
  page.evaluate(() => {
    const state = window.client.getSnapshot();
    return "session" in state ? state.session?.subject : undefined;
  });
const bearerOf = (authorization: string): string => {
  const claims = JSON.parse(Buffer.from(authorization.split(".")[1] ?? "", "base64url").toString()) as { sub: string };
  return claims.sub;
};

describe("a session in many tabs", () => {
  const stage = staged(PATIENT);

  it("survives refresh storms of eight tabs without locks", async () => {
    const context = await stage.context();
    await context.addInitScript(() => {
      Object.defineProperty(navigator, "locks", { value: undefined });
    });
    const first = await open(context, stage.stack.url);
    const id = await connectGuest(first);
    const tabs = [first];
    while (tabs.length < 8) tabs.push(await open(context, stage.stack.url));
    for (let storm = 0; storm < 5; storm += 1) {
      await first.keyboard.press("Shift");
      await Promise.all(tabs.map((tab) => tab.evaluate(() => window.client.refresh().catch(() => undefined))));
    }
    for (const tab of tabs) {
      await reaches(tab, "active");
      expect(await session(tab)).toBe(id);
    }
  });

  it("ends in the others at once when one logs out", async () => {
    const context = await stage.context();
    const [here, there] = [await open(context, stage.stack.url), await open(context, stage.stack.url)];
    const id = await connectGuest(here);
    expect(await session(there)).toBe(id);
    // It hears of it from the other tab: it is given no answer any more.
    await there.route(ASKS, () => undefined);
    await here.evaluate(() => window.client.logout());
    await reaches(there, "ended");
    expect(await state(there)).toMatchObject({ reason: "logout" });
  });

  it("is never mixed with that of another user who connects in another tab", async () => {
    const context = await stage.context();
    const [here, there] = [await open(context, stage.stack.url), await open(context, stage.stack.url)];
    const ada = { id: await register(here, "ada", false), subject: await subjectOf(here) };
    await here.evaluate(() => {
      window.shown = [];
      window.client.subscribe(() => {
        const state = window.client.getSnapshot();
        if ("session" in state && state.session) window.shown.push(`${state.session.subject} ${state.session.id}`);
      });
    });
    // From now on nothing that this tab asks for is answered in time; the answer to its poll is about Ada.
    let letGo = (): void => undefined;
    let release = (): void => undefined;
    const [evesTurn, tooLate] = [new Promise<void>((resolve) => (letGo = resolve)), new Promise<void>((resolve) => (release = resolve))];
    await here.route("**/refresh", async (route) => {
      await evesTurn;
      await route.continue();
    });
    const polled = new Promise<void>((resolve) => {
      void here.route("**/validate-session", async (route) => {
        const response = await route.fetch();
        resolve();
        await tooLate;
        await route.fulfill({ response });
      });
    });
    await polled;

    const eve = { id: await register(there, "eve", false), subject: await subjectOf(there) };
    expect(eve.subject).not.toBe(ada.subject);
    await here.waitForFunction((id) => {
      const state = window.client.getSnapshot();
      return !("session" in state) || state.session?.id !== id;
    }, ada.id);
    const bearers: string[] = [];
    here.on("request", (request) => {
      const { authorization } = request.headers();
      if (authorization) bearers.push(bearerOf(authorization));
    });
    const fetched = here.evaluate(async () => {
      const answer = await window.client.fetch("/session");
      return ((await answer.json()) as { session?: object }).session;
    });
    letGo();
    expect(await fetched).toMatchObject(eve);
    await reaches(here, "active");
    release();
    await here.waitForFunction(() => window.client.explain().entries.some(({ kind, route }) => kind === "discard" && route === "validate"));
    await here.unroute("**/validate-session");
    const [answer] = await Promise.all([here.waitForResponse("**/validate-session"), here.evaluate(() => window.client.validate())]);
    expect(await answer.json()).toMatchObject({ session: eve });
    expect(await state(here)).toMatchObject({ status: "active", session: eve });
    expect(new Set(bearers)).toEqual(new Set([eve.subject]));
    const shown = (await here.evaluate(() => window.shown)).join().replace(/(?<pair>[^,]+)(,\k<pair>)+/g, "$<pair>");
    expect(shown.split(",")).toEqual([`${String(eve.subject)} ${eve.id}`]);
  });

  it("is taken up again by a page that comes back from the back/forward cache", async () => {
    const context = await stage.context();
    const page = await open(context, stage.stack.url);
    const id = await connectGuest(page);
    await page.evaluate(() => addEventListener("pageshow", ({ persisted }) => (window.restored = persisted)));
    await page.goto(`${stage.stack.url}/elsewhere.html`);
    await page.waitForTimeout(1_500);
    // Not `goBack`: it waits for a page that loads.
    await page.evaluate(() => void setTimeout(() => history.back()));
    await page.waitForFunction(() => window.restored);
    const before = await page.evaluate(() => window.requests.length);
    expect(await session(page)).toBe(id);
    await page.waitForFunction((before) => window.requests.length > before + 1, before);
  });
});
