import { pause } from "./clock.js";
import type { SessionAnswer } from "./contract.js";
import { BROKEN_MS, DOUBT_MS, FLIGHTS_LOOK_MS } from "./patience.js";
import type { Reply } from "./requests.js";
import type { SessionError } from "./session-error.js";
import type { Ledger } from "./store.js";
import { inTurn, type Turns } from "./turn.js";

/** The two kinds of rotating tokens. */
export type Rotating = "refresh" | "reconnect";

/** What rotations need. */
export interface Rotations extends Turns {
  /** The session whose refresh token it is. */
  id: string | null;
  readonly random: () => number;
  /** Whether tokens come in bodies and are kept in the ledger. */
  readonly inBody: boolean;
  /** The service's `SESSION_RACE_WINDOW`, in milliseconds. */
  readonly raceWindowMs?: number;
  /** The kinds of which this page knows that the browser has the newest token. */
  readonly sure: Partial<Record<Rotating, boolean>>;
}

/** Sends the keys and the token. */
type Post = (keys: string, token: string | undefined) => Promise<Reply<SessionAnswer>>;

const fresh = (id: string | null, token?: string): Ledger => ({ id, n: 0, settled: [], flights: {}, token });

/** The requests that may still arrive. A wall clock that was set back makes a record of them worthless. */
function inFlight(tab: Rotations, { flights = {} }: Partial<Ledger>): Ledger["flights"] {
  const wall = tab.wall();
  return Object.fromEntries(Object.entries(flights).filter(([until]) => +until > wall && +until <= wall + DOUBT_MS));
}

/** Sends one request, unless one from before the last rotation may still arrive. */
async function attempt(tab: Rotations, kind: Rotating, id: string | null, ledger: Ledger, post: Post): Promise<Reply<SessionAnswer> | undefined> {
  const { inBody, sure } = tab;
  const { pending: key = tab.randomKey(), n, settled, token } = ledger;
  const flights = inFlight(tab, ledger);
  if (Object.values(flights).some((other) => other !== n)) return undefined;
  // The fraction tells requests of the same millisecond from each other.
  const flight = (ms: number): number => tab.wall() + ms - tab.random();
  const own = flight(DOUBT_MS);
  tab.set(kind, { ...ledger, pending: key, flights: { ...flights, [own]: n } });
  /** Takes the request out of those that may arrive. */
  const land = (changes: (now: Ledger) => Partial<Ledger>, left?: object | false): void => {
    const now = tab.get(kind);
    // Another tab has connected: these keys are of no use any more.
    if (now?.id !== id) return;
    tab.set(kind, { ...now, flights: { ...inFlight(tab, now), [own]: undefined, ...left }, ...changes(now) });
  };
  try {
    const reply = await post([key, ...settled].join(), token);
    const { body } = reply;
    land((now) => ({
      n: now.n + 1,
      id: kind === "refresh" ? body.session.id : null,
      ...((inBody || sure[kind]) && now.pending === key && { pending: undefined, settled: [key, ...now.settled].slice(0, 2) }),
      // Never an older token over the one that another tab has stored meanwhile.
      ...(inBody && now.token === token && { token: body[`${kind}Token`] ?? token }),
    }));
    sure[kind] = true;
    return reply;
  } catch (error) {
    const { code } = error as SessionError;
    if (code !== "timeout") land(() => ({}), code === "network_error" && { [flight(BROKEN_MS)]: n });
    throw error;
  }
}

/** A chain of tokens begins: the answer to a connect. */
export function beginChain(tab: Rotations, kind: Rotating, id: string | null, token: string | undefined): void {
  tab.sure[kind] = true;
  tab.set(kind, fresh(id, tab.inBody ? token : undefined));
}

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
 *
 * After a 409 it looks again, and stops before the same token could be taken for a stolen one.
 *
 * @param assertWanted - called before every attempt; throws when it is no longer wanted
 * @param post - sends the keys and the token
 */
export async function rotate(tab: Rotations, kind: Rotating, assertWanted: () => void, post: Post): Promise<Reply<SessionAnswer>> {
  const { raceWindowMs = 60_000 } = tab;
  let raced: { at: number; token: string | undefined } | undefined;
  for (;;) {
    let waitMs = FLIGHTS_LOOK_MS;
    let token: string | undefined;
    let at = 0;
    try {
      const reply = await inTurn(tab, async () => {
        assertWanted();
        const id = kind === "refresh" ? tab.id : null;
        const stored = tab.get(kind);
        const ledger = stored?.id === id ? stored : fresh(id);
        ({ token } = ledger);
        at = tab.now();
        return attempt(tab, kind, id, ledger, post);
      });
      if (reply) return reply;
    } catch (error) {
      const { code, details } = error as SessionError;
      if (code !== "refresh_superseded") throw error;
      // A cookie cannot be compared, so only the time since the first refusal bounds how often it is sent.
      if (!raced || raced.token !== token) raced = { at, token };
      waitMs = details.retryAfterMs ?? 1000;
      if (tab.now() + waitMs - raced.at > raceWindowMs / 2) throw error;
    }
    await pause(tab, waitMs);
  }
}
