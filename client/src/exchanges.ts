import type { SessionAnswer, SessionPolicy } from "./contract.js";
import { emit } from "./events.js";
import { arm, succeeded } from "./pace.js";
import { answered, report } from "./presence.js";
import { record } from "./recorder.js";
import { described, send, type Reply } from "./requests.js";
import { beginChain, rotate, type Rotating } from "./rotation.js";
import { refreshFrom } from "./schedule.js";
import type { ConnectOptions, SessionInfo } from "./session-client.js";
import { SessionError } from "./session-error.js";
import { accept, failed, finish, look, lose, publish, setState, switchTo } from "./session.js";
import type { Tab } from "./tab.js";
import { inTurn } from "./turn.js";
import { judge, type Route } from "./verdict.js";

/** Throws when the session is another one than it was when something began. */
type AssertCurrent = () => void;

/** What is done with an answer. */
type Take<Answer> = (tab: Tab, answer: Answer) => void;

/** Asks, and takes nothing that was asked for before the session changed. */
async function run<Answer>(tab: Tab, route: Route, ask: (assertCurrent: AssertCurrent) => Promise<Answer>, take: Take<Answer>): Promise<void> {
  const { epoch } = tab;
  const assertCurrent = (): void => {
    look(tab);
    if (epoch !== tab.epoch) throw new SessionError("outdated");
  };
  try {
    const answer = await ask(assertCurrent);
    assertCurrent();
    succeeded(tab);
    take(tab, answer);
  } catch (error) {
    look(tab);
    if (epoch !== tab.epoch) {
      record(tab, { kind: "discard", route });
      throw new SessionError("outdated");
    }
    rule(tab, error as SessionError, route);
    if (epoch === tab.epoch) failed(tab, error as SessionError);
    throw error;
  } finally {
    tab.running[route] = undefined;
    arm(tab);
  }
}

/** An exchange about the session, one of a kind at a time: whoever asks meanwhile gets the same answer. */
async function exchange<Answer>(tab: Tab, route: Route, ask: (assertCurrent: AssertCurrent) => Promise<Answer>, take: Take<Answer>): Promise<void> {
  // Nobody is connected.
  if (!tab.phase) throw new SessionError("token_missing");
  return (tab.running[route] ??= run(tab, route, ask, take));
}

/** Draws the consequence of a failure. */
function rule(tab: Tab, error: SessionError, route: Route): void {
  const { code, details } = error;
  const ending = { reason: details.reason ?? "unknown", endedAt: details.endedAt ?? null };
  const known = tab.get("session");
  // What only another tab or an earlier page knows of is no reason to doubt what the server says of the token it got.
  const verdict = judge(error, route, tab.info && tab.id);
  if (verdict === "wait") return;
  if (route === "reconnect" || route === "logout") {
    // What refuses this request alone forgets nothing: the next page tries again.
    finish(tab, code === "session_ended" ? ending : tab.ending, verdict !== "refused" || code === "credential_rejected");
  } else if (verdict === "ended" && !known && code === "token_missing") {
    // The first visit: there was nothing to take up.
    publish(tab, { id: null });
    switchTo(tab, null, null);
    setState(tab, { status: "anonymous" });
  } else if (verdict !== "refused") {
    const stored = known ? known.remembered : tab.policy.reconnect.enabled;
    const may = details.reconnect !== "forbidden" && !tab.unproven && (!tab.inBody || tab.get("reconnect")?.token);
    if (stored && may) lose(tab, ending);
    else if (verdict === "ended") finish(tab, ending, true);
  }
}

/** Has a token rotated, with the keys and the report of this very attempt. */
const rotating =
  (tab: Tab, kind: Rotating, body: (token: string | undefined) => object, path?: string) =>
  (assertCurrent: AssertCurrent): Promise<Reply<SessionAnswer>> =>
    rotate(tab, kind, assertCurrent, async (keys, token) => described(await send(tab, kind, { path, keys, body: body(token) })));

