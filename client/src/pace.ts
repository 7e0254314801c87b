import { nextDue, TICK_MS } from "./schedule.js";
import type { Tab } from "./tab.js";

/** When something is due. */
export const dueAt = (tab: Tab): number => tab.retryAt || (tab.phase === "live" ? nextDue(tab, tab.policy) : 0);

/** Sets the one timer: short ticks, because clocks stand still and timers are late. */
export function arm(tab: Tab): void {
  tab.cancelTimer?.();
  if (!tab.phase || tab.signal.aborted) return;
  tab.cancelTimer = tab.after(Math.max(0, Math.min(dueAt(tab) - tab.now(), TICK_MS)), tab.tick);
}

/** Asks at once if the last answer is as old as this; after a failure no sooner than the server allows. */
export function hasten(tab: Tab, freshMs: number): void {
  const now = tab.now();
  if (now - tab.answeredAt < freshMs) return;
  tab.pollAt = Math.min(tab.pollAt, now);
  tab.retryAt = Math.min(tab.retryAt, Math.max(tab.notBefore, now));
  arm(tab);
}

/** Something was learned of the session: no failure counts any more. */
export function succeeded(tab: Tab): void {
  tab.retryAt = tab.notBefore = tab.failures = 0;
  tab.failure = undefined;
}
