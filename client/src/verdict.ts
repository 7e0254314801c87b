import { SERVER_CODES, type Meaning } from "./contract.js";
import type { SessionError } from "./session-error.js";

/** The routes whose answers are judged. */
export type Route = "connect" | "register" | "validate" | "refresh" | "reconnect" | "logout" | "sessions" | "policy";

/** What a failure means for the session that this page has. */
export type Verdict = Exclude<Meaning, "lost">;

/**
 * Judges a failure. Nothing ends a session but what the contract lists, and only the session that the answer is about;
 * what did not come from the service says nothing.
 *
 * @param current - the session that this page has heard of from the server itself; `null` if none
 */
export function judge({ code, details }: SessionError, route: Route, current: string | null): Verdict {
  const meaning: Meaning = (SERVER_CODES as Partial<Record<string, Meaning>>)[code] ?? "wait";
  if (meaning === "lost" && route !== "refresh" && route !== "reconnect") return "renew";
  if (meaning !== "ended" && meaning !== "lost") return meaning;
  return details.sessionId == null || current === null || details.sessionId === current ? "ended" : "wait";
}
