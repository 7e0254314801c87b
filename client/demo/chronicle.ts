import type { FlightEntry, SessionState } from "../src/index.js";
import { entryWords } from "./words.js";

/** The rows of the plot. */
export const LANES = ["activity", "poll", "refresh", "session"] as const;
/** A row of the plot. */
export type Lane = (typeof LANES)[number];

/** What a mark tells by its shape. */
export type Shape = "input" | "poll" | "refresh" | "open" | "close" | "note" | "failure";

/** Something that happened at one time. All times are milliseconds since the page was opened. */
export interface Mark {
  readonly atMs: number;
  readonly lane: Lane;
  readonly shape: Shape;
  readonly title: string;
}

/** A state, from when until when; `null` if it lasts. */
export interface Span {
  readonly status: SessionState["status"];
  readonly fromMs: number;
  toMs: number | null;
}

/** From `atMs` on the session was to end at `untilMs`. */
export interface Lease {
  readonly atMs: number;
  readonly untilMs: number;
  /** When another answer, or the end, took its place. */
  toMs: number | null;
}

const laneOf = ({ route }: FlightEntry): Lane | null => {
  if (route === "validate") return "poll";
  if (route === "refresh") return "refresh";
  return route === undefined || route === "sessions" || route === "policy" ? null : "session";
};

function markOf(entry: FlightEntry): Mark | null {
  const { atMs, kind, code, to, route } = entry;
  const title = entryWords(entry);
  if (kind === "wake" || kind === "follow") return { atMs, lane: "session", shape: "note", title };
  if (kind === "state" && to === "ended") return { atMs, lane: "session", shape: "close", title };
  const lane = laneOf(entry);
  if (kind !== "answer" || lane === null) return null;
  // A first visit: the server was asked whether there is anything to take up, and there is not.
  if (code === "token_missing") return null;
  if (code) return { atMs, lane, shape: "failure", title };
  // The end is drawn already.
  if (route === "logout") return null;
  return { atMs, lane, shape: lane === "poll" || lane === "refresh" ? lane : "open", title };
}

/** Until when the server will keep the session, on the monotonic clock. */
export interface Limits {
  readonly idleUntil: number;
  readonly absoluteUntil: number;
}

const hasSession = (status: string): boolean => status !== "ended" && status !== "anonymous" && status !== "reconnecting";

/** What the plot shows, collected as it happens. */
export function createChronicle(startedAt: number) {
  let marks: Mark[] = [];
  let spans: Span[] = [{ status: "anonymous", fromMs: 0, toMs: null }];
  let leases: Lease[] = [];
  let limits: Limits | null = null;
  let changes = 0;
  let inputAt = Number.NEGATIVE_INFINITY;

  function closeLease(atMs: number): void {
    const last = leases.at(-1);
    if (last?.toMs === null) last.toMs = Math.min(atMs, last.untilMs);
  }

  return {
    /** Takes an entry of the flight recorder. */
    take(entry: FlightEntry): void {
      changes++;
      const mark = markOf(entry);
      if (mark) marks.push(mark);
      if (entry.kind !== "state" || entry.to === undefined) return;
      const last = spans.at(-1);
      if (last) last.toMs = entry.atMs;
      spans.push({ status: entry.to as SessionState["status"], fromMs: entry.atMs, toMs: null });
      if (hasSession(entry.to)) return;
      closeLease(entry.atMs);
      limits = null;
    },
    /** Takes input of a person; a drag of the mouse is one mark, not hundreds. */
    input(now: number, type: string, spacingMs: number): void {
      const atMs = now - startedAt;
      if (atMs - inputAt < spacingMs) return;
      inputAt = atMs;
      changes++;
      marks.push({ atMs, lane: "activity", shape: "input", title: `Input: ${type}` });
    },
    /** Takes what an answer says of the limits. */
    learn(now: number, learned: Limits): void {
      const status = spans.at(-1)?.status;
      // An answer that came too late to matter.
      if (status === "ended" || status === "anonymous") return;
      changes++;
      limits = learned;
      const atMs = now - startedAt;
      closeLease(atMs);
      leases.push({ atMs, untilMs: Math.min(learned.idleUntil, learned.absoluteUntil) - startedAt, toMs: null });
    },
    /** Drops what is too old to be shown. */
    forget(beforeMs: number): void {
      marks = marks.filter(({ atMs }) => atMs >= beforeMs);
      spans = spans.filter(({ toMs }) => toMs === null || toMs >= beforeMs);
      leases = leases.filter(({ toMs }) => toMs === null || toMs >= beforeMs);
    },
    marks: (): readonly Mark[] => marks,
    spans: (): readonly Span[] => spans,
    leases: (): readonly Lease[] => leases,
    /** Of the session there is now. */
    limits: (): Limits | null => limits,
    /** Grows whenever there is something new to draw. */
    changes: (): number => changes,
    sinceStart: (now: number): number => now - startedAt,
  };
}

/** What the plot shows. */
export type Chronicle = ReturnType<typeof createChronicle>;
