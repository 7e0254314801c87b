import type { EndReason } from "./contract.js";

/** Where the tabs of a browser keep what they share; `localStorage` is one. */
export interface SharedStorage {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

/** The end of a session, as far as it is known. */
export interface Ending {
  readonly reason: EndReason;
  /** RFC 3339, `null` if nobody knows. */
  readonly endedAt: string | null;
}

/** What every tab knows of the session. No secret. */
export interface Known {
  /** The live session, `null` when there is none. */
  readonly id: string | null;
  /** Whether a credential was stored with it. */
  readonly remembered?: boolean;
  /** How the last session ended. */
  readonly end?: Ending;
  /** A logout that the server has not confirmed yet. */
  readonly leaving?: boolean;
}

/** The idempotency keys of one kind of rotating token, and in the body transport the token itself. */
export interface Ledger {
  /** The session they belong to. */
  readonly id: string | null;
  /** The key whose request has had no 200 yet. */
  readonly pending?: string | undefined;
  /** The last two that had one, newest first. */
  readonly settled: readonly string[];
  readonly token?: string | undefined;
  /** Counts answers with tokens: the token has moved by one at most with each. */
  readonly n: number;
  /** Requests that may still arrive: until when (wall clock) that is believed, and of which `n` they are. */
  readonly flights: Readonly<Record<string, number | undefined>>;
}

/** Everything that is kept, by name. */
interface Kept {
  session: Known;
  refresh: Ledger;
  reconnect: Ledger;
  /** Wall clock of the last input in any tab that no answer has confirmed. */
  active: number;
  /** Who may change cookies now. */
  turn: string;
}

/** Typed access to a storage; `null` stands for nothing. */
export interface Store {
  get<Name extends keyof Kept>(name: Name): Kept[Name] | null;
  set<Name extends keyof Kept>(name: Name, value: Kept[Name] | null): void;
}

/** A storage for one page. */
export function memoryStorage(): SharedStorage {
  const items = new Map<string, string>();
  return {
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, value) => void items.set(key, value),
    removeItem: (key) => void items.delete(key),
  };
}

/** Opens a storage. What it refuses (full, forbidden, absent) is kept in memory, so that this tab still works by itself. */
export function openStore(storage: SharedStorage | null, prefix: string): Store {
  const refused = new Map<string, string>();
  return {
    get<Name extends keyof Kept>(name: Name) {
      try {
        return JSON.parse(refused.get(name) ?? storage?.getItem(prefix + name) ?? "null") as Kept[Name] | null;
      } catch {
        return null;
      }
    },
    set(name, value) {
      const text = JSON.stringify(value);
      try {
        (storage as SharedStorage).setItem(prefix + name, text);
        refused.delete(name);
      } catch {
        refused.set(name, text);
      }
    },
  };
}
