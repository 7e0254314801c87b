import type { SessionPolicy, WarningReason } from "./contract.js";

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
  /** When it last answered. */
  answeredAt: number;
  /** When the access token ends; 0 without one. */
  accessUntil: number;
  /** The access token's whole life, in milliseconds. */
  accessTtlMs: number;
  idleUntil: number;
  absoluteUntil: number;
}

/** How soon the server wants to be asked again, kept from being a hot loop. */
export const pollIn = (nextPollMs: number): number => Math.max(SHORTEST_POLL_MS, nextPollMs || 0);

/** When the first limit ends the session. */
export const endsAt = ({ idleUntil, absoluteUntil }: Deadlines): number => Math.min(idleUntil, absoluteUntil);

/**
 * When an access token is to be replaced: below the policy's threshold, and at the latest one minute before its end. A
 * token too short for a minute is replaced at half of its life, and none before a tenth of it, so that a threshold longer
 * than the token is no hot loop.
 */
export function refreshAt({ accessUntil, accessTtlMs }: Deadlines, { refreshThresholdMs }: SessionPolicy): number {
  return accessUntil - Math.min(Math.max(refreshThresholdMs, Math.min(60_000, accessTtlMs / 2)), accessTtlMs * 0.9);
}

/**
 * When the server is to be asked next: its own pace, the token, the beginning of the warning, or the limit. An answer from
 * after that beginning has settled whether the end is near: a server whose warnings come later is not asked again for it.
 */
export function nextDue(due: Deadlines, policy: SessionPolicy): number {
  const limitAt = endsAt(due) + PAST_MS;
  const warningAt = limitAt - policy.warningLeadMs;
  return Math.min(due.pollAt, refreshAt(due, policy), due.answeredAt < warningAt ? warningAt : limitAt);
}

/**
 * When a client that does not reach the server stops hoping: the buffer of the policy after the first limit. Activity
 * cannot have moved the idle limit meanwhile, because nobody could report it.
 */
export const hopeEndsAt = (due: Deadlines, { sessionTimeoutMs, idleTimeoutMs }: SessionPolicy): number =>
  endsAt(due) + sessionTimeoutMs - idleTimeoutMs;

/** Which limit is the first. */
export const firstLimit = ({ idleUntil, absoluteUntil }: Deadlines): WarningReason =>
  absoluteUntil <= idleUntil ? "absolute_timeout" : "idle_timeout";

/**
 * Full jitter: anything from nothing to twice as much with each failure, from one second to `longestMs`.
 *
 * @param random - from 0 up to 1
 */
export const backoffMs = (failures: number, longestMs: number, random: number): number =>
  random * Math.min(longestMs, 1000 * 2 ** failures);
