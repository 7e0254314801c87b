import type { Clock, SessionPolicy } from "../src/index.js";
import { LANES, type Chronicle, type Lane, type Lease, type Shape } from "./chronicle.js";
import { lengthOf, sinceStart } from "./durations.js";
import { drawn, element } from "./element.js";
import { scaleFor, type Scale } from "./scale.js";
import { mark, patch, sample } from "./shapes.js";

/** Room for the names of the rows, left of the plot, in pixels. */
const GUTTER = 76;
const TOP = 8;
/** Height of the time that is left. */
const FUEL = 96;
const LANE = 26;
const LANES_TOP = TOP + FUEL + 12;
const BOTTOM = LANES_TOP + LANES.length * LANE;
const HEIGHT = BOTTOM + 26;

const LANE_NAMES: Record<Lane, string> = { activity: "Activity", poll: "Polls", refresh: "Refreshes", session: "Session" };

const LEGEND: readonly (readonly [Shape, string])[] = [
  ["input", "input"],
  ["poll", "poll"],
  ["refresh", "refresh"],
  ["open", "connect, reconnect"],
  ["close", "end"],
  ["note", "other tab, sleep"],
  ["failure", "failure"],
];

const BANDS = [
  ["fuel", "time until the first limit"],
  ["lead", "warning lead"],
  ["outage", "offline"],
] as const;

const laneY = (lane: Lane): number => LANES_TOP + (LANES.indexOf(lane) + 0.5) * LANE;

function legend(): HTMLElement {
  const list = element("ul", { class: "legend" });
  for (const [name, text] of BANDS) list.append(element("li", {}, patch(name), text));
  for (const [shape, text] of LEGEND) list.append(element("li", {}, sample(shape), text));
  return list;
}

/** What stands still: axes, names of rows, the band of the warning lead. */
function frame(scale: Scale, policy: SessionPolicy, width: number, lead: number): SVGElement {
  const group = drawn("g", { class: "frame" });
  const text = (x: number, y: number, anchor: string, content: string): void =>
    group.append(drawn("text", { x, y, "text-anchor": anchor }, content));
  group.append(drawn("rect", { class: "lead", x: GUTTER, y: TOP + FUEL - lead, width, height: lead }));
  for (const { px, label } of scale.ticks) {
    group.append(drawn("line", { class: "grid", x1: GUTTER + px, x2: GUTTER + px, y1: TOP, y2: BOTTOM }));
    text(GUTTER + px, BOTTOM + 17, "middle", label);
  }
  for (const lane of LANES) {
    group.append(drawn("line", { class: "rule", x1: GUTTER, x2: GUTTER + width, y1: laneY(lane), y2: laneY(lane) }));
    text(GUTTER - 10, laneY(lane) + 4, "end", LANE_NAMES[lane]);
  }
  text(GUTTER - 10, TOP + 9, "end", lengthOf(policy.idleTimeoutMs));
  text(GUTTER - 10, TOP + FUEL / 2 + 4, "end", "Time left");
  text(GUTTER - 10, TOP + FUEL, "end", "0");
  return group;
}

