import { expect, it } from "vitest";
import { ENGLISH } from "./timeout-labels.js";

it("a reason that is not known is told in general", () => {
  for (const [reason, text] of [
    ["revoked", "It was ended from another device."],
    ["password_changed", "The server ended it."],
    ["constructor", "The server ended it."],
  ] as const) {
    expect(ENGLISH.endedText({ reason, endedAt: null, confirmed: true })).toBe(text);
    expect(ENGLISH.endedText({ reason, endedAt: null, confirmed: false })).toBe(`${text} The server could not be asked.`);
  }
});
