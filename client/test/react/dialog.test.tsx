// @vitest-environment jsdom
import { act, cleanup, fireEvent, render, screen } from "@testing-library/react";
import { StrictMode } from "react";
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { SessionError, systemClock, type SessionState } from "../../src/index.js";
import { SessionProvider, SessionTimeoutDialog, type SessionTimeoutDialogProps } from "../../src/react/index.js";
import { ABSOLUTE_WARNING, ACTIVE, ended, fakeClient, IDLE_WARNING, OFFLINE, SESSION } from "./fake-client.js";
import { provideShowModal } from "./show-modal.js";

const clock = systemClock([]);

beforeAll(provideShowModal);
// Only the timers of the countdown: React's own scheduler goes on.
beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] }));
afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

/** A page with a field that has the focus, and the dialog. */
function open(props: SessionTimeoutDialogProps = {}, leftMs = 300_000) {
  const fake = fakeClient(ACTIVE);
  const endsAt = clock.now() + leftMs;
  fake.remaining(() => endsAt - clock.now());
  const app = (dialog: boolean) => (
    <StrictMode>
      <SessionProvider client={fake.client}>
        <input aria-label="draft" />
        {dialog && <SessionTimeoutDialog {...props} />}
      </SessionProvider>
    </StrictMode>
  );
  const { rerender } = render(app(true));
  const field = screen.getByLabelText("draft");
  field.focus();
  return { ...fake, field, show: (state: SessionState) => act(() => fake.show(state)), remove: () => rerender(app(false)) };
}

const dialog = (): HTMLDialogElement => screen.getByRole("alertdialog", { hidden: true });
const button = (name: string): HTMLElement => screen.getByRole("button", { name });
/** Until what was awaited has happened. */
const settled = (trigger: () => void): Promise<void> =>
  act(async () => {
    trigger();
    await Promise.resolve();
  });
const press = (name: string): Promise<void> => settled(() => fireEvent.click(button(name)));
/** What browsers fire for Escape; whether the dialog may close by itself then. */
const escape = async (): Promise<boolean> => {
  const cancel = new Event("cancel", { cancelable: true });
  await settled(() => dialog().dispatchEvent(cancel));
  return !cancel.defaultPrevented;
};
const pass = (ms: number): void => act(() => void vi.advanceTimersByTime(ms));
const spoken = (): string | null | undefined => dialog().querySelector("[aria-live=polite]")?.textContent;
const textOf = (attribute: string): string =>
  (dialog().getAttribute(attribute) ?? "").split(" ").map((id) => document.getElementById(id)?.textContent).join(" | ");

