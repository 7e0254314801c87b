import type { FlightEntry, SessionClient } from "../src/index.js";
import { sinceStart } from "./durations.js";
import { element, onClick, part, say } from "./element.js";
import { entryWords } from "./words.js";

/** How many entries are shown; the recorder itself keeps more. */
const MOST_SHOWN = 100;

function row(entry: FlightEntry): HTMLElement {
  const kind = entry.code ? "failure" : entry.kind;
  const time = element("span", { class: "time" }, sinceStart(entry.atMs));
  return element("li", { "data-kind": kind }, time, element("span", {}, entryWords(entry)));
}

/** Shows the flight recorder, newest first, and copies it as text. */
export function createRecorderList(client: SessionClient) {
  const list = part("entries", HTMLOListElement);
  const copy = part("copy", HTMLButtonElement);
  const note = part("copy-note", HTMLParagraphElement);

  onClick(copy, async () => {
    try {
      await navigator.clipboard.writeText(client.explain().toString());
      say(note, "Copied: one line of JSON for each entry, without any secret.");
    } catch {
      say(note, "The browser does not let this page write to the clipboard.");
    }
  });

  list.append(...client.explain().entries.slice(-MOST_SHOWN).reverse().map(row));
  return {
    add(entry: FlightEntry): void {
      list.prepend(row(entry));
      while (list.childElementCount > MOST_SHOWN) list.lastElementChild?.remove();
    },
  };
}
