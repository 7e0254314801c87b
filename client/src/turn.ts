import { pause, type Clock } from "./clock.js";
import type { Store } from "./store.js";

/** How long to wait for one holder of the turn: longer than most requests, short enough for one that froze. */
const PATIENCE_MS = 5_000;

/** After so long a holder is not there any more: its request has been given up. */
const STALE_MS = 10_000;

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
export function createTurns(clock: Clock, store: Store, randomKey: () => string) {
  let mine = "";
  function release(): void {
    if (mine && store.get("turn")?.holder === mine) store.set("turn", null);
    mine = "";
  }
  async function claim(): Promise<string> {
    const holder = randomKey();
    let waitsFor: string | undefined;
    let since = 0;
    for (;;) {
      const held = store.get("turn");
      if (held?.holder !== waitsFor) {
        waitsFor = held?.holder;
        since = clock.now();
      }
      // A wall clock that jumped makes a claim look stale: then the turn saves nothing, and breaks nothing.
      const heldMs = held ? clock.wall() - held.at : -1;
      if (heldMs < 0 || heldMs > STALE_MS || clock.now() - since >= PATIENCE_MS) {
        store.set("turn", { holder, at: clock.wall() });
        await pause(clock, SETTLE_MS);
        if (store.get("turn")?.holder === holder) return holder;
      } else await pause(clock, LOOK_MS);
    }
  }
  return {
    /** The page goes: whoever comes next, perhaps its own reload, need not wait. */
    release,
    async inTurn<T>(task: () => Promise<T>): Promise<T> {
      const holder = await claim();
      mine = holder;
      try {
        return await task();
      } finally {
        if (mine === holder) release();
      }
    },
  };
}
