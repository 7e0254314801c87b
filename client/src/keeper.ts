import type { Clock } from "./clock.js";
import { DEFAULT_POLICY, type EndReason, type ErrorCode, type SessionAnswer, type SessionPolicy } from "./contract.js";
import type { Emit } from "./events.js";
import type { createRecorder } from "./recorder.js";
import type { Reply } from "./requests.js";
import { backoffMs, firstLimit, hopeEndsAt, nextDue, pollIn, SLEEP_GAP_MS, TICK_MS, type Deadlines } from "./schedule.js";
import type { SessionInfo, SessionState } from "./session-client.js";
import type { SessionError } from "./session-error.js";
import type { Ending, Known, Store } from "./store.js";

/** What the keeper needs. */
export interface Keeping {
  readonly clock: Clock;
  readonly store: Store;
  readonly record: ReturnType<typeof createRecorder>["record"];
  readonly emit: Emit;
  readonly random: () => number;
  /** Tells other tabs that something has changed. */
  readonly tell: () => void;
  /** Does what is due. */
  readonly catchUp: () => Promise<void>;
  /** Aborted when the client is disposed of. */
  readonly signal: AbortSignal;
}

/**
 * What this tab is after: nothing; a live session; a reconnect of a lost one; a logout that the server has to hear of.
 */
export type Phase = "idle" | "live" | "lost" | "leaving";

/** The session of this tab. */
interface Self {
  phase: Phase;
  /** The session, as far as it is known. */
  id: string | null;
  info: SessionInfo | null;
  /** Whether the server itself spoke of it to this page; otherwise another tab did, or an earlier page. */
  heard: boolean;
  /** The session comes from a reconnect, and the server has not confirmed it since. */
  unproven: boolean;
  access: string;
  due: Deadlines;
  state: SessionState;
  /** Counts changes of session: answers to requests from before a change are discarded. */
  epoch: number;
  /** How the last session ended. */
  ending: Ending;
  policy: SessionPolicy;
}

/** Shortest time, in milliseconds, between two attempts while the server is not reached, whatever happens to the page. */
const SPACING_MS = 5_000;

const UNKNOWN: Ending = { reason: "unknown", endedAt: null };

