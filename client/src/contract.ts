/** Reasons of an end that this version knows, in the names of the wire. */
export type KnownEndReason =
  | "idle_timeout"
  | "absolute_timeout"
  | "logout"
  | "revoked"
  | "replaced"
  | "reuse_detected"
  | "unknown";

/** Why a session ended. The list grows: a reason that is not known is an end like the others. */
export type EndReason = KnownEndReason | (string & {});

/** Refusals of the service that this version knows: the `code` of its problem details. */
export type ServerErrorCode =
  | "invalid_request"
  | "token_missing"
  | "token_invalid"
  | "token_expired"
  | "session_ended"
  | "credential_rejected"
  | "csrf_rejected"
  | "origin_not_allowed"
  | "not_found"
  | "refresh_superseded"
  | "username_taken"
  | "body_too_large"
  | "unsupported_media_type"
  | "too_many_attempts"
  | "temporarily_unavailable";

/**
 * What can go wrong on the way: no connection, no answer in time, an answer that the service did not write (a captive
 * portal, a proxy, a 5xx), or an answer that came after the session had changed.
 */
export type ClientErrorCode = "network_error" | "timeout" | "unexpected_answer" | "outdated";

/** Every code of a {@link SessionError} that this version knows. */
export type KnownErrorCode = ServerErrorCode | ClientErrorCode;

/**
 * A code of a {@link SessionError}. Those of the service grow: one that is not known is judged by its status. A 4xx other
 * than 429 refuses the request and nothing else; 429 and 5xx mean later.
 */
export type ErrorCode = KnownErrorCode | (string & {});

/** The policy of `GET /session-policy`. Lengths are milliseconds. A newer service may say more. */
export interface SessionPolicy {
  readonly version: string;
  readonly accessTokenTtlMs: number;
  readonly heartbeatIntervalMs: number;
  /** The idle limit plus the time that a client without a connection keeps hoping. */
  readonly sessionTimeoutMs: number;
  readonly refreshThresholdMs: number;
  readonly idleTimeoutMs: number;
  readonly absoluteTimeoutMs: number;
  readonly warningLeadMs: number;
  readonly guestTimeoutMs: number;
  readonly reconnect: { readonly enabled: boolean; readonly ttlMs: number };
  readonly credentials: readonly string[];
}

/** The service's own defaults, in force until the policy has been read. */
export const DEFAULT_POLICY: SessionPolicy = {
  version: "",
  accessTokenTtlMs: 900_000,
  heartbeatIntervalMs: 300_000,
  sessionTimeoutMs: 86_700_000,
  refreshThresholdMs: 450_000,
  idleTimeoutMs: 86_400_000,
  absoluteTimeoutMs: 604_800_000,
  warningLeadMs: 300_000,
  guestTimeoutMs: 7_200_000,
  reconnect: { enabled: true, ttlMs: 604_800_000 },
  credentials: ["password", "guest"],
};

/** What proves who somebody is. `remember` is taken for passwords and connection strings only. */
export type Credential =
  | { readonly kind: "password"; readonly username: string; readonly password: string }
  | { readonly kind: "guest" }
  | { readonly kind: "connectionString"; readonly connectionString: string }
  | { readonly kind: "idToken"; readonly idToken: string; readonly nonce?: string }
  | { readonly kind: "legacyToken"; readonly token: string };

/** The limits of a session. */
export type Limit = "idle_timeout" | "absolute_timeout";

/** What is about to end a session: a limit, or what a newer service calls by another name. */
export type WarningReason = Limit | (string & {});

/** A session as the service describes it. `credential` may be of a kind that is not known. */
export interface SessionBody {
  readonly id: string;
  readonly subject: string;
  readonly credential: string;
  readonly label: string | null;
  readonly createdAt: string;
  readonly lastActiveAt: string;
  readonly idleExpiresAt: string;
  readonly absoluteExpiresAt: string;
  readonly idleExpiresInMs: number;
  readonly absoluteExpiresInMs: number;
}

/** A row of {@link SessionClient.sessions}. */
export interface ListedSession extends SessionBody {
  /** Whether it is the session that asked. */
  readonly current: boolean;
  /** Whether a credential is stored with it. */
  readonly remembered: boolean;
}

/** The answer of every route that describes the current session; tokens where some were made. */
export interface SessionAnswer {
  readonly session: SessionBody;
  readonly accessToken?: string;
  readonly accessExpiresInMs?: number;
  readonly refreshToken?: string;
  readonly reconnectToken?: string;
  readonly warning: { readonly reason: WarningReason; readonly inMs: number } | null;
  readonly nextPollMs: number;
  readonly policyVersion: string;
  readonly serverTime: string;
}
