import type { Limit, SessionPolicy } from "./contract.js";

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
  /** How long before then it is replaced at the latest, in milliseconds. */
  accessLeadMs: number;
  idleUntil: number;
  absoluteUntil: number;
}

/**
 * How soon to ask again: when the server wants it, kept from being a hot loop.
 *
 * @param share - of the time that the server names; any after a failure, because others have failed at the same moment
 */
export const pollIn = (nextPollMs: number, share: number): number => Math.max(SHORTEST_POLL_MS, nextPollMs * share || 0);

/** When the first limit ends the session. */
export const endsAt = ({ idleUntil, absoluteUntil }: Deadlines): number => Math.min(idleUntil, absoluteUntil);

/** How long before its end an access token is replaced at the latest: one minute, or half of a short life. */
export const leadOf = (accessTtlMs: number): number => Math.min(60_000, accessTtlMs / 2);

/** From when on a refresh takes the place of a poll: below the policy's threshold, or when the token has to be replaced. */
export const refreshFrom = (due: Deadlines, { refreshThresholdMs }: SessionPolicy): number =>
  due.accessUntil - Math.max(refreshThresholdMs, due.accessLeadMs);

/**
 * When the server is to be asked next: its own pace, the token's end, the beginning of the warning, or the limit. An
 * answer from after that beginning has settled whether the end is near: a server whose warnings come later is not asked
 * again for it.
 */
export function nextDue(due: Deadlines, policy: SessionPolicy): number {
  const limitAt = endsAt(due) + PAST_MS;
  const warningAt = limitAt - policy.warningLeadMs;
  return Math.min(due.pollAt, due.accessUntil - due.accessLeadMs, due.answeredAt < warningAt ? warningAt : limitAt);
}

/**
 * When a client that does not reach the server stops hoping: the buffer of the policy after the first limit. Activity
 * cannot have moved the idle limit meanwhile, because nobody could report it.
 */
export const hopeEndsAt = (due: Deadlines, { sessionTimeoutMs, idleTimeoutMs }: SessionPolicy): number =>
  endsAt(due) + sessionTimeoutMs - idleTimeoutMs;

/** Which limit is the first. */
export const firstLimit = ({ idleUntil, absoluteUntil }: Deadlines): Limit =>
  absoluteUntil <= idleUntil ? "absolute_timeout" : "idle_timeout";

/**
 * Full jitter: anything from nothing to three times as much with each failure, from one second to `longestMs`.
 *
 * @param random - from 0 up to 1
 */
export const backoffMs = (failures: number, longestMs: number, random: number): number =>
  random * Math.min(longestMs, 1000 * 3 ** failures);
