import { describe, expect, it } from "vitest";
import { staged } from "./stage.js";
import { connectGuest, open, reaches, register, session, state, statuses, work } from "./tab.js";

const stage = staged();

describe("a session", () => {
  it("lasts through many access tokens while somebody is there", async () => {
    const page = await open(await stage.context(), stage.stack.url);
    const id = await connectGuest(page);
    await work(page, 10_000);
    expect(await session(page)).toBe(id);
    expect(await page.evaluate(() => window.requests.filter((path) => path === "/refresh").length)).toBeGreaterThan(1);
  });

  it("is kept alive in two tabs by input in one", async () => {
    const context = await stage.context();
    const [here, there] = [await open(context, stage.stack.url), await open(context, stage.stack.url)];
    const id = await connectGuest(here);
    expect(await session(there)).toBe(id);
    await work(there, 10_000);
    expect([await session(here), await session(there)]).toEqual([id, id]);
  });

  it("ends at its idle limit although the tab polls", async () => {
    const page = await open(await stage.context(), stage.stack.url);
    await reaches(page, "anonymous");
    await connectGuest(page);
    const before = await state(page);
    await reaches(page, "ended", 30_000);
    const after = await state(page);
    expect(after).toMatchObject({ status: "ended", reason: "idle_timeout", confirmed: true });
    const [createdAt, endedAt] = ["session" in before && before.session?.createdAt, "endedAt" in after && after.endedAt];
    expect(Date.parse(String(endedAt)) - Date.parse(String(createdAt))).toBe(8_000);
    expect(await statuses(page)).toEqual(["connecting", "anonymous", "connecting", "active", "warning", "ended"]);
    const polls = await page.evaluate(() => window.requests.filter((path) => path === "/validate-session").length);
    expect(polls).toBeGreaterThan(2);
  });

  it("asks no more and no less often when the wall clock is two hours wrong", async () => {
    const asked = async (hours: number): Promise<number> => {
      const page = await open(await stage.context(), stage.stack.url);
      await connectGuest(page);
      await page.waitForTimeout(1_500);
      const [before, after] = await page.evaluate((shift) => {
        const before = window.client.remainingMs() ?? 0;
        const now = Date.now.bind(Date);
        Date.now = () => now() + shift;
        window.requests.length = 0;
        return [before, window.client.remainingMs() ?? 0];
      }, hours * 3_600_000);
      expect(before).toBeGreaterThan(0);
      expect(Math.abs(before - after)).toBeLessThan(1_000);
      await work(page, 6_000);
      expect((await state(page)).status).toBe("active");
      return page.evaluate(() => window.requests.length);
    };
    const [control, ...shifted] = await Promise.all([asked(0), asked(2), asked(-2)]);
    // A shift looks like a sleep: one catch-up more, and no burst; and what is due does not wait for the clock.
    for (const requests of shifted) expect(Math.abs(requests - control)).toBeLessThanOrEqual(3);
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
