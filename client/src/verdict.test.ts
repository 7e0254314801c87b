import { expect, it } from "vitest";
import type { ClientErrorCode, ErrorCode, ServerErrorCode } from "./contract.js";
import { SessionError, type ErrorDetails } from "./session-error.js";
import { judge, type Route } from "./verdict.js";

const SERVER_CODES: Record<ServerErrorCode, number> = {
  invalid_request: 400,
  token_missing: 401,
  token_invalid: 401,
  token_expired: 401,
  session_ended: 401,
  credential_rejected: 401,
  csrf_rejected: 403,
  origin_not_allowed: 403,
  not_found: 404,
  refresh_superseded: 409,
  username_taken: 409,
  body_too_large: 413,
  unsupported_media_type: 415,
  too_many_attempts: 429,
  temporarily_unavailable: 503,
};
const CLIENT_CODES: Record<ClientErrorCode, number | undefined> = {
  network_error: undefined,
  timeout: undefined,
  unexpected_answer: 403,
  outdated: undefined,
};
const CODES = Object.entries({ ...SERVER_CODES, ...CLIENT_CODES }) as [ErrorCode, number | undefined][];
const ROUTES: Route[] = ["connect", "register", "validate", "refresh", "reconnect", "logout", "sessions", "policy"];

/** The codes with which each route is answered this way, as `code route`. */
function judged(verdict: string, routes: Route[]): string[] {
  const failure = (code: ErrorCode, status: number | undefined) => new SessionError(code, status ? { status } : {});
  return CODES.flatMap(([code, status]) =>
    routes.filter((route) => judge(failure(code, status), route, "a") === verdict).map((route) => `${code} ${route}`),
  );
}

it("a failure means what the contract says, for the session that it is about", () => {
  const cases: readonly (readonly [ErrorCode, Route, ErrorDetails, string | null, string])[] = [
    ["session_ended", "validate", { sessionId: "a" }, "a", "ended"],
    ["session_ended", "refresh", { sessionId: null }, "a", "ended"],
    ["session_ended", "reconnect", {}, "a", "ended"],
    ["session_ended", "validate", { sessionId: "b" }, "a", "wait"],
    ["session_ended", "refresh", { sessionId: "b" }, null, "ended"],
    ["token_missing", "refresh", {}, "a", "ended"],
    ["token_invalid", "refresh", { sessionId: "a" }, "a", "ended"],
    ["token_invalid", "refresh", { sessionId: "b" }, "a", "wait"],
    ["token_invalid", "reconnect", { sessionId: null }, "a", "ended"],
    ["token_missing", "validate", { status: 401 }, "a", "refused"],
    ["token_invalid", "sessions", { status: 401, sessionId: "a" }, "a", "refused"],
    ["token_expired", "validate", { status: 401, sessionId: "a" }, "a", "refused"],
    ["refresh_superseded", "refresh", { sessionId: "a" }, "a", "look"],
    ["credential_rejected", "connect", { status: 401 }, "a", "refused"],
  ];
  for (const [code, route, details, current, verdict] of cases) {
    expect(judge(new SessionError(code, details), route, current), `${code} ${route}`).toBe(verdict);
  }
});

it("nothing but session_ended, and a token refused on /refresh or for a reconnect, ends a session", () => {
  expect(judged("ended", ROUTES).filter((pair) => !pair.startsWith("session_ended"))).toEqual([
    "token_missing refresh",
    "token_missing reconnect",
    "token_invalid refresh",
    "token_invalid reconnect",
  ]);
});

it("what the service did not decide is tried again", () => {
  expect(judged("wait", ["logout"])).toEqual([
    "too_many_attempts logout",
    "temporarily_unavailable logout",
    "network_error logout",
    "timeout logout",
    "unexpected_answer logout",
    "outdated logout",
  ]);
});

it("a code that is not known is judged by its status, whatever the route", () => {
  for (const [status, verdict] of [
    [400, "refused"],
    [401, "refused"],
    [403, "refused"],
    [409, "refused"],
    [428, "refused"],
    [429, "wait"],
    [499, "refused"],
    [500, "wait"],
    [503, "wait"],
  ] as const) {
    for (const route of ROUTES) {
      for (const sessionId of ["a", null]) {
        expect(judge(new SessionError("of_2031", { status, sessionId }), route, "a"), `${status} ${route}`).toBe(verdict);
      }
    }
  }
});
