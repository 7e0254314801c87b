import type { Clock } from "./clock.js";
import type { Credential, EndReason, ErrorCode, ListedSession, SessionPolicy, WarningReason } from "./contract.js";
import type { Environment } from "./environment.js";
import type { Explanation, FlightEntry } from "./recorder.js";
import type { SharedStorage } from "./store.js";

/** How a session ended. */
export interface EndedSession {
  readonly reason: EndReason;
  /** RFC 3339, as the server says it; `null` if it has no record, or was not reached. */
  readonly endedAt: string | null;
  /**
   * Whether the server said so. `false`: the limit passed while it could not be reached, a logout is on its way, or the
   * server refused a logout or a reconnect for a reason of this one request.
   */
  readonly confirmed: boolean;
}

/** What stays the same through a session. */
export interface SessionInfo {
  readonly id: string;
  /** The opaque, stable id of the user. */
  readonly subject: string;
  readonly credential: string;
  readonly label: string | null;
  /** RFC 3339. */
  readonly createdAt: string;
}

/**
 * What the client knows. `session` is `null` while it is not known yet. In `offline` the session may well be alive: the
 * server was not reached, for the reason in `failure`. Another user in another tab shows as another `session.subject`.
 */
export type SessionState =
  | { readonly status: "anonymous" }
  | { readonly status: "connecting" }
  | { readonly status: "active"; readonly session: SessionInfo }
  | { readonly status: "warning"; readonly session: SessionInfo; readonly reason: WarningReason }
  | { readonly status: "offline"; readonly session: SessionInfo | null; readonly failure: ErrorCode }
  | { readonly status: "reconnecting"; readonly reason: EndReason }
  | ({ readonly status: "ended" } & EndedSession);

/** Events of {@link SessionClient.on}, and what their listeners get. */
export interface SessionEvents {
  /** The state is another one. */
  change: SessionState;
  /** The session ended for good: it could not be reconnected, or must not be. */
  ended: EndedSession;
  /** A lost session was replaced with the help of the stored credential. */
  reconnected: SessionInfo;
  /** The policy was read, or has changed. */
  policy: SessionPolicy;
  /** An entry of the flight recorder, as it is made. */
  entry: FlightEntry;
}

/** Options of {@link createSessionClient}. */
export interface SessionClientOptions {
  /** Where the service is, without a slash at the end, e.g. `https://api.example.com`. */
  readonly baseUrl: string;
  /**
   * Where rotating tokens are: in cookies that no script reads (default), or in bodies, then kept in memory, or in
   * `storage` if that is given.
   */
  readonly transport?: "cookie" | "body";
  /** Sends requests; default: the browser's. */
  readonly fetch?: typeof fetch;
  /**
   * Storage that all tabs read. Cookie transport: no token is put there, default `localStorage`. Body transport: the
   * tokens are put there, default none.
   */
  readonly storage?: SharedStorage;
  /** Time; default: the browser's. */
  readonly clock?: Clock;
  /** Gets every entry of the flight recorder as it is made. */
  readonly onEvent?: (entry: FlightEntry) => void;
  /** Origins besides the page's and the service's to which {@link SessionClient.fetch} sends the access token. */
  readonly origins?: readonly string[];
  /** Where `timer-worker.js` is served, if not beside the module. */
  readonly timerWorkerUrl?: string | URL;
  /** How long to wait for an answer, in milliseconds; default 10,000. Must stay below the service's race window. */
  readonly requestTimeoutMs?: number;
  /** The service's `SESSION_RACE_WINDOW`, in milliseconds; default 60,000. */
  readonly raceWindowMs?: number;
  /** Parts of the browser to be replaced, for tests and other platforms. */
  readonly environment?: Partial<Environment>;
}

/** Options of {@link SessionClient.connect} and {@link SessionClient.register}. */
export interface ConnectOptions {
  /** Stores the credential, sealed by the service, so that a lost session is reconnected without the user. */
  readonly remember?: boolean;
  /** What the user sees in the list of sessions, at most 128 bytes. */
  readonly label?: string;
}

/**
 * Keeps one session alive in all tabs of a browser. Every promise rejects with a {@link SessionError}; a rejection never
 * means that the session ended: the state says that.
 */
export interface SessionClient {
  /**
   * Opens a session; the present one, if any, ends as `replaced`.
   *
   * @throws {@link SessionError} `credential_rejected`, `too_many_attempts` and what else the service refuses
   */
  connect(credential: Credential, options?: ConnectOptions): Promise<SessionInfo>;
  /** Makes a user with a password and opens a session. */
  register(username: string, password: string, options?: ConnectOptions): Promise<SessionInfo>;
  /** Opens a session with the stored credential. Happens by itself when a session is lost. */
  reconnect(): Promise<void>;
  /** Asks the server whether the session is alive, and reports input. */
  validate(): Promise<void>;
  /** Replaces the access token. Happens by itself in time. */
  refresh(): Promise<void>;
  /** Moves the idle limit: somebody asked to stay. */
  extend(): Promise<void>;
  /**
   * Ends the session, here and in all tabs at once. Resolves as well when the server cannot be reached: it is then told
   * later, also after a reload.
   */
  logout(): Promise<void>;
  /** The user's live sessions. */
  sessions(): Promise<readonly ListedSession[]>;
  /** Ends one of them by its id, or the others, or all. */
  endSessions(which: "others" | "all" | { readonly id: string }): Promise<void>;
  /**
   * `fetch` with the access token, for the service's, the page's and the configured origins; others are left without. A
   * 401 is repeated once after a refresh, if the body can be sent again (not a stream, not a `Request` other than GET and HEAD).
   */
  fetch(input: string | URL | Request, init?: RequestInit): Promise<Response>;
  /** The state; the same object until it changes. */
  getSnapshot(): SessionState;
  /** Calls the listener after each change; returns what ends that. */
  subscribe(listener: () => void): () => void;
  /** Listens to one kind of event; returns what ends that. */
  on<Type extends keyof SessionEvents>(type: Type, listener: (event: SessionEvents[Type]) => void): () => void;
  /** Milliseconds until the first limit or the named one, at least 0; `null` without a session. Falls on the monotonic clock. */
  remainingMs(limit?: "idle" | "absolute"): number | null;
  /** The policy in force; the service's defaults until it has been read. */
  policy(): SessionPolicy;
  /** The flight recorder: what happened, without any secret. */
  explain(): Explanation;
  /** Stops everything in this tab; the session goes on. */
  dispose(): void;
}
