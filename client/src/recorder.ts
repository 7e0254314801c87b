import type { Clock } from "./clock.js";
import type { EndReason, ErrorCode } from "./contract.js";
import type { Route } from "./verdict.js";

/** How many entries the recorder keeps. */
const MOST_ENTRIES = 200;

/**
 * One thing that happened. Ids of sessions are in it; tokens, keys, names, bodies and addresses never are.
 */
export interface FlightEntry {
  /** Milliseconds since the client was created, on the monotonic clock. */
  readonly atMs: number;
  /** `request`, `answer`, `state`, `follow` (another tab changed the session), `wake` (the machine slept), `discard`. */
  readonly kind: "request" | "answer" | "state" | "follow" | "wake" | "discard";
  readonly route?: Route;
  readonly status?: number;
  readonly code?: ErrorCode;
  readonly from?: string;
  readonly to?: string;
  readonly reason?: EndReason;
  readonly session?: string | null;
  /** How long: of a wait that was asked for, or of a sleep. */
  readonly ms?: number;
}

/** What {@link SessionClient.explain} returns. `toString()` gives one line of JSON for each entry. */
export interface Explanation {
  readonly entries: readonly FlightEntry[];
  toString(): string;
}

/** The flight recorder: a ring of the last 200 things that happened. */
export function createRecorder(clock: Clock, onEvent: ((entry: FlightEntry) => void) | undefined) {
  const startedAt = clock.now();
  const ring: FlightEntry[] = [];
  return {
    record(entry: Omit<FlightEntry, "atMs">): void {
      const stamped = { atMs: Math.round(clock.now() - startedAt), ...entry };
      ring.push(stamped);
      if (ring.length > MOST_ENTRIES) ring.shift();
      onEvent?.(stamped);
    },
    explain(): Explanation {
      const entries = [...ring];
      return { entries, toString: () => entries.map((entry) => JSON.stringify(entry)).join("\n") };
    },
  };
}
