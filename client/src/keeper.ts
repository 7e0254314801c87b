import type { Clock } from "./clock.js";
import type { EndReason, ErrorCode, SessionAnswer, SessionBody, SessionPolicy } from "./contract.js";
import type { createEvents } from "./events.js";
import type { createRecorder } from "./recorder.js";
import type { Reply } from "./requests.js";
import type { createRotations } from "./rotation.js";
import { backoffMs, hopeless, nextDue, pollIn, SLEEP_GAP_MS, TICK_MS, warningAsked, type Deadlines } from "./schedule.js";
import type { SessionInfo, SessionState } from "./session-client.js";
import { SessionError } from "./session-error.js";
import type { Ending, Known, Store } from "./store.js";

/** What the keeper and the exchanges have in common. */
export interface Tools {
  readonly clock: Clock;
  readonly store: Store;
  readonly record: ReturnType<typeof createRecorder>["record"];
  readonly emit: ReturnType<typeof createEvents>["emit"];
  readonly rotations: ReturnType<typeof createRotations>;
  readonly random: () => number;
  /** Tells other tabs that the session has changed. */
  readonly tell: (known: Known) => void;
  policy: SessionPolicy;
}

/**
 * What this tab is after: nothing; a live session; a reconnect of a lost one; a logout that the server has to hear of.
 */
export type Phase = "idle" | "live" | "lost" | "leaving";

/** Milliseconds between two attempts that a wake of the page may cause while the server is not reached. */
const WAKE_SPACING_MS = 5_000;

const LOGOUT: Ending = { reason: "logout", endedAt: null };

const none: Deadlines = {
  pollAt: 0,
  accessUntil: 0,
  accessTtlMs: 0,
  idleUntil: Infinity,
  absoluteUntil: Infinity,
  warned: false,
};

const infoOf = ({ id, subject, credential, label, createdAt }: SessionBody): SessionInfo => ({
  id,
  subject,
  credential,
  label,
  createdAt,
});

