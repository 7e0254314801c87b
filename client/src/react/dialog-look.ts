import type { CSSProperties } from "react";

/** Parts of {@link SessionTimeoutDialog} that can be given a class. */
export type DialogPart = "dialog" | "content" | "title" | "text" | "timer" | "failure" | "actions" | "primary" | "secondary";

/** The class of each part. A part with a class has no inline style, so that a stylesheet need not fight one. */
export type DialogClassNames = Readonly<Partial<Record<DialogPart, string>>>;

const BUTTON: CSSProperties = { font: "inherit", minHeight: "2.5rem", padding: "0 1rem" };

/**
 * No colour, and nothing that moves: `<dialog>` and `<button>` take the page's `color-scheme` and forced colours by
 * themselves. The dialog has none at all, so that what a server renders holds under a strict `style-src`.
 */
const STYLES: Readonly<Partial<Record<DialogPart, CSSProperties>>> = {
  content: { maxWidth: "28rem", lineHeight: 1.5 },
  title: { margin: 0, fontSize: "1.25em" },
  timer: { fontSize: "1.25em", fontVariantNumeric: "tabular-nums" },
  failure: { fontWeight: "bold" },
  actions: { display: "flex", flexWrap: "wrap", gap: "0.75rem", marginTop: "1rem" },
  primary: BUTTON,
  secondary: BUTTON,
};

/** For a text that is spoken and not seen. */
export const SPOKEN_ONLY: CSSProperties = {
  position: "absolute",
  width: 1,
  height: 1,
  overflow: "hidden",
  clipPath: "inset(50%)",
};

/** The class of a part, or its default style. */
export function lookOf(part: DialogPart, classNames: DialogClassNames): { className?: string; style?: CSSProperties } {
  const className = classNames[part];
  if (className !== undefined) return { className };
  const style = STYLES[part];
  return style ? { style } : {};
}
