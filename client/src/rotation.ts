import { pause, type Clock } from "./clock.js";
import type { SessionAnswer } from "./contract.js";
import type { Reply } from "./requests.js";
import type { SessionError } from "./session-error.js";
import type { Ledger, Store } from "./store.js";

/** The two kinds of rotating tokens. */
export type Rotating = "refresh" | "reconnect";

/** What rotations need. */
export interface Rotations {
  readonly clock: Clock;
  readonly store: Store;
  readonly inTurn: <T>(task: () => Promise<T>) => Promise<T>;
  readonly random: () => number;
  readonly randomKey: () => string;
  /** Whether tokens come in bodies and are kept in the ledger. */
  readonly inBody: boolean;
  /** The service's `SESSION_RACE_WINDOW`, in milliseconds. */
  readonly raceWindowMs?: number;
}

/**
 * How long a request that was not answered may still arrive: longer than its time-out and its flight, shorter than the
 * race window, inside which a token that is one behind is taken for a race.
 */
const DOUBT_MS = 30_000;

/** The same for one whose connection broke: what the server had taken of it by then is all that it gets. */
const BROKEN_MS = 5_000;

/** How often to look whether the others have been answered. */
const LOOK_MS = 500;

/**
 * Rotates tokens of one kind so that no lost answer loses a session.
 *
 * A key is stored before its request is sent and repeated until a 200, so the server can give the same next token again.
 * The two keys before it are sent along, because a crash of the browser can bring back a cookie that was already
 * replaced; the server then answers with the successor of that cookie under its old key, and the new key was not used.
 * The answer does not say so. A key that was settled unused would push out the one that is needed if the browser
 * crashes again. Cookies go back only when the browser dies, and all its pages with it, so the first 200 of a page may be
 * such an answer, and later ones are not: the first one leaves its key pending, to be used again. In the body transport
 * token and key are one item of the storage and cannot come apart.
 *
 * A token that is one behind is a race; two behind it is theft. So nobody rotates a second time while a request from
 * before the last rotation may still be on its way, whichever tab sent it.
 */
export function createRotation(kind: Rotating, { clock, store, inTurn, random, randomKey, inBody, raceWindowMs = 60_000 }: Rotations) {
  let sure = inBody;
  const fresh = (id: string | null, token?: string): Ledger => ({ id, n: 0, settled: [], flights: {}, token });

  /** The requests that may still arrive. A wall clock that was set back makes a record of them worthless. */
  function inFlight({ flights = {} }: Partial<Ledger>): Ledger["flights"] {
    const wall = clock.wall();
    return Object.fromEntries(Object.entries(flights).filter(([until]) => +until > wall && +until <= wall + DOUBT_MS));
  }

  /** Sends one request, unless one from before the last rotation may still arrive. */
  async function attempt(id: string | null, ledger: Ledger, post: Post): Promise<Reply<SessionAnswer> | undefined> {
    const { pending: key = randomKey(), n, settled, token } = ledger;
    const flights = inFlight(ledger);
    if (Object.values(flights).some((other) => other !== n)) return undefined;
    // The fraction tells requests of the same millisecond from each other.
    const flight = (ms: number): number => clock.wall() + ms - random();
    const own = flight(DOUBT_MS);
    store.set(kind, { ...ledger, pending: key, flights: { ...flights, [own]: n } });
    /** Takes the request out of those that may arrive. */
    const land = (changes: (now: Ledger) => Partial<Ledger>, left: object | false = {}): void => {
      const now = store.get(kind);
      // Another tab has connected: these keys are of no use any more.
      if (now?.id !== id) return;
      store.set(kind, { ...now, flights: { ...inFlight(now), [own]: undefined, ...left }, ...changes(now) });
    };
    try {
      const reply = await post([key, ...settled].join(), token);
      const { body } = reply;
      land((now) => ({
        n: now.n + 1,
        id: kind === "refresh" ? body.session.id : null,
        ...(sure && now.pending === key && { pending: undefined, settled: [key, ...now.settled].slice(0, 2) }),
        // Never an older token over the one that another tab has stored meanwhile.
        ...(inBody && now.token === token && { token: body[`${kind}Token`] ?? token }),
      }));
      sure = true;
      return reply;
    } catch (error) {
      const { code } = error as SessionError;
      if (code !== "timeout") land(() => ({}), code === "network_error" && { [flight(BROKEN_MS)]: n });
      throw error;
    }
  }

  return {
    /** A chain of tokens begins: the answer to a connect. */
    begin(id: string | null, token: string | undefined): void {
      sure = true;
      store.set(kind, fresh(id, inBody ? token : undefined));
    },
    /**
     * Rotates once. After a 409 it looks again, and stops before the same token could be taken for a stolen one.
     *
     * @param chain - the session whose token it is, read again before every attempt; throws when that is no longer wanted
     * @param post - sends the keys and the token
     */
    async rotate(chain: () => string | null, post: Post): Promise<Reply<SessionAnswer>> {
      let raced: { at: number; token: string | undefined } | undefined;
      for (;;) {
        let waitMs = LOOK_MS;
        let token: string | undefined;
        let at = 0;
        try {
          const reply = await inTurn(async () => {
            const id = chain();
            const stored = store.get(kind);
            const ledger = stored?.id === id ? stored : fresh(id);
            ({ token } = ledger);
            at = clock.now();
            return attempt(id, ledger, post);
          });
          if (reply) return reply;
        } catch (error) {
          const { code, details } = error as SessionError;
          if (code !== "refresh_superseded") throw error;
          // A cookie cannot be compared, so only the time since the first refusal bounds how often it is sent.
          if (!raced || raced.token !== token) raced = { at, token };
          waitMs = details.retryAfterMs ?? 1000;
          if (clock.now() + waitMs - raced.at > raceWindowMs / 2) throw error;
        }
        await pause(clock, waitMs);
      }
    },
  };
}

/** Sends the keys and the token. */
type Post = (keys: string, token: string | undefined) => Promise<Reply<SessionAnswer>>;
