import { createContext, useContext, useRef, useState, type ReactElement, type ReactNode } from "react";
import { createSessionClient, type SessionClient, type SessionClientOptions } from "../index.js";
import { useBrowserLayoutEffect } from "./browser-layout-effect.js";

/** `undefined` without a provider; `null` while the provider's own client is not there yet. */
const ClientContext = createContext<SessionClient | null | undefined>(undefined);

/** Either a client of the app's own, or the options of one that belongs to the provider. */
export type SessionProviderProps =
  | {
      /** A client that the app made, and disposes of. */
      readonly client: SessionClient;
      readonly options?: never;
      readonly children?: ReactNode;
    }
  | {
      readonly client?: never;
      /** For {@link createSessionClient}: read once, when the provider is mounted in a browser; never on a server. */
      readonly options: SessionClientOptions;
      readonly children?: ReactNode;
    };

/** Gives the session to what is below. Every hook and component of this entry point needs one above it. */
export function SessionProvider({ client, options, children }: SessionProviderProps): ReactElement {
  const own = useOwnClient(options);
  return <ClientContext.Provider value={client ?? own}>{children}</ClientContext.Provider>;
}

/** The client of the provider above; `null` until it is there. */
export function useProvidedClient(): SessionClient | null {
  const client = useContext(ClientContext);
  if (client === undefined) throw new Error("session-keepalive: there is no <SessionProvider> above this component");
  return client;
}

/**
 * A client that lives as long as the component. It is made in an effect, because a render may be thrown away, and in a
 * layout effect, so that nobody sees `anonymous` flash before a session is taken up.
 */
function useOwnClient(options: SessionClientOptions | undefined): SessionClient | null {
  const [first] = useState(options);
  const [client, setClient] = useState<SessionClient | null>(null);
  const held = useRef<SessionClient | null>(null);
  const mounted = useRef(false);
  useBrowserLayoutEffect(() => {
    if (!first) return undefined;
    mounted.current = true;
    const own = (held.current ??= createSessionClient(first));
    setClient(own);
    return () => {
      mounted.current = false;
      // Strict Mode mounts again before any microtask runs; the client goes on then.
      queueMicrotask(() => {
        if (mounted.current || held.current !== own) return;
        own.dispose();
        held.current = null;
      });
    };
  }, [first]);
  return client;
}
