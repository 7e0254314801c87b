import { systemClock, workerSources } from "./clock.js";
import type { ListedSession } from "./contract.js";
import { browserEnvironment, type Environment } from "./environment.js";
import { createEvents } from "./events.js";
import { createExchanges } from "./exchanges.js";
import { createKeeper } from "./keeper.js";
import { createPresence } from "./presence.js";
import { createRecorder } from "./recorder.js";
import { createSender } from "./requests.js";
import { createRotation } from "./rotation.js";
import { endsAt } from "./schedule.js";
import type { SessionClient, SessionClientOptions } from "./session-client.js";
import { openStore } from "./store.js";
import { createTurns } from "./turn.js";

/** Events after which the page may have slept, and somebody may be there again. */
const WAKES = ["visibilitychange", "pageshow", "focus", "online", "resume"];

/**
 * Creates the client of one session, in a browser. It begins at once: it reads the policy, and takes up the session that
 * an earlier page or another tab has left.
 */
export function createSessionClient(options: SessionClientOptions): SessionClient {
  const { baseUrl, origins = [] } = options;
  const inBody = options.transport === "body";
  const browser: Environment = { ...browserEnvironment(), ...options.environment };
  const { page, visible } = browser;
  const fetch = options.fetch ?? browser.fetch;
  const clock = options.clock ?? systemClock(workerSources(options.timerWorkerUrl));
  // In the body transport the storage would hold tokens, so it is used only if it is given on purpose.
  const storage = options.storage ?? (inBody ? null : browser.storage);
  const name = `session-keepalive:${baseUrl}:`;
  const store = openStore(storage, name);
  const channel = storage && browser.channel?.(name);
  const disposal = new AbortController();
  const { signal } = disposal;
  const events = createEvents();
  const { on } = events;
  if (options.onEvent) on("entry", options.onEvent);

  // Each part takes what it needs from those before it.
  const ground = { ...browser, ...options, ...events, fetch, clock, store, inBody, signal };
  const recorder = createRecorder(ground);
  const turns = createTurns(ground);
  const told = { ...ground, ...recorder, ...turns, tell: () => channel?.postMessage("changed"), catchUp: () => catchUp() };
  const keeper = createKeeper(told);
  const { self, wake, stir } = keeper;
  const kept = { ...told, ...keeper };
  const presence = createPresence(kept);
  const send = createSender(told);
  const { open, renew, check, logout, carry, catchUp, readPolicy } = createExchanges({
    ...kept,
    ...presence,
    send,
    refreshes: createRotation("refresh", told),
    reconnects: createRotation("reconnect", told),
  });

  const listen = (type: string, listener: (event: Partial<StorageEvent>) => void): void =>
    page?.addEventListener(type, listener, { capture: true, signal });
  for (const type of WAKES) {
    listen(type, () => {
      if (visible()) wake();
    });
  }
  listen("pagehide", turns.release);
  // Browsers without channels hear of a change by the storage.
  listen("storage", ({ key }) => {
    if (key === `${name}session`) stir();
  });
  channel?.addEventListener("message", stir);

  const sessions = async (method: string, path: string): Promise<unknown> =>
    (await send("sessions", { method, path, by: carry })).body;

  keeper.begin(!inBody || Boolean(store.get("refresh")?.token));
  void readPolicy();

  return {
    connect: (credential, given) => open("connect", { credential }, given),
    register: (username, password, given) => open("register", { username, password }, given),
    async reconnect() {
      if (self.phase === "idle") keeper.lose(self.ending);
      await catchUp();
    },
    validate: check,
    refresh: renew,
    async extend() {
      presence.touch();
      await check();
      // What was in flight already did not report it.
      if (presence.report() !== null) await check();
    },
    logout,
    sessions: async () => ((await sessions("GET", "/sessions")) as { sessions: readonly ListedSession[] }).sessions,
    async endSessions(which) {
      await sessions("DELETE", typeof which === "string" ? `/sessions?scope=${which}` : `/sessions/${encodeURIComponent(which.id)}`);
      // The server says whether this one was among them.
      await check().catch(() => undefined);
    },
    async fetch(input, init) {
      const location = (globalThis as Partial<typeof globalThis>).location;
      const originOf = (url: string | URL): string => new URL(url, location?.href).origin;
      const own = [originOf(baseUrl), location?.origin, ...origins];
      return own.includes(originOf(input instanceof Request ? input.url : input)) ? carry(input, init) : fetch(input, init);
    },
    getSnapshot: () => self.state,
    subscribe: (listener) => on("change", listener),
    on,
    remainingMs: () => (self.heard ? Math.max(0, endsAt(self.due) - clock.now()) : null),
    policy: () => self.policy,
    explain: recorder.explain,
    dispose() {
      self.epoch++;
      disposal.abort();
      keeper.arm();
      turns.release();
      channel?.close();
      clock.stop?.();
    },
  };
}
