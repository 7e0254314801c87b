import type { EndReason, ErrorCode, SessionAnswer } from "./contract.js";
import { emit } from "./events.js";
import { arm, succeeded } from "./pace.js";
import { SPACING_MS } from "./patience.js";
import { record } from "./recorder.js";
import type { Reply } from "./requests.js";
import { backoffMs, leadOf, pollIn } from "./schedule.js";
import type { SessionInfo, SessionState } from "./session-client.js";
import type { SessionError } from "./session-error.js";
import type { Ending, Known } from "./store.js";
import type { Episode, Phase, Tab } from "./tab.js";

/** An end of which nothing is known. */
export const UNKNOWN: Ending = { reason: "unknown", endedAt: null };

/** Shows another state. */
export function setState(tab: Tab, next: SessionState): void {
  const before = tab.state;
  if (JSON.stringify(next) === JSON.stringify(before)) return;
  const { status: to, reason, failure: code } = next as { reason?: EndReason; failure?: ErrorCode } & SessionState;
  record(tab, { kind: "state", from: before.status, to, session: tab.id, reason, code });
  tab.state = next;
  emit(tab, "change", next);
  if (next.status === "ended" && before.status !== "ended") emit(tab, "ended", next);
}

/** Tells this tab and all others which session there is. */
export function publish(tab: Tab, known: Known): void {
  tab.set("session", known);
  tab.tell();
}

/** Another session, or none. */
export function switchTo(tab: Tab, phase: Phase | null, id: string | null): void {
  // The idle limit is not known before the first answer; hope has to end some time.
  const idleUntil = tab.now() + tab.policy.idleTimeoutMs;
  Object.assign(tab, {
    phase,
    id,
    info: null,
    unproven: false,
    access: "",
    pollAt: 0,
    answeredAt: 0,
    accessUntil: 0,
    accessLeadMs: 0,
    idleUntil,
    absoluteUntil: Infinity,
  } satisfies Episode);
  tab.epoch++;
  succeeded(tab);
  arm(tab);
}

/** Takes up the session that another tab or an earlier page has left; `null`: the one of which a cookie may know. */
export function takeUp(tab: Tab, id: string | null): void {
  switchTo(tab, "live", id);
  setState(tab, { status: "connecting" });
}

function end(tab: Tab, phase: "leaving" | null, ending: Ending, confirmed: boolean): void {
  switchTo(tab, phase, null);
  tab.ending = ending;
  setState(tab, { status: "ended", ...ending, confirmed });
}

/** Reads what the tabs share, and follows where another tab has gone. */
export function look(tab: Tab): void {
  const known = tab.get("session");
  if (!known || known.id === tab.id) return;
  record(tab, { kind: "follow", session: known.id });
  if (known.id) takeUp(tab, known.id);
  else end(tab, null, known.end ?? UNKNOWN, true);
}

/** Takes an answer that describes the session. */
export function accept(tab: Tab, { body, sentAt }: Reply<SessionAnswer>): SessionInfo {
  const { session, accessToken, accessExpiresInMs = 0, warning } = body;
  const { id, subject, credential, label, createdAt } = session;
  const known = tab.get("session");
  if (id !== tab.id) switchTo(tab, "live", id);
  if (known?.id !== id) publish(tab, { ...known, id });
  const { status } = tab.state;
  const info = (tab.info = { id, subject, credential, label, createdAt });
  tab.unproven = false;
  tab.answeredAt = tab.now();
  tab.pollAt = tab.answeredAt + pollIn(body.nextPollMs, status === "offline" ? tab.random() : 1);
  tab.idleUntil = sentAt + session.idleExpiresInMs;
  tab.absoluteUntil = sentAt + session.absoluteExpiresInMs;
  if (accessToken) {
    tab.access = accessToken;
    tab.accessUntil = sentAt + accessExpiresInMs;
    tab.accessLeadMs = leadOf(accessExpiresInMs);
  }
  setState(tab, warning ? { status: "warning", session: info, reason: warning.reason } : { status: "active", session: info });
  // Other tabs may wait for a newer token, or still show the warning.
  if (accessToken || (status === "warning" && !warning)) tab.tell();
  return info;
}

/** The session is over, and no reconnect is to be tried. */
export function finish(tab: Tab, ending: Ending, confirmed: boolean): void {
  const known = tab.get("session");
  if (confirmed && (!known || known.id === tab.id)) {
    tab.set("refresh", null);
    tab.set("reconnect", null);
    publish(tab, { id: null, end: ending });
  }
  end(tab, null, ending, confirmed);
}

/** The session is over, and the stored credential may open the next one. The id stays: a reload begins here again. */
export function lose(tab: Tab, ending: Ending): void {
  switchTo(tab, "lost", tab.id);
  tab.ending = ending;
  setState(tab, { status: "reconnecting", reason: ending.reason });
}

/** Somebody logs out: at once here and in all tabs, whether or not the server can be told now. */
export function part(tab: Tab): void {
  const ending: Ending = { reason: "logout", endedAt: null };
  tab.parting = tab.access;
  publish(tab, { id: null, leaving: true, end: ending });
  end(tab, "leaving", ending, false);
}

/** Nothing was learned of the session: later again, with full jitter, and never before the server wants it. */
export function failed(tab: Tab, error: SessionError): void {
  // A refresh on the way to another request has already been counted.
  if (error === tab.failure) return;
  tab.failure = error;
  const { code, details } = error;
  const now = tab.now();
  // Superseded: the token must not be presented again. Only another tab, or the user, can bring a newer one.
  const allowedAt = code === "refresh_superseded" ? Infinity : now + (details.retryAfterMs ?? 0);
  tab.retryAt = allowedAt + Math.max(100, backoffMs(tab.failures++, tab.policy.heartbeatIntervalMs, tab.random()));
  tab.notBefore = Math.max(allowedAt, now + SPACING_MS);
  if (tab.phase === "live") setState(tab, { status: "offline", session: tab.info, failure: code });
}
