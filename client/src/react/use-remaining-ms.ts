import { useMemo, useSyncExternalStore } from "react";
import { systemClock, type SessionClient } from "../index.js";

const never = (): null => null;
const unsubscribed = (): void => undefined;
const STOPPED = { subscribe: () => unsubscribed, remainingMs: never };

/** Asks the client at each full second before the limit. Timers only say when to look: they may be late, or sleep. */
function createCountdown(client: SessionClient) {
  let remainingMs = client.remainingMs();
  const subscribe = (changed: () => void): (() => void) => {
    const clock = systemClock([]);
    let cancel = unsubscribed;
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
  return { subscribe, remainingMs: () => remainingMs };
}

/** `client.remainingMs()`, read about once a second while `running`; otherwise `null`, and no timer runs. */
export function useRemainingMs(client: SessionClient | null, running: boolean): number | null {
  const { subscribe, remainingMs } = useMemo(
    () => (client && running ? createCountdown(client) : STOPPED),
    [client, running],
  );
  return useSyncExternalStore(subscribe, remainingMs, never);
}
