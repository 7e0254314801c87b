import type { Clock } from "./clock.js";
import type { EndReason, ErrorCode } from "./contract.js";
import { emit, type Listened } from "./events.js";
import type { Route } from "./verdict.js";

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

/** What recording needs. */
export interface Recorded extends Listened, Clock {
  readonly startedAt: number;
  /** The last 200 things that happened. */
  readonly ring: FlightEntry[];
}

/** Puts down what happened. */
export function record(tab: Recorded, entry: Omit<FlightEntry, "atMs">): void {
  const { ring } = tab;
  const stamped = { atMs: Math.round(tab.now() - tab.startedAt), ...entry };
  if (ring.push(stamped) > 200) ring.shift();
  emit(tab, "entry", stamped);
}

/** What {@link SessionClient.explain} returns. */
export function explain({ ring }: Recorded): Explanation {
  const entries = [...ring];
  return { entries, toString: () => entries.map((entry) => JSON.stringify(entry)).join("\n") };
}
