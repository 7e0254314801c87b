// How long the client waits for others, in milliseconds. A module without imports, so that bundlers put the numbers in place
// of the names.

/** How long to wait for one holder of the turn: longer than most requests, short enough for one that froze or crashed. */
export const PATIENCE_MS = 5_000;

/** How long a claim must stand: other tabs see a write to the storage within that time. */
export const SETTLE_MS = 25;

/** How often to look whether the turn is free. */
export const TURN_LOOK_MS = 100;

/**
 * How long a request that was not answered may still arrive: longer than its time-out and its flight, shorter than the
 * race window, inside which a token that is one behind is taken for a race.
 */
export const DOUBT_MS = 30_000;

/** The same for one whose connection broke: what the server had taken of it by then is all that it gets. */
export const BROKEN_MS = 5_000;

/** How often to look whether the others have been answered. */
export const FLIGHTS_LOOK_MS = 500;

/** Shortest time between two attempts while the server is not reached, whatever happens to the page. */
export const SPACING_MS = 5_000;
