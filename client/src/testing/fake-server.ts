import type { EndReason, ErrorCode, SessionPolicy } from "../contract.js";
import type { Route } from "../verdict.js";
import type { FakeClock } from "./fake-clock.js";
import { createFakeRoutes, type Answer } from "./fake-routes.js";
import { FAKE_POLICY, type FakeSession } from "./fake-sessions.js";

/** What a test may do to one request. */
export type Fault =
  /** It arrives and is done; the answer is lost. */
  | { readonly kind: "lost" }
  /** It does not arrive. */
  | { readonly kind: "unreached" }
  /** Neither is heard of again: the client has to give up by itself. */
  | { readonly kind: "silent" }
  /** Something on the way answers in place of the server. */
  | { readonly kind: "answer"; readonly status: number; readonly body?: string; readonly headers?: Record<string, string> }
  /** The server refuses. */
  | { readonly kind: "refuse"; readonly status: number; readonly code: ErrorCode; readonly retryAfterSeconds?: number };

/** A request as a test sees it. */
export interface FakeRequest {
  /** When it was sent. */
  readonly at: number;
  readonly route: Route | "app";
  readonly method: string;
  readonly path: string;
  readonly headers: Headers;
  /** The parsed body, `null` without one. */
  readonly body: Record<string, unknown> | null;
}

/** A service for tests that speaks the contract. */
export interface FakeServer {
  readonly baseUrl: string;
  /** Every request that was sent, also those that did not arrive. */
  readonly requests: FakeRequest[];
  /** Every session that was ever opened, in order. */
  readonly sessions: FakeSession[];
  /** The policy; replace it with another `version` to change it. */
  policy: SessionPolicy;
  /** The reasons after which a stored credential may be used. */
  reconnectAfter: readonly EndReason[];
  /** Called for each request; what it returns happens to it. */
  fault: (request: FakeRequest) => Fault | undefined;
  /** How long a request takes there and back, in milliseconds: half before it is done, half after. */
  latencyMs: (request: FakeRequest) => number;
  /** Answers to requests outside the service, e.g. the app's own API. */
  app: (request: Request) => Response;
  /** Ends a session, as from another device or by an operator. */
  end(session: FakeSession, reason: EndReason): void;
  /** Requests to one route. */
  to(route: Route | "app"): FakeRequest[];
  /** `fetch` with a jar of cookies; `gone` tells that the page cannot take the answer any more. */
  fetch(jar: () => Map<string, string>, input: string | URL | Request, init?: RequestInit, gone?: () => boolean): Promise<Response>;
}

const ROUTES: Record<string, Route> = {
  "POST /connect": "connect",
  "POST /register": "register",
  "POST /validate-session": "validate",
  "POST /refresh": "refresh",
  "POST /logout": "logout",
  "GET /sessions": "sessions",
  "DELETE /sessions": "sessions",
  "GET /session-policy": "policy",
};

function routeOf(method: string, path: string, body: Record<string, unknown> | null): FakeRequest["route"] {
  const [bare = ""] = path.split("?");
  if (bare.startsWith("/sessions/")) return "sessions";
  const route = ROUTES[`${method} ${bare}`] ?? "app";
  const credential = body?.["credential"] as { kind?: string } | undefined;
  return route === "connect" && credential?.kind === "reconnect" ? "reconnect" : route;
}

/** A service for tests, at `https://api.test`. */
export function createFakeServer(clock: FakeClock): FakeServer {
  const baseUrl = "https://api.test";
  const server: FakeServer = {
    baseUrl,
    requests: [],
    sessions: [],
    policy: FAKE_POLICY,
    reconnectAfter: ["unknown"],
    fault: () => undefined,
    latencyMs: () => 20,
    app: () => new Response("{}", { headers: { "content-type": "application/json" } }),
    end(session, reason) {
      session.end ??= { reason, at: clock.now() };
    },
    to: (route) => server.requests.filter((request) => request.route === route),
    fetch: fetchWith,
  };
  const respond = createFakeRoutes(server, clock);

  function wait(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((done, abort) => {
      if (ms < Infinity) clock.after(ms, done);
      const stop = (): void => abort(new DOMException("aborted", "AbortError"));
      if (signal.aborted) stop();
      else signal.addEventListener("abort", stop);
    });
  }

  async function fetchWith(
    jar: () => Map<string, string>,
    input: string | URL | Request,
    init?: RequestInit,
    gone: () => boolean = () => false,
  ): Promise<Response> {
    const { keepalive = false, ...rest } = init ?? {};
    const request = new Request(input, rest);
    const text = await request.clone().text();
    const url = new URL(request.url);
    const path = url.pathname + url.search;
    const known = url.origin === baseUrl;
    const isJson = request.headers.get("content-type") === "application/json";
    const body = known && text && isJson ? (JSON.parse(text) as Record<string, unknown>) : null;
    const route = known ? routeOf(request.method, path, body) : "app";
    const seen: FakeRequest = { at: clock.now(), route, method: request.method, path, headers: request.headers, body };
    server.requests.push(seen);
    const fault = server.fault(seen);
    const half = server.latencyMs(seen) / 2;
    const cookies = request.credentials === "include" ? new Map(jar()) : new Map<string, string>();
    // What was sent is done, whether or not the page still waits for it.
    const arrives = keepalive ? new AbortController().signal : request.signal;
    const done = (async (): Promise<Answer | Response> => {
      if (fault?.kind === "unreached" || fault?.kind === "silent") throw new TypeError("not reached");
      await wait(half, arrives);
      if (fault?.kind === "answer") return new Response(fault.body ?? null, fault);
      if (route === "app") return server.app(request);
      return respond(seen, cookies, fault?.kind === "refuse" ? fault : undefined);
    })();
    done.catch(() => undefined);
    if (fault?.kind === "silent") await wait(Infinity, request.signal);
    await wait(fault?.kind === "unreached" ? half : half * 2, request.signal);
    const answer = await done;
    if (fault?.kind === "lost") throw new TypeError("connection lost");
    if (gone()) return new Promise(() => undefined);
    if (answer instanceof Response) return answer;
    if (request.credentials === "include") {
      for (const [name, value] of answer.cookies) if (value === null) jar().delete(name); else jar().set(name, value);
    }
    return new Response(answer.body === undefined ? null : JSON.stringify(answer.body), {
      status: answer.status,
      headers: answer.headers,
    });
  }
  return server;
}
