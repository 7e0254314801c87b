import { expect, it } from "vitest";
import { PATIENT } from "./stack.js";
import { staged } from "./stage.js";
import { ASKS, connectGuest, open, session } from "./tab.js";

// An answer is fresh for a quarter of the heartbeat: enough for a slow machine to show the tab twice.
const stage = staged({ ...PATIENT, SESSION_HEARTBEAT_INTERVAL: "12s", SESSION_ACCESS_TTL: "80s", SESSION_REFRESH_THRESHOLD: "40s" });

it("a hidden tab that is frozen past its poll asks nothing, and once whenever it is shown after a while", async () => {
  const window = await stage.window();
  const page = await open(window, stage.stack.url);
  const id = await connectGuest(page);
  const asked: string[] = [];
  page.on("request", (request) => {
    const { pathname } = new URL(request.url());
    if (ASKS.test(pathname)) asked.push(pathname);
  });
  const other = await window.newPage();
  await other.bringToFront();
  await page.waitForFunction(() => document.visibilityState === "hidden", null, { polling: 100 });
  const devtools = await window.newCDPSession(page);
  await devtools.send("Page.setWebLifecycleState", { state: "frozen" });
  await other.waitForTimeout(13_000);
  expect(asked).toEqual([]);
  const shown = async (): Promise<void> => {
    // Before the next poll that the answer before it asked for.
    const answer = page.waitForResponse(ASKS, { timeout: 5_000 });
    await page.bringToFront();
    await (await answer).finished();
  };
  // The poll that is due, `resume`, `visibilitychange` and `focus`; the last two once more when the answer is there.
  await shown();
  await other.bringToFront();
  await page.bringToFront();
  await page.waitForTimeout(2_000);
  expect(asked).toEqual(["/validate-session"]);
  // No poll is due yet, but the answer is no longer fresh.
  await other.bringToFront();
  await other.waitForTimeout(2_000);
  expect(asked).toHaveLength(1);
  await shown();
  await page.waitForTimeout(1_000);
  expect(asked).toHaveLength(2);
  expect(await session(page)).toBe(id);
});
