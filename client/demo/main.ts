import { createDrafts, createSessionClient, systemClock, workerSources, type FlightEntry } from "../src/index.js";
import { createChronicle } from "./chronicle.js";
import { createConnectForm } from "./connect-form.js";
import { createDraft } from "./draft.js";
import { part } from "./element.js";
import { createRecorderList } from "./recorder-list.js";
import { createSessionsTable } from "./sessions-table.js";
import { shiftedClock } from "./shifted-clock.js";
import { createStatus } from "./status.js";
import { createTimeline } from "./timeline.js";
import { createTrials } from "./try-it.js";

/** How often what moves is drawn anew, in milliseconds: often, or once a second for who wants less motion. */
const DRAW_EVERY_MS = 200;
const CALM_DRAW_EVERY_MS = 1_000;

/** Input that is drawn; the client watches by itself. */
const INPUT = ["pointerdown", "pointermove", "keydown", "wheel", "touchstart"];

const timerWorkerUrl = "/timer-worker.js";
const clock = shiftedClock(systemClock(workerSources(timerWorkerUrl)));
const chronicle = createChronicle(clock.now());
const listeners: ((entry: FlightEntry) => void)[] = [(entry) => chronicle.take(entry), learnLimits];

const client = createSessionClient({
  baseUrl: location.origin,
  clock,
  timerWorkerUrl,
  onEvent: (entry) => listeners.forEach((listener) => listener(entry)),
});

/** An answer may have moved the limits; the client has taken it when this turn is over. */
function learnLimits({ kind, code }: FlightEntry): void {
  if (kind !== "answer" || code) return;
  clock.after(0, () => {
    const now = clock.now();
    const [idleMs, absoluteMs] = [client.remainingMs("idle"), client.remainingMs("absolute")];
    if (idleMs !== null && absoluteMs !== null) chronicle.learn(now, { idleUntil: now + idleMs, absoluteUntil: now + absoluteMs });
  });
}

const drafts = createDrafts(client);
const status = createStatus(client, drafts, clock, chronicle);
const timeline = createTimeline(part("timeline-plot", HTMLDivElement), clock, chronicle, () => client.policy());
const recorder = createRecorderList(client);
listeners.push((entry) => recorder.add(entry));
createConnectForm(client);
createTrials(part("try-it", HTMLElement), client, clock);
createSessionsTable(client);
createDraft(client, drafts);

for (const type of INPUT) {
  addEventListener(
    type,
    ({ isTrusted }) => {
      const { status } = client.getSnapshot();
      const counts = status === "active" || status === "warning" || status === "offline";
      // One mark for every two hundredth of what is shown: more would run into each other.
      if (isTrusted && counts) chronicle.input(clock.now(), type.replace("pointer", "pointer "), timeline.pastMs() / 200);
    },
    { capture: true, passive: true },
  );
}

const calm = matchMedia("(prefers-reduced-motion: reduce)");
function draw(): void {
  if (document.visibilityState === "visible") {
    status.tick();
    timeline.draw();
  }
  clock.after(calm.matches ? CALM_DRAW_EVERY_MS : DRAW_EVERY_MS, draw);
}
draw();
