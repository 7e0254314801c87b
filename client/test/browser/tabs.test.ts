import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { staged } from "./stage.js";
import { connectGuest, open, reaches, register, session, state, work } from "./tab.js";

const stage = staged();

describe("a session in many tabs", () => {
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
      await Promise.all(tabs.map((tab) => tab.evaluate(() => window.client.refresh().catch(() => undefined))));
      await first.keyboard.press("Shift");
    }
    for (const tab of tabs) expect(await session(tab)).toBe(id);
  });

  it("is kept alive in all of them by input in one", async () => {
    const context = await stage.context();
    const [here, there] = [await open(context, stage.stack.url), await open(context, stage.stack.url)];
    const id = await connectGuest(here);
    expect(await session(there)).toBe(id);
    await work(there, 10_000);
    expect([await session(here), await session(there)]).toEqual([id, id]);
  });

  it("ends in the others at once when one logs out", async () => {
    const context = await stage.context();
    const [here, there] = [await open(context, stage.stack.url), await open(context, stage.stack.url)];
    const id = await connectGuest(here);
    expect(await session(there)).toBe(id);
    await here.evaluate(() => window.client.logout());
    await reaches(there, "ended", 1_000);
    expect(await state(there)).toMatchObject({ reason: "logout" });
  });

  it("is never mixed with that of another user who connects in another tab", async () => {
    const context = await stage.context();
    const [here, there] = [await open(context, stage.stack.url), await open(context, stage.stack.url)];
    await register(here, "ada", false);
    const subjects = await here.evaluate(() => {
      const seen: string[] = [];
      window.client.subscribe(() => {
        const state = window.client.getSnapshot();
        if ("session" in state && state.session) seen.push(`${state.session.subject} ${state.session.id}`);
      });
      Object.assign(window, { seen });
      return seen;
    });
    expect(subjects).toEqual([]);
    const id = await register(there, "eve", false);
    await here.waitForFunction((id) => {
      const state = window.client.getSnapshot();
      return state.status === "active" && state.session.id === id;
    }, id);
    const seen = await here.evaluate(() => (window as unknown as { seen: string[] }).seen);
    expect(new Set(seen).size).toBeLessThanOrEqual(2);
    expect(await subject(here)).toBe(await subject(there));
  });

  it("is caught up with once when a frozen tab thaws", async () => {
    const context = await stage.context();
    const page = await open(context, stage.stack.url);
    const other = await open(context, stage.stack.url);
    const id = await connectGuest(page);
    const devtools = await context.newCDPSession(page);
    await devtools.send("Page.setWebLifecycleState", { state: "frozen" });
    await work(other, 7_000);
    await devtools.send("Page.setWebLifecycleState", { state: "active" });
    await page.evaluate(() => {
      window.requests.length = 0;
    });
    await page.waitForTimeout(900);
    expect(await session(page)).toBe(id);
    expect(await page.evaluate(() => window.requests.length)).toBeLessThanOrEqual(3);
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

function subject(page: Page): Promise<string | undefined> {
  return page.evaluate(() => {
    const state = window.client.getSnapshot();
    return "session" in state ? state.session?.subject : undefined;
  });
}
