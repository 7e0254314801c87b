import type { Clock } from "../src/index.js";

/** A clock whose wall can be set wrong; what it measures and waits for stays right. */
export interface ShiftedClock extends Clock {
  /** How far the wall is ahead, in milliseconds. */
  aheadMs(): number;
  /** Sets the wall ahead, or back with a negative number. */
  setAhead(ms: number): void;
}

/** Wraps a clock. */
export function shiftedClock(clock: Clock): ShiftedClock {
  let ahead = 0;
  return {
    now: () => clock.now(),
    wall: () => clock.wall() + ahead,
    after: (ms, done) => clock.after(ms, done),
    aheadMs: () => ahead,
    setAhead(ms) {
      ahead = ms;
    },
  };
}
