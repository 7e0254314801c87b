// Somebody in front of a page: works, looks elsewhere, changes to another tab, closes the lid.

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

/** How long somebody does something on average, how often that follows on work, and how it begins and ends. */
const PAUSES = [
  { name: "away", share: 0.4, meanMs: 10 * MINUTE, begin() {}, end() {} },
  {
    name: "elsewhere",
    share: 0.45,
    meanMs: 10 * MINUTE,
    begin({ tab }) {
      tab.visible = false;
      tab.event("visibilitychange");
    },
    end({ tab }) {
      tab.visible = true;
      tab.event("visibilitychange");
    },
  },
  {
    name: "lid closed",
    share: 0.15,
    meanMs: 15 * MINUTE,
    begin: ({ machine }) => machine.sleep(),
    end({ machine, tab }) {
      machine.wake();
      tab.event("resume");
      tab.event("online");
    },
  },
];
const WORK_MS = 15 * MINUTE;
const INPUT_MS = 45 * SECOND;

/**
 * Sits down in front of a page, for good.
 *
 * @param {{ tab: object, machine: object }} seat what is in front of the person
 * @param {(ms: number, done: () => void) => void} after time that no lid stops
 * @param {() => number} random from 0 up to 1
 */
export function sitDown(seat, after, random) {
  const about = (meanMs) => -Math.log(1 - random()) * meanMs;
  const work = (leftMs) => {
    seat.tab.input();
    const nextMs = about(INPUT_MS);
    if (nextMs < leftMs) after(nextMs, () => work(leftMs - nextMs));
    else after(leftMs, pause);
  };
  const pause = () => {
    let left = random();
    const chosen = PAUSES.find(({ share }) => (left -= share) < 0) ?? PAUSES[0];
    chosen.begin(seat);
    after(about(chosen.meanMs), () => {
      chosen.end(seat);
      work(about(WORK_MS));
    });
  };
  work(about(WORK_MS));
}
