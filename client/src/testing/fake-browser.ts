import type { Environment, TabChannel } from "../environment.js";
import type { SharedStorage } from "../store.js";
import type { FakeClock } from "./fake-clock.js";
import type { FakeServer } from "./fake-server.js";

/** One page: what a test hands to a client as its environment, and what it does to the page. */
export interface FakeTab {
  readonly environment: Environment;
  /** Input of a person, unless it is said to come from a script. */
  input(type?: string, isTrusted?: boolean): void;
  /** Any other event of the page, e.g. `visibilitychange`. */
  event(type: string, members?: object): void;
  /** Whether somebody can see the page. */
  visible: boolean;
  /** The page is gone, without a farewell: it hears and sends nothing any more. */
  crash(): void;
}

/** One browser: tabs with common cookies, storage and channels. */
export interface FakeBrowser {
  /** Opens a page. */
  tab(): FakeTab;
  /** The cookies, e.g. to bring old ones back after a crash. */
  cookies: Map<string, string>;
  /** What pages have stored. */
  readonly stored: Map<string, string>;
  /** All that pages have said to each other. */
  readonly messages: readonly unknown[];
}

/** What a browser for tests can be told. */
export interface FakeBrowserOptions {
  /** Whether `BroadcastChannel` exists; default `true`. */
  readonly channels?: boolean;
  /** For jitter and keys; default: a sequence that is the same in every run. */
  readonly random?: () => number;
}

/** A sequence that looks random and is the same in every run (mulberry32). */
export function sequence(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** A browser for tests. */
export function createFakeBrowser(server: FakeServer, clock: FakeClock, options: FakeBrowserOptions = {}): FakeBrowser {
  const { channels = true, random = sequence(1) } = options;
  const stored = new Map<string, string>();
  const messages: unknown[] = [];
  const open = new Set<{ hear: (type: string, event: object) => void; channels: Set<(event: { data: unknown }) => void> }>();
  const browser = { cookies: new Map<string, string>(), stored, messages, tab };

  function tab(): FakeTab {
    const listeners = new Map<string, Set<(event: never) => void>>();
    const mine = {
      hear: (type: string, event: object): void => {
        for (const listener of [...(listeners.get(type) ?? [])]) listener({ type, ...event } as never);
      },
      channels: new Set<(event: { data: unknown }) => void>(),
    };
    open.add(mine);
    let gone = false;
    const changed = (key: string): void => {
      for (const other of open) if (other !== mine) clock.after(1, () => other.hear("storage", { key }));
    };
    const storage: SharedStorage = {
      getItem: (key) => stored.get(key) ?? null,
      setItem(key, value) {
        if (gone) return;
        stored.set(key, value);
        changed(key);
      },
      removeItem(key) {
        if (gone) return;
        stored.delete(key);
        changed(key);
      },
    };
    const channel = (): TabChannel => ({
      postMessage(data) {
        if (gone) return;
        messages.push(data);
        for (const other of open) {
          if (other !== mine) for (const listener of other.channels) clock.after(1, () => listener({ data }));
        }
      },
      addEventListener: (_, listener) => void mine.channels.add(listener),
      close: () => mine.channels.clear(),
    });
    const page = {
      addEventListener(type: string, listener: unknown, options?: AddEventListenerOptions | boolean) {
        const until = typeof options === "object" ? options.signal : undefined;
        const all = listeners.get(type) ?? new Set();
        listeners.set(type, all.add((event) => until?.aborted || (listener as (event: never) => void)(event)));
      },
    };
    const self: FakeTab = {
      visible: true,
      environment: {
        fetch: (input, init) => (gone ? new Promise(() => undefined) : server.fetch(() => browser.cookies, input, init, () => gone)),
        storage,
        page,
        channel: channels ? channel : null,
        visible: () => self.visible,
        random,
        randomKey: () => `key-${Math.floor(random() * 1e15).toString(36).padStart(12, "0")}-${Math.floor(random() * 1e6)}`,
      },
      input: (type = "pointerdown", isTrusted = true) => mine.hear(type, { isTrusted }),
      event: (type, members = {}) => mine.hear(type, members),
      crash() {
        gone = true;
        open.delete(mine);
      },
    };
    return self;
  }
  return browser;
}
