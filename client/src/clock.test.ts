import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { systemClock, WORKER_SOURCE, type TimerWorker } from "./clock.js";

/** A worker that does what `WORKER_SOURCE` says when it is told to. */
function fakeWorker() {
  const posted: [number, number][] = [];
  const worker: TimerWorker = {
    postMessage: (message: unknown) => void posted.push(message as [number, number]),
    terminate: vi.fn(),
    onmessage: null,
    onerror: null,
  };
  const fire = (id: number): void => (worker.onmessage as (event: { data: number }) => void)({ data: id });
  const fail = (): void => (worker.onerror as () => void)();
  return { worker, posted, fire, fail };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it("the worker's timer counts when the page's is held back, and only once", () => {
  const { worker, posted, fire } = fakeWorker();
  const done = vi.fn();
  systemClock([() => worker]).after(1_000, done);
  expect(posted).toEqual([[1, 1_000]]);
  fire(1);
  vi.advanceTimersByTime(5_000);
  expect(done).toHaveBeenCalledTimes(1);
});

it("without the file a blob is tried, and without that the page's own timers do", () => {
  const blob = fakeWorker();
  const blocked = (): TimerWorker => {
    throw new Error("blocked by a policy");
  };
  const file = fakeWorker();
  const clock = systemClock([() => file.worker, () => blob.worker]);
  file.fail();
  clock.after(10, () => undefined);
  expect([file.posted.length, blob.posted.length]).toEqual([0, 1]);
  for (const sources of [[blocked, blocked], []]) {
    const done = vi.fn();
    systemClock(sources).after(1_000, done);
    vi.advanceTimersByTime(999);
    expect(done).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(done).toHaveBeenCalledTimes(1);
  }
});

it("a worker that fails after timers were set loses none of them", () => {
  const { worker, fail } = fakeWorker();
  const done = vi.fn();
  systemClock([() => worker]).after(1_000, done);
  fail();
  vi.advanceTimersByTime(1_000);
  expect(done).toHaveBeenCalledTimes(1);
});

it("a cancelled timer never fires, from neither side", () => {
  const { worker, fire } = fakeWorker();
  const done = vi.fn();
  systemClock([() => worker]).after(1_000, done)();
  fire(1);
  vi.advanceTimersByTime(2_000);
  expect(done).not.toHaveBeenCalled();
});

it("the source for the blob does what the file does", () => {
  const sent: number[] = [];
  const scope: { onmessage?: (event: { data: [number, number] }) => void } = {};
  // As a blob would be run: there is no worker in this runtime.
  // eslint-disable-next-line @typescript-eslint/no-implied-eval, @typescript-eslint/no-unsafe-call -- the source is a constant of ours
  new Function("scope", "setTimeout", "postMessage", `with (scope) { ${WORKER_SOURCE} }`)(
    new Proxy(scope, { has: (_, name) => name === "onmessage" }),
    (done: () => void) => done(),
    (id: number) => sent.push(id),
  );
  scope.onmessage?.({ data: [7, 1_000] });
  expect(sent).toEqual([7]);
});