describe("the warning", () => {
  it("opens, says what it is, takes the focus, and gives it back when the session goes on", () => {
    const { show, field } = open();
    expect(dialog().open).toBe(false);
    show(IDLE_WARNING);
    expect(dialog().open).toBe(true);
    expect(textOf("aria-labelledby")).toBe("Are you still there?");
    expect(textOf("aria-describedby")).toBe(
      "You will be signed out soon, because there was no activity. | Less than 5 minutes left.",
    );
    expect(document.activeElement).toBe(button("Stay signed in"));
    show(ACTIVE);
    expect(dialog().open).toBe(false);
    expect(dialog().textContent).toBe("");
    expect(document.activeElement).toBe(field);
  });

  it("gives the focus back when it is removed", () => {
    const { show, field, remove } = open();
    show(IDLE_WARNING);
    remove();
    expect(document.activeElement).toBe(field);
  });

  it("extends on the first button and on Escape, and stays until the state says so", async () => {
    const { show, extend } = open();
    show(IDLE_WARNING);
    await press("Stay signed in");
    expect(extend).toHaveBeenCalledTimes(1);
    expect(await escape()).toBe(false);
    expect(extend).toHaveBeenCalledTimes(2);
    expect(dialog().open).toBe(true);
  });

  it("asks once while an answer is awaited", async () => {
    const { show, extend } = open();
    extend.mockReturnValue(new Promise(() => undefined));
    show(IDLE_WARNING);
    await press("Stay signed in");
    await escape();
    expect(extend).toHaveBeenCalledTimes(1);
    expect(button("Stay signed in").getAttribute("aria-disabled")).toBe("true");
  });

  it("opens again when a browser closes it on a second Escape", async () => {
    const { show } = open();
    show(IDLE_WARNING);
    await settled(() => dialog().close());
    expect(dialog().open).toBe(true);
    expect(document.activeElement).toBe(button("Stay signed in"));
  });

  it("logs out, then tells the app", async () => {
    const onLeave = vi.fn();
    const { show, logout } = open({ onLeave });
    let answer = (): void => undefined;
    logout.mockReturnValue(new Promise((done) => (answer = done)));
    show(IDLE_WARNING);
    await press("Sign out");
    expect([logout.mock.calls.length, onLeave.mock.calls.length]).toEqual([1, 0]);
    await settled(() => answer());
    expect(onLeave).toHaveBeenCalledTimes(1);
    show(ended("logout", false));
    expect(dialog().open).toBe(false);
  });

  it("of the absolute limit offers nothing to extend, and is shown once", async () => {
    const { show, extend } = open();
    show(ABSOLUTE_WARNING);
    expect(textOf("aria-describedby")).toContain("longest duration");
    await escape();
    expect(extend).not.toHaveBeenCalled();
    expect(dialog().open).toBe(false);
    show(OFFLINE);
    show({ ...ABSOLUTE_WARNING });
    expect(dialog().open).toBe(false);
    show(ACTIVE);
    show(ABSOLUTE_WARNING);
    expect(dialog().open).toBe(true);
  });
});

describe("the countdown", () => {
  it("is what the client says, each second, however late a timer is", () => {
    const { show } = open({}, 299_400);
    show(IDLE_WARNING);
    const timer = screen.getByRole("timer");
    expect(timer.textContent).toBe("Time left: 5:00");
    pass(400);
    expect(timer.textContent).toBe("Time left: 4:59");
    pass(1000);
    expect(timer.textContent).toBe("Time left: 4:58");
    // The machine slept: a timer fired once in that minute.
    const now = clock.now();
    vi.spyOn(performance, "now").mockImplementation(() => now + 61_000);
    pass(1000);
    expect(timer.textContent).toBe("Time left: 3:57");
    vi.restoreAllMocks();
  });

  it("speaks five times in five minutes", () => {
    const { show } = open({}, 320_000);
    show(IDLE_WARNING);
    const heard = new Map<string, number>();
    for (let left = 320; left >= 0; left--) {
      const text = spoken();
      if (text && !heard.has(text)) heard.set(text, left);
      pass(1000);
    }
    expect([...heard]).toEqual([
      ["Less than 5 minutes left.", 300],
      ["Less than 2 minutes left.", 120],
      ["Less than 1 minute left.", 60],
      ["Less than 30 seconds left.", 30],
      ["Less than 10 seconds left.", 10],
    ]);
    expect(screen.getByRole("timer").textContent).toBe("Time left: 0:00");
  });

  it("asks the client while it is shown, and at no other time", () => {
    const { client, show, remove } = open();
    const asked = vi.spyOn(client, "remainingMs");
    const askedIn10Seconds = (): number => {
      asked.mockClear();
      for (let second = 0; second < 10; second++) pass(1000);
      return asked.mock.calls.length;
    };
    expect(askedIn10Seconds()).toBe(0);
    show(IDLE_WARNING);
    expect(askedIn10Seconds()).toBe(10);
    show(ACTIVE);
    expect(askedIn10Seconds()).toBe(0);
    show(IDLE_WARNING);
    remove();
    expect(askedIn10Seconds()).toBe(0);
  });
});

