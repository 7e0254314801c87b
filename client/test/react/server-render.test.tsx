import { renderToString } from "react-dom/server";
import { describe, expect, it, vi } from "vitest";
import { SessionKeepAlive, SessionProvider, SessionTimeoutDialog, useSession } from "../../src/react/index.js";
import { ended, fakeClient, IDLE_WARNING } from "./fake-client.js";

function Status() {
  const { state, client, isSignedIn, isPending, isEnded } = useSession();
  return <p>{[state.status, client ? "client" : "no client", isSignedIn, isPending, isEnded].join(", ")}</p>;
}

describe("on a server", () => {
  it("there is no window", () => {
    expect("window" in globalThis || "document" in globalThis).toBe(false);
  });

  it("options make no client, and everything renders as anonymous", () => {
    const fetch = vi.fn<typeof globalThis.fetch>();
    const error = vi.spyOn(console, "error");
    const html = renderToString(
      <SessionProvider options={{ baseUrl: "https://api.test", fetch }}>
        <SessionKeepAlive onEnded={() => undefined} />
        <Status />
        <SessionTimeoutDialog />
      </SessionProvider>,
    );
    expect(html).toContain("<p>anonymous, no client, false, false, false</p>");
    expect(html).toMatch(/<dialog role="alertdialog"[^>]*><\/dialog>/);
    // A strict style-src forbids style attributes in what a server sends.
    expect(html).not.toContain("style=");
    expect(fetch).not.toHaveBeenCalled();
    expect(error).not.toHaveBeenCalled();
  });

  it.each([IDLE_WARNING, ended("idle_timeout")])("a client in any state renders as anonymous: $status", (state) => {
    const { client } = fakeClient(state);
    const html = renderToString(
      <SessionProvider client={client}>
        <Status />
        <SessionTimeoutDialog />
      </SessionProvider>,
    );
    expect(html).toContain("<p>anonymous, client, false, false, false</p>");
    expect(html).toContain("></dialog>");
  });
});
