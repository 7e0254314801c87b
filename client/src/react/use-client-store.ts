import { useMemo, useSyncExternalStore } from "react";
import type { SessionClient } from "../index.js";

/** Something that follows a client, and keeps its snapshot until it is another one. */
export interface ClientStore<Snapshot> {
  readonly subscribe: (changed: () => void) => () => void;
  readonly read: () => Snapshot;
}

const never = (): null => null;
const NOTHING: ClientStore<null> = { subscribe: () => never, read: never };

/** Reads a store that `follow`, which must stay the same function, makes of the client; `null` on a server. */
export function useClientStore<Snapshot>(
  client: SessionClient | null,
  follow: (client: SessionClient) => ClientStore<Snapshot>,
): Snapshot | null {
  const { subscribe, read } = useMemo<ClientStore<Snapshot | null>>(() => (client ? follow(client) : NOTHING), [client, follow]);
  return useSyncExternalStore(subscribe, read, never);
}
