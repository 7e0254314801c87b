import type { Clock } from "./clock.js";
import { END_REASONS, SERVER_CODES, type ErrorCode, type ServerErrorCode, type SessionAnswer } from "./contract.js";
import type { createRecorder } from "./recorder.js";
import { SessionError, type ErrorDetails } from "./session-error.js";
import type { Route } from "./verdict.js";

/** One request to the service. */
export interface Ask {
  readonly route: Route;
  readonly method: "GET" | "POST" | "DELETE";
  readonly path: string;
  readonly body?: object;
  readonly bearer?: string;
  /** In place of the browser's: one that adds the access token. */
  readonly by?: typeof fetch;
  /** Idempotency keys, the one for a new rotation first. */
  readonly keys?: string;
  /** Whether it concerns the session's cookies. */
  readonly cookies?: boolean;
  /** Whether the browser may finish it after the page is gone. */
  readonly keepalive?: boolean;
}

/** An answer, and when its request was sent: durations in it count from then, so that they are never too long. */
export interface Reply<Body> {
  readonly body: Body;
  readonly sentAt: number;
}

/** What the sender needs. */
export interface Sending {
  readonly baseUrl: string;
  readonly fetch: typeof fetch;
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly record: ReturnType<typeof createRecorder>["record"];
  /** Aborted when the client is disposed of. */
  readonly disposed: AbortSignal;
}

/** The members of a problem document that the client reads. */
type Problem = ErrorDetails & { readonly code?: string };

/** Sends one request; whatever is not the service's own answer to it is thrown as a {@link SessionError}. */
export function createSender({ baseUrl, fetch, clock, timeoutMs, record, disposed }: Sending) {
  async function answerTo(ask: Ask, signal: AbortSignal): Promise<unknown> {
    const { route, method, path, body, bearer, keys, cookies = false, keepalive = false, by = fetch } = ask;
    const isPolicy = route === "policy";
    const headers = {
      ...(!isPolicy && { "x-session-client": "1" }),
      ...(body && { "content-type": "application/json" }),
      ...(bearer && { authorization: `Bearer ${bearer}` }),
      ...(keys && { "idempotency-key": keys }),
    };
    const response = await by(baseUrl + path, {
      method,
      headers,
      ...(body && { body: JSON.stringify(body) }),
      credentials: cookies ? "include" : "omit",
      // The policy has an ETag, which the browser's cache compares by itself.
      cache: isPolicy ? "no-cache" : "no-store",
      redirect: "error",
      keepalive,
      signal,
    });
    const { status } = response;
    const parsed: unknown = /json/.test(response.headers.get("content-type") ?? "")
      ? await response.json().catch(() => undefined)
      : undefined;
    if (status === 204) return undefined;
    if (response.ok && parsed && typeof parsed === "object") return parsed;
    const problem = (parsed ?? {}) as Problem;
    const code = problem.code && problem.code in SERVER_CODES ? (problem.code as ServerErrorCode) : "unexpected_answer";
    const retryAfterMs = 1000 * Number(response.headers.get("retry-after") ?? Number.NaN);
    throw new SessionError(code, {
      ...problem,
      status,
      ...(code === "session_ended" && { reason: END_REASONS.find((one) => one === problem.reason) ?? "unknown" }),
      ...(retryAfterMs >= 0 && { retryAfterMs }),
    });
  }

  return async function send(ask: Ask): Promise<Reply<unknown>> {
    const sentAt = clock.now();
    const controller = new AbortController();
    const abort = (): void => controller.abort();
    let failure: ErrorCode = "network_error";
    const cancel = clock.after(timeoutMs, () => {
      failure = "timeout";
      abort();
    });
    disposed.addEventListener("abort", abort);
    const { route } = ask;
    record({ kind: "request", route });
    try {
      const body = await answerTo(ask, controller.signal);
      record({ kind: "answer", route });
      return { body, sentAt };
    } catch (cause) {
      const error = cause instanceof SessionError ? cause : new SessionError(failure, {}, { cause });
      const { status, reason, sessionId: session, retryAfterMs: ms } = error.details;
      record({ kind: "answer", route, status, code: error.code, reason, session, ms });
      throw error;
    } finally {
      cancel();
      disposed.removeEventListener("abort", abort);
    }
  };
}

/** Takes an answer for what the route promises; a captive portal can write JSON, too. */
export function described(reply: Reply<unknown>, tokens: boolean): Reply<SessionAnswer> {
  const body = reply.body as Partial<SessionAnswer> | undefined;
  if (!body?.session?.id || (tokens && !body.accessToken)) throw new SessionError("unexpected_answer");
  return reply as Reply<SessionAnswer>;
}
