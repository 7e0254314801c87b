import type { BrowserContext, Page } from "playwright-core";
import type { SessionClient, SessionState } from "../../src/index.js";

/** What the pages of the tests put into their window. */
declare global {
  interface Window {
    client: SessionClient;
    ready?: boolean;
    requests: string[];
    heard: string[];
    reopens?: boolean;
    restored?: boolean;
    shown: string[];
    hide: (what: "app" | "dialog" | null) => void;
  }
}

/** What keeps a session alive; asked again and again. */
export const ASKS = /\/(validate-session|refresh)$/;

/** A tab with one of the pages of the tests. */
export async function open(context: BrowserContext, url: string, name = "bare.html"): Promise<Page> {
  const page = await context.newPage();
  await page.goto(`${url}/${name}`);
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

/** The states that a tab has been in, as its flight recorder tells them. */
export function statuses(page: Page): Promise<(string | undefined)[]> {
  return page.evaluate(() => window.client.explain().entries.flatMap(({ kind, to }) => (kind === "state" ? [to] : [])));
}

/** Real input, every second and a half. */
export async function work(page: Page, ms: number): Promise<void> {
  for (let waited = 0; waited < ms; waited += 1_500) {
    await page.keyboard.press("Shift");
    await page.waitForTimeout(1_500);
  }
}
