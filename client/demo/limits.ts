import type { Clock } from "../src/index.js";

/** Until when the server will keep a session, on the monotonic clock. */
export interface Limits {
  readonly session: string;
  readonly idleUntil: number;
  readonly absoluteUntil: number;
}

/** The members of an answer that limits are made of. */
interface Described {
  readonly session?: { readonly id: string; readonly idleExpiresInMs: number; readonly absoluteExpiresInMs: number };
}

/**
 * A `fetch` that overhears the limits in answers. The client itself tells only the first of them, which is all that an
 * app needs; the page draws both.
 */
export function overhearLimits(clock: Clock, tell: (limits: Limits) => void): typeof fetch {
  async function overhear(response: Response, sentAt: number): Promise<void> {
    const { session } = (await response.json()) as Described;
    if (!session) return;
    const { id, idleExpiresInMs, absoluteExpiresInMs } = session;
    tell({ session: id, idleUntil: sentAt + idleExpiresInMs, absoluteUntil: sentAt + absoluteExpiresInMs });
  }
  return async (input, init) => {
    const sentAt = clock.now();
    const response = await fetch(input, init);
    // What is no JSON is the client's to judge.
    if (response.ok && response.status !== 204) void overhear(response.clone(), sentAt).catch(() => undefined);
    return response;
  };
}
