import type { Clock } from "./clock.js";
import type { SessionAnswer } from "./contract.js";
import type { PageEvents } from "./environment.js";
import type { Reply } from "./requests.js";
import type { Store } from "./store.js";

/** Input of a person. Not `scroll`: a page that scrolls by itself fires it too, and the browser calls it trusted. */
const INPUT = ["pointerdown", "pointermove", "keydown", "wheel", "touchstart", "touchmove"];

/** Input that is later than what the server knows of by no more than this need not be reported. */
const ROUNDING_MS = 100;

/** A moment on both clocks: the monotonic one may stand still in sleep, the wall clock may be set. */
type Moment = readonly [at: number, wall: number];

/** Shortest time, in milliseconds, between two inputs that other tabs are told of. */
const TELL_MS = 1_000;

/** What presence needs. */
export interface Presence {
  readonly clock: Clock;
  readonly store: Store;
  readonly page: PageEvents | null;
  readonly onInput: () => void;
  /** Aborted when nobody listens any more. */
  readonly signal: AbortSignal;
}

/**
 * Watches for input of a person in this tab, and learns of it in others through the storage: read at every report, so no
 * tab is woken for it, and the last click before a page is left counts. What the server says of the last activity tells
 * which of it is still to be reported: an answer to a repeated refresh may not have counted it.
 */
export function createPresence({ clock, store, page, onInput, signal }: Presence) {
  let seen: Moment = [-Infinity, -Infinity];
  let known = seen;
  let toldAt = -Infinity;
  const moment = (at: number): Moment => [at, clock.wall() - clock.now() + at];
  const ageMs = ([at, wall]: Moment): number => Math.max(clock.now() - at, clock.wall() - wall);
  /** Counts as input: somebody asked to stay. */
  function touch(): void {
    const now = clock.now();
    seen = moment(now);
    if (now - toldAt < TELL_MS) return;
    toldAt = now;
    store.set("active", clock.wall());
  }
  /** For `lastActiveMsAgo`: how long ago the latest input was; `null` when the server knows of it. */
  function report(): number | null {
    const sharedMs = clock.wall() - (store.get("active") ?? Infinity);
    // From a clock that was set back since: nobody knows how long ago that was.
    const msAgo = Math.round(Math.max(0, Math.min(ageMs(seen), sharedMs < 0 ? Infinity : sharedMs)));
    return msAgo + ROUNDING_MS < ageMs(known) ? msAgo : null;
  }
  for (const type of INPUT) {
    const listener = ({ isTrusted }: Event): void => {
      if (!isTrusted) return;
      touch();
      onInput();
    };
    page?.addEventListener(type, listener, { capture: true, passive: true, signal });
  }
  return {
    touch,
    report,
    /** Takes what an answer says of the last activity, by whichever tab or user it was reported. */
    answered({ body, sentAt }: Reply<SessionAnswer>): void {
      known = moment(sentAt - Date.parse(body.serverTime) + Date.parse(body.session.lastActiveAt));
      // It would look recent after the wall clock is set back.
      if (report() === null) store.set("active", null);
    },
  };
}
