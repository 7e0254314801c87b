import type { ErrorCode, SessionAnswer } from "./contract.js";
import { record, type Recorded } from "./recorder.js";
import { SessionError, type ErrorDetails } from "./session-error.js";
import type { Route } from "./verdict.js";

/** What differs between requests to the service. */
export interface Ask {
  /** Default: as the route is called. */
  readonly path?: string | undefined;
  /** Default: POST with a body, else GET. */
  readonly method?: string;
  readonly body?: object;
  readonly bearer?: string | undefined;
  /** Adds the access token, in place of the cookies. */
  readonly by?: typeof fetch;
  /** Idempotency keys, the one for a new rotation first. */
  readonly keys?: string;
}

/** An answer, and when its request was sent: durations in it count from then, so that they are never too long. */
export interface Reply<Body> {
  readonly body: Body;
  readonly sentAt: number;
}

/** What the sender needs. */
export interface Sending extends Recorded {
  readonly baseUrl: string;
  readonly fetch: typeof fetch;
  readonly requestTimeoutMs?: number;
  /** Whether tokens come in bodies, and not in cookies. */
  readonly inBody: boolean;
}

/** The members of a problem document that the client reads. */
type Problem = ErrorDetails & { readonly code?: ErrorCode };

/** Sends one request; whatever is not the service's own answer to it is thrown as a {@link SessionError}. */
export async function send(tab: Sending, route: Route, ask: Ask): Promise<Reply<unknown>> {
  const { baseUrl, requestTimeoutMs = 10_000, inBody } = tab;
  const { path = `/${route}`, body, method = body ? "POST" : "GET", bearer, by, keys } = ask;
  // The policy is asked for without a header that would cost a preflight.
  const isPolicy = route === "policy";
  const movesTokens = !isPolicy && !by;
  const sentAt = tab.now();
  const controller = new AbortController();
  const { signal } = controller;
  const cancel = tab.after(requestTimeoutMs, () => controller.abort());
  record(tab, { kind: "request", route });
  try {
    const response = await (by ?? tab.fetch)(baseUrl + path, {
      method,
      headers: {
        ...(!isPolicy && { "x-session-client": "1" }),
        ...(body && { "content-type": "application/json" }),
        ...(bearer && { authorization: `Bearer ${bearer}` }),
        ...(keys && { "idempotency-key": keys }),
      },
      body: JSON.stringify(body),
      credentials: movesTokens && !inBody ? "include" : "omit",
      // The policy has an ETag, which the browser compares by itself; nothing else may be stored anyway.
      cache: "no-cache",
      redirect: "error",
      // The browser finishes it after the page is gone.
      keepalive: movesTokens,
      signal,
    });
    const { status, headers } = response;
    const type = headers.get("content-type") ?? "";
    // JSON that is cut off throws: the connection broke.
    const parsed: unknown = status === 204 ? {} : /json/.test(type) && (await response.json());
    if (!response.ok || !parsed) {
      const problem = /problem/.test(type) ? (parsed as Problem) : {};
      const retryAfterMs = 1000 * Number(headers.get("retry-after"));
      throw new SessionError(problem.code ?? "unexpected_answer", {
        ...problem,
        status,
        ...(retryAfterMs > 0 && { retryAfterMs }),
      });
    }
    record(tab, { kind: "answer", route });
    return { body: parsed, sentAt };
  } catch (cause) {
    const failure = signal.aborted ? "timeout" : "network_error";
    const error = cause instanceof SessionError ? cause : new SessionError(failure, {}, { cause });
    const { status, reason, sessionId: session, retryAfterMs: ms } = error.details;
    record(tab, { kind: "answer", route, status, code: error.code, reason, session, ms });
    throw error;
  } finally {
    cancel();
  }
}

/** Takes an answer for what the route promises; a captive portal can write JSON, too. */
export function described(reply: Reply<unknown>, tokens = true): Reply<SessionAnswer> {
  const body = reply.body as Partial<SessionAnswer>;
  if (!body.session?.id || (tokens && !body.accessToken)) throw new SessionError("unexpected_answer");
  return reply as Reply<SessionAnswer>;
}
