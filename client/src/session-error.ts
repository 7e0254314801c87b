import type { EndReason, ErrorCode } from "./contract.js";

/** What a {@link SessionError} knows besides its code; only what the answer said. */
export interface ErrorDetails {
  /** The HTTP status; absent when there was no answer. */
  readonly status?: number;
  /** Of `session_ended`: why. */
  readonly reason?: EndReason;
  /** Of `session_ended`: when (RFC 3339), `null` if there is no record. */
  readonly endedAt?: string | null;
  /** Of `session_ended`: whether a stored credential may open the next session. */
  readonly reconnect?: "allowed" | "forbidden";
  /** The session that the presented token claimed; `null` if it could not be read, absent if there was no token. */
  readonly sessionId?: string | null;
  /** Of `Retry-After`, in milliseconds. */
  readonly retryAfterMs?: number;
  /** To be quoted when asking for help. */
  readonly requestId?: string;
  /** Of `invalid_request`: what is wrong where. */
  readonly errors?: readonly { readonly pointer: string; readonly detail: string }[];
}

/** Every failure of the client. Branch on `code`; messages may change. */
export class SessionError extends Error {
  override readonly name = "SessionError";
  /** What happened. */
  declare readonly code: ErrorCode;
  /** What else the answer said. */
  declare readonly details: ErrorDetails;

  constructor(code: ErrorCode, details: ErrorDetails = {}, options?: ErrorOptions) {
    super(code, options);
    this.code = code;
    this.details = details;
  }
}
