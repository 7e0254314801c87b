// @vitest-environment jsdom
import { act, cleanup, render, screen } from "@testing-library/react";
import { StrictMode, type ReactNode } from "react";
import { hydrateRoot } from "react-dom/client";
import { renderToString } from "react-dom/server";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { EndedSession, PageEvents, SessionClientOptions, SessionInfo } from "../../src/index.js";
import { SessionKeepAlive, SessionProvider, useSession } from "../../src/react/index.js";
import { ACTIVE, ended, fakeClient, IDLE_WARNING, OFFLINE, SESSION } from "./fake-client.js";

afterEach(cleanup);

function Status() {
  const { state, session, isSignedIn, isPending, isEnded } = useSession();
  const text = [state.status, session?.subject ?? "nobody", isSignedIn, isPending, isEnded].join(", ");
  return <p role="status">{text}</p>;
}
const status = (): string | null => screen.getByRole("status").textContent;
const strictly = (children: ReactNode): ReactNode => <StrictMode>{children}</StrictMode>;

/** Options of a real client that counts how often one was made (each reads the policy once) and stopped. */
function counting() {
  const page = { addEventListener: vi.fn<PageEvents["addEventListener"]>() };
  const fetch = vi.fn<typeof globalThis.fetch>(() => new Promise(() => undefined));
  const options: SessionClientOptions = {
    baseUrl: "https://api.test",
    fetch,
    clock: { now: () => 0, wall: () => 0, after: () => () => undefined },
    environment: { page, storage: null, channel: null },
  };
  const made = (): number => fetch.mock.calls.filter(([url]) => url === `${options.baseUrl}/session-policy`).length;
  const isOver = (given: Parameters<PageEvents["addEventListener"]>[2]): boolean => typeof given === "object" && given.signal?.aborted === true;
  const stopped = (): number => page.addEventListener.mock.calls.filter(([type, , given]) => type === "pointerdown" && isOver(given)).length;
  return { options, made, stopped };
}

describe("useSession", () => {
  it.each([
    [{ status: "anonymous" } as const, "anonymous, nobody, false, false, false"],
    [{ status: "connecting" } as const, "connecting, nobody, false, true, false"],
    [ACTIVE, "active, u1, true, false, false"],
    [IDLE_WARNING, "warning, u1, true, false, false"],
    [OFFLINE, "offline, u1, true, false, false"],
    [{ status: "offline", session: null, failure: "timeout" } as const, "offline, nobody, true, false, false"],
    [{ status: "reconnecting", reason: "idle_timeout" } as const, "reconnecting, nobody, false, true, false"],
    [ended("revoked"), "ended, nobody, false, false, true"],
  ])("shows %o", (state, text) => {
    const { client } = fakeClient(state);
    render(<SessionProvider client={client}><Status /></SessionProvider>);
    expect(status()).toBe(text);
  });

  it("renders again when the state changes, and not after it is gone", () => {
    const fake = fakeClient(ACTIVE);
    const { unmount } = render(strictly(<SessionProvider client={fake.client}><Status /></SessionProvider>));
    act(() => fake.show(OFFLINE));
    expect(status()).toMatch(/^offline/);
    unmount();
    expect(fake.listening()).toBe(0);
  });

  it("hydrates what a server rendered, then shows the client's state", async () => {
    const fake = fakeClient(ACTIVE);
    const app = <SessionProvider client={fake.client}><Status /></SessionProvider>;
    const root = document.body.appendChild(document.createElement("div"));
    root.innerHTML = renderToString(app);
    expect(root.textContent).toMatch(/^anonymous/);
    const onRecoverableError = vi.fn();
    const hydrated = await act(() => Promise.resolve(hydrateRoot(root, app, { onRecoverableError })));
    expect(root.textContent).toMatch(/^active/);
    expect(onRecoverableError).not.toHaveBeenCalled();
    act(() => hydrated.unmount());
    root.remove();
  });

  it("says what is missing without a provider", () => {
    const error = vi.spyOn(console, "error").mockImplementation(() => undefined);
    expect(() => render(<Status />)).toThrow("no <SessionProvider>");
    error.mockRestore();
  });
});

describe("a provider with options", () => {
  it.each([
    ["", (children: ReactNode) => children],
    [" in Strict Mode", strictly],
  ])("makes one client and disposes of it once%s", async (_mode, wrap) => {
    const { options, made, stopped } = counting();
    const { unmount, rerender } = render(wrap(<SessionProvider options={options}><Status /></SessionProvider>));
    await act(() => Promise.resolve());
    expect([made(), stopped()]).toEqual([1, 0]);
    expect(status()).toMatch(/^connecting/);
    rerender(wrap(<SessionProvider options={{ ...options }}><Status /></SessionProvider>));
    await act(() => Promise.resolve());
    expect([made(), stopped()]).toEqual([1, 0]);
    unmount();
    await Promise.resolve();
    expect([made(), stopped()]).toEqual([1, 1]);
  });

  it("makes another one when it is mounted anew", async () => {
    const { options, made, stopped } = counting();
    for (const round of [1, 2]) {
      const { unmount } = render(strictly(<SessionProvider options={options}><Status /></SessionProvider>));
      expect(status()).toMatch(/^connecting/);
      unmount();
      await Promise.resolve();
      expect([made(), stopped()]).toEqual([round, round]);
    }
  });

  it("leaves a client of the app alone", async () => {
    const { client } = fakeClient(ACTIVE);
    const dispose = vi.spyOn(client, "dispose");
    render(strictly(<SessionProvider client={client}><Status /></SessionProvider>)).unmount();
    await Promise.resolve();
    expect(dispose).not.toHaveBeenCalled();
  });
});

describe("SessionKeepAlive", () => {
  it("calls back once for each event, with the functions of the last render, and renders nothing", () => {
    const fake = fakeClient(ACTIVE);
    const [old, onEnded] = [vi.fn<(end: EndedSession) => void>(), vi.fn<(end: EndedSession) => void>()];
    const onReconnected = vi.fn<(session: SessionInfo) => void>();
    const app = (callback: (end: EndedSession) => void): ReactNode =>
      strictly(
        <SessionProvider client={fake.client}>
          <SessionKeepAlive onEnded={callback} onReconnected={onReconnected} />
        </SessionProvider>,
      );
    const { container, rerender, unmount } = render(app(old));
    rerender(app(onEnded));
    act(() => fake.emit("reconnected", SESSION));
    act(() => fake.emit("ended", ended("idle_timeout")));
    expect(container.innerHTML).toBe("");
    expect(old).not.toHaveBeenCalled();
    expect(onEnded.mock.calls).toEqual([[ended("idle_timeout")]]);
    expect(onReconnected.mock.calls).toEqual([[SESSION]]);
    unmount();
    expect(fake.listening()).toBe(0);
  });
});
