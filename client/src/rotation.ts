import { pause, type Clock } from "./clock.js";
import type { SessionAnswer } from "./contract.js";
import type { Reply } from "./requests.js";
import { SessionError } from "./session-error.js";
import type { Ledger, Store } from "./store.js";

/** The two kinds of rotating tokens. */
export type Rotating = "refresh" | "reconnect";

/** What rotations need. */
export interface Rotations {
  readonly clock: Clock;
  readonly store: Store;
  readonly inTurn: <T>(task: () => Promise<T>) => Promise<T>;
  readonly randomKey: () => string;
  /** Whether tokens come in bodies and are kept in the ledger. */
  readonly inBody: boolean;
  /** The service's `SESSION_RACE_WINDOW`, in milliseconds. */
  readonly raceWindowMs: number;
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
 * Rotates tokens so that no lost answer loses a session.
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
export function createRotations({ clock, store, inTurn, randomKey, inBody, raceWindowMs }: Rotations) {
  const sure = { refresh: inBody, reconnect: inBody };

  /** The requests that may still arrive. A wall clock that was set back makes a record of them worthless. */
  function inFlight({ flights = {} }: Ledger): NonNullable<Ledger["flights"]> {
    const wall = clock.wall();
    return Object.fromEntries(Object.entries(flights).filter(([, { until }]) => until > wall && until <= wall + DOUBT_MS));
  }

  /** What became of a request: answered, or by a broken connection not. */
  function landed(kind: Rotating, own: string, broken: boolean): void {
    const ledger = store.get(kind);
    if (!ledger) return;
    const { [own]: mine, ...flights } = inFlight(ledger);
    if (mine) store.set(kind, { ...ledger, flights: broken ? { ...flights, [own]: { ...mine, until: clock.wall() + BROKEN_MS } } : flights });
  }

  function settle(kind: Rotating, chain: string | null, key: string, token: string | undefined, next: SessionAnswer): void {
    const ledger = store.get(kind);
    // Another tab has connected: these keys are of no use any more.
    if (!ledger || ledger.id !== chain) return;
    const nextToken = inBody ? next[kind === "refresh" ? "refreshToken" : "reconnectToken"] : undefined;
    const used = sure[kind] && ledger.pending === key;
    store.set(kind, {
      ...ledger,
      n: (ledger.n ?? 0) + 1,
      id: kind === "refresh" ? next.session.id : null,
      pending: used ? undefined : ledger.pending,
      settled: used ? [key, ...ledger.settled].slice(0, 2) : ledger.settled,
      // Never an older token over the one that another tab has stored meanwhile.
      token: ledger.token === token ? (nextToken ?? token) : ledger.token,
    });
    sure[kind] = true;
  }

  return {
    /** A chain of tokens begins: the answer to a connect. */
    begin(kind: Rotating, id: string | null, token: string | undefined): void {
      sure[kind] = true;
      store.set(kind, { id, settled: [], token: inBody ? token : undefined });
    },
    /** The token, where this page can see it. */
    token: (kind: Rotating): string | undefined => store.get(kind)?.token,
    forget: (kind: Rotating): void => store.set(kind, null),
    /**
     * Rotates once. After a 409 it looks again, and stops before the same token could be taken for a stolen one.
     *
     * @param chain - the session whose token it is, read again before every attempt; throws when that is no longer wanted
     * @param post - sends the keys and the token
     */
    async rotate(
      kind: Rotating,
      chain: () => string | null,
      post: (keys: string, token: string | undefined) => Promise<Reply<SessionAnswer>>,
    ): Promise<Reply<SessionAnswer>> {
      let raced: { at: number; token: string | undefined } | undefined;
      for (;;) {
        let sent: typeof raced;
        try {
          const reply = await inTurn(async () => {
            const id = chain();
            const stored = store.get(kind);
            const ledger: Ledger = stored?.id === id ? stored : { id, settled: [] };
            const key = ledger.pending ?? randomKey();
            const { token, n = 0 } = ledger;
            const flights = inFlight(ledger);
            if (Object.values(flights).some((flight) => flight.n !== n)) return undefined;
            const own = randomKey();
            store.set(kind, { ...ledger, pending: key, flights: { ...flights, [own]: { n, until: clock.wall() + DOUBT_MS } } });
            sent = { at: clock.now(), token };
            try {
              const reply = await post([key, ...ledger.settled].join(","), token);
              landed(kind, own, false);
              settle(kind, id, key, token, reply.body);
              return reply;
            } catch (error) {
              const code = error instanceof SessionError ? error.code : "timeout";
              if (code !== "timeout") landed(kind, own, code === "network_error");
              throw error;
            }
          });
          if (reply) return reply;
          await pause(clock, LOOK_MS);
        } catch (error) {
          if (!(error instanceof SessionError && error.code === "refresh_superseded")) throw error;
          // A cookie cannot be compared, so only the time since the first refusal bounds how often it is sent.
          if (raced?.token !== sent?.token || !raced) raced = sent;
          const waitMs = error.details.retryAfterMs ?? 1000;
          if (!raced || clock.now() + waitMs - raced.at > raceWindowMs / 2) throw error;
          await pause(clock, waitMs);
        }
      }
    },
  };
}
