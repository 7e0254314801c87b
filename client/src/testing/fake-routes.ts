import type { EndReason, ErrorCode } from "../contract.js";
import type { FakeClock } from "./fake-clock.js";
import type { FakeRequest, FakeServer, Fault } from "./fake-server.js";
import { beginChain, endOf, readToken, rotate, slide, tokenOf, type FakeSession } from "./fake-sessions.js";

/** What the server answers; a cookie of `null` is cleared. */
export interface Answer {
  readonly status: number;
  readonly body: object | undefined;
  readonly headers: Record<string, string>;
  readonly cookies: readonly (readonly [string, string | null])[];
}

const REFRESH = "__Host-refresh";
const RECONNECT = "__Host-reconnect";
const RACE_WINDOW_MS = 60_000;

/** Milliseconds since the fake clock began, as RFC 3339. */
const instant = (ms: number): string => new Date(Date.parse("2026-11-21T10:00:00Z") + ms).toISOString();

const given = (status: number, body?: object, cookies: Answer["cookies"] = []): Answer => ({
  status,
  body,
  cookies,
  headers: body ? { "content-type": "application/json" } : {},
});

function problem(status: number, code: ErrorCode, more: object = {}, retryAfterSeconds?: number): Answer {
  const headers: Record<string, string> = { "content-type": "application/problem+json" };
  if (retryAfterSeconds !== undefined) headers["retry-after"] = String(retryAfterSeconds);
  const type = `https://docs.test/errors#${code}`;
  return { status, body: { type, title: code, status, detail: code, code, requestId: "r", ...more }, headers, cookies: [] };
}

