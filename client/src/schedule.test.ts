import { expect, it } from "vitest";
import { DEFAULT_POLICY } from "./contract.js";
import { backoffMs, firstLimit, hopeEndsAt, leadOf, nextDue, pollIn, refreshFrom, type Deadlines } from "./schedule.js";

const MINUTE = 60_000;
const far: Deadlines = { pollAt: Infinity, answeredAt: 0, accessUntil: 900_000, accessLeadMs: leadOf(900_000), idleUntil: Infinity, absoluteUntil: Infinity };

it("a refresh takes the place of a poll below the threshold, and a minute before the token's end in any case", () => {
  for (const [ttlMs, thresholdMs, at] of [
    [15 * MINUTE, 7.5 * MINUTE, 7.5 * MINUTE],
    [15 * MINUTE, MINUTE, 14 * MINUTE],
    [15 * MINUTE, 1_000, 14 * MINUTE],
    [MINUTE, 1_000, 30_000],
    [2_000, 1_000, 1_000],
    [2_000, 500, 1_000],
    // A threshold that a changed policy has made longer than the token: each poll is a refresh.
    [10_000, 60_000, -50_000],
  ] as const) {
    const deadlines = { ...far, accessUntil: ttlMs, accessLeadMs: leadOf(ttlMs) };
    expect(refreshFrom(deadlines, { ...DEFAULT_POLICY, refreshThresholdMs: thresholdMs }), `${ttlMs} ${thresholdMs}`).toBe(at);
  }
});

it("the server is asked at the first of its own pace, the token, the warning and the limit", () => {
  for (const [name, changed, at] of [
    ["token", {}, 840_000],
    ["short token", { accessUntil: 100_000, accessLeadMs: leadOf(100_000) }, 50_000],
    ["pace", { pollAt: 100 }, 100],
    ["warning", { idleUntil: 700_000 }, 400_250],
    ["warning of the absolute limit", { absoluteUntil: 700_000 }, 400_250],
    ["limit", { idleUntil: 400_000, answeredAt: 100_250 }, 400_250],
    ["token before the limit", { idleUntil: 839_751, answeredAt: 600_000 }, 840_000],
    ["limit before the token", { idleUntil: 839_749, answeredAt: 600_000 }, 839_999],
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

it("backoff triples up to the longest wait, with full jitter", () => {
  for (const [failures, random, ms] of [
    [0, 0, 0],
    [0, 1, 1_000],
    [3, 0.5, 13_500],
    [5, 1, 243_000],
    [6, 1, 300_000],
    [1_000, 1, 300_000],
  ] as const) {
    expect(backoffMs(failures, 300_000, random), `${failures} ${random}`).toBe(ms);
  }
});

it("no pace of the server is a hot loop", () => {
  for (const [given, ms] of [[291_000, 291_000], [250, 250], [249, 250], [0, 250], [-1, 250], [Number.NaN, 250]] as const) {
    expect(pollIn(given, 1), String(given)).toBe(ms);
  }
});

it("after a failure any part of the server's pace is waited for", () => {
  for (const [share, ms] of [[0, 250], [0.25, 75_000], [0.999, 299_700]] as const) {
    expect(pollIn(300_000, share), String(share)).toBe(ms);
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
