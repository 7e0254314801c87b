import type { SessionPolicy } from "./contract.js";
import type { Environment } from "./environment.js";
import type { Presence } from "./presence.js";
import type { Sending } from "./requests.js";
import type { Rotations } from "./rotation.js";
import type { Deadlines } from "./schedule.js";
import type { SessionInfo, SessionState } from "./session-client.js";
import type { SessionError } from "./session-error.js";
import type { Ending } from "./store.js";
import type { Route } from "./verdict.js";

/** What a tab is after: a live session; a reconnect of a lost one; a logout that the server has to hear of. */
export type Phase = "live" | "lost" | "leaving";

/** What belongs to one session, and begins anew with the next. */
export interface Episode extends Deadlines {
  /** `null`: the tab is after nothing. */
  phase: Phase | null;
  /** The session, as far as it is known. */
  id: string | null;
  /** What the server itself told this page of it; `null` if another tab did, or an earlier page. */
  info: SessionInfo | null;
  /** The session comes from a reconnect, and the server has not confirmed it since. */
  unproven: boolean;
  /** The access token; empty without one. */
  access: string;
}

/** How attempts to reach the server have gone since the last one that succeeded. Times are of the monotonic clock. */
export interface Attempts {
  /** When to try again; 0 without a failure. */
  retryAt: number;
  /** No sooner than this, whatever happens to the page. */
  notBefore: number;
  failures: number;
  failure: SessionError | undefined;
}

/**
 * What one client knows, and what it works with: the one record that its parts share. A part that needs less declares
 * less, so that it can be tested by itself.
 */
export interface Tab extends Omit<Environment, "fetch">, Sending, Rotations, Presence, Episode, Attempts {
  state: SessionState;
  /** How the last session ended. */
  ending: Ending;
  policy: SessionPolicy;
  readsPolicy?: boolean;
  /** Counts changes of session: answers to requests from before a change are discarded. */
  epoch: number;
  /** Exchanges under way. */
  readonly running: { [Kind in Route]?: Promise<void> | undefined };
  /** Proves the session that a logout ends. */
  parting?: string;
  /** How far the wall clock was ahead of the monotonic one when the timer last fired. */
  wasAheadMs: number;
  cancelTimer?: () => void;

  /** Tells other tabs that something has changed. */
  readonly tell: () => void;
  /** What the timer does. */
  readonly tick: () => void;
  /** `fetch` with the access token. */
  readonly carry: typeof fetch;
  /** Aborted when the client is disposed of. */
  readonly signal: AbortSignal;
}
