import { DEFAULT_POLICY, type SessionAnswer, type SessionPolicy } from "./contract.js";
import type { createKeeper, Tools } from "./keeper.js";
import type { createPresence, Report } from "./presence.js";
import { described, type Ask, type createSender, type Reply } from "./requests.js";
import type { Rotating } from "./rotation.js";
import { refreshAt } from "./schedule.js";
import type { ConnectOptions, SessionInfo } from "./session-client.js";
import { SessionError } from "./session-error.js";
import { judge, type Route } from "./verdict.js";

/** What exchanges need besides. */
export interface Exchanging {
  readonly transport: "cookie" | "body";
  readonly fetch: typeof fetch;
  readonly send: ReturnType<typeof createSender>;
  readonly inTurn: <T>(task: () => Promise<T>) => Promise<T>;
  readonly presence: ReturnType<typeof createPresence>;
  readonly keeper: ReturnType<typeof createKeeper>;
}

const nothing = (): undefined => undefined;

/** What the client and the service say to each other, and what follows from it. */
export function createExchanges(tools: Tools, { transport, fetch, send, inTurn, presence, keeper }: Exchanging) {
  const { clock, store, record, emit, rotations, tell } = tools;
  const inBody = transport === "body";
  /** Proves the session that a logout ends. */
  let parting = "";

  /** One at a time: whoever asks meanwhile gets the same answer. */
  function once(task: () => Promise<void>): () => Promise<void> {
    let running: Promise<void> | undefined;
    return async () => {
      // Nobody is connected.
      if (keeper.phase === "idle") throw new SessionError("token_missing");
      const asked = keeper.epoch;
      return (running ??= task()
        .then(keeper.succeeded, (error: unknown) => {
          if (asked === keeper.epoch) keeper.failed(error);
          throw error;
        })
        .finally(() => {
          running = undefined;
          keeper.arm();
        }));
    };
  }

  /** Judges what comes back, and takes nothing that was asked for before the session changed. */
  async function guarded<Answer>(route: Route, ask: () => Promise<Answer>): Promise<Answer> {
    const asked = keeper.epoch;
    let answer: Answer | undefined;
    let failure: unknown;
    try {
      answer = await ask();
    } catch (error) {
      failure = error;
    }
    keeper.look();
    if (asked !== keeper.epoch) {
      record({ kind: "discard", route });
      throw new SessionError("outdated");
    }
    if (failure instanceof SessionError) rule(failure, route);
    if (failure) throw failure as Error;
    return answer as Answer;
  }

  /** Draws the consequence of a failure. */
  function rule(error: SessionError, route: Route): void {
    const { code, details } = error;
    const known = store.get("session");
    // What only another tab or an earlier page knows of is no reason to doubt what the server says of the token it got.
    const verdict = judge(error, route, keeper.heard ? keeper.id : null);
    const { reason = "unknown", endedAt = null } = details;
    if (route === "reconnect") {
      if (verdict !== "wait") keeper.finish(code === "session_ended" ? { reason, endedAt } : keeper.lost, true);
    } else if (verdict === "ended" && !known && code === "token_missing") {
      // The first visit: there was nothing to take up.
      keeper.publish({ id: null });
      keeper.switchTo("idle", null);
      keeper.setState({ status: "anonymous" });
    } else if (verdict === "ended" || (verdict === "look" && route === "refresh")) {
      const stored = known?.remembered ?? (!known && tools.policy.reconnect.enabled);
      const may = details.reconnect !== "forbidden" && !keeper.unproven && (!inBody || rotations.token("reconnect"));
      if (stored && may) keeper.lose({ reason, endedAt });
      else if (verdict === "ended") keeper.finish({ reason, endedAt }, true);
    }
  }

  /** Has the current token rotated, with the keys and the report of this very attempt. */
  async function rotate(kind: Rotating, ask: (token: string | undefined) => Omit<Ask, "route" | "method">) {
    const asked = keeper.epoch;
    return guarded(kind, () =>
      rotations.rotate(
        kind,
        () => {
          keeper.look();
          if (asked !== keeper.epoch) throw new SessionError("outdated");
          return kind === "refresh" ? keeper.id : null;
        },
        async (keys, token) =>
          described(await send({ route: kind, method: "POST", keys, cookies: !inBody, keepalive: true, ...ask(token) }), true),
      ),
    );
  }

  const renew = once(async () => {
    let report: Report | undefined;
    const reply = await rotate("refresh", (refreshToken) => {
      report = presence.report();
      return { path: "/refresh", body: { lastActiveMsAgo: report.msAgo, ...(refreshToken && { refreshToken }) } };
    });
    took(reply, report);
    const known = store.get("session");
    if (known) tell(known);
  });

  const check = once(async () => {
    let report: Report | undefined;
    const reply = await guarded("validate", () => {
      report = presence.report();
      const body = { lastActiveMsAgo: report.msAgo };
      return send({ route: "validate", method: "POST", path: "/validate-session", body, by: carried });
    });
    took(described(reply, false), report);
  });

  const reopen = once(async () => {
    const reply = await rotate("reconnect", (reconnectToken) => ({
      path: "/connect",
      body: { credential: { kind: "reconnect", ...(reconnectToken && { reconnectToken }) } },
    }));
    began(reply, true);
    keeper.unproven = true;
    const info = keeper.info();
    if (info) emit("reconnected", info);
  });

  const leave = once(async () => {
    const refreshToken = rotations.token("refresh");
    try {
      await inTurn(async () => {
        // Somebody may have connected while this waited.
        if (!store.get("session")?.leaving) return;
        await send({
          route: "logout",
          method: "POST",
          path: "/logout",
          ...(refreshToken && { body: { refreshToken } }),
          bearer: parting,
          cookies: !inBody,
          keepalive: true,
        });
      });
    } catch (error) {
      if (error instanceof SessionError && judge(error, "logout", null) === "wait") throw error;
    }
    keeper.look();
    if (keeper.phase !== "leaving") return;
    keeper.finish({ reason: "logout", endedAt: null }, true);
  });

  /** Takes an answer about the session that this tab has. */
  function took(reply: Reply<SessionAnswer>, report?: Report): void {
    if (report) presence.answered(report, reply.body);
    keeper.accept(reply);
    keeper.unproven = false;
    if (reply.body.policyVersion !== tools.policy.version) void readPolicy();
  }

  /** Takes an answer that opens a session. */
  function began(reply: Reply<SessionAnswer>, remembered: boolean): void {
    const { session, refreshToken } = reply.body;
    const { id, subject } = session;
    keeper.switchTo("live", id);
    rotations.begin("refresh", id, refreshToken);
    presence.reset();
    keeper.publish({ id, subject, remembered });
    took(reply);
  }

  let reading: Promise<void> | undefined;
  function readPolicy(): Promise<void> {
    return (reading ??= send({ route: "policy", method: "GET", path: "/session-policy" })
      .then(({ body }) => {
        const read = body as Partial<SessionPolicy>;
        if (!read.heartbeatIntervalMs || !read.version) return;
        tools.policy = { ...DEFAULT_POLICY, ...read };
        emit("policy", tools.policy);
        keeper.arm();
      })
      .catch(nothing)
      .finally(() => {
        reading = undefined;
      }));
  }

  /** Sees to it that there is an access token, if there is a session. */
  async function freshen(): Promise<void> {
    if (keeper.phase === "idle" || clock.now() < keeper.due.accessUntil) return;
    keeper.assertReady();
    await catchUp();
  }

  /**
   * `fetch` with the access token, made fresh before and once after a 401, if the body can be sent again.
   *
   * @param repeatable - whether it can
   */
  async function carry(request: () => Request, repeatable: boolean): Promise<Response> {
    await freshen();
    const used = keeper.access;
    const send = (): Promise<Response> => {
      const carrying = request();
      if (keeper.access) carrying.headers.set("authorization", `Bearer ${keeper.access}`);
      return fetch(carrying);
    };
    const response = await send();
    if (response.status !== 401 || !repeatable || keeper.phase !== "live") return response;
    // Another request may have brought a new token meanwhile.
    if (keeper.access === used) await renew().catch(nothing);
    return keeper.access !== used ? send() : response;
  }

  /** The same for the service's own routes, which make no sense without a token. */
  const carried: typeof fetch = async (url, init) => {
    await freshen();
    if (!keeper.access) throw new SessionError("token_missing");
    return carry(() => new Request(url, init), true);
  };

  /** Does what is due. */
  async function catchUp(): Promise<void> {
    keeper.look();
    if (keeper.phase === "leaving") return leave();
    if (keeper.phase === "lost") return reopen();
    if (keeper.phase === "live") return clock.now() >= refreshAt(keeper.due, tools.policy) ? renew() : check();
  }

  /** Opens a session; the turn keeps it from running beside anything else that changes cookies. */
  async function open(route: "connect" | "register", body: object, { remember = false, label }: ConnectOptions = {}): Promise<SessionInfo> {
    const before = keeper.state();
    keeper.setState({ status: "connecting" });
    try {
      const reply = described(
        await inTurn(() =>
          send({
            route,
            method: "POST",
            path: `/${route}`,
            body: { ...body, remember, transport, label },
            bearer: inBody ? keeper.access : "",
            cookies: !inBody,
          }),
        ),
        true,
      );
      if (keeper.phase === "leaving") {
        // Somebody logged out meanwhile: the session that was opened is the one to end.
        parting = reply.body.accessToken ?? "";
        throw new SessionError("outdated");
      }
      if (remember) rotations.begin("reconnect", null, reply.body.reconnectToken);
      else rotations.forget("reconnect");
      began(reply, remember);
      return keeper.info() ?? reply.body.session;
    } catch (error) {
      if (keeper.state().status === "connecting") keeper.setState(before);
      throw error;
    }
  }

  async function logout(): Promise<void> {
    parting = keeper.access;
    keeper.part();
    await leave().catch(nothing);
  }

  return { open, renew, check, reopen, logout, carry, carried, catchUp, readPolicy };
}
