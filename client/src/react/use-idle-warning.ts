import { useState } from "react";
import { SessionError, type ErrorCode, type SessionClient, type SessionState, type WarningReason } from "../index.js";
import { useOccasion } from "./use-occasion.js";
import { useRemainingMs } from "./use-remaining-ms.js";
import { useSession } from "./use-session.js";

/** What a warning needs to show, in any clothes. */
export interface IdleWarning {
  /** Whether the end is near. Stays `true` while the server cannot be reached after that. */
  readonly open: boolean;
  /** What is near. Only `idle_timeout` is something that staying moves. `null` unless open. */
  readonly reason: WarningReason | null;
  /** Milliseconds until the end, read from the client about once a second; `null` unless open. */
  readonly remainingMs: number | null;
  /** Asks to stay. Never rejects: `failure` says what went wrong. Does nothing while `busy`. */
  readonly extend: () => Promise<void>;
  /** Logs out. Never rejects. */
  readonly leave: () => Promise<void>;
  /** Whether one of the two is under way. */
  readonly busy: boolean;
  /** Why asking to stay failed, or why the server cannot be reached; `null` while `busy`, and unless open. */
  readonly failure: ErrorCode | null;
}

/** The warning before a session ends, without any look. */
export function useIdleWarning(): IdleWarning {
  const { client, state } = useSession();
  const occasion = useOccasion(client);
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState<{ readonly code: ErrorCode; readonly during: SessionState } | null>(null);

  const reason = occasion && occasion.kind !== "ended" ? occasion.kind : null;
  const open = reason !== null;

  const attempt = async (task: (client: SessionClient) => Promise<void>): Promise<void> => {
    if (!client) return;
    setBusy(true);
    await task(client).catch((error: unknown) => {
      const code = error instanceof SessionError ? error.code : "unexpected_answer";
      setFailed({ code, during: client.getSnapshot() });
    });
    setBusy(false);
  };

  /** What failed is over as soon as the state has changed since. */
  const failure = (): ErrorCode | null => {
    if (busy || !open) return null;
    if (failed?.during === state) return failed.code;
    return state.status === "offline" ? state.failure : null;
  };

  return {
    open,
    reason,
    remainingMs: useRemainingMs(client, open),
    extend: async () => {
      if (!busy) await attempt((client) => client.extend());
    },
    leave: () => attempt((client) => client.logout()),
    busy,
    failure: failure(),
  };
}
