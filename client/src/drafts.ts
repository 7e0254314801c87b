import type { Store } from "./store.js";

/** Longest draft, in UTF-16 code units; a longer one is not kept. */
const LONGEST_DRAFT = 65_536;

/** One field, form or setting that outlives its session. */
interface Draft {
  readonly read: () => string | null;
  readonly write: (draft: string) => void;
}

/**
 * Keeps drafts through the end of a session, in the storage that all tabs read, by subject: another user of the same
 * browser is never given them. A logout removes them.
 */
export function createDrafts(store: Store) {
  const drafts = new Map<string, Draft>();
  const kept = (subject: string): Record<string, string> => store.get(`drafts:${subject}`) ?? {};
  const put = (subject: string, all: Record<string, string>): void =>
    store.set(`drafts:${subject}`, Object.keys(all).length ? all : null);
  /** Takes what was kept out of the storage. */
  function take(subject: string, use: (draft: Draft, text: string) => void, only?: string): void {
    const all = kept(subject);
    for (const [key, draft] of drafts) {
      if (only !== undefined && only !== key) continue;
      const text = all[key];
      if (text === undefined) continue;
      Reflect.deleteProperty(all, key);
      put(subject, all);
      use(draft, text);
    }
  }
  return {
    add(key: string, draft: Draft): () => void {
      drafts.set(key, draft);
      return () => void (drafts.get(key) === draft && drafts.delete(key));
    },
    keep(subject: string): void {
      const all = kept(subject);
      for (const [key, { read }] of drafts) {
        const text = read();
        if (text !== null && text.length <= LONGEST_DRAFT) all[key] = text;
      }
      put(subject, all);
    },
    giveBack: (subject: string, only?: string): void => take(subject, ({ write }, text) => write(text), only),
    /** The session goes on: what was kept in case it ended is not needed. */
    drop: (subject: string): void => take(subject, () => undefined),
    forget: (subject: string): void => store.set(`drafts:${subject}`, null),
    kept: (subject: string): readonly string[] => Object.keys(kept(subject)),
  };
}
