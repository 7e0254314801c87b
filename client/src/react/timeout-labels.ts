import type { EndedSession, ErrorCode, KnownEndReason } from "../index.js";

/** Every text of {@link SessionTimeoutDialog}. */
export interface SessionTimeoutLabels {
  /** Heading of the warning. */
  readonly warningTitle: string;
  /** Nobody was there for long: staying is possible. */
  readonly idleText: string;
  /** The session cannot be made longer. */
  readonly absoluteText: string;
  /** The session ends for a reason that this version does not know. */
  readonly endingText: string;
  /** The countdown, shown anew each second and not spoken. `ms` is never negative. */
  readonly timeLeft: (ms: number) => string;
  /** What a screen reader speaks as the end comes closer: at most `seconds` (300, 120, 60, 30 or 10) are left. */
  readonly announcement: (seconds: number) => string;
  /** Button: extends the session. */
  readonly stay: string;
  /** Button of the warning that nothing can be extended: closes it. */
  readonly understood: string;
  /** Button: logs out. */
  readonly signOut: string;
  /** Why staying failed; it can be tried again. */
  readonly failure: (code: ErrorCode) => string;
  /** Heading after the end. */
  readonly endedTitle: string;
  /** Why it ended. */
  readonly endedText: (ended: EndedSession) => string;
  /** What was kept: the keys of `client.preserve`. Shown only if there are some. */
  readonly kept: (keys: readonly string[]) => string;
  /** Button: signs in again. */
  readonly connect: string;
  /** Button: leaves for good. */
  readonly leave: string;
}

const ENDED: Readonly<Record<KnownEndReason, string>> = {
  idle_timeout: "There was no activity for too long.",
  absolute_timeout: "It reached its longest duration.",
  logout: "You signed out.",
  revoked: "It was ended from another device.",
  replaced: "Another sign-in in this browser replaced it.",
  reuse_detected: "Somebody else may have used it. It was ended to protect you.",
  unknown: "The server no longer knows it.",
};

/** Why a session ended; a reason of a newer service is told in general. */
const ended = (reason: EndedSession["reason"]): string =>
  Object.hasOwn(ENDED, reason) ? ENDED[reason as KnownEndReason] : "The server ended it.";

const counted = (count: number, unit: string): string => `${count} ${unit}${count === 1 ? "" : "s"}`;

/** English. */
export const ENGLISH: SessionTimeoutLabels = {
  warningTitle: "Are you still there?",
  idleText: "You will be signed out soon, because there was no activity.",
  absoluteText: "Your session soon reaches its longest duration. Save your work and sign in again.",
  endingText: "Your session ends soon. Save your work and sign in again.",
  timeLeft(ms) {
    const seconds = Math.ceil(ms / 1000);
    return `Time left: ${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  },
  announcement: (seconds) =>
    `Less than ${seconds < 60 ? counted(seconds, "second") : counted(seconds / 60, "minute")} left.`,
  stay: "Stay signed in",
  understood: "Continue",
  signOut: "Sign out",
  failure: (code) => `The server did not confirm that you stay signed in. Please try again. (${code})`,
  endedTitle: "Your session has ended",
  endedText: ({ reason, confirmed }) => (confirmed ? ended(reason) : `${ended(reason)} The server could not be asked.`),
  kept: (keys) => `What you had not saved was kept (${counted(keys.length, "draft")}) and returns when you sign in again.`,
  connect: "Sign in again",
  leave: "Leave",
};
