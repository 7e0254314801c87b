import { useEffect } from "react";
import type { EndedSession, SessionInfo } from "../index.js";
import { useProvidedClient } from "./session-provider.js";

/** What {@link SessionKeepAlive} tells the app. Functions may be new ones in each render. */
export interface SessionKeepAliveProps {
  /**
   * The session ended for good, and `reason` says why: it could not be reconnected, or must not be. The place to send the
   * user away; also called after a logout, in any tab. An end before this was mounted is in the state of `useSession`.
   */
  readonly onEnded?: (ended: EndedSession) => void;
  /** A lost session was replaced with the help of the stored credential: nobody has to sign in. */
  readonly onReconnected?: (session: SessionInfo) => void;
}

/**
 * Keeps the session alive in the background: to be mounted once, below a `SessionProvider`, as high as the session is to
 * last. Renders nothing. The work is done by the provider's client: it asks the server at the pace that the server sets,
 * refreshes in time, and reconnects.
 */
export function SessionKeepAlive({ onEnded, onReconnected }: SessionKeepAliveProps): null {
  const client = useProvidedClient();
  useEffect(() => (onEnded ? client?.on("ended", onEnded) : undefined), [client, onEnded]);
  useEffect(() => (onReconnected ? client?.on("reconnected", onReconnected) : undefined), [client, onReconnected]);
  return null;
}
