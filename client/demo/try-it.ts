import type { SessionClient } from "../src/index.js";
import { element, onClick, say } from "./element.js";
import type { ShiftedClock } from "./shifted-clock.js";
import { failureWords } from "./words.js";

const SKEW_MS = 7_200_000;
const SILENCE_MS = 20_000;

/** Something to try: a button, what one should see, and what it does. */
interface Trial {
  readonly name: string;
  readonly effect: string;
  /** What happened, in words; nothing if that can be seen. */
  readonly run: () => Promise<string>;
  /** Whether it makes no sense without a session. */
  readonly needsSession: boolean;
}

/** The local stack's own switches do not exist where the service is deployed. */
class NoSwitch extends Error {}

async function flip(name: string, body: object): Promise<void> {
  const response = await fetch(`/demo/${name}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  }).catch(() => undefined);
  if (!response?.ok) throw new NoSwitch();
}

/** Buttons that break things, and buttons that an app would have. */
export function createTrials(container: HTMLElement, client: SessionClient, clock: ShiftedClock): void {
  const outcomes: HTMLElement[] = [];
  const done = (): string => "";

  function dropped(): object {
    const state = client.getSnapshot();
    const session = "session" in state ? state.session : null;
    return { subject: session?.subject ?? "", id: session?.id ?? "" };
  }

  /** The next request shows what the switch did; how it ends is to be seen in the plot. */
  const provoke = (request: () => Promise<void>): void => void request().catch(() => undefined);

  const broken: readonly Trial[] = [
    {
      name: "Cold start now",
      effect: "Every function starts from nothing. The poll that follows is answered as if nothing had happened.",
      needsSession: true,
      run: async () => {
        await flip("cold-start", {});
        return client.validate().then(done);
      },
    },
    {
      name: "Drop the session",
      effect: "Its row leaves the table. A remembered user is back at once in a new session; others are told why not.",
      needsSession: true,
      run: async () => {
        await flip("drop-session", dropped());
        provoke(() => client.validate());
        return "The row is gone.";
      },
    },
    {
      name: "Outage of 20 s",
      effect: "Offline, but not signed out: the session is there when the server is back.",
      needsSession: true,
      run: async () => {
        await flip("silence", { ms: SILENCE_MS });
        provoke(() => client.validate());
        return "For 20 seconds every request is answered with a 503.";
      },
    },
    {
      name: "Lose the next answer",
      effect: "A refresh is done by the server and its answer is lost. It is repeated with the same key, and gets the same token.",
      needsSession: true,
      run: async () => {
        await flip("lose-answer", {});
        provoke(() => client.refresh().catch(() => client.refresh()));
        return "The answer to a refresh is lost; the refresh is repeated.";
      },
    },
    {
      name: "Clock wrong by 2 h",
      effect: "This tab's wall clock jumps; a second click sets it right. Countdowns do not move.",
      needsSession: false,
      run: () => {
        clock.setAhead(clock.aheadMs() === 0 ? SKEW_MS : 0);
        return Promise.resolve(clock.aheadMs() === 0 ? "The clock is right again." : "The clock is two hours ahead.");
      },
    },
    {
      name: "Second tab",
      effect: "It takes up the same session. Input there counts here; a log-out there shows here at once.",
      needsSession: false,
      run: () => {
        window.open(location.href);
        return Promise.resolve("");
      },
    },
  ];

  const ordinary: readonly Trial[] = [
    { name: "Extend", effect: "Somebody asked to stay: the idle limit moves.", needsSession: true, run: () => client.extend().then(done) },
    {
      name: "Validate now",
      effect: "A poll. The limit moves only if there was input since the last one.",
      needsSession: true,
      run: () => client.validate().then(done),
    },
    {
      name: "Refresh now",
      effect: "A new access token, and a new refresh token in its cookie.",
      needsSession: true,
      run: () => client.refresh().then(done),
    },
    {
      name: "Log out",
      effect: "At once, in all tabs, even if the server cannot be reached.",
      needsSession: true,
      run: () => client.logout().then(done),
    },
  ];

  function row({ name, effect, run }: Trial, index: string): HTMLElement {
    const button = element("button", { type: "button", "aria-describedby": index }, name);
    // Beside the button: on a phone, the end of the list is out of sight.
    const outcome = element("p", { class: "outcome", role: "status" });
    outcomes.push(outcome);
    onClick(button, async () => {
      for (const one of outcomes) say(one, "");
      try {
        say(outcome, await run());
      } catch (error) {
        say(outcome, error instanceof NoSwitch ? "The stack that serves this page has no such switch." : failureWords(error));
      }
    });
    return element("li", {}, button, element("p", { id: index }, effect), outcome);
  }

  const rows: { trial: Trial; button: HTMLButtonElement | null }[] = [];
  function list(title: string, trials: readonly Trial[], prefix: string): void {
    const items = trials.map((trial, index) => {
      const item = row(trial, `${prefix}-${index}`);
      rows.push({ trial, button: item.querySelector("button") });
      return item;
    });
    container.append(element("h3", {}, title), element("ul", { class: "trials" }, ...items));
  }
  list("Break something", broken, "break");
  list("What an app has", ordinary, "app");

  function show(): void {
    const { status } = client.getSnapshot();
    const live = status === "active" || status === "warning" || status === "offline";
    for (const { trial, button } of rows) if (button) button.disabled = trial.needsSession && !live;
  }
  client.subscribe(show);
  show();
}
