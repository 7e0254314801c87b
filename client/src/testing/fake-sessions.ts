import { DEFAULT_POLICY, type EndReason, type SessionPolicy } from "../contract.js";

/** A chain of rotating tokens. */
export interface Chain {
  readonly name: string;
  generation: number;
  /** The one secret that rotates it. */
  secret: string;
  rotatedAt: number;
}

/** A session of the fake server. Times are its own milliseconds. */
export interface FakeSession {
  readonly id: string;
  readonly subject: string;
  readonly credential: string;
  readonly label: string | null;
  readonly createdAt: number;
  lastActiveAt: number;
  idleUntil: number;
  readonly absoluteUntil: number;
  readonly refresh: Chain;
  remembered: StoredCredential | null;
  end: { reason: EndReason; at: number } | null;
}

/** What a reconnect is made with. */
export interface StoredCredential {
  readonly subject: string;
  readonly credential: string;
  readonly chain: Chain;
  /** The session that it opened last, or was stored with. */
  session: FakeSession;
  rejected: boolean;
}

/** What a genuine token means for its chain; `token` is the next one. */
export type Rotated =
  | { readonly outcome: "rotated" | "replayed"; readonly token: string }
  | { readonly outcome: "race" | "reuse" | "ahead" };

/** Not cryptography: enough that two secrets are never the same in a test (FNV-1a, twice). */
function mixed(text: string): string {
  const half = (seed: number): string => {
    let hash = seed;
    for (const character of text) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 16_777_619) >>> 0;
    return hash.toString(36);
  };
  return half(2_166_136_261) + half(84_696_351);
}

const encode = ({ name, generation, secret }: Chain): string => `${name}.${generation}.${secret}`;

/** The token that stands at the end of a chain now. */
export const tokenOf = encode;

/** A chain with its first token. */
export const beginChain = (name: string, random: string, now: number): Chain => ({
  name,
  generation: 1,
  secret: mixed(name + random),
  rotatedAt: now,
});

/** Splits a token; `null` if it is none. */
export function readToken(token: string): { name: string; generation: number; secret: string } | null {
  const [kind, id, generation, secret] = token.split(".");
  return kind && id && secret && Number(generation) > 0
    ? { name: `${kind}.${id}`, generation: Number(generation), secret }
    : null;
}

/** Judges a genuine token as the service does: the current one rotates, a replay is answered again, then race, then theft. */
export function rotate(chain: Chain, token: string, keys: readonly string[], now: number, raceWindowMs: number): Rotated {
  const read = readToken(token);
  if (!read) return { outcome: "ahead" };
  const successors = keys.map((key) => mixed(`${read.name}|${read.generation + 1}|${read.secret}|${key}`));
  if (read.secret === chain.secret) {
    chain.generation++;
    chain.secret = successors[0] ?? mixed(`${encode(chain)}${now}`);
    chain.rotatedAt = now;
    return { outcome: "rotated", token: encode(chain) };
  }
  if (successors.includes(chain.secret)) return { outcome: "replayed", token: encode(chain) };
  if (read.generation >= chain.generation) return { outcome: "ahead" };
  const race = read.generation + 1 === chain.generation && now - chain.rotatedAt <= raceWindowMs;
  return { outcome: race ? "race" : "reuse" };
}

/** What a session is at `now`: its end, or `null` while it lives. It lives through its limit. */
export function endOf(session: FakeSession, now: number): { reason: EndReason; at: number } | null {
  if (session.end) return session.end;
  const at = Math.min(session.idleUntil, session.absoluteUntil);
  if (now <= at) return null;
  return { reason: session.absoluteUntil <= session.idleUntil ? "absolute_timeout" : "idle_timeout", at };
}

/** Moves the idle limit if the activity is news. */
export function slide(session: FakeSession, msAgo: number | null, policy: SessionPolicy, now: number): void {
  if (msAgo === null) return;
  const at = Math.max(session.createdAt, now - msAgo);
  if (at <= session.lastActiveAt) return;
  session.lastActiveAt = at;
  session.idleUntil = at + policy.idleTimeoutMs;
}

/** The service's defaults, with a version. */
export const FAKE_POLICY: SessionPolicy = { ...DEFAULT_POLICY, version: "v1" };
