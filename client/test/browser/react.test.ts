import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { PATIENT } from "./stack.js";
import { type Stage, staged } from "./stage.js";
import { connectGuest, open, reaches, register, session } from "./tab.js";

const opened = async (stage: Stage): Promise<Page> => open(await stage.context(), stage.stack.url, "react.html");

const dialog = "dialog[open]";
/** What has the focus, in words. */
const focused = (page: Page): Promise<string> =>
  page.evaluate(() => {
    const { activeElement } = document;
    if (!activeElement || activeElement === document.body) return "nothing";
    return activeElement.matches("textarea") ? "the letter" : activeElement.textContent;
  });
const polls = (page: Page): Promise<number> =>
  page.evaluate(() => window.requests.filter((path) => path === "/validate-session").length);
const polled = async (page: Page, times: number): Promise<void> => {
  const wanted = (await polls(page)) + times;
  await page.waitForFunction(
    (wanted) => window.requests.filter((path) => path === "/validate-session").length >= wanted,
    wanted,
  );
};

/** Leaves polls and refreshes without an answer until the function returned is called: what a key does can then be told apart. */
async function holdPolls(page: Page): Promise<() => void> {
  let letGo = (): void => undefined;
  const held = new Promise<void>((resolve) => (letGo = resolve));
  await page.route(/\/(validate-session|refresh)$/, async (route) => {
    await held;
    await route.continue();
  });
  return letGo;
}

/** Writes a letter, and goes away until the dialog opens. */
async function warned(page: Page): Promise<void> {
  await page.getByLabel("Letter").focus();
  await page.keyboard.type("Dear reader");
  await page.waitForSelector(dialog);
}

describe("the dialog at the warning", () => {
  // It comes after five seconds, and is there for as long as a slow machine takes for what is done with it.
  const stage = staged({ ...PATIENT, SESSION_IDLE_TIMEOUT: "25s", SESSION_WARNING_LEAD: "20s" });

  it("opens at the warning, holds the keyboard, stays on Enter, and gives the focus back", async () => {
    const page = await opened(stage);
    await register(page, "ann", false);
    await warned(page);
    expect(await page.locator("#countdown").textContent()).toMatch(/^idle_timeout in (1?\d|20) s$/);
    expect(await focused(page)).toBe("Stay signed in");
    const letGo = await holdPolls(page);
    const visited = new Set<string>();
    for (const key of ["Tab", "Tab", "Tab", "Tab", "Shift+Tab", "Shift+Tab", "Shift+Tab"]) {
      await page.keyboard.press(key);
      visited.add(await focused(page));
    }
    expect([...visited].sort()).toEqual(["Sign out", "Stay signed in", "nothing"]);
    const stay = page.getByRole("button", { name: "Stay signed in" });
    await stay.focus();
    expect(await stay.getAttribute("aria-disabled")).toBe("false");
    await page.keyboard.press("Enter");
    await page.waitForSelector("dialog button[aria-disabled=true]");
    expect(await page.locator(dialog).count()).toBe(1);
    letGo();
    await page.waitForSelector(dialog, { state: "hidden" });
    expect(await page.locator("#state").textContent()).toBe("active");
    expect(await focused(page)).toBe("the letter");
  });

  it("stays on Escape, and a second Escape does not close it", async () => {
    const page = await opened(stage);
    await register(page, "bea", false);
    await warned(page);
    const letGo = await holdPolls(page);
    await page.evaluate(() => {
      document.querySelector("dialog")?.addEventListener("close", () => (window.reopens = true));
    });
    // Two at a time: looking at a page counts as a gesture, after which the browser asks once more before it closes.
    for (let pairs = 0; pairs < 5 && !(await page.evaluate(() => window.reopens)); pairs += 1) {
      await page.keyboard.press("Escape");
      await page.keyboard.press("Escape");
    }
    await page.waitForFunction(() => window.reopens);
    expect(await page.locator("dialog button").first().getAttribute("aria-disabled")).toBe("true");
    await page.waitForSelector(dialog);
    expect(await focused(page)).toBe("Stay signed in");
    letGo();
    await page.waitForSelector(dialog, { state: "hidden" });
    expect(await focused(page)).toBe("the letter");
  });

  it("goes with the <Activity> that it is in, and comes back with the focus", async () => {
    const page = await opened(stage);
    await connectGuest(page);
    await warned(page);
    await page.evaluate(() => window.hide("dialog"));
    await page.waitForSelector(dialog, { state: "hidden" });
    expect(await focused(page)).toBe("the letter");
    await page.evaluate(() => window.hide(null));
    await page.waitForSelector(dialog);
    expect(await focused(page)).toBe("Stay signed in");
    await page.keyboard.press("Enter");
    await page.waitForSelector(dialog, { state: "hidden" });
    await reaches(page, "active");
    expect(await focused(page)).toBe("the letter");
  });
});