/** Has the access token replaced. */
export const renew = (tab: Tab): Promise<void> =>
  exchange(
    tab,
    "refresh",
    rotating(tab, "refresh", (refreshToken) => ({ lastActiveMsAgo: report(tab), refreshToken })),
    took,
  );

/** Asks whether the session is alive, and reports input. */
export const check = (tab: Tab): Promise<void> =>
  exchange(
    tab,
    "validate",
    async () => {
      const body = { lastActiveMsAgo: report(tab) };
      return described(await send(tab, "validate", { path: "/validate-session", body, by: tab.carry }), false);
    },
    took,
  );

const reopen = (tab: Tab): Promise<void> =>
  exchange(
    tab,
    "reconnect",
    rotating(tab, "reconnect", (reconnectToken) => ({ credential: { kind: "reconnect", reconnectToken } }), "/connect"),
    (_, reply) => {
      const info = began(tab, reply, true);
      tab.unproven = true;
      emit(tab, "reconnected", info);
    },
  );

/** Tells the server of a logout. */
export const leave = (tab: Tab): Promise<void> =>
  exchange(
    tab,
    "logout",
    () =>
      inTurn(tab, async () => {
        // Somebody may have connected while this waited.
        if (!tab.get("session")?.leaving) return;
        await send(tab, "logout", { body: { refreshToken: tab.get("refresh")?.token }, bearer: tab.parting });
      }),
    () => finish(tab, tab.ending, true),
  );

/** Takes an answer about the session that this tab has. */
function took(tab: Tab, reply: Reply<SessionAnswer>): SessionInfo {
  answered(tab, reply);
  if (reply.body.policyVersion !== tab.policy.version) void readPolicy(tab);
  return accept(tab, reply);
}

/** Takes an answer that opens a session. */
function began(tab: Tab, reply: Reply<SessionAnswer>, remembered: boolean): SessionInfo {
  const { session, refreshToken } = reply.body;
  switchTo(tab, "live", session.id);
  beginChain(tab, "refresh", session.id, refreshToken);
  publish(tab, { id: session.id, remembered });
  return took(tab, reply);
}

/** Reads the policy. */
export async function readPolicy(tab: Tab): Promise<void> {
  if (tab.readsPolicy) return;
  tab.readsPolicy = true;
  try {
    const policy = (await send(tab, "policy", { path: "/session-policy" })).body as SessionPolicy;
    if (policy.heartbeatIntervalMs) {
      tab.policy = policy;
      emit(tab, "policy", policy);
      arm(tab);
    }
  } catch {
    // The next answer tells again that it is another one.
  }
  tab.readsPolicy = false;
}

/** Does what is due. */
export async function catchUp(tab: Tab): Promise<void> {
  look(tab);
  const { phase } = tab;
  if (phase === "live") return tab.now() < refreshFrom(tab, tab.policy) ? check(tab) : renew(tab);
  if (phase === "lost") return reopen(tab);
  if (phase) return leave(tab);
}

/** Opens a session; the turn keeps it from running beside anything else that changes cookies. */
export async function open(tab: Tab, route: "connect" | "register", body: object, { remember = false, label }: ConnectOptions = {}): Promise<SessionInfo> {
  // What an earlier page has left is learned first: in the middle of this, nobody would seem to be signed in.
  if (tab.state.status === "connecting") await tab.running.refresh?.catch(() => undefined);
  const before = tab.state;
  setState(tab, { status: "connecting" });
  try {
    const transport = tab.inBody ? "body" : "cookie";
    const ask = { body: { ...body, remember, transport, label }, bearer: tab.inBody ? tab.access : "" };
    const reply = described(await inTurn(tab, () => send(tab, route, ask)));
    const { accessToken = "", reconnectToken } = reply.body;
    if (tab.phase === "leaving") {
      // Somebody logged out meanwhile: the session that was opened is the one to end.
      tab.parting = accessToken;
      throw new SessionError("outdated");
    }
    if (remember) beginChain(tab, "reconnect", null, reconnectToken);
    else tab.set("reconnect", null);
    return began(tab, reply, remember);
  } catch (error) {
    if (tab.state.status === "connecting") setState(tab, before);
    throw error;
  }
}
