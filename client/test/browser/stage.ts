import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type LaunchOptions } from "playwright-core";
import { afterEach, beforeAll } from "vitest";
import { freePort, Stack } from "./stack.js";

/** Where the cases of a file play. */
export interface Stage {
  readonly stack: Stack;
  /** A browser profile of its own, closed after the case. */
  readonly context: (options?: BrowserContextOptions) => Promise<BrowserContext>;
  /**
   * The window of a browser of its own, closed after the case. Elsewhere every tab takes itself for the one in front, and
   * none can be hidden or frozen; here it is as for people.
   */
  readonly window: () => Promise<BrowserContext>;
}

const LAUNCH: LaunchOptions = {
  executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
  // Playwright would switch the back/forward cache off.
  ignoreDefaultArgs: ["--disable-back-forward-cache"],
};
const ARGS = ["--no-sandbox"];

/** A browser, Debian's Chromium, and a stack for all cases of a file. */
export function staged(settings: Record<string, string> = {}): Stage {
  let browser: Browser;
  let stack: Stack;
  const open: Pick<Browser | BrowserContext, "close">[] = [];

  beforeAll(async () => {
    browser = await chromium.launch({ ...LAUNCH, args: ARGS });
    stack = await Stack.start(settings);
    return async () => {
      await browser.close();
      await stack.stop();
    };
  });
  // Tabs that nobody looks at would go on asking.
  afterEach(async () => {
    for (const one of open.splice(0)) await one.close();
  });

  return {
    get stack() {
      return stack;
    },
    async context(options) {
      const context = await browser.newContext(options);
      open.push(context);
      return context;
    },
    async window() {
      const port = String(await freePort());
      open.push(await chromium.launch({ ...LAUNCH, args: [...ARGS, `--remote-debugging-port=${port}`] }));
      const attached = await chromium.connectOverCDP(`http://127.0.0.1:${port}`, { noDefaults: true });
      const [context] = attached.contexts();
      if (!context) throw new Error("no window");
      return context;
    },
  };
}
