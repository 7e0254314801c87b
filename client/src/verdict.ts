import type { SessionError } from "./session-error.js";

/** The routes whose answers are judged. */
export type Route = "connect" | "register" | "validate" | "refresh" | "reconnect" | "logout" | "sessions" | "policy";

/**
 * What a failure means:
 * `ended`: the session is over. `renew`: the access token is; refresh first. `look`: another request rotated the token a
 * moment ago. `wait`: nothing is known; try again later. `refused`: this request, and only it.
 */
export type Verdict = "ended" | "renew" | "look" | "wait" | "refused";

/**
 * Judges a failure. Nothing ends a session but what is listed here, and only the session that the answer is about.
 *
 * @param current - the session that this page has heard of from the server itself; `null` if none
 */
export function judge({ code, details }: SessionError, route: Route, current: string | null): Verdict {
  const own = details.sessionId == null || current === null || details.sessionId === current;
  switch (code) {
    case "session_ended":
      return own ? "ended" : "wait";
    case "token_missing":
    case "token_invalid":
      if (route === "refresh" || route === "reconnect") return own ? "ended" : "wait";
      return "renew";
    case "token_expired":
      return "renew";
    case "refresh_superseded":
      return "look";
    case "network_error":
    case "timeout":
    case "unexpected_answer":
    case "outdated":
    case "too_many_attempts":
    case "temporarily_unavailable":
      return "wait";
    case "invalid_request":
    case "credential_rejected":
    case "csrf_rejected":
    case "origin_not_allowed":
    case "not_found":
    case "username_taken":
    case "body_too_large":
    case "unsupported_media_type":
      return "refused";
  }
}
