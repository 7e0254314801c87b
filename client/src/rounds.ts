import { catchUp } from "./exchanges.js";
import { arm, dueAt, hasten } from "./pace.js";
import { record } from "./recorder.js";
import { firstLimit, hopeEndsAt, SLEEP_GAP_MS } from "./schedule.js";
import { finish, look } from "./session.js";
import type { Tab } from "./tab.js";

/** The timer: notices sleep, gives up hope when its time is over, and does what is due. */
export function tick(tab: Tab): void {
  const now = tab.now();
  const gapMs = tab.wall() - now - tab.wasAheadMs;
  tab.wasAheadMs += gapMs;
  if (gapMs > SLEEP_GAP_MS) {
    // The token may have ended while the monotonic clock stood still. Limits are not moved: the wall clock may be wrong.
    record(tab, { kind: "wake", ms: gapMs });
    tab.accessUntil -= gapMs;
    hasten(tab, 0);
  }
  if (tab.state.status === "offline" && now > hopeEndsAt(tab, tab.policy)) {
    finish(tab, { reason: firstLimit(tab), endedAt: null }, false);
  } else if (tab.phase && dueAt(tab) <= now) catchUp(tab).catch(() => undefined);
  else arm(tab);
}

/** Somebody looks at the page again, or the network is back: asks once, if the last answer is not fresh. */
export function wake(tab: Tab): void {
  look(tab);
  if (!tab.phase) return;
  hasten(tab, Math.min(30_000, tab.policy.heartbeatIntervalMs / 4));
  tick(tab);
}

/** While the warning is shown, what may have moved the end is asked for at once, and not at the next poll. */
export function hastenInWarning(tab: Tab, freshMs: number): void {
  if (tab.state.status === "warning") hasten(tab, freshMs);
}

/** Another tab says that something has changed: what was stuck may go on. */
export function stir(tab: Tab): void {
  look(tab);
  if (tab.retryAt === Infinity) tab.retryAt = tab.now();
  hastenInWarning(tab, 0);
  arm(tab);
}
