import { expect, it } from "vitest";
import { SERVER_CODES, type ErrorCode } from "./contract.js";
import { SessionError, type ErrorDetails } from "./session-error.js";
import { judge, type Route } from "./verdict.js";

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
    ["token_missing", "validate", {}, "a", "renew"],
    ["token_invalid", "sessions", { sessionId: "a" }, "a", "renew"],
    ["token_expired", "validate", { sessionId: "a" }, "a", "renew"],
    ["refresh_superseded", "refresh", { sessionId: "a" }, "a", "look"],
    ["credential_rejected", "connect", {}, "a", "refused"],
  ];
  for (const [code, route, details, current, verdict] of cases) {
    expect(judge(new SessionError(code, details), route, current), `${code} ${route}`).toBe(verdict);
  }
});

it("nothing but session_ended, and a token refused on /refresh or for a reconnect, ends a session", () => {
  const codes = [...Object.keys(SERVER_CODES), "network_error", "timeout", "unexpected_answer", "outdated"] as ErrorCode[];
  const routes: Route[] = ["connect", "register", "validate", "refresh", "reconnect", "logout", "sessions", "policy"];
  const ending = codes.flatMap((code) => routes.filter((route) => judge(new SessionError(code, { status: 401 }), route, "a") === "ended").map((route) => `${code} ${route}`));
  expect(ending.filter((pair) => !pair.startsWith("session_ended"))).toEqual([
    "token_missing refresh",
    "token_missing reconnect",
    "token_invalid refresh",
    "token_invalid reconnect",
  ]);
});