/** Holds the session of this tab: its state, its deadlines, and what the other tabs say of it. */
export function createKeeper({ clock, store, record, emit, random, tell, catchUp, signal }: Keeping) {
  const self = { state: { status: "anonymous" }, epoch: 0, ending: UNKNOWN, policy: DEFAULT_POLICY } as Self;
  let retryAt = 0;
  let notBefore = 0;
  let failures = 0;
  let failure: SessionError | undefined;
  let wasAheadMs = aheadMs();
  let cancelTimer: (() => void) | undefined;

  function aheadMs(): number {
    return clock.wall() - clock.now();
  }

  function setState(next: SessionState): void {
    const before = self.state;
    if (JSON.stringify(next) === JSON.stringify(before)) return;
    const { status: to, reason, failure: code } = next as { reason?: EndReason; failure?: ErrorCode } & SessionState;
    record({ kind: "state", from: before.status, to, session: self.id, reason, code });
    self.state = next;
    emit("change", next);
    if (next.status === "ended" && before.status !== "ended") emit("ended", next);
  }

  /** Tells this tab and all others which session there is. */
  function publish(known: Known): void {
    store.set("session", known);
    tell();
  }

  /** Another session, or none. */
  function switchTo(phase: Phase, id: string | null): void {
    // The idle limit is not known before the first answer; hope has to end some time.
    const idleUntil = clock.now() + self.policy.idleTimeoutMs;
    const due = { pollAt: 0, answeredAt: 0, accessUntil: 0, accessTtlMs: 0, idleUntil, absoluteUntil: Infinity };
    Object.assign(self, { phase, id, info: null, heard: false, unproven: false, access: "", due });
    self.epoch++;
    succeeded();
    arm();
  }

  function takeUp(id: string | null): void {
    switchTo("live", id);
    setState({ status: "connecting" });
  }

  /** Reads what the tabs share, and follows where another tab has gone. */
  function look(): void {
    const known = store.get("session");
    const { phase } = self;
    if (!known || known.id === self.id) return;
    record({ kind: "follow", session: known.id });
    if (known.id) { takeUp(known.id); return; }
    switchTo("idle", null);
    if (phase !== "idle") setState({ status: "ended", ...(known.end ?? UNKNOWN), confirmed: true });
  }

  /** Takes an answer that describes the session. */
  function accept({ body, sentAt }: Reply<SessionAnswer>): void {
    const { session, accessToken, accessExpiresInMs = 0, warning } = body;
    const { id, subject, credential, label, createdAt } = session;
    const known = store.get("session");
    if (id !== self.id) switchTo("live", id);
    if (known?.id !== id) publish({ ...known, id });
    const info = { id, subject, credential, label, createdAt };
    const answeredAt = clock.now();
    const { due, state } = self;
    Object.assign(self, { info, heard: true, unproven: false });
    due.answeredAt = answeredAt;
    due.pollAt = answeredAt + pollIn(body.nextPollMs);
    due.idleUntil = sentAt + session.idleExpiresInMs;
    due.absoluteUntil = sentAt + session.absoluteExpiresInMs;
    if (accessToken) {
      self.access = accessToken;
      due.accessUntil = sentAt + accessExpiresInMs;
      due.accessTtlMs = accessExpiresInMs;
    }
    setState(warning ? { status: "warning", session: info, reason: warning.reason } : { status: "active", session: info });
    // Other tabs may wait for a newer token, or still show the warning.
    if (accessToken || (state.status === "warning" && !warning)) tell();
  }

  /** The session is over, and no reconnect is to be tried. */
  function finish(ending: Ending, confirmed: boolean): void {
    const known = store.get("session");
    if (confirmed && (!known || known.id === self.id)) {
      store.set("refresh", null);
      store.set("reconnect", null);
      publish({ id: null, end: ending });
    }
    switchTo("idle", null);
    self.ending = ending;
    setState({ status: "ended", ...ending, confirmed });
  }

  /** The session is over, and the stored credential may open the next one. The id stays: a reload begins here again. */
  function lose(ending: Ending): void {
    switchTo("lost", self.id);
    self.ending = ending;
    setState({ status: "reconnecting", reason: ending.reason });
  }

  /** Somebody logs out: at once here and in all tabs, whether or not the server can be told now. */
  function part(): void {
    const end: Ending = (self.ending = { reason: "logout", endedAt: null });
    switchTo("leaving", null);
    publish({ id: null, leaving: true, end });
    setState({ status: "ended", ...end, confirmed: false });
  }

  function succeeded(): void {
    retryAt = notBefore = failures = 0;
    failure = undefined;
  }

  /** Nothing was learned of the session: later again, with full jitter, and never before the server wants it. */
  function failed(error: SessionError): void {
    // A refresh on the way to another request has already been counted.
    if (error === failure) return;
    failure = error;
    const { code, details } = error;
    const { retryAfterMs = 0 } = details;
    const now = clock.now();
    // Superseded: the token must not be presented again. Only another tab, or the user, can bring a newer one.
    const allowedAt = code === "refresh_superseded" ? Infinity : now + retryAfterMs;
    const longestMs = Math.max(1000, self.policy.heartbeatIntervalMs);
    retryAt = allowedAt + Math.max(100, backoffMs(failures++, longestMs, random()));
    notBefore = Math.max(allowedAt, now + SPACING_MS);
    if (self.phase === "live") setState({ status: "offline", session: self.info, failure: code });
  }

  /** Throws the last failure as long as it is too early to try again. */
  function assertReady(): void {
    if (failure && clock.now() < retryAt) throw failure;
  }

  const dueAt = (): number => retryAt || (self.phase === "live" ? nextDue(self.due, self.policy) : 0);

  /** Sets the one timer: short ticks, because clocks stand still and timers are late. */
  function arm(): void {
    cancelTimer?.();
    if (self.phase === "idle" || signal.aborted) return;
    cancelTimer = clock.after(Math.min(Math.max(dueAt() - clock.now(), 0), TICK_MS), tick);
  }

  function tick(): void {
    const now = clock.now();
    const gapMs = aheadMs() - wasAheadMs;
    wasAheadMs += gapMs;
    if (gapMs > SLEEP_GAP_MS) {
      // The token may have ended while the monotonic clock stood still. Limits are not moved: the wall clock may be wrong.
      record({ kind: "wake", ms: gapMs });
      self.due.accessUntil -= gapMs;
      hasten(0);
    }
    if (self.state.status === "offline" && now > hopeEndsAt(self.due, self.policy)) {
      finish({ reason: firstLimit(self.due), endedAt: null }, false);
    } else if (self.phase !== "idle" && dueAt() <= now) catchUp().catch(() => undefined);
    else arm();
  }

  /** Asks at once if the last answer is as old as this; after a failure no sooner than the server allows. */
  function hasten(freshMs: number): void {
    const { due } = self;
    const now = clock.now();
    if (now - due.answeredAt < freshMs) return;
    due.pollAt = Math.min(due.pollAt, now);
    retryAt = Math.min(retryAt, Math.max(notBefore, now));
    arm();
  }

  /** Somebody looks at the page again, or the network is back: asks once, if the last answer is not fresh. */
  function wake(): void {
    look();
    if (self.phase === "idle") return;
    hasten(Math.min(30_000, self.policy.heartbeatIntervalMs / 4));
    tick();
  }

  /** Input while the warning is shown moves the end soon, and not at the next poll. */
  function onInput(): void {
    if (self.state.status === "warning") hasten(self.policy.warningLeadMs / 20);
  }

  /** Another tab says that something has changed: what was stuck may go on. */
  function stir(): void {
    look();
    if (retryAt === Infinity) retryAt = clock.now();
    if (self.state.status === "warning") hasten(0);
    arm();
  }

  /** Takes up what an earlier page or another tab has left. Where nothing is known, a cookie may tell more. */
  function begin(mayHaveToken: boolean): void {
    const known = store.get("session");
    if (known?.leaving) part();
    else if (known ? known.id : mayHaveToken) takeUp(known?.id ?? null);
  }

  switchTo("idle", null);
  return { self, setState, publish, switchTo, look, accept, finish, lose, part, succeeded, failed, assertReady, arm, wake, onInput, stir, begin };
}
