import { expect, it } from "vitest";
import type { SessionAnswer } from "./contract.js";
import { answered, NEVER, report, touch, type Presence } from "./presence.js";
import { memoryStorage, openStore } from "./store.js";
import { createFakeClock } from "./testing/index.js";

function bench() {
  const clock = createFakeClock();
  const store = openStore(memoryStorage(), "");
  const tab: Presence = { ...clock, ...store, seen: NEVER, counted: NEVER, toldAt: -Infinity };
  /** An answer of a server whose last activity was so long ago. */
  const answer = (idleMs: number): void => {
    const serverTime = "2031-01-01T00:00:00.000Z";
    const lastActiveAt = new Date(Date.parse(serverTime) - idleMs).toISOString();
    answered(tab, { body: { session: { lastActiveAt }, serverTime } as SessionAnswer, sentAt: clock.now() });
  };
  return { clock, store, tab, answer };
}

it("input is reported until an answer has counted it", async () => {
  const { clock, tab, answer } = bench();
  expect(report(tab)).toBe(null);
  touch(tab);
  await clock.advance(5_000);
  expect(report(tab)).toBe(5_000);
  // The answer to a repeated refresh knows of older activity only.
  for (const [idleMs, msAgo] of [[60_000, 5_000], [5_101, 5_000], [5_100, null], [0, null]] as const) {
    answer(idleMs);
    expect(report(tab), String(idleMs)).toBe(msAgo);
  }
});

it("how long ago input was is the greater of what the two clocks say", async () => {
  const { clock, tab, answer } = bench();
  answer(86_400_000);
  touch(tab);
  await clock.advance(5_000);
  clock.shiftWall(-3_600_000);
  expect(report(tab)).toBe(5_000);
  clock.shiftWall(2 * 3_600_000);
  expect(report(tab)).toBe(3_605_000);
});

it("input of other tabs counts, unless the wall clock was set back since", async () => {
  const { clock, store, tab, answer } = bench();
  answer(60_000);
  store.set("active", clock.wall());
  await clock.advance(2_000);
  expect(report(tab)).toBe(2_000);
  clock.shiftWall(-2_001);
  expect(report(tab)).toBe(null);
});

it("input of other tabs that an answer has counted cannot look recent later", async () => {
  const { clock, store, tab, answer } = bench();
  store.set("active", clock.wall());
  await clock.advance(2_000);
  answer(2_000);
  expect([report(tab), store.get("active")]).toEqual([null, null]);
});
