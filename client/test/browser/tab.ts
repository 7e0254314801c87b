import { type Browser, type BrowserContext, type Page, chromium } from "playwright-core";
import type { SessionClient, SessionState } from "../../src/index.js";

/** What the page of the tests puts into its window. */
declare global {
  interface Window {
    client: SessionClient;
    create: (options?: object) => SessionClient;
    ready?: boolean;
    requests: string[];
    heard: string[];
  }
}

/** Debian's Chromium. */
export function launch(): Promise<Browser> {
  return chromium.launch({ executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
}

/** A tab with the page of the tests. */
export async function open(context: BrowserContext, url: string): Promise<Page> {
  const page = await context.newPage();
  await page.goto(url);
  await page.waitForFunction(() => window.ready);
  return page;
}

export function state(page: Page): Promise<SessionState> {
  return page.evaluate(() => window.client.getSnapshot());
}

export function connectGuest(page: Page): Promise<string> {
  return page.evaluate(async () => (await window.client.connect({ kind: "guest" })).id);
}

export function register(page: Page, name: string, remember: boolean): Promise<string> {
  return page.evaluate(
    async ([name, remember]) => (await window.client.register(name, "correct horse", { remember })).id,
    [name, remember] as const,
  );
}

/** The session that a tab believes in, once it is active. */
export async function session(page: Page, timeout = 15_000): Promise<string> {
  await page.waitForFunction(() => ["active", "warning"].includes(window.client.getSnapshot().status), null, { timeout });
  return page.evaluate(() => {
    const state = window.client.getSnapshot();
    return "session" in state && state.session ? state.session.id : "";
  });
}

/** Waits until a tab is in one of these states; fails when it is not in time. */
export async function reaches(page: Page, status: SessionState["status"], timeout = 15_000): Promise<void> {
  await page.waitForFunction((status) => window.client.getSnapshot().status === status, status, { timeout });
}

/** Real input, every second and a half. */
export async function work(page: Page, ms: number): Promise<void> {
  for (let waited = 0; waited < ms; waited += 1_500) {
    await page.keyboard.press("Shift");
    await page.waitForTimeout(1_500);
  }
}
