import type { Clock } from "./clock.js";
import type { SessionAnswer } from "./contract.js";
import type { Reply } from "./requests.js";
import type { Store } from "./store.js";

/** Input that is later than what the server knows of by no more than this need not be reported. */
const ROUNDING_MS = 100;

/** Shortest time, in milliseconds, between two inputs that other tabs are told of. */
const TELL_MS = 1_000;

/** A moment on both clocks: the monotonic one may stand still in sleep, the wall clock may be set. */
type Moment = readonly [at: number, wall: number];

/** Before all others. */
export const NEVER: Moment = [-Infinity, -Infinity];

/**
 * Input of a person in this tab, and in others through the storage: read at every report, so no tab is woken for it, and
 * the last click before a page is left counts. What the server says of the last activity tells which of it is still to be
 * reported: an answer to a repeated refresh may not have counted it.
 */
export interface Presence extends Clock, Store {
  /** The last input in this tab. */
  seen: Moment;
  /** The last activity that the server knows of. */
  counted: Moment;
  /** When other tabs were told of input, on the monotonic clock. */
  toldAt: number;
}

const moment = (tab: Presence, at: number): Moment => [at, tab.wall() - tab.now() + at];

const ageMs = (tab: Presence, [at, wall]: Moment): number => Math.max(tab.now() - at, tab.wall() - wall);

/** Counts as input: a person did something, or asked to stay. */
export function touch(tab: Presence): void {
  const now = tab.now();
  tab.seen = moment(tab, now);
  if (now - tab.toldAt < TELL_MS) return;
  tab.toldAt = now;
  tab.set("active", tab.wall());
}

/** For `lastActiveMsAgo`: how long ago the latest input was; `null` when the server knows of it. */
export function report(tab: Presence): number | null {
  const sharedMs = tab.wall() - (tab.get("active") ?? Infinity);
  // From a clock that was set back since: nobody knows how long ago that was.
  const msAgo = Math.round(Math.max(0, Math.min(ageMs(tab, tab.seen), sharedMs < 0 ? Infinity : sharedMs)));
  return msAgo + ROUNDING_MS < ageMs(tab, tab.counted) ? msAgo : null;
}

/** Takes what an answer says of the last activity, by whichever tab or user it was reported. */
export function answered(tab: Presence, { body, sentAt }: Reply<SessionAnswer>): void {
  tab.counted = moment(tab, sentAt - Date.parse(body.serverTime) + Date.parse(body.session.lastActiveAt));
  // It would look recent after the wall clock is set back.
  if (report(tab) === null) tab.set("active", null);
}
