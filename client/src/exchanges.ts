import type { Clock } from "./clock.js";
import type { SessionAnswer, SessionPolicy } from "./contract.js";
import type { Emit } from "./events.js";
import type { createKeeper } from "./keeper.js";
import type { createPresence } from "./presence.js";
import type { createRecorder } from "./recorder.js";
import { described, type createSender, type Reply } from "./requests.js";
import type { createRotation } from "./rotation.js";
import { refreshAt } from "./schedule.js";
import type { ConnectOptions, SessionInfo } from "./session-client.js";
import { SessionError } from "./session-error.js";
import type { Store } from "./store.js";
import { judge, type Route } from "./verdict.js";

type Keeper = ReturnType<typeof createKeeper>;

/** What exchanges need. */
export interface Exchanging extends Keeper, ReturnType<typeof createPresence> {
  readonly clock: Clock;
  readonly store: Store;
  readonly record: ReturnType<typeof createRecorder>["record"];
  readonly emit: Emit;
  readonly inBody: boolean;
  readonly fetch: typeof fetch;
  readonly send: ReturnType<typeof createSender>;
  readonly inTurn: <T>(task: () => Promise<T>) => Promise<T>;
  readonly refreshes: ReturnType<typeof createRotation>;
  readonly reconnects: ReturnType<typeof createRotation>;
}

