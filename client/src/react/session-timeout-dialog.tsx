import { useId, useRef, useState, type ReactElement, type ReactNode } from "react";
import type { Drafts, EndedSession } from "../index.js";
import { lookOf, SPOKEN_ONLY, type DialogClassNames, type DialogPart } from "./dialog-look.js";
import { ENGLISH, type SessionTimeoutLabels } from "./timeout-labels.js";
import { useIdleWarning } from "./use-idle-warning.js";
import { useModal } from "./use-modal.js";
import { useOccasion, type Occasion } from "./use-occasion.js";
import { useSession } from "./use-session.js";

/** What {@link SessionTimeoutDialog} takes; everything is optional. */
export interface SessionTimeoutDialogProps {
  /** Texts that differ from the English ones. */
  readonly labels?: Partial<SessionTimeoutLabels>;
  /** Classes; a part with one loses its default style. */
  readonly classNames?: DialogClassNames;
  /** What `createDrafts` gave: the dialog then says what was kept. */
  readonly drafts?: Pick<Drafts, "kept">;
  /** After the end, somebody wants to sign in again: the place to show the way in. The dialog closes. */
  readonly onConnect?: (ended: EndedSession) => void;
  /** Somebody leaves: after the logout if there was a session, else at once. The dialog closes. */
  readonly onLeave?: () => void;
}

/** Seconds before the end at which a screen reader speaks. Each second would drown everything else (WCAG 2.2.1, 4.1.3). */
const SPOKEN_AT = [10, 30, 60, 120, 300];

/**
 * Warns before the session ends, with a countdown and a way to stay, and says why once it has ended. To be mounted once.
 * Escape does what the first button does. A logout needs no explanation and shows nothing.
 */
export function SessionTimeoutDialog(props: SessionTimeoutDialogProps): ReactElement {
  const { labels, classNames = {}, drafts, onConnect, onLeave } = props;
  const text: SessionTimeoutLabels = { ...ENGLISH, ...labels };
  const { client, state } = useSession();
  const warning = useIdleWarning();
  const id = useId();
  const dialog = useRef<HTMLDialogElement>(null);
  const first = useRef<HTMLButtonElement>(null);
  const [dismissed, setDismissed] = useState<Occasion | null>(null);

  const occasion = useOccasion(client);
  const shown = occasion && occasion !== dismissed ? occasion.kind : null;
  const ended = shown === "ended" && state.status === "ended" ? state : null;
  useModal(dialog, first, shown);

  const close = (): void => setDismissed(occasion);
  const stay = (): void => {
    if (shown === "idle_timeout") return void warning.extend();
    close();
    if (ended) onConnect?.(ended);
  };
  const leave = async (): Promise<void> => {
    if (ended) close();
    else await warning.leave();
    onLeave?.();
  };
  /** A browser lets nobody be held in a dialog: a second Escape closes it, whatever `cancel` says. */
  const stayOpen = (): void => {
    if (shown === null || dialog.current?.open) return;
    dialog.current?.showModal();
    first.current?.focus();
  };

  const look = (part: DialogPart): ReturnType<typeof lookOf> => lookOf(part, classNames);
  const content = (title: string, body: ReactNode, primary: string, secondary: string): ReactElement => (
    <div {...look("content")}>
      <h2 id={`${id}title`} {...look("title")}>
        {title}
      </h2>
      {body}
      <div {...look("actions")}>
        <button ref={first} type="button" aria-disabled={warning.busy} onClick={stay} {...look("primary")}>
          {primary}
        </button>
        <button type="button" onClick={() => void leave()} {...look("secondary")}>
          {secondary}
        </button>
      </div>
    </div>
  );

  const warningBody = (): ReactElement => {
    const ms = warning.remainingMs ?? 0;
    const seconds = SPOKEN_AT.find((mark) => ms <= mark * 1000);
    return (
      <>
        <p id={`${id}text`} {...look("text")}>
          {shown === "idle_timeout" ? text.idleText : shown === "absolute_timeout" ? text.absoluteText : text.endingText}
        </p>
        <p role="timer" {...look("timer")}>
          {text.timeLeft(ms)}
        </p>
        <p id={`${id}spoken`} aria-live="polite" style={SPOKEN_ONLY}>
          {seconds === undefined ? null : text.announcement(seconds)}
        </p>
        <div role="alert" {...look("failure")}>
          {shown === "idle_timeout" && warning.failure && text.failure(warning.failure)}
        </div>
      </>
    );
  };

  const endedBody = (end: EndedSession): ReactElement => {
    const kept = drafts?.kept() ?? [];
    return (
      <div id={`${id}text`} {...look("text")}>
        <p>{text.endedText(end)}</p>
        {kept.length > 0 && <p>{text.kept(kept)}</p>}
      </div>
    );
  };

  return (
    <dialog
      ref={dialog}
      role="alertdialog"
      aria-labelledby={`${id}title`}
      aria-describedby={ended ? `${id}text` : `${id}text ${id}spoken`}
      onCancel={(event) => {
        event.preventDefault();
        stay();
      }}
      onClose={stayOpen}
      {...look("dialog")}
    >
      {shown === null
        ? null
        : ended
          ? content(text.endedTitle, endedBody(ended), text.connect, text.leave)
          : content(
              text.warningTitle,
              warningBody(),
              shown === "idle_timeout" ? text.stay : text.understood,
              text.signOut,
            )}
    </dialog>
  );
}
