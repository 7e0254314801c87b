import { pause, type Clock } from "./clock.js";
import type { Environment } from "./environment.js";
import type { Store } from "./store.js";

/** How long to wait for whoever has the turn: longer than most requests, short enough for a holder that froze. */
const PATIENCE_MS = 5_000;

/** How long a claim must stand: other tabs see a write to the storage within that time. */
const SETTLE_MS = 25;

/** How often to look whether the turn is free. */
const LOOK_MS = 100;

/**
 * Runs tasks that change cookies one after the other, in all tabs. It saves requests, and it keeps a request with an old
 * token from still being on its way when a second rotation follows. It decides nothing: whoever has waited long enough
 * goes ahead, nothing is taken from anybody, and the server judges.
 */
export function createTurns({ locks, randomKey }: Pick<Environment, "locks" | "randomKey">, clock: Clock, store: Store, name: string) {
  async function claim(): Promise<string> {
    const holder = randomKey();
    const since = clock.now();
    for (;;) {
      const held = store.get("turn");
      const heldMs = held ? clock.wall() - held.at : -1;
      const impatient = clock.now() - since >= PATIENCE_MS;
      // A wall clock that jumped makes a claim look old or new: then the turn saves nothing, and breaks nothing.
      if (!held || heldMs < 0 || heldMs >= PATIENCE_MS || impatient) {
        store.set("turn", { holder, at: clock.wall() });
        await pause(clock, SETTLE_MS);
        if (impatient || store.get("turn")?.holder === holder) return holder;
      } else await pause(clock, LOOK_MS);
    }
  }

  return async function inTurn<T>(task: () => Promise<T>): Promise<T> {
    if (!locks) {
      const holder = await claim();
      try {
        return await task();
      } finally {
        if (store.get("turn")?.holder === holder) store.set("turn", null);
      }
    }
    const waiting = new AbortController();
    const cancel = clock.after(PATIENCE_MS, () => waiting.abort());
    let running: Promise<T> | undefined;
    const run = (): Promise<T> => {
      cancel();
      return (running = task());
    };
    try {
      // Rejects when the wait was too long, or where locks are forbidden.
      await locks.request(name, { signal: waiting.signal }, run);
    } catch {
      running ??= run();
    }
    return (running ?? run());
  };
}
