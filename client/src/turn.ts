import { pause, type Clock } from "./clock.js";
import type { Store } from "./store.js";

/** What turns need. */
export interface Turns {
  readonly clock: Clock;
  readonly store: Store;
  readonly randomKey: () => string;
}

/** How long to wait for one holder of the turn: longer than most requests, short enough for one that froze or crashed. */
const PATIENCE_MS = 5_000;

/** How long a claim must stand: other tabs see a write to the storage within that time. */
const SETTLE_MS = 25;

/** How often to look whether the turn is free. */
const LOOK_MS = 100;

/**
 * Runs tasks that change cookies one after the other, in all tabs. It saves requests, and it keeps a request with an old
 * token from still being on its way when a second rotation follows. It decides nothing: whoever has waited long enough for
 * one holder goes ahead, two who claim at the same instant both do, and the server judges.
 *
 * Not `navigator.locks`: a lock whose holder froze can only be waited for or stolen, and neither tells that others make
 * progress meanwhile.
 */
export function createTurns({ clock, store, randomKey }: Turns) {
  let mine = "";
  function release(): void {
    if (store.get("turn") === mine) store.set("turn", null);
  }
  async function claim(): Promise<string> {
    const own = randomKey();
    let waitsFor: string | null = null;
    let since = 0;
    for (;;) {
      const holder = store.get("turn");
      if (holder === own) return own;
      if (holder !== waitsFor) {
        waitsFor = holder;
        since = clock.now();
      }
      const free = !holder || clock.now() - since >= PATIENCE_MS;
      if (free) store.set("turn", own);
      await pause(clock, free ? SETTLE_MS : LOOK_MS);
    }
  }
  return {
    /** The page goes: whoever comes next, perhaps its own reload, need not wait. */
    release,
    async inTurn<T>(task: () => Promise<T>): Promise<T> {
      const own = (mine = await claim());
      try {
        return await task();
      } finally {
        if (mine === own) release();
      }
    },
  };
}
