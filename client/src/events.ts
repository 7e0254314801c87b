import type { SessionEvents } from "./session-client.js";

/** A listener that throws is the app's defect: it is reported as an unhandled rejection and stops nothing. */
function call<Event>(listener: (event: Event) => void, event: Event): void {
  try {
    listener(event);
  } catch (defect) {
    void Promise.reject(defect as Error);
  }
}

/** Listeners by type of event. */
export function createEvents() {
  const listeners: { [Type in keyof SessionEvents]: Set<(event: SessionEvents[Type]) => void> } = {
    change: new Set(),
    ended: new Set(),
    reconnected: new Set(),
    policy: new Set(),
  };
  return {
    on<Type extends keyof SessionEvents>(type: Type, listener: (event: SessionEvents[Type]) => void): () => void {
      // Wrapped, so that the same function may listen twice.
      const own = (event: SessionEvents[Type]): void => listener(event);
      listeners[type].add(own);
      return () => void listeners[type].delete(own);
    },
    emit<Type extends keyof SessionEvents>(type: Type, event: SessionEvents[Type]): void {
      for (const listener of [...listeners[type]]) call(listener, event);
    },
  };
}