/** Draws the live plot: what the client did, and how long the session would have lived at each time. */
export function createTimeline(container: HTMLElement, clock: Clock, chronicle: Chronicle, policy: () => SessionPolicy) {
  const svg = drawn("svg", { class: "plot", height: HEIGHT, role: "img", "aria-labelledby": "timeline-title timeline-text" });
  const summary = element("p", { id: "timeline-text", class: "hint" });
  container.append(svg, summary, legend());
  let drawnFor = "";
  let scale = scaleFor(policy(), 1);
  let moving = drawn("g");
  const idleLine = drawn("g", { class: "limit" });
  const absoluteLine = drawn("g", { class: "limit" });

  const x = (ms: number): number => ms * scale.pxPerMs;

  function fuel({ atMs, untilMs, toMs }: Lease, highest: number): SVGElement {
    const endMs = toMs ?? untilMs;
    const y = (ms: number): number => TOP + FUEL - Math.min(1, Math.max(0, untilMs - ms) / highest) * FUEL;
    const [left, right] = [x(atMs).toFixed(1), x(endMs).toFixed(1)];
    const [high, low] = [y(atMs).toFixed(1), y(endMs).toFixed(1)];
    const bottom = TOP + FUEL;
    return drawn(
      "g",
      {},
      drawn("title", {}, `The session was to end at ${sinceStart(untilMs)}`),
      drawn("path", { class: "fuel", d: `M${left} ${bottom}V${high}L${right} ${low}V${bottom}z` }),
      drawn("path", { class: "edge", d: `M${left} ${high}L${right} ${low}` }),
    );
  }

  function rebuild(width: number, nowMs: number): void {
    const { idleTimeoutMs, warningLeadMs } = policy();
    scale = scaleFor(policy(), width);
    chronicle.forget(nowMs - scale.pastMs * 1.1);
    moving = drawn("g", {});
    for (const lease of chronicle.leases()) moving.append(fuel(lease, idleTimeoutMs));
    for (const { status, fromMs, toMs } of chronicle.spans()) {
      if (status !== "offline") continue;
      const wide = x((toMs ?? nowMs) - fromMs);
      const title = `Offline since ${sinceStart(fromMs)}`;
      moving.append(
        drawn("rect", { class: "outage", x: x(fromMs), y: TOP, width: wide, height: BOTTOM - TOP }, drawn("title", {}, title)),
      );
    }
    for (const { atMs, lane, shape, title } of chronicle.marks()) {
      moving.append(mark(shape, x(atMs), laneY(lane), `${title} (${sinceStart(atMs)})`));
    }
    const plot = drawn("g", { "clip-path": "url(#plot-area)" }, moving);
    const nowPx = GUTTER + scale.nowPx;
    svg.replaceChildren(
      drawn("defs", {}, drawn("clipPath", { id: "plot-area" }, drawn("rect", { x: GUTTER, y: 0, width, height: BOTTOM }))),
      frame(scale, policy(), width, Math.min(1, warningLeadMs / idleTimeoutMs) * FUEL),
      plot,
      drawn("rect", { class: "future", x: nowPx, y: TOP, width: width - scale.nowPx, height: BOTTOM - TOP }),
      drawn("line", { class: "now", x1: nowPx, x2: nowPx, y1: TOP, y2: BOTTOM }),
      idleLine,
      absoluteLine,
    );
    svg.setAttribute("width", String(width + GUTTER));
  }

  /** Puts a limit where it is, or nowhere if that is out of sight. */
  function placeLimit(line: SVGElement, name: string, inMs: number | null, width: number, y: number): void {
    const px = inMs === null ? Infinity : scale.nowPx + x(inMs);
    line.replaceChildren();
    if (px > width) return;
    line.append(
      drawn("line", { x1: GUTTER + px, x2: GUTTER + px, y1: TOP, y2: BOTTOM }),
      drawn("text", { x: GUTTER + px - 5, y, "text-anchor": "end" }, name),
    );
  }

  function summarize(inMs: number | null): void {
    const count = (wanted: Shape): number => chronicle.marks().filter(({ shape }) => shape === wanted).length;
    const ahead = inMs === null ? "There is no session." : `The idle limit is ${lengthOf(inMs)} ahead.`;
    const text = `The last ${lengthOf(scale.pastMs)}: polls ${count("poll")}, refreshes ${count("refresh")}, failures ${count("failure")}. ${ahead}`;
    if (summary.textContent !== text) summary.textContent = text;
  }

  return {
    /** How far back the plot goes. */
    pastMs: (): number => scale.pastMs,
    /** Brings the plot up to now. What is drawn moves as a whole, so that tooltips stay open. */
    draw(): void {
      const width = Math.max(160, Math.floor(container.clientWidth) - GUTTER);
      const now = clock.now();
      const nowMs = chronicle.sinceStart(now);
      const offline = chronicle.spans().at(-1)?.status === "offline";
      const wanted = [width, policy().version, chronicle.changes(), offline ? Math.round(nowMs / 500) : ""].join();
      if (wanted !== drawnFor) rebuild(width, nowMs);
      drawnFor = wanted;
      moving.setAttribute("transform", `translate(${(GUTTER + scale.nowPx - x(nowMs)).toFixed(1)} 0)`);
      const limits = chronicle.limits();
      const idleInMs = limits && Math.max(0, limits.idleUntil - now);
      const absoluteInMs = limits && Math.max(0, limits.absoluteUntil - now);
      placeLimit(idleLine, "idle limit", idleInMs, width, TOP + 12);
      placeLimit(absoluteLine, "absolute limit", absoluteInMs, width, TOP + 28);
      summarize(idleInMs);
    },
  };
}
