import { drawn } from "./element.js";
import type { Shape } from "./chronicle.js";

/** Outlines around (0, 0): each kind differs in shape, and not only in colour. */
const OUTLINES: Record<Shape, string> = {
  input: "M-1.25 -7h2.5v14h-2.5z",
  poll: "M-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0 -9 0z",
  refresh: "M0 -6.5L6.5 0L0 6.5L-6.5 0z",
  open: "M0 -6.5L6.5 5.5H-6.5z",
  close: "M-5.5 -5.5h11v11h-11z",
  note: "M-6 -2h4v-4h4v4h4v4h-4v4h-4v-4h-4z",
  failure: "M-5 -5L5 5M-5 5L5 -5",
};

/** Draws a mark with a tooltip. */
export const mark = (shape: Shape, x: number, y: number, title: string): SVGElement =>
  drawn(
    "path",
    { class: `mark ${shape}`, d: OUTLINES[shape], transform: `translate(${x.toFixed(1)} ${y})` },
    drawn("title", {}, title),
  );

/** A mark for the legend. */
export const sample = (shape: Shape): SVGElement =>
  drawn(
    "svg",
    { class: "sample", viewBox: "-8 -8 16 16", width: 16, height: 16, "aria-hidden": "true" },
    drawn("path", { class: `mark ${shape}`, d: OUTLINES[shape] }),
  );

/** A patch of a band for the legend. */
export const patch = (name: string): SVGElement =>
  drawn(
    "svg",
    { class: "sample", viewBox: "0 0 16 16", width: 16, height: 16, "aria-hidden": "true" },
    drawn("rect", { class: name, x: 0.5, y: 2.5, width: 15, height: 11 }),
  );