/** Holds the session of this tab: its state, its deadlines, and what the other tabs say of it. */
export function createKeeper(tools: Tools, catchUp: () => Promise<void>) {
  const { clock, store, record, emit, rotations, random, tell } = tools;
  let state: SessionState = { status: "anonymous" };
  let info: SessionInfo | null = null;
  let retryAt = 0;
  let notBefore = 0;
  let failures = 0;
  let failure: SessionError | undefined;
  let triedAt = 0;
  let answeredAt = 0;
  let lastNow = clock.now();
  let lastWall = clock.wall();
  let cancelTimer: (() => void) | undefined;

  /** As soon as the server allows it, unless the token must not be presented again. */
  function hasten(now: number): void {
    if (retryAt < Infinity) retryAt = Math.min(retryAt, Math.max(notBefore, now));
  }

  const keeper = {
    phase: "idle" as Phase,
    /** The session, as far as it is known. */
    id: null as string | null,
    /** Whether the server itself spoke of it to this page; otherwise another tab did, or an earlier page. */
    heard: false,
    /** Counts changes of session: answers to requests from before a change are discarded. */
    epoch: 0,
    access: "",
    due: { ...none },
    /** Why a session is to be replaced by a reconnect. */
    lost: { reason: "unknown", endedAt: null } as Ending,
    /** The session comes from a reconnect, and the server has not confirmed it since. */
    unproven: false,
    state: (): SessionState => state,
    info: (): SessionInfo | null => info,

    /** Throws the last failure as long as it is too early to try again. */
    assertReady(): void {
      if (failure && clock.now() < retryAt) throw failure;
    },

    setState(next: SessionState): void {
      if (JSON.stringify(next) === JSON.stringify(state)) return;
      const { status: to, reason, failure: code } = next as { reason?: EndReason; failure?: ErrorCode } & SessionState;
      record({ kind: "state", from: state.status, to, session: keeper.id, reason, code });
      const before = state;
      state = next;
      emit("change", next);
      if (next.status === "ended" && before.status !== "ended") emit("ended", next);
    },

    /** Tells this tab and all others which session there is. */
    publish(known: Omit<Known, "n">): void {
      const next = { n: (store.get("session")?.n ?? 0) + 1, ...known };
      store.set("session", next);
      tell(next);
    },

    /** Another session, or none. */
    switchTo(phase: Phase, id: string | null): void {
      Object.assign(keeper, { phase, id, heard: false, access: "", unproven: false });
      keeper.epoch++;
      info = null;
      retryAt = notBefore = failures = 0;
      // Not known before the first answer; hope has to end some time.
      keeper.due = { ...none, idleUntil: clock.now() + tools.policy.idleTimeoutMs };
      keeper.arm();
    },

    /** Reads what the tabs share, and follows where another tab has gone. */
    look(): Known | null {
      const known = store.get("session");
      if (!known || known.id === keeper.id) return known;
      record({ kind: "follow", session: known.id });
      const { phase } = keeper;
      keeper.switchTo(known.id ? "live" : "idle", known.id);
      if (known.id) keeper.setState({ status: "connecting" });
      else if (phase !== "idle") keeper.setState({ status: "ended", reason: "unknown", endedAt: null, ...known.end, confirmed: true });
      return known;
    },

    /** Takes an answer that describes the session. */
    accept({ body, sentAt }: Reply<SessionAnswer>): void {
      const { session, accessToken, accessExpiresInMs = 0, warning } = body;
      const known = store.get("session");
      if (session.id !== keeper.id) keeper.switchTo("live", session.id);
      if (known?.id !== session.id) keeper.publish({ ...known, id: session.id, subject: session.subject });
      info = infoOf(session);
      answeredAt = clock.now();
      keeper.heard = true;
      const { due } = keeper;
      due.pollAt = answeredAt + pollIn(body.nextPollMs);
      due.idleUntil = sentAt + session.idleExpiresInMs;
      due.absoluteUntil = sentAt + session.absoluteExpiresInMs;
      due.warned = warning !== null || warningAsked(due, tools.policy, answeredAt);
      if (accessToken) {
        keeper.access = accessToken;
        due.accessUntil = sentAt + accessExpiresInMs;
        due.accessTtlMs = accessExpiresInMs;
      }
      const was = state.status;
      if (warning) keeper.setState({ status: "warning", session: info, reason: warning.reason });
      else keeper.setState({ status: "active", session: info });
      // Other tabs may still show the warning.
      if (was === "warning" && !warning && known) tell(known);
    },

    /** The session is over, and no reconnect is to be tried. */
    finish(ending: Ending, confirmed: boolean): void {
      const known = store.get("session");
      if (confirmed && (!known || known.id === keeper.id)) {
        rotations.forget("refresh");
        rotations.forget("reconnect");
        keeper.publish({ id: null, remembered: false, end: ending });
      }
      keeper.switchTo("idle", null);
      keeper.lost = ending;
      keeper.setState({ status: "ended", ...ending, confirmed });
    },

    /** The session is over, and the stored credential may open the next one. The id stays: a reload begins here again. */
    lose(ending: Ending): void {
      keeper.switchTo("lost", keeper.id);
      keeper.lost = ending;
      keeper.setState({ status: "reconnecting", reason: ending.reason });
    },

    succeeded(): void {
      retryAt = failures = 0;
      failure = undefined;
    },

    /** Nothing was learned of the session: later again, with full jitter, and never before the server wants it. */
    failed(error: unknown): void {
      // A refresh on the way to another request has already been counted.
      if (error === failure) return;
      failure = error instanceof SessionError ? error : new SessionError("unexpected_answer", {}, { cause: error });
      const { code, details } = failure;
      if (code === "outdated" || keeper.phase === "idle") return;
      const now = clock.now();
      triedAt = now;
      notBefore = now + (details.retryAfterMs ?? 0);
      const longestMs = Math.max(1000, tools.policy.heartbeatIntervalMs);
      retryAt = notBefore + Math.max(100, backoffMs(failures++, longestMs, random()));
      // The token must not be presented again: only another tab, or the user, can bring a newer one.
      if (code === "refresh_superseded") retryAt = Infinity;
      if (keeper.phase === "live") keeper.setState({ status: "offline", session: info, failure: code });
    },

    /** Sets the one timer: short ticks, because clocks stand still and timers are late. */
    arm(): void {
      cancelTimer?.();
      cancelTimer = undefined;
      if (keeper.phase === "idle") return;
      const inMs = keeper.dueAt() - clock.now();
      cancelTimer = clock.after(Math.min(Math.max(inMs, 0), TICK_MS), keeper.tick);
    },

    dueAt: (): number => retryAt || (keeper.phase === "live" ? nextDue(keeper.due, tools.policy) : 0),

    tick(): void {
      const now = clock.now();
      const wall = clock.wall();
      const gapMs = wall - lastWall - (now - lastNow);
      lastNow = now;
      lastWall = wall;
      if (gapMs > SLEEP_GAP_MS) {
        // The token may have ended while the monotonic clock stood still. Limits are not moved: the wall clock may be wrong.
        record({ kind: "wake", ms: gapMs });
        keeper.due.pollAt = now;
        keeper.due.accessUntil -= gapMs;
        hasten(now);
      }
      const hope = hopeless(keeper.due, tools.policy);
      if (state.status === "offline" && now > hope.at) keeper.finish({ reason: hope.reason, endedAt: null }, false);
      else if (keeper.phase !== "idle" && keeper.dueAt() <= now) catchUp().catch(() => undefined);
      else keeper.arm();
    },

    /** Somebody looks at the page again, or the network is back: asks once, if the last answer is not fresh. */
    wake(persisted: boolean): void {
      if (keeper.phase === "idle") return;
      const now = clock.now();
      const freshMs = Math.min(30_000, tools.policy.heartbeatIntervalMs / 4);
      if (persisted || now - answeredAt > freshMs) keeper.due.pollAt = Math.min(keeper.due.pollAt, now);
      if (now - triedAt > WAKE_SPACING_MS) hasten(now);
      keeper.tick();
    },

    /** Another tab says that something has changed: what was stuck may go on. */
    stir(): void {
      keeper.look();
      if (retryAt === Infinity) retryAt = clock.now();
      if (state.status === "warning") keeper.due.pollAt = clock.now();
      keeper.arm();
    },

    /** Input while the warning is shown moves the end soon, and not at the next poll. */
    hurry(): void {
      if (state.status !== "warning" || clock.now() - answeredAt < tools.policy.warningLeadMs / 20) return;
      keeper.due.pollAt = clock.now();
      keeper.arm();
    },

    /** Takes up what an earlier page or another tab has left. Where nothing is known, a cookie may tell more. */
    begin(mayHaveToken: boolean): void {
      const known = store.get("session");
      if (known?.leaving) {
        keeper.part();
      } else if (known ? known.id : mayHaveToken) {
        keeper.switchTo("live", known?.id ?? null);
        keeper.setState({ status: "connecting" });
      }
    },

    /** Somebody logs out: at once here and in all tabs, whether or not the server can be told now. */
    part(): void {
      keeper.switchTo("leaving", null);
      keeper.publish({ id: null, remembered: false, leaving: true, end: LOGOUT });
      keeper.setState({ status: "ended", ...LOGOUT, confirmed: false });
    },

    stop(): void {
      keeper.phase = "idle";
      keeper.epoch++;
      cancelTimer?.();
    },
  };
  return keeper;
}
