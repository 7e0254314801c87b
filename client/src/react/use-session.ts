import type { SessionClient, SessionInfo, SessionState } from "../index.js";
import { useProvidedClient } from "./session-provider.js";
import { useClientStore, type ClientStore } from "./use-client-store.js";

/** What {@link useSession} knows. */
export interface UsedSession {
  /** The state; `anonymous` on a server, while hydrating, and until there is a client. */
  readonly state: SessionState;
  /** `null` on a server, and in the first render below a provider with `options`; never in an event handler. */
  readonly client: SessionClient | null;
  /** The session, while one is known: in `active`, `warning`, and mostly in `offline`. */
  readonly session: SessionInfo | null;
  /** There is a session, or may well be (`offline`): the app is to be shown. */
  readonly isSignedIn: boolean;
  /** It will be known soon (`connecting`, `reconnecting`): neither the app nor the way in is to be taken away. */
  readonly isPending: boolean;
  /** The session ended for good; the state says why. */
  readonly isEnded: boolean;
}

const ANONYMOUS: SessionState = { status: "anonymous" };
const stateOf = (client: SessionClient): ClientStore<SessionState> => ({
  subscribe: (changed) => client.subscribe(changed),
  read: () => client.getSnapshot(),
});

/** The session of the provider above; renders again whenever the state changes. */
export function useSession(): UsedSession {
  const client = useProvidedClient();
  const state = useClientStore(client, stateOf) ?? ANONYMOUS;
  const { status } = state;
  return {
    state,
    client,
    session: "session" in state ? state.session : null,
    isSignedIn: status === "active" || status === "warning" || status === "offline",
    isPending: status === "connecting" || status === "reconnecting",
    isEnded: status === "ended",
  };
}
