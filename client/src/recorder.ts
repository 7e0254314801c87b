import type { Clock } from "./clock.js";
import type { EndReason, ErrorCode } from "./contract.js";
import type { Emit } from "./events.js";
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
  readonly route?: Route | undefined;
  readonly status?: number | undefined;
  readonly code?: ErrorCode | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly reason?: EndReason | undefined;
  readonly session?: string | null | undefined;
  /** How long: of a wait that was asked for, or of a sleep. */
  readonly ms?: number | undefined;
}

/** What {@link SessionClient.explain} returns. `toString()` gives one line of JSON for each entry. */
export interface Explanation {
  readonly entries: readonly FlightEntry[];
  toString(): string;
}

/** The flight recorder: a ring of the last 200 things that happened. */
export function createRecorder({ clock, emit }: { readonly clock: Clock; readonly emit: Emit }) {
  const startedAt = clock.now();
  const ring: FlightEntry[] = [];
  return {
    record(entry: Omit<FlightEntry, "atMs">): void {
      const stamped = { atMs: Math.round(clock.now() - startedAt), ...entry };
      ring.push(stamped);
      if (ring.length > MOST_ENTRIES) ring.shift();
      emit("entry", stamped);
    },
    explain(): Explanation {
      const entries = [...ring];
      return { entries, toString: () => entries.map((entry) => JSON.stringify(entry)).join("\n") };
    },
  };
}
