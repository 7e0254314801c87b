import { createSessionClient, type SessionClient, type SessionClientOptions } from "../src/index.js";
import {
  createFakeBrowser,
  createFakeClock,
  createFakeServer,
  type FakeBrowser,
  type FakeBrowserOptions,
  type FakeClock,
  type FakeServer,
  type FakeTab,
} from "../src/testing/index.js";

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;

export const ADA = { kind: "password", username: "ada", password: "correct horse" } as const;
export const BOB = { kind: "password", username: "bob", password: "battery staple" } as const;

/** A client and the page it lives in. */
export interface Page {
  readonly client: SessionClient;
  readonly tab: FakeTab;
}

/** A service, a browser, and the time that passes for both. */
export interface World {
  readonly clock: FakeClock;
  readonly server: FakeServer;
  readonly browser: FakeBrowser;
  /** Opens a page. */
  page(options?: Partial<SessionClientOptions>): Page;
}

export function world(options?: FakeBrowserOptions): World {
  const clock = createFakeClock();
  const server = createFakeServer(clock);
  const browser = createFakeBrowser(server, clock, options);
  return {
    clock,
    server,
    browser,
    page(given = {}) {
      const tab = browser.tab();
      const client = createSessionClient({ baseUrl: server.baseUrl, clock, environment: tab.environment, ...given });
      return { client, tab };
    },
  };
}

/** Waits for a promise while time passes. */
export async function within<T>(clock: FakeClock, promise: Promise<T>, ms = 15 * SECOND): Promise<T> {
  promise.catch(() => undefined);
  await clock.advance(ms);
  return promise;
}

/** The world with a page whose user has connected. */
export async function connected(options: FakeBrowserOptions & { readonly remember?: boolean } = {}): Promise<World & Page> {
  const at = world(options);
  const page = at.page();
  await within(at.clock, page.client.connect(ADA, { remember: options.remember ?? false }));
  return { ...at, ...page };
}

/** The state in one word, with the reason of an end. */
export function status({ client }: { client: SessionClient }): string {
  const state = client.getSnapshot();
  return state.status === "ended" ? `ended ${state.reason}` : state.status;
}