describe("the dialog at the end", () => {
  const stage = staged();

  it("says at the end what was kept, gives it back after the next sign-in, and lets the user leave", async () => {
    const page = await opened(stage);
    await register(page, "ada", false);
    await warned(page);
    await page.getByText("There was no activity for too long.").waitFor();
    expect(await page.locator(dialog).textContent()).toContain("was kept (1 draft)");
    expect(await page.locator("#ends").textContent()).toBe("idle_timeout");
    expect(await page.getByLabel("Letter").inputValue()).toBe("");
    expect(await focused(page)).toBe("Sign in again");
    await page.keyboard.press("Enter");
    await page.waitForSelector(dialog, { state: "hidden" });
    const id = await session(page);
    await page.waitForFunction(() => document.querySelector("textarea")?.value === "Dear reader");
    const state = await page.evaluate(() => window.client.getSnapshot());
    const subject = "session" in state ? state.session?.subject : undefined;
    await stage.stack.bringAbout("drop-session", { subject, id });
    await page.getByText("The server no longer knows it.").waitFor();
    expect(await page.locator("#ends").textContent()).toBe("idle_timeout unknown");
    await page.getByRole("button", { name: "Leave" }).click();
    await page.getByText("Goodbye").waitFor();
    expect(await page.locator(dialog).count()).toBe(0);
  });
});

describe("in Strict Mode", () => {
  const stage = staged(PATIENT);

  it("one client asks, at the pace of one", async () => {
    const page = await opened(stage);
    await page.waitForFunction(() => window.client.getSnapshot().status === "anonymous");
    expect(await page.evaluate(() => window.requests.toSorted())).toEqual(["/refresh", "/session-policy"]);
    expect(page.workers()).toHaveLength(1);
    await connectGuest(page);
    const before = await page.evaluate(() => performance.now());
    await polled(page, 5);
    // Each poll is due about a second after the answer to the one before; two clients would need half that time.
    expect((await page.evaluate(() => performance.now())) - before).toBeGreaterThan(4_000);
  });

  it("a hidden <Activity> rests, and takes up the same session when it is shown", async () => {
    const context = await stage.context();
    const page = await open(context, stage.stack.url, "react.html");
    const id = await connectGuest(page);
    const control = await open(context, stage.stack.url);
    await polled(page, 1);
    await page.evaluate(() => window.hide("app"));
    await page.waitForSelector("#state", { state: "hidden" });
    await polled(control, 1);
    const atRest = await page.evaluate(() => window.requests.length);
    expect(page.workers()).toEqual([]);
    await polled(control, 2);
    await control.keyboard.press("Shift");
    expect(await page.evaluate(() => window.requests.length)).toBe(atRest);
    await page.evaluate(() => window.hide(null));
    await page.waitForSelector("#state");
    expect(await session(page)).toBe(id);
    await polled(page, 2);
    expect(await page.locator("#state").textContent()).toBe("active");
    expect(page.workers()).toHaveLength(1);
  });
});
