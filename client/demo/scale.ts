import type { SessionPolicy } from "../src/index.js";
import { lengthOf } from "./durations.js";

/** Shortest past that is shown. */
const SHORTEST_PAST_MS = 45_000;

/** Below this width, in pixels, marks of more than the shortest past would run into each other. */
const NARROW_PX = 400;

/** Steps of the time axis, in milliseconds. */
const STEPS_MS = [5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 28_800, 86_400].map((s) => s * 1000);

/** How much room a label of the axis needs, in pixels. */
const LABEL_PX = 58;

/** A distance from now, short: `−1:30` where a step is less than a minute, else in units. */
function labelOf(ms: number, stepMs: number): string {
  if (ms === 0) return "now";
  const sign = ms < 0 ? "\u2212" : "+";
  const seconds = Math.abs(ms) / 1000;
  if (stepMs >= 60_000 || seconds < 60) return sign + lengthOf(Math.abs(ms));
  return `${sign}${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/** What part of time is shown: a past and a future around now, which stands still while time runs through it. */
export interface Scale {
  readonly pastMs: number;
  readonly futureMs: number;
  readonly pxPerMs: number;
  /** Where now is, in pixels from the left edge of the plot. */
  readonly nowPx: number;
  readonly ticks: readonly { readonly px: number; readonly label: string }[];
}

/**
 * Three heartbeats back, or one and a half idle limits where that is less than a quarter of an hour and there is room;
 * forward to the idle limit, if that is not too far away to see anything of the past.
 */
export function scaleFor({ heartbeatIntervalMs, idleTimeoutMs }: SessionPolicy, widthPx: number): Scale {
  const idlePastMs = widthPx < NARROW_PX ? 0 : Math.min(1.5 * idleTimeoutMs, 900_000);
  const pastMs = Math.max(SHORTEST_PAST_MS, 3 * heartbeatIntervalMs, idlePastMs);
  const futureMs = 1.15 * idleTimeoutMs <= pastMs ? 1.15 * idleTimeoutMs : 0.4 * pastMs;
  const pxPerMs = widthPx / (pastMs + futureMs);
  const stepMs = STEPS_MS.find((step) => step * pxPerMs >= LABEL_PX) ?? 86_400_000;
  const nowPx = pastMs * pxPerMs;
  const ticks: { px: number; label: string }[] = [];
  for (let k = Math.ceil(-pastMs / stepMs); k * stepMs <= futureMs; k++) {
    const px = nowPx + k * stepMs * pxPerMs;
    // A label is centred on its tick, and must not be cut off at an edge.
    const cut = px < LABEL_PX / 3 || px > widthPx - LABEL_PX / 3;
    ticks.push({ px, label: cut ? "" : labelOf(k * stepMs, stepMs) });
  }
  return { pastMs, futureMs, pxPerMs, nowPx, ticks };
}
