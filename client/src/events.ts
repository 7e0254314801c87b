import type { SessionEvents } from "./session-client.js";

/** What events need. */
export interface Listened {
  /** An `EventTarget` reports a listener that throws, and calls the others. */
  readonly listeners: EventTarget;
}

/** Listens to one type of event; returns what ends that. */
export function on<Type extends keyof SessionEvents>(
  { listeners }: Listened,
  type: Type,
  listener: (event: SessionEvents[Type]) => void,
): () => void {
  const own = (event: Event): void => listener((event as CustomEvent<SessionEvents[Type]>).detail);
  listeners.addEventListener(type, own);
  return () => listeners.removeEventListener(type, own);
}

/** Tells the listeners of an event. */
export function emit<Type extends keyof SessionEvents>({ listeners }: Listened, type: Type, detail: SessionEvents[Type]): void {
  listeners.dispatchEvent(new CustomEvent(type, { detail }));
}
