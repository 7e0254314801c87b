import type { SessionClient, SessionState } from "./session-client.js";
import { memoryStorage, type SharedStorage } from "./store.js";

/** Longest draft, in UTF-16 code units; a longer one is not kept. */
const LONGEST_DRAFT = 65_536;

/** One field, form or setting that outlives its session. */
interface Draft {
  readonly read: () => string | null;
  readonly write: (draft: string) => void;
}

/** Drafts of an app; see {@link createDrafts}. */
export interface Drafts {
  /**
   * Keeps a draft from now on.
   *
   * @param key - names the draft among all of the app
   * @param read - returns the draft; `null` or an empty text if there is none, which replaces nothing that was kept
   * @param write - takes it back
   * @returns what ends it; a draft that was kept stays
   */
  preserve(key: string, read: () => string | null, write: (draft: string) => void): () => void;
  /** Keys of what is kept for the user of this session, or of the one that ended last. */
  kept(): readonly string[];
  /** Stops listening; what was kept stays. */
  dispose(): void;
}

/**
 * Keeps drafts when a session is about to end or ends, and gives them back once the same subject is connected again: at
 * the next connect, or in a page that is loaded later. Another user of the same browser is never given them. A logout
 * removes them; a session that goes on makes them superfluous.
 *
 * They lie in `storage` in the clear, one item for each subject, at most 65,536 UTF-16 code units for each draft.
 *
 * @param storage - what all tabs read; default `localStorage`
 */
export function createDrafts(client: Pick<SessionClient, "getSnapshot" | "on">, storage?: SharedStorage): Drafts {
  const drafts = new Map<string, Draft>();
  const items = storage ?? (globalThis as Partial<typeof globalThis>).localStorage ?? memoryStorage();
  let subject: string | undefined;
  let before: SessionState["status"] = "anonymous";
  /** Nobody is connected: the next answer finds a user who comes back, rather than one who stayed. */
  let returning = true;

  const name = (): string => `session-keepalive:drafts:${subject ?? ""}`;
  function all(): Record<string, string> {
    try {
      return JSON.parse(items.getItem(name()) ?? "{}") as Record<string, string>;
    } catch {
      return {};
    }
  }
  function put(kept: Record<string, string>): void {
    try {
      if (Object.keys(kept).length) items.setItem(name(), JSON.stringify(kept));
      else items.removeItem(name());
    } catch {
      // Full or forbidden: nothing is kept, which is what the app sees from kept().
    }
  }
  function keep(): void {
    const kept = all();
    for (const [key, { read }] of drafts) {
      const text = read();
      if (text && text.length <= LONGEST_DRAFT) kept[key] = text;
    }
    put(kept);
  }
  /** Takes what was kept out of the storage. */
  function take(keys: Iterable<string>, giveBack: boolean): void {
    for (const key of keys) {
      const { [key]: text, ...others } = all();
      if (text === undefined) continue;
      put(others);
      if (giveBack) drafts.get(key)?.write(text);
    }
  }

  function follow(state: SessionState): void {
    const { status } = state;
    if (status === "active" || status === "warning") {
      if (subject !== state.session.subject) returning = true;
      subject = state.session.subject;
      if (returning) take(drafts.keys(), true);
      else if (status === "active" && before !== "active") take(drafts.keys(), false);
      if (status === "warning" && before !== "warning") keep();
      returning = false;
    } else {
      // Once the session is over the app may empty its fields, whatever is tried next.
      if (!returning && status !== "offline") keep();
      if (status === "ended" && state.reason === "logout") put({});
      if (status === "ended" || status === "anonymous") returning = true;
    }
    before = status;
  }

  follow(client.getSnapshot());
  const dispose = client.on("change", follow);
  return {
    preserve(key, read, write) {
      const draft = { read, write };
      drafts.set(key, draft);
      // Only what an earlier page has kept: this one cannot have kept a field that begins now.
      if (subject !== undefined && !returning) take([key], true);
      return () => {
        if (drafts.get(key) === draft) drafts.delete(key);
      };
    },
    kept: () => (subject === undefined ? [] : Object.keys(all())),
    dispose,
  };
}
