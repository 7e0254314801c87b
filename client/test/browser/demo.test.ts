import type { BrowserContext, Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { staged } from "./stage.js";

const stage = staged({ SESSION_IDLE_TIMEOUT: "60s", SESSION_WARNING_LEAD: "20s", SESSION_GUEST_TIMEOUT: "110s" });

/** The demo page, as on a first visit. */
async function visited(context: BrowserContext): Promise<Page> {
  const page = await context.newPage();
  await page.goto(stage.stack.url);
  await shows(page, "Not connected");
  return page;
}

/** The heading says so. */
const shows = (page: Page, title: string): Promise<void> => page.locator("#state-title", { hasText: title }).waitFor();
const told = (page: Page, text: string): Promise<void> => page.locator("#entries li", { hasText: text }).first().waitFor();
const button = (page: Page, name: string) => page.getByRole("button", { name, exact: true });
const outcome = (page: Page, name: string) => page.locator("li", { has: button(page, name) }).locator(".outcome");
/** The client's own note of the session, which all tabs read. */
const sessionId = (page: Page): Promise<string | null> =>
  page.evaluate(() => {
    const [, known = "{}"] = Object.entries(localStorage).find(([name]) => name.endsWith(":session")) ?? [];
    return (JSON.parse(known as string) as { id: string | null }).id;
  });
const marks = (page: Page, shape: string): Promise<number> => page.locator(`#timeline-plot .plot .mark.${shape}`).count();
/** Waits until there are more marks of a shape than there were. */
async function marked(page: Page, shape: string, before: number): Promise<void> {
  await page.waitForFunction(
    ([shape, before]) => document.querySelectorAll(`#timeline-plot .plot .mark.${shape}`).length > before,
    [shape, before] as const,
  );
}

async function asGuest(page: Page): Promise<string | null> {
  await button(page, "Connect").click();
  await shows(page, "Active");
  return sessionId(page);
}

async function withPassword(page: Page, press: "Connect" | "Register", username: string, remember = false): Promise<string | null> {
  await page.getByLabel("With a password").check();
  await page.getByLabel("Username").fill(username);
  await page.getByLabel("Password", { exact: true }).fill("correct horse");
  await page.getByLabel("Remember me").setChecked(remember);
  await button(page, press).click();
  return sessionId(page);
}

describe("whoever visits the demo page", () => {
  it("connects as a guest, and sees input, polls and refreshes in the plot", async () => {
    const page = await visited(await stage.context());
    const complaints: string[] = [];
    page.on("console", (message) => complaints.push(message.text()));
    page.on("pageerror", (error) => complaints.push(error.message));
    await asGuest(page);
    expect(await page.locator("#who").textContent()).toMatch(/^guest [\w-]{8}$/);
    expect(page.workers().map((worker) => worker.url())).toEqual([`${stage.stack.url}/timer-worker.js`]);
    expect(await page.locator("#connect").isVisible()).toBe(false);
    expect(await page.evaluate(() => document.activeElement?.id)).toBe("state-title");
    await marked(page, "open", 0);
    await marked(page, "poll", 0);
    const [inputs, refreshes] = [await marks(page, "input"), await marks(page, "refresh")];
    await page.keyboard.press("Shift");
    await marked(page, "input", inputs);
    await button(page, "Refresh now").click();
    await marked(page, "refresh", refreshes);
    expect(await page.locator("#timeline-text").textContent()).toMatch(/polls [1-9]\d*, refreshes [1-9]\d*, failures 0\. The idle limit is (1 min|\d+ s) ahead/);
    const polls = await marks(page, "poll");
    await button(page, "Validate now").click();
    await marked(page, "poll", polls);
    await button(page, "Extend").click();
    await page.waitForFunction(() => /^(1 min|59 s|58 s)/.test(document.getElementById("idle-left")?.textContent ?? ""));
    expect(complaints).toEqual([]);
  });

  it("is told when a password is wrong, registers, and logs out", async () => {
    const page = await visited(await stage.context());
    await withPassword(page, "Connect", "ada");
    await page.getByText("The credential was not accepted. Check the spelling, or register first.").waitFor();
    await button(page, "Register").click();
    await shows(page, "Active");
    expect(await page.locator("#who").textContent()).toMatch(/^password /);
    await button(page, "Log out").click();
    await shows(page, "Ended");
    await page.getByText("The session ended because somebody logged out. The server has confirmed that.").waitFor();
    expect(await button(page, "Log out").isDisabled()).toBe(true);
    await withPassword(page, "Connect", "ada");
    await shows(page, "Active");
  });

  it("keeps the session through a cold start, a lost answer, an outage and a wrong clock", async () => {
    const page = await visited(await stage.context());
    const id = await asGuest(page);

    await button(page, "Cold start now").click();
    await page.waitForFunction(() => !document.querySelector("#try-it [aria-disabled]"));
    expect(await outcome(page, "Cold start now").textContent()).toBe("");
    await shows(page, "Active");

    await button(page, "Lose the next answer").click();
    await told(page, "Refresh: 504");
    await marked(page, "refresh", 0);
    await shows(page, "Active");

    // The button's own twenty seconds would only be waited for.
    await page.route("**/demo/silence", (route) => route.continue({ postData: JSON.stringify({ ms: 3_000 }) }));
    await button(page, "Outage of 20 s").click();
    await shows(page, "Offline");
    expect(await page.locator("#state-sentence").textContent()).toContain("Nobody is signed out");
    // The lost answer was an outage, too, if a short one.
    await page.locator(".plot .outage").last().waitFor();
    await shows(page, "Active");

    const polls = await marks(page, "poll");
    await button(page, "Clock wrong by 2 h").click();
    await page.getByText("The clock is two hours ahead.").waitFor();
    await told(page, "The wall clock ran ahead by 2 h");
    await marked(page, "poll", polls);
    // What was left of at most 110 seconds before is not 0 s, nor two hours more.
    expect(await page.locator("#absolute-left").textContent()).toMatch(/^(1 min( \d+ s)?|[1-9]\d* s)$/);
    await button(page, "Clock wrong by 2 h").click();
    await page.getByText("The clock is right again.").waitFor();
    await shows(page, "Active");
    expect(await sessionId(page)).toBe(id);
    expect(await page.locator("#entries").textContent()).not.toContain("to ended");
  });

  it("is back at once after the session was dropped, if remembered", async () => {
    const page = await visited(await stage.context());
    await withPassword(page, "Register", "bea", true);
    await shows(page, "Active");
    const [id, who] = [await sessionId(page), await page.locator("#who").textContent()];
    await button(page, "Drop the session").click();
    await told(page, "reconnecting to active");
    await shows(page, "Active");
    expect(await sessionId(page)).not.toBe(id);
    expect(await page.locator("#who").textContent()).toBe(who);
  });

  it("is told that the session is lost after it was dropped, if not remembered", async () => {
    const page = await visited(await stage.context());
    await asGuest(page);
    await page.getByLabel("Write something").fill("a guest's");
    await button(page, "Drop the session").click();
    await shows(page, "Ended");
    await page.getByText("The session ended because the server has no record of it. The server has confirmed that.").waitFor();
    expect(await page.locator("#connect").isVisible()).toBe(true);
    expect(await page.locator("#status-note").textContent()).toBe("You can connect again below.");
    await marked(page, "close", 0);
  });

  it("has the same session in a second tab, which ends here when it ends there", async () => {
    const context = await stage.context();
    const page = await visited(context);
    const id = await asGuest(page);
    const opening = context.waitForEvent("page");
    await button(page, "Second tab").click();
    const second = await opening;
    await shows(second, "Active");
    expect(await sessionId(second)).toBe(id);
    await button(second, "Log out").click();
    await shows(page, "Ended");
    await page.getByText("somebody logged out").first().waitFor();
  });

  it("ends a session elsewhere from the list, and all others", async () => {
    const [here, there, third] = await Promise.all([visited(await stage.context()), visited(await stage.context()), visited(await stage.context())]);
    await withPassword(here, "Register", "eve");
    await shows(here, "Active");
    for (const page of [there, third]) {
      await withPassword(page, "Connect", "eve");
      await shows(page, "Active");
    }
    await button(here, "Read again").click();
    const rows = here.locator("#session-rows tr");
    await rows.nth(2).waitFor();
    expect(await rows.filter({ hasText: "this one" }).count()).toBe(1);
    await rows.filter({ hasNotText: "this one" }).first().getByRole("button").click();
    await rows.nth(2).waitFor({ state: "detached" });
    expect(await rows.count()).toBe(2);
    await button(here, "End the others").click();
    await rows.nth(1).waitFor({ state: "detached" });
    for (const page of [there, third]) {
      await shows(page, "Ended");
      await page.getByText("it was ended in the list of sessions").first().waitFor();
    }
    await shows(here, "Active");
    expect(await button(here, "End the others").isDisabled()).toBe(true);
  });

  it("reads the flight recorder, and copies it, without a secret in it", async () => {
    const context = await stage.context({ permissions: ["clipboard-read", "clipboard-write"] });
    const page = await visited(context);
    await withPassword(page, "Register", "fay", true);
    await shows(page, "Active");
    await button(page, "Refresh now").click();
    await told(page, "Refresh: answered");
    await button(page, "Copy as text").click();
    await page.getByText("Copied:").waitFor();
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    expect(copied.split("\n").map((line) => (JSON.parse(line) as { kind: string }).kind)).toContain("state");
    const shown = `${(await page.locator("#entries").textContent()) ?? ""} ${copied}`;
    const cookies = (await context.cookies()).map(({ value }) => value);
    expect(cookies).toHaveLength(2);
    for (const secret of [...cookies.flatMap((value) => [value, ...value.split(".").slice(5)]), "correct horse", "eyJ"]) {
      expect(shown).not.toContain(secret);
    }
  });
});
