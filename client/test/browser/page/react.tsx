import { Activity, StrictMode, useEffect, useRef, useState, useSyncExternalStore, type ReactElement } from "react";
import { createRoot } from "react-dom/client";
import { createDrafts, type Drafts, type SessionClient, type SessionClientOptions } from "../../../src/index.js";
import { SessionKeepAlive, SessionProvider, SessionTimeoutDialog, useIdleWarning, useSession } from "../../../src/react/index.js";

const requests: string[] = [];
const options: SessionClientOptions = {
  baseUrl: location.origin,
  timerWorkerUrl: "/dist/timer-worker.js",
  fetch(input, init) {
    requests.push(new URL(input instanceof Request ? input.url : input, location.href).pathname);
    return fetch(input, init);
  },
};

/** What the test has hidden: a modal dialog lets nobody click a button for that. */
let hidden: "app" | "dialog" | null = null;
let changed = (): void => undefined;
const hide = (what: typeof hidden): void => {
  hidden = what;
  changed();
};
const subscribe = (listener: () => void): (() => void) => {
  changed = listener;
  return () => undefined;
};
const useHidden = (): typeof hidden => useSyncExternalStore(subscribe, () => hidden);

/** Drafts of the provider's client, as long as there is that one. */
function useDrafts(client: SessionClient | null): Drafts | null {
  const [drafts, setDrafts] = useState<Drafts | null>(null);
  useEffect(() => {
    if (!client) return undefined;
    const made = createDrafts(client);
    setDrafts(made);
    return () => made.dispose();
  }, [client]);
  return drafts;
}

function Countdown(): ReactElement {
  const { open, reason, remainingMs } = useIdleWarning();
  return <p id="countdown">{open ? `${String(reason)} in ${String(Math.ceil((remainingMs ?? 0) / 1000))} s` : "no warning"}</p>;
}

function App(): ReactElement {
  const { client, state } = useSession();
  const drafts = useDrafts(client);
  const field = useRef<HTMLTextAreaElement>(null);
  const [ends, setEnds] = useState<readonly string[]>([]);
  const [left, setLeft] = useState(false);

  useEffect(() => {
    if (!client) return;
    Object.assign(window, { client, requests, ready: true });
  }, [client]);
  useEffect(
    () =>
      drafts?.preserve(
        "letter",
        () => field.current?.value ?? null,
        (text) => {
          if (field.current) field.current.value = text;
        },
      ),
    [drafts],
  );
  const signIn = (): void => {
    void client?.connect({ kind: "password", username: "ada", password: "correct horse" });
  };

  return (
    <>
      <h1>Letters</h1>
      <p id="state">{state.status}</p>
      <p id="ends">{ends.join(" ")}</p>
      {left && <p>Goodbye</p>}
      <Countdown />
      <label>
        Letter <textarea ref={field} />
      </label>
      <button type="button">Send</button>
      <SessionKeepAlive
        onEnded={({ reason }) => {
          setEnds((before) => [...before, reason]);
          // What one user wrote is not left on the screen for the next.
          if (field.current) field.current.value = "";
        }}
      />
      <Activity mode={useHidden() === "dialog" ? "hidden" : "visible"}>
        <SessionTimeoutDialog {...(drafts && { drafts })} onConnect={signIn} onLeave={() => setLeft(true)} />
      </Activity>
    </>
  );
}

function Page(): ReactElement {
  return (
    <Activity mode={useHidden() === "app" ? "hidden" : "visible"}>
      <SessionProvider options={options}>
        <App />
      </SessionProvider>
    </Activity>
  );
}

Object.assign(window, { hide });
const root = document.getElementById("root");
if (root) createRoot(root).render(<StrictMode><Page /></StrictMode>);
