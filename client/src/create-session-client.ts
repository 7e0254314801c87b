import { carry } from "./carry.js";
import { systemClock, workerSources } from "./clock.js";
import { DEFAULT_POLICY, type ListedSession } from "./contract.js";
import { browserEnvironment } from "./environment.js";
import { on } from "./events.js";
import { catchUp, check, leave, open, readPolicy, renew } from "./exchanges.js";
import { arm } from "./pace.js";
import { NEVER, report, touch } from "./presence.js";
import { explain } from "./recorder.js";
import { send } from "./requests.js";
import { hastenInWarning, stir, tick, wake } from "./rounds.js";
import { endsAt } from "./schedule.js";
import type { SessionClient, SessionClientOptions } from "./session-client.js";
import { lose, part, switchTo, takeUp, UNKNOWN } from "./session.js";
import { openStore } from "./store.js";
import type { Attempts, Episode, Tab } from "./tab.js";
import { release } from "./turn.js";

/**
 * Creates the client of one session, in a browser. It begins at once: it reads the policy, and takes up the session that
 * an earlier page or another tab has left.
 */
export function createSessionClient(options: SessionClientOptions): SessionClient {
  const { baseUrl, origins = [] } = options;
  const inBody = options.transport === "body";
  const browser = { ...browserEnvironment(), ...options.environment };
  const fetch = options.fetch ?? browser.fetch;
  const clock = options.clock ?? systemClock(workerSources(options.timerWorkerUrl));
  // In the body transport the storage would hold tokens, so it is used only if it is given on purpose.
  const storage = options.storage ?? (inBody ? null : browser.storage);
  const name = `session-keepalive:${baseUrl}:`;
  const channel = storage && browser.channel?.(name);
  const disposal = new AbortController();
  const { signal } = disposal;
  const beginning: Omit<Tab, keyof Episode | keyof Attempts> = {
    ...browser,
    ...options,
    fetch,
    now: () => clock.now(),
    wall: () => clock.wall(),
    after: (ms, done) => clock.after(ms, done),
    inBody,
    signal,
    ...openStore(storage, name),
    listeners: new EventTarget(),
    startedAt: clock.now(),
    ring: [],
    sure: {},
    seen: NEVER,
    counted: NEVER,
    toldAt: -Infinity,
    running: {},
    state: { status: "anonymous" },
    epoch: 0,
    ending: UNKNOWN,
    policy: DEFAULT_POLICY,
    wasAheadMs: clock.wall() - clock.now(),
    tell: () => channel?.postMessage("changed"),
    tick: () => tick(tab),
    carry: (input, init) => carry(tab, input, init),
  };
  // The rest begins with each session.
  const tab = beginning as Tab;
  switchTo(tab, null, null);
  if (options.onEvent) on(tab, "entry", options.onEvent);

  const listen = (types: string[], listener: (event: Partial<StorageEvent>) => void): void => {
    for (const type of types) tab.page?.addEventListener(type, listener, { capture: true, passive: true, signal });
  };
  // The page may have slept, and somebody may be there again.
  listen(["visibilitychange", "pageshow", "focus", "online", "resume"], () => {
    if (tab.visible()) wake(tab);
  });
  // Input of a person. Not `scroll`: a page that scrolls by itself fires it too, and the browser calls it trusted.
  listen(["pointerdown", "pointermove", "keydown", "wheel", "touchstart", "touchmove"], ({ isTrusted }) => {
    if (!isTrusted) return;
    touch(tab);
    hastenInWarning(tab, tab.policy.warningLeadMs / 20);
  });
  listen(["pagehide"], () => release(tab));
  // Browsers without channels hear of a change by the storage.
  listen(["storage"], ({ key }) => {
    if (key === `${name}session`) stir(tab);
  });
  channel?.addEventListener("message", () => stir(tab));

  const sessions = async (method: string, path: string): Promise<unknown> =>
    (await send(tab, "sessions", { method, path, by: tab.carry })).body;

  // What an earlier page or another tab has left. Where nothing is known, a cookie may tell more.
  const known = tab.get("session");
  if (known?.leaving) part(tab);
  else if (known ? known.id : !inBody || tab.get("refresh")?.token) takeUp(tab, known?.id ?? null);
  void readPolicy(tab);

  return {
    connect: (credential, given) => open(tab, "connect", { credential }, given),
    register: (username, password, given) => open(tab, "register", { username, password }, given),
    async reconnect() {
      if (!tab.phase) lose(tab, tab.ending);
      await catchUp(tab);
    },
    validate: () => check(tab),
    refresh: () => renew(tab),
    async extend() {
      touch(tab);
      await check(tab);
      // What was in flight already did not report it.
      if (report(tab) !== null) await check(tab);
    },
    async logout() {
      part(tab);
      await leave(tab).catch(() => undefined);
    },
    sessions: async () => ((await sessions("GET", "/sessions")) as { sessions: readonly ListedSession[] }).sessions,
    async endSessions(which) {
      await sessions("DELETE", typeof which === "string" ? `/sessions?scope=${which}` : `/sessions/${encodeURIComponent(which.id)}`);
      // The server says whether this one was among them.
      await check(tab).catch(() => undefined);
    },
    async fetch(input, init) {
      const location = (globalThis as Partial<typeof globalThis>).location;
      const originOf = (url: string | URL): string => new URL(url, location?.href).origin;
      const own = [originOf(baseUrl), location?.origin, ...origins];
      return own.includes(originOf(input instanceof Request ? input.url : input)) ? tab.carry(input, init) : fetch(input, init);
    },
    getSnapshot: () => tab.state,
    subscribe: (listener) => on(tab, "change", listener),
    on: (type, listener) => on(tab, type, listener),
    remainingMs: (limit) => (tab.info ? Math.max(0, (limit ? tab[`${limit}Until`] : endsAt(tab)) - clock.now()) : null),
    policy: () => tab.policy,
    explain: () => explain(tab),
    dispose() {
      tab.epoch++;
      disposal.abort();
      arm(tab);
      release(tab);
      channel?.close();
      clock.stop?.();
    },
  };
}
