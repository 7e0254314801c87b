import type { BrowserContext, Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { PATIENT } from "./stack.js";
import { staged } from "./stage.js";
import { connectGuest, open } from "./tab.js";

const stage = staged(PATIENT);

/** What the page may load, apart from workers. */
const POLICY = "default-src 'none'; connect-src 'self'; script-src 'self' 'unsafe-inline'";

/** The page comes with this header. */
async function underPolicy(context: BrowserContext, workerSrc: string): Promise<void> {
  await context.route("**/bare.html", async (route) => {
    const response = await route.fetch();
    const headers = { ...response.headers(), "content-security-policy": `${POLICY}; worker-src ${workerSrc}` };
    await route.fulfill({ response, headers });
  });
}

/** Long timers of the page itself never fire: a poll is the worker's doing. */
async function withoutOwnTimers(context: BrowserContext): Promise<void> {
  await context.addInitScript(() => {
    const setTimeoutOfPage = window.setTimeout.bind(window);
    const short = (done: TimerHandler, ms = 0, ...rest: unknown[]): number => (ms < 500 ? setTimeoutOfPage(done, ms, ...rest) : 0);
    Object.assign(window, { setTimeout: short });
  });
}

/** What goes wrong in the page; a refused load is told by the browser, and not by the page. */
function complaints(context: BrowserContext): string[] {
  const heard: string[] = [];
  context.on("weberror", (error) => heard.push(error.error().message));
  context.on("console", (message) => {
    const refused = /Content Security Policy|Failed to load resource/.test(message.text());
    if (message.type() === "error" && !refused) heard.push(message.text());
  });
  return heard;
}

/** Connects, and waits until the tab has polled twice. */
async function pollsOn(page: Page): Promise<void> {
  await connectGuest(page);
  await page.waitForFunction(() => window.requests.filter((path) => path === "/validate-session").length >= 2);
}

describe("the timers of a tab run", () => {
  it("in the worker that is served as a file", async () => {
    const context = await stage.context();
    const heard = complaints(context);
    await underPolicy(context, "'self' blob:");
    await withoutOwnTimers(context);
    const page = await open(context, stage.stack.url);
    await pollsOn(page);
    expect(page.workers().map((worker) => worker.url())).toEqual([`${stage.stack.url}/dist/timer-worker.js`]);
    expect(heard).toEqual([]);
  });

  it.each([
    ["the file is not there", "'self' blob:"],
    ["the page's policy refuses the file", "blob:"],
  ])("in a worker made of a blob where %s", async (_where, workerSrc) => {
    const context = await stage.context();
    const heard = complaints(context);
    await underPolicy(context, workerSrc);
    await withoutOwnTimers(context);
    if (workerSrc.includes("self")) await context.route("**/timer-worker.js", (route) => route.fulfill({ status: 404 }));
    const page = await open(context, stage.stack.url);
    await pollsOn(page);
    expect(page.workers().map((worker) => worker.url())).toEqual([expect.stringMatching(/^blob:/)]);
    expect(heard).toEqual([]);
  });

  it("in the page where its policy refuses every worker", async () => {
    const context = await stage.context();
    const heard = complaints(context);
    await underPolicy(context, "'none'");
    const page = await open(context, stage.stack.url);
    await pollsOn(page);
    expect(page.workers()).toEqual([]);
    expect(heard).toEqual([]);
  });
});
