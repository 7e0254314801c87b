import { describe, expect, it } from "vitest";
import { PATIENT } from "./stack.js";
import { staged } from "./stage.js";
import { connectGuest, open, reaches, register, session, state, statuses } from "./tab.js";

const stage = staged(PATIENT);

describe("a session", () => {
  it("is the same after the answer of a refresh was lost and the tab crashed", async () => {
    const context = await stage.context();
    const page = await open(context, stage.stack.url);
    const id = await connectGuest(page);
    const devtools = await context.newCDPSession(page);
    // A poll could be what is not answered, and a second try could be answered before the crash.
    let lost = false;
    await page.route("**/validate-session", () => undefined);
    await page.route("**/refresh", (route) => (lost ? undefined : route.continue()));
    while (!lost) {
      await stage.stack.bringAbout("lose-answer");
      const answer = page.waitForResponse("**/refresh");
      void page.evaluate(() => window.client.refresh()).catch(() => undefined);
      lost = (await answer).status() === 504;
    }
    const crashed = page.waitForEvent("crash");
    void devtools.send("Page.crash").catch(() => undefined);
    await crashed;
    const again = await open(context, stage.stack.url);
    expect(await session(again)).toBe(id);
  });

  it("is the same after the stack was killed and started again", async () => {
    const page = await open(await stage.context(), stage.stack.url);
    const id = await connectGuest(page);
    await stage.stack.kill();
    try {
      await reaches(page, "offline");
      await page.keyboard.press("Shift");
    } finally {
      await stage.stack.run();
    }
    expect(await session(page)).toBe(id);
  });

  it("is the same after an outage shorter than its idle limit, and never shown as ended", async () => {
    const page = await open(await stage.context(), stage.stack.url);
    const id = await connectGuest(page);
    await stage.stack.bringAbout("silence", { ms: 5_000 });
    await reaches(page, "offline");
    await page.keyboard.press("Shift");
    expect(await session(page)).toBe(id);
    expect(await statuses(page)).not.toContain("ended");
  });

  it("is not ended by an answer about an older one", async () => {
    const page = await open(await stage.context(), stage.stack.url);
    const id = await connectGuest(page);
    const ended = { code: "session_ended", reason: "logout", reconnect: "forbidden", status: 401 };
    await page.route("**/validate-session", (route) =>
      route.fulfill({
        status: 401,
        contentType: "application/problem+json",
        body: JSON.stringify({ ...ended, sessionId: "01a1fe4d-004e-7814-8f87-ca0953efc5e6" }),
      }),
    );
    // Not the first 401: after that one the client only gets itself another access token, and asks again.
    await page.waitForFunction(() => window.client.explain().entries.some(({ code }) => code === "session_ended"));
    await page.unroute("**/validate-session");
    await page.keyboard.press("Shift");
    expect(await session(page)).toBe(id);
  });

  it("is reconnected by itself when it was lost and its credential is stored", async () => {
    const page = await open(await stage.context(), stage.stack.url);
    const id = await register(page, "ada", true);
    const subject = await page.evaluate(() => {
      const state = window.client.getSnapshot();
      return "session" in state ? state.session?.subject : undefined;
    });
    await stage.stack.bringAbout("drop-session", { subject, id });
    await page.waitForFunction((id) => {
      const state = window.client.getSnapshot();
      return state.status === "active" && state.session.id !== id;
    }, id);
    expect(await state(page)).toMatchObject({ status: "active", session: { subject } });
  });

  it("survives an outage of a minute in several tabs, which come back spread out", async () => {
    const context = await stage.context();
    const tabs = [await open(context, stage.stack.url), await open(context, stage.stack.url), await open(context, stage.stack.url)];
    const [first] = tabs;
    if (!first) throw new Error("no tab");
    const id = await connectGuest(first);
    for (const tab of tabs) expect(await session(tab)).toBe(id);
    await stage.stack.bringAbout("silence", { ms: 60_000 });
    for (const tab of tabs) await tab.evaluate(() => (window.requests.length = 0));
    await first.waitForTimeout(50_000);
    for (const tab of tabs) {
      expect((await state(tab)).status).toBe("offline");
      // A wait is anything up to the heartbeat, which is a second here: no more than three tries for each poll due.
      expect(await tab.evaluate(() => window.requests.length)).toBeLessThan(3 * 50);
    }
    for (const tab of tabs) {
      expect(await session(tab, 40_000)).toBe(id);
      expect(await statuses(tab)).not.toContain("ended");
    }
  }, 140_000);
});
