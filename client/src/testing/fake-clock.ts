import type { Clock } from "../clock.js";

/** A clock that stands still until it is told to go on. */
export interface FakeClock extends Clock {
  /** Lets time pass: runs what is due, in order, and what follows from it. */
  advance(ms: number): Promise<void>;
  /** Sets the wall clock forward or back, and nothing else. */
  shiftWall(ms: number): void;
  /** The machine sleeps: the wall clock goes on, the monotonic one stands still, no timer runs. */
  sleep(ms: number): void;
  /** Lets everything happen that waits for no time. */
  settle(): Promise<void>;
}

/** Ends after everything that was already waiting for its turn, in any runtime. */
function macrotask(): Promise<void> {
  return new Promise((done) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      done();
    };
    port2.postMessage(0);
  });
}

/** Rounds after each timer: bodies of answers are streams, which take a turn or two. */
const ROUNDS = 3;

/** A clock for tests. Begins at 2026-11-21T10:00:00Z. */
export function createFakeClock(): FakeClock {
  let now = 1_000;
  let shift = Date.parse("2026-11-21T10:00:00Z");
  let lastId = 0;
  const timers = new Map<number, { at: number; done: () => void }>();
  async function settle(): Promise<void> {
    for (let round = 0; round < ROUNDS; round++) await macrotask();
  }
  return {
    now: () => now,
    wall: () => now + shift,
    after(ms, done) {
      const id = ++lastId;
      timers.set(id, { at: now + Math.max(0, ms), done });
      return () => void timers.delete(id);
    },
    async advance(ms) {
      const end = now + ms;
      await settle();
      for (;;) {
        const [next] = [...timers].filter(([, { at }]) => at <= end).sort(([a, x], [b, y]) => x.at - y.at || a - b);
        if (!next) break;
        const [id, { at, done }] = next;
        timers.delete(id);
        now = Math.max(now, at);
        done();
        await settle();
      }
      now = end;
    },
    shiftWall(ms) {
      shift += ms;
    },
    sleep(ms) {
      shift += ms;
    },
    settle,
  };
}
