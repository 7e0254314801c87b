import { vi } from "vitest";
import {
  type EndedSession,
  type SessionClient,
  type SessionEvents,
  type SessionInfo,
  type SessionState,
} from "../../src/index.js";
import { DEFAULT_POLICY } from "../../src/contract.js";

export const SESSION: SessionInfo = {
  id: "s1",
  subject: "u1",
  credential: "password",
  label: null,
  createdAt: "2026-11-21T10:00:00Z",
};
export const ACTIVE: SessionState = { status: "active", session: SESSION };
export const IDLE_WARNING: SessionState = { status: "warning", session: SESSION, reason: "idle_timeout" };
export const ABSOLUTE_WARNING: SessionState = { status: "warning", session: SESSION, reason: "absolute_timeout" };
export const OFFLINE: SessionState = { status: "offline", session: SESSION, failure: "network_error" };

export const ended = (reason: EndedSession["reason"], confirmed = true): SessionState & EndedSession => ({
  status: "ended",
  reason,
  endedAt: null,
  confirmed,
});

const unused = (): Promise<never> => Promise.reject(new Error("not part of these tests"));

/** A client whose state and remaining time the test sets: what the components show is the subject, not the client. */
export function fakeClient(initial: SessionState = { status: "anonymous" }) {
  let state = initial;
  let limit: (() => number) | null = null;
  const listeners = new Set<readonly [keyof SessionEvents, (event: never) => void]>();
  const extend = vi.fn<() => Promise<void>>(() => Promise.resolve());
  const logout = vi.fn<() => Promise<void>>(() => Promise.resolve());
  const emit = <Type extends keyof SessionEvents>(type: Type, event: SessionEvents[Type]): void => {
    for (const [wanted, listener] of [...listeners]) {
      if (wanted === type) (listener as (event: SessionEvents[Type]) => void)(event);
    }
  };
  const on: SessionClient["on"] = (type, listener) => {
    const entry = [type, listener] as const;
    listeners.add(entry);
    return () => void listeners.delete(entry);
  };
  const client: SessionClient = {
    connect: unused,
    register: unused,
    reconnect: unused,
    validate: unused,
    refresh: unused,
    extend,
    logout,
    sessions: unused,
    endSessions: unused,
    fetch: unused,
    getSnapshot: () => state,
    subscribe: (listener) => on("change", listener),
    on,
    remainingMs: () => limit && Math.max(0, limit()),
    policy: () => DEFAULT_POLICY,
    explain: () => {
      throw new Error("not part of these tests");
    },
    dispose: () => undefined,
  };
  return {
    client,
    extend,
    logout,
    emit,
    listening: () => listeners.size,
    show(next: SessionState): void {
      state = next;
      emit("change", next);
    },
    /** What `remainingMs()` says from now on. */
    remaining(read: () => number): void {
      limit = read;
    },
  };
}
