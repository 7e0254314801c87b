import type { SessionPolicy } from "./contract.js";

/** Longest time between two looks at the clocks: what tells sleep, and how late a deadline may be met. */
export const TICK_MS = 10_000;

/** A wall clock that ran ahead of the monotonic one by more than this tells of sleep. */
export const SLEEP_GAP_MS = 5_000;

/** How long after a limit or a warning lead the server is asked: rounding and flight must not make it too early. */
const PAST_MS = 250;

/** Shortest time between two polls, whatever an answer says. */
const SHORTEST_POLL_MS = 250;

/** Deadlines on the monotonic clock. */
export interface Deadlines {
  /** When the server wants to be asked again. */
  pollAt: number;
  /** When the access token ends; 0 without one. */
  accessUntil: number;
  /** The access token's whole life, in milliseconds. */
  accessTtlMs: number;
  idleUntil: number;
  absoluteUntil: number;
  /** Whether the server has already said that the end is near. */
  warned: boolean;
}

/** How soon the server wants to be asked again, kept from being a hot loop. */
export const pollIn = (nextPollMs: number): number => Math.max(SHORTEST_POLL_MS, nextPollMs || 0);

/**
 * When an access token is to be replaced: below the policy's threshold, and at the latest one minute before its end. A
 * token too short for a minute is replaced at half of its life, and none before a tenth of it, so that a threshold longer
 * than the token is no hot loop.
 */
export function refreshAt(deadlines: Readonly<Deadlines>, policy: SessionPolicy): number {
  const { accessUntil, accessTtlMs } = deadlines;
  const margin = Math.max(policy.refreshThresholdMs, Math.min(60_000, accessTtlMs / 2));
  return accessUntil - Math.min(margin, accessTtlMs * 0.9);
}

/**
 * Whether an answer of `now` has settled that the end is near. A server whose warnings begin later than the policy says
 * is not asked again and again.
 */
export function warningAsked(deadlines: Readonly<Deadlines>, policy: SessionPolicy, now: number): boolean {
  return now >= Math.min(deadlines.idleUntil, deadlines.absoluteUntil) + PAST_MS - policy.warningLeadMs;
}

/** When the server is to be asked next: its own pace, the beginning of the warning, the limit, or the token. */
export function nextDue(deadlines: Readonly<Deadlines>, policy: SessionPolicy): number {
  const endsAt = Math.min(deadlines.idleUntil, deadlines.absoluteUntil) + PAST_MS;
  const asksAt = deadlines.warned ? endsAt : endsAt - policy.warningLeadMs;
  return Math.min(deadlines.pollAt, refreshAt(deadlines, policy), asksAt);
}

/**
 * When a client that does not reach the server stops hoping: the buffer of the policy after the limit, and which limit
 * that was. Activity cannot have moved the idle limit meanwhile, because nobody could report it.
 */
export function hopeless(deadlines: Readonly<Deadlines>, policy: SessionPolicy): { at: number; reason: "idle_timeout" | "absolute_timeout" } {
  const absolute = deadlines.absoluteUntil <= deadlines.idleUntil;
  const buffer = Math.max(0, policy.sessionTimeoutMs - policy.idleTimeoutMs);
  return {
    at: Math.min(deadlines.idleUntil, deadlines.absoluteUntil) + buffer,
    reason: absolute ? "absolute_timeout" : "idle_timeout",
  };
}

/**
 * Full jitter: anything from nothing to twice as much with each failure, from one second to `longestMs`.
 *
 * @param random - from 0 up to 1
 */
export const backoffMs = (failures: number, longestMs: number, random: number): number =>
  random * Math.min(longestMs, 1000 * 2 ** Math.min(failures, 30));