describe("a failure", () => {
  const alert = (): string | null => screen.getByRole("alert").textContent;

  it("to extend is shown, also when it makes the client offline, and is gone when it is over", async () => {
    const { show, extend } = open();
    show(IDLE_WARNING);
    expect(alert()).toBe("");
    extend.mockRejectedValueOnce(new SessionError("outdated"));
    await press("Stay signed in");
    expect(alert()).toContain("(outdated)");
    extend.mockRejectedValueOnce(new SessionError("network_error"));
    show(OFFLINE);
    await press("Stay signed in");
    expect(dialog().open).toBe(true);
    expect(alert()).toContain("(network_error)");
    show({ ...IDLE_WARNING });
    expect(alert()).toBe("");
    expect(dialog().open).toBe(true);
  });

  it("is taken back while the next attempt is under way, so that it is spoken again", async () => {
    const { show, extend } = open();
    show(IDLE_WARNING);
    show(OFFLINE);
    expect(alert()).toContain("(network_error)");
    extend.mockReturnValue(new Promise(() => undefined));
    await press("Stay signed in");
    expect(alert()).toBe("");
  });

  it("for a reason that is not known is told in general, and offers nothing to extend", async () => {
    const { show, extend } = open();
    show({ status: "warning", session: SESSION, reason: "credential_timeout" });
    expect(textOf("aria-describedby")).toContain("Your session ends soon.");
    await press("Continue");
    expect([extend.mock.calls.length, dialog().open]).toEqual([0, false]);
  });

  it("without a warning before it opens nothing", () => {
    const { show } = open();
    show(OFFLINE);
    expect(dialog().open).toBe(false);
  });
});

describe("the end", () => {
  it.each([
    [ended("idle_timeout"), "There was no activity for too long."],
    [ended("absolute_timeout"), "It reached its longest duration."],
    [ended("revoked"), "It was ended from another device."],
    [ended("replaced"), "Another sign-in in this browser replaced it."],
    [ended("reuse_detected"), "Somebody else may have used it. It was ended to protect you."],
    [ended("unknown", false), "The server no longer knows it. The server could not be asked."],
  ])("says why: $reason", (state, why) => {
    const { show } = open();
    show(IDLE_WARNING);
    show(state);
    expect(dialog().open).toBe(true);
    expect(textOf("aria-labelledby")).toBe("Your session has ended");
    expect(textOf("aria-describedby")).toBe(why);
    expect(document.activeElement).toBe(button("Sign in again"));
  });

  it("says what was kept", () => {
    const { show } = open({ drafts: { kept: () => ["letter"] } });
    show(ended("idle_timeout"));
    expect(textOf("aria-describedby")).toContain("(1 draft)");
  });

  it.each([
    ["Sign in again", [1, 0]],
    ["Leave", [0, 1]],
    ["Escape", [1, 0]],
  ])("calls back once and closes for good: %s", async (name, calls) => {
    const [onConnect, onLeave] = [vi.fn(), vi.fn()];
    const { show, field, extend, logout } = open({ onConnect, onLeave });
    show(IDLE_WARNING);
    show(ended("idle_timeout", false));
    await (name === "Escape" ? escape() : press(name));
    expect([onConnect.mock.calls.length, onLeave.mock.calls.length]).toEqual(calls);
    expect([extend.mock.calls.length, logout.mock.calls.length]).toEqual([0, 0]);
    expect(dialog().open).toBe(false);
    expect(document.activeElement).toBe(field);
    // The server confirms it later.
    show(ended("idle_timeout"));
    expect(dialog().open).toBe(false);
  });

  it("by a logout shows nothing", () => {
    const { show } = open();
    show(ended("logout"));
    expect(dialog().open).toBe(false);
  });
});

describe("the look", () => {
  it("takes every text and class from the app; a part with a class has no inline style", () => {
    const { show } = open({ labels: { stay: "Bleiben" }, classNames: { dialog: "card", primary: "button" } });
    show(IDLE_WARNING);
    const stay = button("Bleiben");
    expect([dialog().className, stay.className, stay.getAttribute("style")]).toEqual(["card", "button", null]);
    expect(button("Sign out").getAttribute("style")).toContain("min-height");
  });
});
