import { pause, type Clock } from "./clock.js";
import { PATIENCE_MS, SETTLE_MS, TURN_LOOK_MS } from "./patience.js";
import type { Store } from "./store.js";

/** What turns need. */
export interface Turns extends Clock, Store {
  readonly randomKey: () => string;
  /** This tab's last claim. */
  claimed?: string;
}

/** The page goes: whoever comes next, perhaps its own reload, need not wait. */
export function release(tab: Turns): void {
  if (tab.get("turn") === tab.claimed) tab.set("turn", null);
}

/**
 * Runs tasks that change cookies one after the other, in all tabs. It saves requests, and it keeps a request with an old
 * token from still being on its way when a second rotation follows. It decides nothing: whoever has waited long enough for
 * one holder goes ahead, two who claim at the same instant both do, and the server judges.
 *
 * Not `navigator.locks`: a lock whose holder froze can only be waited for or stolen, and neither tells that others make
 * progress meanwhile.
 */
export async function inTurn<T>(tab: Turns, task: () => Promise<T>): Promise<T> {
  const own = tab.randomKey();
  let waitsFor: string | null = null;
  let since = 0;
  for (;;) {
    const holder = tab.get("turn");
    if (holder === own) break;
    if (holder !== waitsFor) {
      waitsFor = holder;
      since = tab.now();
    }
    const free = !holder || tab.now() - since >= PATIENCE_MS;
    if (free) tab.set("turn", own);
    await pause(tab, free ? SETTLE_MS : TURN_LOOK_MS);
  }
  tab.claimed = own;
  try {
    return await task();
  } finally {
    if (tab.claimed === own) release(tab);
  }
}
