import axe from "axe-core";
import type { BrowserContext, Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { staged } from "./stage.js";
import { open, register } from "./tab.js";

// The warning comes after two seconds, and leaves a minute to look at it.
const stage = staged({ SESSION_IDLE_TIMEOUT: "62s", SESSION_WARNING_LEAD: "60s", SESSION_GUEST_TIMEOUT: "110s" });

const shows = (page: Page, title: string): Promise<void> => page.locator("#state-title", { hasText: title }).waitFor();

/** A state of a page that somebody may look at, and how it is come by. */
const LOOKS: readonly (readonly [string, (context: BrowserContext) => Promise<Page>])[] = [
  ["the dialog at the warning", (context) => dialogAtWarning(context)],
  ["the dialog at the end", (context) => dialogAtEnd(context)],
  ["the demo page, signed out", (context) => demo(context)],
  ["the demo page, connected", (context) => demo(context, "Active")],
  ["the demo page, at the warning", (context) => demo(context, "About to end")],
  ["the demo page, at the end", (context) => demo(context, "Ended")],
];

async function dialogAtWarning(context: BrowserContext): Promise<Page> {
  const page = await open(context, stage.stack.url, "react.html");
  await register(page, `user-${crypto.randomUUID()}`, false);
  await page.getByLabel("Letter").fill("Dear reader");
  await page.getByText("Are you still there?").waitFor();
  return page;
}

async function dialogAtEnd(context: BrowserContext): Promise<Page> {
  const page = await dialogAtWarning(context);
  const dropped = await page.evaluate(() => {
    const state = window.client.getSnapshot();
    const session = "session" in state ? state.session : null;
    return { subject: session?.subject, id: session?.id };
  });
  await stage.stack.bringAbout("drop-session", dropped);
  await page.getByText("Your session has ended").waitFor();
  return page;
}

async function demo(context: BrowserContext, title?: "Active" | "About to end" | "Ended"): Promise<Page> {
  const page = await context.newPage();
  await page.goto(stage.stack.url);
  await shows(page, "Not connected");
  if (!title) return page;
  await page.getByRole("button", { name: "Connect", exact: true }).click();
  await shows(page, "Active");
  if (title === "Active") await page.locator("#session-rows tr").waitFor();
  if (title === "Ended") await page.getByRole("button", { name: "Drop the session" }).click();
  await shows(page, title);
  return page;
}

/** What axe finds, in words; fails if it has not looked at colours. */
async function faults(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const { violations, passes } = await page.evaluate(() => (window as unknown as { axe: typeof axe }).axe.run());
  expect(passes.map(({ id }) => id)).toContain("color-contrast");
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
}

/** Visible boxes whose edge cannot be seen; what moves or fades. */
const unseenEdges = (page: Page, selector: string): Promise<string[]> =>
  page.evaluate(
    (selector) =>
      [...document.querySelectorAll(selector)]
        .filter((element) => element.checkVisibility())
        .filter((element) => {
          const { borderTopStyle, borderTopWidth, borderTopColor, backgroundColor } = getComputedStyle(element);
          return borderTopStyle === "none" || parseFloat(borderTopWidth) < 1 || borderTopColor === backgroundColor;
        })
        .map((element) => element.outerHTML.slice(0, 120)),
    selector,
  );
const moving = (page: Page): Promise<string[]> =>
  page.evaluate(() => {
    const still = (durations: string): boolean => durations.split(", ").every((duration) => parseFloat(duration) === 0);
    return [...document.querySelectorAll("*")]
      .filter((element) =>
        [null, "::before", "::after", "::backdrop"].some((part) => {
          const { animationDuration, transitionDuration } = getComputedStyle(element, part);
          return !still(animationDuration) || !still(transitionDuration);
        }),
      )
      .map((element) => element.outerHTML.slice(0, 120));
  });

/** What sticks out to the right; the plot cuts off by itself what is out of its sight. */
const overhanging = (page: Page): Promise<string[]> =>
  page.evaluate(() =>
    [...document.querySelectorAll("body *:not(svg *)")]
      .filter((element) => element.checkVisibility() && !element.closest(".unseen, thead"))
      .filter((element) => element.getBoundingClientRect().right > 360)
      .map((element) => element.outerHTML.slice(0, 120)),
  );

/** How often the plot moves from a poll to the second one after it. */
const draws = (page: Page): Promise<number> =>
  page.evaluate(
    () =>
      new Promise((resolve) => {
        let [drawn, polls] = [0, 0];
        const entries = document.getElementById("entries") ?? document.body;
        new MutationObserver((changes) => (drawn += changes.length)).observe(document.querySelector(".plot") ?? document.body, {
          subtree: true,
          attributeFilter: ["transform"],
        });
        new MutationObserver(() => {
          if (!entries.firstElementChild?.textContent.includes("Poll: answered")) return;
          if (polls++ === 0) drawn = 0;
          if (polls === 3) resolve(drawn);
        }).observe(entries, { childList: true });
      }),
  );

describe("everybody can use", () => {
  it.each(LOOKS)("%s: light, dark, in forced colours, without motion, and on a phone", async (_name, come) => {
    const page = await come(await stage.context());
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      expect([colorScheme, ...(await faults(page))]).toEqual([colorScheme]);
    }
    await page.emulateMedia({ forcedColors: "active", reducedMotion: "reduce" });
    expect(await page.locator("button:visible").count()).toBeGreaterThan(0);
    expect(await unseenEdges(page, "dialog, .card, button, input:not([type=radio], [type=checkbox]), textarea")).toEqual([]);
    expect(await moving(page)).toEqual([]);
    await page.setViewportSize({ width: 360, height: 740 });
    // The plot is drawn anew, once a second here.
    await page.waitForFunction(() => document.documentElement.scrollWidth <= 360);
    expect(await overhanging(page)).toEqual([]);
  });

  it("the plot, drawn a fifth as often for who wants less motion", async () => {
    const page = await demo(await stage.context(), "Active");
    const [often, calm] = [await draws(page), await page.emulateMedia({ reducedMotion: "reduce" }).then(() => draws(page))];
    expect(calm).toBeGreaterThan(0);
    expect(often).toBeGreaterThan(2 * calm);
  });
});
