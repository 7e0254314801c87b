import type { SessionEvents } from "./session-client.js";

/** Tells listeners of an event. */
export type Emit = ReturnType<typeof createEvents>["emit"];

/** Listeners by type of event. An `EventTarget` reports a listener that throws, and calls the others. */
export function createEvents() {
  const target = new EventTarget();
  return {
    on<Type extends keyof SessionEvents>(type: Type, listener: (event: SessionEvents[Type]) => void): () => void {
      const own = (event: Event): void => listener((event as CustomEvent<SessionEvents[Type]>).detail);
      target.addEventListener(type, own);
      return () => target.removeEventListener(type, own);
    },
    emit<Type extends keyof SessionEvents>(type: Type, detail: SessionEvents[Type]): void {
      target.dispatchEvent(new CustomEvent(type, { detail }));
    },
  };
}
