import { expect, it } from "vitest";
import { DEFAULT_POLICY } from "./contract.js";
import { backoffMs, firstLimit, hopeEndsAt, nextDue, pollIn, refreshAt, type Deadlines } from "./schedule.js";

const MINUTE = 60_000;
const far: Deadlines = { pollAt: Infinity, answeredAt: 0, accessUntil: 900_000, accessTtlMs: 900_000, idleUntil: Infinity, absoluteUntil: Infinity };

it("a token is replaced below the threshold, and at the latest a minute before its end", () => {
  for (const [ttlMs, thresholdMs, at] of [
    [15 * MINUTE, 7.5 * MINUTE, 7.5 * MINUTE],
    [15 * MINUTE, MINUTE, 14 * MINUTE],
    [15 * MINUTE, 1_000, 14 * MINUTE],
    [MINUTE, 1_000, 30_000],
    [2_000, 1_000, 1_000],
    [2_000, 500, 1_000],
    // A threshold that a changed policy has made longer than the token.
    [10_000, 60_000, 1_000],
  ] as const) {
    const deadlines = { ...far, accessUntil: ttlMs, accessTtlMs: ttlMs };
    expect(refreshAt(deadlines, { ...DEFAULT_POLICY, refreshThresholdMs: thresholdMs }), `${ttlMs} ${thresholdMs}`).toBe(at);
  }
});

it("the server is asked at the first of its own pace, the token, the warning and the limit", () => {
  for (const [name, changed, at] of [
    ["token", {}, 450_000],
    ["pace", { pollAt: 100 }, 100],
    ["warning", { idleUntil: 700_000 }, 400_250],
    ["warning of the absolute limit", { absoluteUntil: 700_000 }, 400_250],
    ["limit", { idleUntil: 400_000, answeredAt: 100_250 }, 400_250],
    ["token before the limit", { idleUntil: 449_750, answeredAt: 150_000 }, 450_000],
    ["limit before the token", { idleUntil: 449_749, answeredAt: 150_000 }, 449_999],
  ] as const) {
    expect(nextDue({ ...far, ...changed }, DEFAULT_POLICY), name).toBe(at);
  }
});

it("hope ends the buffer after the first limit, by the absolute one on a tie", () => {
  for (const [idleUntil, absoluteUntil, at, reason] of [
    [1_000, 2_000, 301_000, "idle_timeout"],
    [2_000, 1_000, 301_000, "absolute_timeout"],
    [1_000, 1_000, 301_000, "absolute_timeout"],
  ] as const) {
    const due = { ...far, idleUntil, absoluteUntil };
    expect([hopeEndsAt(due, DEFAULT_POLICY), firstLimit(due)]).toEqual([at, reason]);
  }
});

it("backoff doubles up to the longest wait, with full jitter", () => {
  for (const [failures, random, ms] of [
    [0, 0, 0],
    [0, 1, 1_000],
    [3, 0.5, 4_000],
    [8, 1, 256_000],
    [9, 1, 300_000],
    [1_000, 1, 300_000],
  ] as const) {
    expect(backoffMs(failures, 300_000, random), `${failures} ${random}`).toBe(ms);
  }
});

it("no pace of the server is a hot loop", () => {
  for (const [given, ms] of [[291_000, 291_000], [250, 250], [249, 250], [0, 250], [-1, 250], [Number.NaN, 250]] as const) {
    expect(pollIn(given), String(given)).toBe(ms);
  }
});

it("a server whose warnings begin later than the policy says is asked once", () => {
  for (const [answeredAt, at] of [
    [300_249, 300_250],
    [300_250, 600_250],
  ] as const) {
    const due = { ...far, idleUntil: 600_000, accessUntil: Infinity, answeredAt };
    expect(nextDue(due, DEFAULT_POLICY), String(answeredAt)).toBe(at);
  }
});
