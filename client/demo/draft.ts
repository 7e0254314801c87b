import type { Drafts, SessionClient } from "../src/index.js";
import { part } from "./element.js";

/** A field whose text outlives its session, and is given back to the same user only. */
export function createDraft(client: SessionClient, drafts: Drafts): void {
  const panel = part("draft", HTMLElement);
  const field = part("draft-text", HTMLTextAreaElement);
  let subject: string | null = null;

  drafts.preserve(
    "draft",
    () => field.value || null,
    (draft) => {
      field.value = draft;
    },
  );

  function show(): void {
    const state = client.getSnapshot();
    const session = "session" in state ? state.session : null;
    panel.hidden = session === null && state.status !== "reconnecting";
    // As an app would: what one user wrote is not left on the screen for the next.
    if (state.status === "ended" || (session && subject !== null && session.subject !== subject)) field.value = "";
    if (session) subject = session.subject;
  }
  client.subscribe(show);
  show();
}
