import type { ListedSession, SessionClient } from "../src/index.js";
import { dayAndTime } from "./durations.js";
import { element, onClick, part, say } from "./element.js";
import { failureWords } from "./words.js";

/** The user's live sessions, and what ends them. */
export function createSessionsTable(client: SessionClient): void {
  const panel = part("sessions", HTMLElement);
  const body = part("session-rows", HTMLTableSectionElement);
  const reread = part("sessions-refresh", HTMLButtonElement);
  const endOthers = part("sessions-end-others", HTMLButtonElement);
  const note = part("sessions-note", HTMLParagraphElement);
  let shownFor: string | null = null;

  async function read(): Promise<void> {
    const sessions = await client.sessions();
    body.replaceChildren(...sessions.map(row));
    endOthers.disabled = sessions.every(({ current }) => current);
  }

  const trying = (task: () => Promise<void>) => async (): Promise<void> => {
    say(note, "");
    await task().catch((error: unknown) => say(note, failureWords(error)));
  };

  function row(session: ListedSession): HTMLElement {
    const name = session.label ?? session.id.slice(0, 8);
    const end = element("button", { type: "button", "aria-label": `End ${name}${session.current ? ", this session" : ""}` }, "End");
    onClick(
      end,
      trying(async () => {
        await client.endSessions({ id: session.id });
        if (!session.current) await read();
      }),
    );
    // On a phone each cell shows the name of its column, from the attribute.
    const cell = (column: string, ...content: (Node | string)[]): HTMLElement =>
      element("td", { "data-column": column }, ...content);
    return element(
      "tr",
      {},
      element("th", { scope: "row" }, name, ...(session.current ? [" ", element("span", { class: "tag" }, "this one")] : [])),
      cell("Created", dayAndTime(session.createdAt)),
      cell("Last active", dayAndTime(session.lastActiveAt)),
      cell("Remembered", session.remembered ? "yes" : "no"),
      cell("End", end),
    );
  }

  onClick(reread, trying(read));
  onClick(
    endOthers,
    trying(async () => {
      await client.endSessions("others");
      await read();
    }),
  );

  function show(): void {
    const state = client.getSnapshot();
    const session = "session" in state ? state.session : null;
    panel.hidden = session === null;
    if (session && session.id !== shownFor && state.status === "active") void trying(read)();
    if (session === null || state.status === "active") shownFor = session?.id ?? null;
  }
  client.subscribe(show);
  show();
}
