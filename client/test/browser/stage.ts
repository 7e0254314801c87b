import { type Browser, type BrowserContext, type BrowserContextOptions, chromium } from "playwright-core";
import { afterEach, beforeAll } from "vitest";
import { Stack } from "./stack.js";

/** Where the cases of a file play. */
export interface Stage {
  readonly stack: Stack;
  /** A browser profile of its own, closed after the case. */
  readonly context: (options?: BrowserContextOptions) => Promise<BrowserContext>;
}

/** A browser, Debian's Chromium, and a stack for all cases of a file. */
export function staged(settings: Record<string, string> = {}): Stage {
  let browser: Browser;
  let stack: Stack;
  const contexts: BrowserContext[] = [];

  beforeAll(async () => {
    const executablePath = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
    // Playwright would switch the back/forward cache off.
    const ignoreDefaultArgs = ["--disable-back-forward-cache"];
    browser = await chromium.launch({ executablePath, args: ["--no-sandbox"], ignoreDefaultArgs });
    stack = await Stack.start(settings);
    return async () => {
      await browser.close();
      await stack.stop();
    };
  });
  // Tabs that nobody looks at would go on asking.
  afterEach(async () => {
    for (const context of contexts.splice(0)) await context.close();
  });

  return {
    get stack() {
      return stack;
    },
    async context(options) {
      const context = await browser.newContext(options);
      contexts.push(context);
      return context;
    },
  };
}