/** The routes of the contract, over the server's state. */
export function createFakeRoutes(server: FakeServer, clock: FakeClock) {
  let count = 0;

  function described(session: FakeSession, list = false): object {
    const now = clock.now();
    const { id, subject, credential, label } = session;
    const idleUntil = Math.min(session.idleUntil, session.absoluteUntil);
    return {
      id,
      subject,
      credential,
      label,
      createdAt: instant(session.createdAt),
      lastActiveAt: instant(session.lastActiveAt),
      idleExpiresAt: instant(idleUntil),
      absoluteExpiresAt: instant(session.absoluteUntil),
      idleExpiresInMs: idleUntil - now,
      absoluteExpiresInMs: session.absoluteUntil - now,
      ...(list && { remembered: session.remembered !== null }),
    };
  }

  function state(session: FakeSession): Record<string, unknown> {
    const inMs = Math.min(session.idleUntil, session.absoluteUntil) - clock.now();
    const reason = session.absoluteUntil <= session.idleUntil ? "absolute_timeout" : "idle_timeout";
    return {
      session: described(session),
      warning: inMs <= server.policy.warningLeadMs ? { reason, inMs } : null,
      nextPollMs: server.policy.heartbeatIntervalMs * 0.97,
      policyVersion: server.policy.version,
      serverTime: instant(clock.now()),
    };
  }

  /** The session with tokens, in the transport that was asked for. */
  function issued(status: number, session: FakeSession, inBody: boolean, refresh: string, reconnect?: string): Answer {
    const life = Math.min(server.policy.accessTokenTtlMs, session.absoluteUntil - clock.now());
    const tokens = {
      accessToken: `access.${session.id}.${clock.now() + life}.${++count}`,
      accessExpiresInMs: life,
      ...(inBody && { refreshToken: refresh }),
      ...(inBody && reconnect && { reconnectToken: reconnect }),
    };
    const cookies: (readonly [string, string])[] = [[REFRESH, refresh]];
    if (reconnect) cookies.push([RECONNECT, reconnect]);
    return given(status, { ...state(session), ...tokens }, inBody ? [] : cookies);
  }

  function open(subject: string, credential: string, label: string | null): FakeSession {
    const now = clock.now();
    const { idleTimeoutMs, absoluteTimeoutMs, guestTimeoutMs } = server.policy;
    const id = `session-${server.sessions.length + 1}`;
    const session: FakeSession = {
      id,
      subject,
      credential,
      label,
      createdAt: now,
      lastActiveAt: now,
      idleUntil: now + idleTimeoutMs,
      absoluteUntil: now + (credential === "guest" ? guestTimeoutMs : absoluteTimeoutMs),
      refresh: beginChain(`refresh.${id}`, String(++count), now),
      remembered: null,
      end: null,
    };
    server.sessions.push(session);
    return session;
  }

  function ended(session: FakeSession | undefined, claimed: string | null): Answer | null {
    const end = session ? endOf(session, clock.now()) : ({ reason: "unknown", at: null } as const);
    if (!end) return null;
    const reconnect = server.reconnectAfter.includes(end.reason) ? "allowed" : "forbidden";
    const endedAt = end.at === null ? null : instant(end.at);
    return problem(401, "session_ended", { reason: end.reason, endedAt, reconnect, sessionId: claimed });
  }

  const byId = (id: string | undefined): FakeSession | undefined => server.sessions.find((session) => session.id === id);

  function ending(session: FakeSession, reason: EndReason): void {
    session.end ??= { reason, at: clock.now() };
  }

  function bearer({ headers }: FakeRequest): FakeSession | Answer {
    const header = headers.get("authorization");
    if (!header) return problem(401, "token_missing");
    const [kind, id, until] = header.replace(/^Bearer /, "").split(".");
    if (kind !== "access" || !id) return problem(401, "token_invalid", { sessionId: null });
    if (clock.now() >= Number(until)) return problem(401, "token_expired", { sessionId: id });
    const session = byId(id);
    return ended(session, id) ?? (session as FakeSession);
  }

  function keysOf({ headers }: FakeRequest): string[] {
    return (headers.get("idempotency-key") ?? "").split(",").filter(Boolean);
  }

  function refresh(request: FakeRequest, cookie: string | undefined): Answer {
    const inBody = request.body?.["refreshToken"] as string | undefined;
    const token = inBody ?? cookie;
    if (inBody && cookie) return problem(400, "invalid_request");
    if (!token) return problem(401, "token_missing");
    const id = readToken(token)?.name.replace("refresh.", "") ?? null;
    const session = byId(id ?? undefined);
    if (!id) return problem(401, "token_invalid", { sessionId: null });
    const over = ended(session, id);
    if (over || !session) return over ?? problem(401, "token_invalid", { sessionId: id });
    const result = rotate(session.refresh, token, keysOf(request), clock.now(), RACE_WINDOW_MS);
    if (result.outcome === "race") return problem(409, "refresh_superseded", { sessionId: id }, 1);
    if (!("token" in result)) {
      ending(session, result.outcome === "reuse" ? "reuse_detected" : "unknown");
      return ended(session, id) as Answer;
    }
    const ago = request.body?.["lastActiveMsAgo"] as number | null | undefined;
    if (result.outcome === "rotated") slide(session, ago === undefined ? 0 : ago, server.policy, clock.now());
    return issued(200, session, inBody !== undefined, result.token);
  }

  function reconnect(request: FakeRequest, cookie: string | undefined): Answer {
    const { reconnectToken: inBody } = request.body?.["credential"] as { reconnectToken?: string };
    const token = inBody ?? cookie;
    if (!token) return problem(401, "token_missing");
    const name = readToken(token)?.name;
    const stored = server.sessions.map(({ remembered }) => remembered).find((one) => one?.chain.name === name);
    if (!stored) return problem(401, "session_ended", { reason: "unknown", endedAt: null, reconnect: "forbidden", sessionId: null });
    const last = endOf(stored.session, clock.now());
    const isReplay = readToken(token)?.secret !== stored.chain.secret;
    if (!isReplay && last && !server.reconnectAfter.includes(last.reason)) return ended(stored.session, null) as Answer;
    if (!isReplay && stored.rejected) return problem(401, "credential_rejected", { sessionId: null });
    const result = rotate(stored.chain, token, keysOf(request), clock.now(), RACE_WINDOW_MS);
    if (result.outcome === "race") return problem(409, "refresh_superseded", { sessionId: null }, 1);
    if (!("token" in result)) {
      ending(stored.session, "reuse_detected");
      return ended(stored.session, null) as Answer;
    }
    if (result.outcome === "replayed") {
      if (stored.session.refresh.generation > 1) return problem(409, "refresh_superseded", { sessionId: null }, 1);
      return issued(201, stored.session, inBody !== undefined, tokenOf(stored.session.refresh), result.token);
    }
    ending(stored.session, "replaced");
    stored.session = open(stored.subject, stored.credential, null);
    stored.session.remembered = stored;
    return issued(201, stored.session, inBody !== undefined, tokenOf(stored.session.refresh), result.token);
  }

  function connect(request: FakeRequest, cookies: Map<string, string>): Answer {
    const body = request.body as { credential?: { kind: string; username?: string; password?: string }; label?: string };
    const { kind = "password", username, password } = body.credential ?? (body as { username?: string; password?: string; kind?: string });
    if (password === "wrong") return problem(401, "credential_rejected");
    const before = byId(readToken(cookies.get(REFRESH) ?? "")?.name.replace("refresh.", "") ?? bearerId(request));
    if (before && !endOf(before, clock.now())) ending(before, "replaced");
    const session = open(`subject-${username ?? kind + String(++count)}`, kind, body.label ?? null);
    const inBody = request.body?.["transport"] === "body";
    if (request.body?.["remember"] !== true) return issued(201, session, inBody, tokenOf(session.refresh));
    const chain = beginChain(`reconnect.${session.id}`, String(++count), clock.now());
    session.remembered = { subject: session.subject, credential: kind, chain, session, rejected: false };
    return issued(201, session, inBody, tokenOf(session.refresh), tokenOf(chain));
  }

  const bearerId = ({ headers }: FakeRequest): string | undefined => headers.get("authorization")?.split(".")[1];

  function sessions(request: FakeRequest): Answer {
    const own = bearer(request);
    if ("status" in own) return own;
    const live = server.sessions.filter((one) => one.subject === own.subject && !endOf(one, clock.now()));
    if (request.method === "GET") {
      return given(200, { sessions: live.map((one) => ({ ...described(one, true), current: one === own })) });
    }
    const [, , id] = request.path.split("/");
    const chosen = id ? live.filter((one) => one.id === id) : live.filter((one) => request.path.includes("scope=all") || one !== own);
    if (id && !chosen.length) return problem(404, "not_found");
    for (const one of chosen) ending(one, "revoked");
    return id ? given(204) : given(200, { ended: chosen.length });
  }

  return function respond(request: FakeRequest, cookies: Map<string, string>, fault?: Fault & { kind: "refuse" }): Answer {
    if (fault) return problem(fault.status, fault.code, {}, fault.retryAfterSeconds);
    if (cookies.size && request.method !== "GET" && !request.headers.has("x-session-client")) return problem(403, "csrf_rejected");
    switch (request.route) {
      case "policy":
        return given(200, server.policy);
      case "connect":
      case "register":
        return connect(request, cookies);
      case "reconnect":
        return reconnect(request, cookies.get(RECONNECT));
      case "refresh":
        return refresh(request, cookies.get(REFRESH));
      case "sessions":
        return sessions(request);
      case "validate": {
        const session = bearer(request);
        if ("status" in session) return session;
        slide(session, (request.body?.["lastActiveMsAgo"] as number | null | undefined) ?? null, server.policy, clock.now());
        return given(200, state(session));
      }
      case "logout": {
        const token = (request.body?.["refreshToken"] as string | undefined) ?? cookies.get(REFRESH);
        const session = byId(token ? readToken(token)?.name.replace("refresh.", "") : bearerId(request));
        if (session && !endOf(session, clock.now())) ending(session, "logout");
        return given(204, undefined, [[REFRESH, null], [RECONNECT, null]]);
      }
      case "app":
        return problem(404, "not_found");
    }
  };
}
