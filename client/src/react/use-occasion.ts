import type { SessionClient, SessionState, WarningReason } from "../index.js";
import { useClientStore, type ClientStore } from "./use-client-store.js";

/** Something to be told: the end is near, or was. The same object as long as it is the same occasion. */
export interface Occasion {
  readonly kind: WarningReason | "ended";
}

function kindOf(state: SessionState, before: Occasion | null): Occasion["kind"] | null {
  if (state.status === "warning") return state.reason;
  // A failed attempt to stay turns the state to `offline`: the warning goes on, or the failure would be hidden.
  if (state.status === "offline") return before && before.kind !== "ended" ? before.kind : null;
  return state.status === "ended" && state.reason !== "logout" ? "ended" : null;
}

function createFollower(client: SessionClient): ClientStore<Occasion | null> {
  let occasion: Occasion | null = null;
  const read = (): Occasion | null => {
    const kind = kindOf(client.getSnapshot(), occasion);
    if (kind !== (occasion?.kind ?? null)) occasion = kind && { kind };
    return occasion;
  };
  return { subscribe: (changed) => client.subscribe(changed), read };
}

/**
 * What is to be told now. A store of its own, and not a state set while rendering: in React 18 that makes a component
 * miss the next change of its other stores.
 */
export const useOccasion = (client: SessionClient | null): Occasion | null => useClientStore(client, createFollower);
