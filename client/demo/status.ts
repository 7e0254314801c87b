import type { Clock, Drafts, SessionClient } from "../src/index.js";
import type { Chronicle } from "./chronicle.js";
import { dayAndTime, lengthOf } from "./durations.js";
import { onClick, part, say } from "./element.js";
import { failureWords, stateWords } from "./words.js";

/** Ids are long and opaque; this much of one tells two users apart. */
const SHOWN_OF_SUBJECT = 8;

/** Shows the state in words, who is connected, and how long the session has left. */
export function createStatus(client: SessionClient, drafts: Pick<Drafts, "kept">, clock: Clock, chronicle: Chronicle) {
  const card = part("status", HTMLElement);
  const title = part("state-title", HTMLHeadingElement);
  const sentence = part("state-sentence", HTMLParagraphElement);
  const countdown = part("countdown", HTMLParagraphElement);
  const facts = part("facts", HTMLDListElement);
  const who = part("who", HTMLElement);
  const label = part("label", HTMLElement);
  const idle = part("idle-left", HTMLElement);
  const absolute = part("absolute-left", HTMLElement);
  const stay = part("stay", HTMLButtonElement);
  const note = part("status-note", HTMLParagraphElement);

  /** A guest who comes back is somebody new, and is given no draft. */
  let guest = false;

  onClick(stay, async () => {
    say(note, "");
    try {
      await client.extend();
      title.focus();
    } catch (error) {
      say(note, failureWords(error));
    }
  });

  function endNote(): string {
    const state = client.getSnapshot();
    if (state.status !== "ended") return "";
    const when = state.endedAt === null ? "" : `It ended on ${dayAndTime(state.endedAt)}. `;
    const kept = !guest && drafts.kept().length > 0 ? "A draft is kept, and comes back when the same user connects. " : "";
    return `${when}${kept}You can connect again below.`;
  }

  function show(): void {
    const state = client.getSnapshot();
    const words = stateWords(state);
    card.dataset["state"] = state.status;
    say(title, words.title);
    say(sentence, words.sentence);
    say(note, endNote());
    stay.hidden = !(state.status === "warning" && state.reason === "idle_timeout");
    const session = "session" in state ? state.session : null;
    facts.hidden = session === null;
    if (session) {
      guest = session.credential === "guest";
      say(who, `${session.credential} ${session.subject.slice(0, SHOWN_OF_SUBJECT)}`);
      who.title = session.subject;
      say(label, session.label ?? "none");
    }
    tick();
  }

  /** Only what counts down. */
  function tick(): void {
    const limits = chronicle.limits();
    const now = clock.now();
    say(idle, limits ? lengthOf(limits.idleUntil - now) : "not known");
    say(absolute, limits ? lengthOf(limits.absoluteUntil - now) : "not known");
    const { status } = client.getSnapshot();
    const remaining = status === "warning" ? client.remainingMs() : null;
    countdown.hidden = remaining === null;
    if (remaining !== null) say(countdown, lengthOf(remaining));
  }

  client.subscribe(show);
  show();
  return { tick };
}
