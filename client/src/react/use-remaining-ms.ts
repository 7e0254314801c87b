import { systemClock, type SessionClient } from "../index.js";
import { useClientStore, type ClientStore } from "./use-client-store.js";

/** Asks the client at each full second before the limit. Timers only say when to look: they may be late, or sleep. */
function createCountdown(client: SessionClient): ClientStore<number | null> {
  let remainingMs = client.remainingMs();
  const subscribe = (changed: () => void): (() => void) => {
    const clock = systemClock([]);
    let cancel = (): void => undefined;
    const look = (): void => {
      cancel();
      remainingMs = client.remainingMs();
      changed();
      cancel = clock.after((remainingMs ?? 0) % 1000 || 1000, look);
    };
    look();
    const unsubscribe = client.subscribe(look);
    return () => {
      cancel();
      unsubscribe();
    };
  };
  return { subscribe, read: () => remainingMs };
}

/** `client.remainingMs()`, read about once a second while `running`; otherwise `null`, and no timer runs. */
export function useRemainingMs(client: SessionClient | null, running: boolean): number | null {
  return useClientStore(running ? client : null, createCountdown);
}
