import type { Clock } from "./clock.js";
import type { SessionAnswer } from "./contract.js";
import type { PageEvents } from "./environment.js";
import type { Store } from "./store.js";

/** Input of a person. Not `scroll`: a page that scrolls by itself fires it too, and the browser calls it trusted. */
const INPUT = ["pointerdown", "pointermove", "keydown", "wheel", "touchstart", "touchmove"];

/** The server's times are in milliseconds; some rounding is left. */
const ROUNDING_MS = 1_000;

/** The latest input, as a request reports it. */
export interface Report {
  /** For `lastActiveMsAgo`; `null` when there was no input since the last report that was accepted. */
  readonly msAgo: number | null;
  /** The input of this tab that it covers. */
  readonly seenAt: number;
  /** The input of any tab that it covers. */
  readonly shared: number | null;
}

/**
 * Watches for input of a person in this tab, and learns of it in others through the storage: read at every report, so no
 * tab is woken for it, and the last click before a page is left counts.
 *
 * @param everyMs - how often, at most, input is told to other tabs
 */
export function createPresence(clock: Clock, store: Store, page: PageEvents | null, everyMs: () => number, onInput: () => void) {
  let seenAt = 0;
  let seenAtWall = 0;
  let reportedAt = 0;
  let toldAt = Number.NEGATIVE_INFINITY;
  function touch(): void {
    seenAt = clock.now();
    seenAtWall = clock.wall();
    if (seenAt - toldAt < everyMs()) return;
    toldAt = seenAt;
    store.set("active", seenAtWall);
  }
  const onEvent = ({ isTrusted }: Event): void => {
    if (!isTrusted) return;
    touch();
    onInput();
  };
  const passive = { capture: true, passive: true };
  for (const type of INPUT) page?.addEventListener(type, onEvent, passive);
  return {
    /** Counts as input: somebody asked to stay. */
    touch,
    report(): Report {
      const wall = clock.wall();
      const shared = store.get("active");
      const agos: number[] = [];
      // The greater of the two clocks: the monotonic one may stand still in sleep.
      if (seenAt !== reportedAt) agos.push(Math.max(clock.now() - seenAt, wall - seenAtWall));
      // From a clock that was set back since: nobody knows how long ago that was.
      if (shared !== null && shared <= wall) agos.push(wall - shared);
      return { msAgo: agos.length ? Math.max(0, Math.round(Math.min(...agos))) : null, seenAt, shared };
    },
    /**
     * Takes what an answer says: the report is done if the server's last activity is at least as recent. An answer to a
     * repeated refresh may not have counted it.
     */
    answered(report: Report, { session, serverTime }: SessionAnswer): void {
      const idleMs = Date.parse(serverTime) - Date.parse(session.lastActiveAt);
      if (report.msAgo === null || idleMs > report.msAgo + ROUNDING_MS) return;
      reportedAt = report.seenAt;
      if (report.shared !== null && store.get("active") === report.shared) store.set("active", null);
    },
    /** Input of another user, or of another session, says nothing about the one that begins. */
    reset(): void {
      reportedAt = seenAt;
      store.set("active", null);
    },
    stop(): void {
      for (const type of INPUT) page?.removeEventListener(type, onEvent, passive);
    },
  };
}
