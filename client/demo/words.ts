import {
  SessionError,
  type EndedSession,
  type EndReason,
  type ErrorCode,
  type FlightEntry,
  type KnownEndReason,
  type KnownErrorCode,
  type Route,
  type SessionState,
} from "../src/index.js";
import { lengthOf } from "./durations.js";

/** Completes "the session ended because …". */
const BECAUSE: Record<KnownEndReason, string> = {
  idle_timeout: "nobody was active until the idle limit",
  absolute_timeout: "it reached its longest life",
  logout: "somebody logged out",
  revoked: "it was ended in the list of sessions",
  replaced: "a newer session took its place",
  reuse_detected: "a token that had been replaced was used again, as a thief would",
  unknown: "the server has no record of it",
};

/** Completes "about to end because …". */
const NEAR: Partial<Record<KnownEndReason, string>> = {
  idle_timeout: "the idle limit is near",
  absolute_timeout: "the absolute limit is near",
};

/** Completes "offline because …". */
const FAILED: Record<KnownErrorCode, string> = {
  invalid_request: "the server did not understand the request",
  token_missing: "there was no token to send",
  token_invalid: "the access token was not accepted",
  token_expired: "the access token has expired",
  session_ended: "the session has ended",
  credential_rejected: "the credential was not accepted",
  csrf_rejected: "the request did not look like one of this page",
  origin_not_allowed: "this page's address is not on the server's list",
  not_found: "there is no such thing",
  refresh_superseded: "another tab replaced the token a moment ago",
  username_taken: "that username is taken",
  body_too_large: "the request was too large",
  unsupported_media_type: "the request was not JSON",
  too_many_attempts: "there were too many attempts",
  temporarily_unavailable: "the server cannot work right now",
  network_error: "the server cannot be reached",
  timeout: "the server did not answer in time",
  unexpected_answer: "something else than the service answered",
  outdated: "the session changed meanwhile",
};

/** What to do about a failure, where there is something. */
const ADVICE: Partial<Record<KnownErrorCode, string>> = {
  credential_rejected: "Check the spelling, or register first.",
  username_taken: "Choose another one, or connect with it.",
  too_many_attempts: "Wait a while before the next one.",
  network_error: "Is it running?",
  timeout: "Try again.",
  temporarily_unavailable: "Try again in a moment.",
};

/** What a table says of a name; a newer server has names that are in none. */
const told = (table: object, name: string): string | undefined =>
  Object.hasOwn(table, name) ? (table as Record<string, string>)[name] : undefined;
const because = (reason: EndReason): string => told(BECAUSE, reason) ?? `the server says "${reason}"`;
const failed = (code: ErrorCode): string => told(FAILED, code) ?? `the server says "${code}"`;

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** A failure in plain words, for whoever caused it. */
export function failureWords(error: unknown): string {
  if (!(error instanceof SessionError)) return "That did not work, for a reason this page does not know.";
  const { code, details } = error;
  const where = (details.errors ?? []).map(({ pointer, detail }) => `${pointer.replace(/^.*\//, "")}: ${detail}`).join("; ");
  const wait = details.retryAfterMs === undefined ? "" : `In ${lengthOf(details.retryAfterMs)} it may work.`;
  const first = `${capital(failed(code))}${where && ` (${where})`}.`;
  return [first, wait || (told(ADVICE, code) ?? "")].filter(Boolean).join(" ");
}

/** How a state looks and reads. */
export interface StateWords {
  readonly title: string;
  readonly sentence: string;
}

/** A state in words. */
export function stateWords(state: SessionState): StateWords {
  switch (state.status) {
    case "anonymous":
      return { title: "Not connected", sentence: "Connect below, and watch what keeps the session alive." };
    case "connecting":
      return { title: "Connecting", sentence: "The server has been asked." };
    case "active":
      return { title: "Active", sentence: "The session lives. Input in any tab keeps it alive; polls alone do not." };
    case "warning":
      return {
        title: "About to end",
        sentence:
          state.reason === "idle_timeout"
            ? "Nobody was active for a while. Any input, or the button, keeps the session."
            : state.reason === "absolute_timeout"
              ? "The session comes to its longest life. Nothing can extend that; save your work."
              : `The server says "${state.reason}". Save your work.`,
      };
    case "offline":
      return {
        title: "Offline",
        sentence: `Because ${failed(state.failure)}. Nobody is signed out for that: the page keeps asking.`,
      };
    case "reconnecting":
      return {
        title: "Reconnecting",
        sentence: `The session was lost because ${because(state.reason)}. The stored credential opens a new one.`,
      };
    case "ended":
      return endWords(state);
  }
}

function endWords({ reason, confirmed }: EndedSession): StateWords {
  const sentence = `The session ended because ${because(reason)}.`;
  if (confirmed) return { title: "Ended", sentence: `${sentence} The server has confirmed that.` };
  const pending =
    reason === "logout"
      ? "The server has not confirmed that yet; it will be told."
      : "The server could not be asked; this is what this page knows.";
  return { title: "Ended", sentence: `${sentence} ${pending}` };
}

const ROUTES: Record<Route, string> = {
  connect: "Connect",
  register: "Register",
  validate: "Poll",
  refresh: "Refresh",
  reconnect: "Reconnect",
  logout: "Log out",
  sessions: "List of sessions",
  policy: "Policy",
};

/** One thing that happened, in words. */
export function entryWords(entry: FlightEntry): string {
  const { kind, route, status, code, from = "", to = "", reason, ms } = entry;
  const what = route ? ROUTES[route] : "Request";
  switch (kind) {
    case "request":
      return `${what}: sent`;
    case "answer":
      return `${what}: ${[status, code && failed(code), reason && because(reason)].filter(Boolean).join(", ") || "answered"}`;
    case "state":
      if (to === "warning") return `State: ${from} to warning, because ${(reason && told(NEAR, reason)) ?? "the end is near"}`;
      return `State: ${from} to ${to}${reason ? `, because ${because(reason)}` : code ? `, because ${failed(code)}` : ""}`;
    case "follow":
      return "Another tab changed the session";
    case "wake":
      return `The wall clock ran ahead by ${lengthOf(ms ?? 0)}, as after a sleep`;
    case "discard":
      return `${what}: answer discarded, the session had changed`;
  }
}
