import type { SharedStorage } from "./store.js";

/** Page events that the client listens to; a `Window` is one. */
export type PageEvents = Pick<EventTarget, "addEventListener">;

/** A channel between tabs; a `BroadcastChannel` is one. */
export interface TabChannel {
  postMessage(message: unknown): void;
  addEventListener(type: "message", listener: (event: { readonly data: unknown }) => void): void;
  close(): void;
}

/** What the client takes from the browser. Anything may be `null`: it then does without. */
export interface Environment {
  readonly fetch: typeof fetch;
  readonly storage: SharedStorage | null;
  readonly page: PageEvents | null;
  readonly channel: ((name: string) => TabChannel) | null;
  /** Whether somebody can see the page. */
  readonly visible: () => boolean;
  /** From 0 up to 1, for jitter. */
  readonly random: () => number;
  /** 16 to 128 visible ASCII characters without a comma, never the same twice. */
  readonly randomKey: () => string;
}

/** The browser's own. Reading `localStorage` throws where storage is forbidden. */
export function browserEnvironment(): Environment {
  const scope: Partial<typeof globalThis> = globalThis;
  let storage: SharedStorage | null = null;
  try {
    storage = scope.localStorage ?? null;
  } catch {
    // Forbidden: the session then lives in this tab alone.
  }
  return {
    fetch: (input, init) => fetch(input, init),
    storage,
    page: scope.window ?? null,
    channel: scope.BroadcastChannel ? (name) => new BroadcastChannel(name) : null,
    visible: () => scope.document?.visibilityState !== "hidden",
    random: Math.random,
    randomKey: () => crypto.randomUUID(),
  };
}
