import { describe, expect, it } from "vitest";
import { Stack } from "./stack.js";
import { staged } from "./stage.js";
import { connectGuest, open, reaches, register, session, state, work } from "./tab.js";

const stage = staged();

describe("a session in one tab", () => {
  it("lasts through many access tokens while somebody is there", async () => {
    const page = await open(await stage.context(), stage.stack.url);
    const id = await connectGuest(page);
    await work(page, 10_000);
    expect(await session(page)).toBe(id);
    expect(await page.evaluate(() => window.requests.filter((path) => path === "/refresh").length)).toBeGreaterThan(1);
  });

  it("ends at its idle limit although the tab polls", async () => {
    const page = await open(await stage.context(), stage.stack.url);
    await connectGuest(page);
    await reaches(page, "warning", 9_000);
    await reaches(page, "ended", 9_000);
    expect(await state(page)).toMatchObject({ status: "ended", reason: "idle_timeout", confirmed: true });
    const polls = await page.evaluate(() => window.requests.filter((path) => path === "/validate-session").length);
    expect(polls).toBeGreaterThan(2);
  });

  it("is the same after the answer of a refresh was lost and the tab crashed", async () => {
    const context = await stage.context();
    const page = await open(context, stage.stack.url);
    const id = await connectGuest(page);
    await stage.stack.bringAbout("lose-answer");
    const lost = page.waitForResponse((response) => response.status() === 504);
    void page.evaluate(() => window.client.refresh()).catch(() => undefined);
    await lost;
    const devtools = await context.newCDPSession(page);
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

  it("is the same after an outage shorter than its idle limit, and ends only when the server says so", async () => {
    const page = await open(await stage.context(), stage.stack.url);
    const id = await connectGuest(page);
    await stage.stack.bringAbout("silence", { ms: 5_000 });
    await reaches(page, "offline");
    await page.keyboard.press("Shift");
    expect(await session(page)).toBe(id);
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
    const patient = await Stack.start({ SESSION_IDLE_TIMEOUT: "90s", SESSION_GUEST_TIMEOUT: "110s" });
    try {
      const context = await stage.context();
      const tabs = [await open(context, patient.url), await open(context, patient.url), await open(context, patient.url)];
      const [first] = tabs;
      if (!first) throw new Error("no tab");
      const id = await connectGuest(first);
      for (const tab of tabs) expect(await session(tab)).toBe(id);
      await patient.bringAbout("silence", { ms: 60_000 });
      for (const tab of tabs) await tab.evaluate(() => (window.requests.length = 0));
      await first.waitForTimeout(58_000);
      for (const tab of tabs) {
        expect((await state(tab)).status).toBe("offline");
        // A wait is anything up to the heartbeat, which is a second here: no more than three tries for each poll due.
        expect(await tab.evaluate(() => window.requests.length)).toBeLessThan(3 * 58);
      }
      for (const tab of tabs) expect(await session(tab, 40_000)).toBe(id);
    } finally {
      await patient.stop();
    }
  }, 140_000);

  it("asks no more often when the wall clock is two hours wrong", async () => {
    const asked = async (shift: number): Promise<number> => {
      const page = await open(await stage.context(), stage.stack.url);
      await connectGuest(page);
      await page.waitForTimeout(1_500);
      await page.evaluate((shift) => {
        const now = Date.now.bind(Date);
        Date.now = () => now() + shift;
        window.requests.length = 0;
      }, shift);
      await work(page, 6_000);
      expect((await state(page)).status).toBe("active");
      return page.evaluate(() => window.requests.length);
    };
    const [control, shifted] = await Promise.all([asked(0), asked(2 * 3_600_000)]);
    // The shift looks like a sleep: one catch-up more, and no burst.
    expect(Math.abs(shifted - control)).toBeLessThanOrEqual(3);
  });

  it("leaves no token where scripts can read", async () => {
    const context = await stage.context();
    const page = await open(context, stage.stack.url);
    await register(page, "eve", true);
    await page.evaluate(() => window.client.refresh());
    const cookies = (await context.cookies()).map((cookie) => cookie.value);
    expect(cookies.map((value) => value.slice(0, 4)).sort()).toEqual(["rc1.", "rt1."]);
    const readable = await page.evaluate(() =>
      JSON.stringify([
        document.cookie, Object.entries(localStorage), Object.entries(sessionStorage), window.heard,
        window.client.explain(), window.client.getSnapshot(),
      ]),
    );
    for (const secret of cookies.flatMap((value) => [value, ...value.split(".").slice(5)])) {
      expect(readable).not.toContain(secret);
    }
    expect(readable).not.toContain("correct horse");
    expect(readable).not.toContain("eyJ");
  });
});