/** What the client and the service say to each other, and what follows from it. */
export function createExchanges(tools: Exchanging) {
  const { clock, store, record, emit, inBody, fetch, send, inTurn, refreshes, reconnects, report, answered } = tools;
  const { self, setState, publish, switchTo, look, accept, finish, lose, succeeded, failed, arm, assertReady, part } = tools;
  /** Proves the session that a logout ends. */
  let parting = "";

  /**
   * An exchange about the session, one of a kind at a time: whoever asks meanwhile gets the same answer. Nothing is taken
   * that was asked for before the session changed.
   */
  function exchange<Answer>(route: Route, ask: () => Promise<Answer>, take: (answer: Answer) => void): () => Promise<void> {
    let running: Promise<void> | undefined;
    function run(): Promise<void> {
      const { epoch } = self;
      const ifCurrent =
        <Outcome>(use: (outcome: Outcome) => void) =>
        (outcome: Outcome): void => {
          look();
          if (epoch !== self.epoch) {
            record({ kind: "discard", route });
            throw new SessionError("outdated");
          }
          use(outcome);
        };
      const onAnswer = ifCurrent((answer: Answer) => {
        succeeded();
        take(answer);
      });
      const onError = ifCurrent((error: SessionError) => {
        rule(error, route);
        if (epoch === self.epoch) failed(error);
        throw error;
      });
      return ask()
        .then(onAnswer, onError)
        .finally(() => {
          running = undefined;
          arm();
        });
    }
    return async () => {
      // Nobody is connected.
      if (self.phase === "idle") throw new SessionError("token_missing");
      return (running ??= run());
    };
  }

  /** Draws the consequence of a failure. */
  function rule(error: SessionError, route: Route): void {
    const { code, details } = error;
    const ending = { reason: details.reason ?? "unknown", endedAt: details.endedAt ?? null };
    const known = store.get("session");
    // What only another tab or an earlier page knows of is no reason to doubt what the server says of the token it got.
    const verdict = judge(error, route, self.heard ? self.id : null);
    if (verdict === "wait") return;
    if (route === "reconnect" || route === "logout") finish(code === "session_ended" ? ending : self.ending, true);
    else if (verdict === "ended" && !known && code === "token_missing") {
      // The first visit: there was nothing to take up.
      publish({ id: null });
      switchTo("idle", null);
      setState({ status: "anonymous" });
    } else if (verdict !== "refused") {
      const stored = known ? known.remembered : self.policy.reconnect.enabled;
      const may = details.reconnect !== "forbidden" && !self.unproven && (!inBody || store.get("reconnect")?.token);
      if (stored && may) lose(ending);
      else if (verdict === "ended") finish(ending, true);
    }
  }

  /** Has a token rotated, with the keys and the report of this very attempt. */
  function rotating(route: "refresh" | "reconnect", rotation: ReturnType<typeof createRotation>, path: string, body: (token: string | undefined) => object) {
    return () => {
      const { epoch } = self;
      return rotation.rotate(
        () => {
          look();
          if (epoch !== self.epoch) throw new SessionError("outdated");
          return route === "refresh" ? self.id : null;
        },
        async (keys, token) => described(await send(route, { path, keys, body: body(token) })),
      );
    };
  }

  const renew = exchange(
    "refresh",
    rotating("refresh", refreshes, "/refresh", (refreshToken) => ({ lastActiveMsAgo: report(), refreshToken })),
    took,
  );

  const check = exchange(
    "validate",
    async () => {
      const body = { lastActiveMsAgo: report() };
      return described(await send("validate", { path: "/validate-session", body, by: carry }), false);
    },
    took,
  );

  const reopen = exchange(
    "reconnect",
    rotating("reconnect", reconnects, "/connect", (reconnectToken) => ({ credential: { kind: "reconnect", reconnectToken } })),
    (reply) => {
      began(reply, true);
      self.unproven = true;
      if (self.info) emit("reconnected", self.info);
    },
  );

  const leave = exchange(
    "logout",
    () =>
      inTurn(async () => {
        // Somebody may have connected while this waited.
        if (!store.get("session")?.leaving) return;
        await send("logout", { body: { refreshToken: store.get("refresh")?.token }, bearer: parting });
      }),
    () => finish(self.ending, true),
  );

  /** Takes an answer about the session that this tab has. */
  function took(reply: Reply<SessionAnswer>): void {
    answered(reply);
    accept(reply);
    if (reply.body.policyVersion !== self.policy.version) void readPolicy();
  }

  /** Takes an answer that opens a session. */
  function began(reply: Reply<SessionAnswer>, remembered: boolean): void {
    const { session, refreshToken } = reply.body;
    switchTo("live", session.id);
    refreshes.begin(session.id, refreshToken);
    publish({ id: session.id, remembered });
    took(reply);
  }

  let reading: Promise<void> | undefined;
  function readPolicy(): Promise<void> {
    return (reading ??= send("policy", { path: "/session-policy" })
      .then(({ body }) => {
        const policy = body as SessionPolicy;
        if (!policy.heartbeatIntervalMs) return;
        self.policy = policy;
        emit("policy", policy);
        arm();
      })
      .catch(() => undefined)
      .finally(() => (reading = undefined)));
  }

  /**
   * `fetch` with the access token, made fresh before and once after a 401, if the body can be sent again.
   */
  async function carry(input: string | URL | Request, init?: RequestInit): Promise<Response> {
    if (self.phase !== "idle" && clock.now() >= self.due.accessUntil) {
      assertReady();
      await catchUp();
    }
    const { access } = self;
    const send = (): Promise<Response> => {
      const request = new Request(input, init);
      if (self.access) request.headers.set("authorization", `Bearer ${self.access}`);
      return fetch(request);
    };
    const response = await send();
    // Not every browser tells whether a Request has a body.
    const bodiless = !(input instanceof Request) || ["GET", "HEAD"].includes(input.method);
    const repeatable = bodiless && !(init?.body instanceof ReadableStream);
    if (response.status !== 401 || !repeatable || self.phase !== "live") return response;
    // Another request may have brought a new token meanwhile.
    if (self.access === access) await renew().catch(() => undefined);
    return self.access === access ? response : send();
  }

  /** Does what is due. */
  async function catchUp(): Promise<void> {
    look();
    const { phase } = self;
    if (phase === "leaving") return leave();
    if (phase === "lost") return reopen();
    if (phase === "live") return clock.now() < refreshAt(self.due, self.policy) ? check() : renew();
  }

  /** Opens a session; the turn keeps it from running beside anything else that changes cookies. */
  async function open(route: "connect" | "register", body: object, { remember = false, label }: ConnectOptions = {}): Promise<SessionInfo> {
    const before = self.state;
    setState({ status: "connecting" });
    try {
      const transport = inBody ? "body" : "cookie";
      const ask = { body: { ...body, remember, transport, label }, bearer: inBody ? self.access : "" };
      const reply = described(await inTurn(() => send(route, ask)));
      const { session, accessToken = "", reconnectToken } = reply.body;
      if (self.phase === "leaving") {
        // Somebody logged out meanwhile: the session that was opened is the one to end.
        parting = accessToken;
        throw new SessionError("outdated");
      }
      if (remember) reconnects.begin(null, reconnectToken);
      else store.set("reconnect", null);
      began(reply, remember);
      return self.info ?? session;
    } catch (error) {
      if (self.state.status === "connecting") setState(before);
      throw error;
    }
  }

  async function logout(): Promise<void> {
    parting = self.access;
    part();
    await leave().catch(() => undefined);
  }

  return { open, renew, check, logout, carry, catchUp, readPolicy };
}
