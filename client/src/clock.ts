/** Time, as the client takes it. Everything that waits or measures goes through here. */
export interface Clock {
  /** Milliseconds that only ever grow, from any origin. May stand still while the machine sleeps. */
  now(): number;
  /** Milliseconds of the wall clock, which may be wrong and may jump. Never compared with a time of the server. */
  wall(): number;
  /** Calls `done` once after `ms` milliseconds or later; the function returned cancels it. */
  after(ms: number, done: () => void): () => void;
  /** Frees what the clock holds; called when the client is disposed of. */
  stop?(): void;
}

/** The source of `timer-worker.js`, for pages that cannot load the file. */
export const WORKER_SOURCE = "onmessage=({data:[i,m]})=>setTimeout(()=>postMessage(i),m)";

/** The part of a worker that timers need. */
export type TimerWorker = Pick<Worker, "postMessage" | "terminate" | "onmessage" | "onerror">;

/** Where a worker for timers may come from, best first: the file, then a blob (a policy may forbid either). */
export function workerSources(url: string | URL | undefined): (() => TimerWorker)[] {
  return [
    () => (url ? new Worker(url, { type: "module" }) : new Worker(new URL("./timer-worker.js", import.meta.url), { type: "module" })),
    () => new Worker(URL.createObjectURL(new Blob([WORKER_SOURCE]))),
  ];
}

/**
 * The clock of a browser. Each timer runs twice, in the page and in a worker, and the first to fire counts: a worker that
 * is blocked, missing or slow to start costs nothing, and one that works is not held back in background tabs.
 */
export function systemClock(sources: (() => TimerWorker)[]): Clock {
  const waiting = new Map<number, () => void>();
  let worker: TimerWorker | undefined;
  let lastId = 0;
  const fire = (id: number): void => {
    const done = waiting.get(id);
    waiting.delete(id);
    done?.();
  };
  const start = ([first, ...others]: typeof sources): void => {
    const next = (): void => start(others);
    try {
      worker = first?.();
    } catch {
      next();
      return;
    }
    if (!worker) return;
    worker.onmessage = ({ data }: MessageEvent<number>) => fire(data);
    worker.onerror = next;
  };
  start(sources);
  return {
    now: () => performance.now(),
    wall: () => Date.now(),
    after(ms, done) {
      const id = ++lastId;
      waiting.set(id, done);
      setTimeout(fire, ms, id);
      worker?.postMessage([id, ms]);
      return () => void waiting.delete(id);
    },
    stop: () => worker?.terminate(),
  };
}

/** Waits. */
export const pause = (clock: Clock, ms: number): Promise<void> => new Promise((done) => clock.after(ms, done));
