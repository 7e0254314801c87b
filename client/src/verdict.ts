import type { SessionError } from "./session-error.js";

/** The routes whose answers are judged. */
export type Route = "connect" | "register" | "validate" | "refresh" | "reconnect" | "logout" | "sessions" | "policy";

/**
 * What a failure means for the session that this page has. `ended`: it is over. `look`: another request rotated the token
 * a moment ago. `refused`: this request, and only it. `wait`: nothing is known; try again later.
 */
export type Verdict = "ended" | "look" | "refused" | "wait";

/**
 * Judges a failure. Nothing ends a session but what the contract lists, and only the session that the answer is about;
 * what did not come from the service says nothing.
 *
 * @param current - the session that this page has heard of from the server itself; `null` if none
 */
export function judge({ code, details }: SessionError, route: Route, current: string | null): Verdict {
  const { status = 0, sessionId } = details;
  // Elsewhere these two speak of the access token, which a refresh replaces.
  const lost = (code === "token_missing" || code === "token_invalid") && /^re(fresh|connect)$/.test(route);
  if (lost || code === "session_ended") return sessionId == null || !current || sessionId === current ? "ended" : "wait";
  if (code === "refresh_superseded") return "look";
  // No status: it was not the service that refused.
  return code !== "unexpected_answer" && status && status < 500 && status !== 429 ? "refused" : "wait";
}
