import { systemClock, workerSources } from "./clock.js";
import { DEFAULT_POLICY, type ListedSession } from "./contract.js";
import { browserEnvironment, type Environment } from "./environment.js";
import { createEvents } from "./events.js";
import { createExchanges } from "./exchanges.js";
import { createKeeper, type Tools } from "./keeper.js";
import { createPresence } from "./presence.js";
import { createRecorder } from "./recorder.js";
import { createSender } from "./requests.js";
import { createRotations } from "./rotation.js";
import type { SessionClient, SessionClientOptions } from "./session-client.js";
import { memoryStorage, openStore, type Known } from "./store.js";
import { createTurns } from "./turn.js";

/** Events after which the page may have slept, and somebody may be there again. */
const WAKES = ["visibilitychange", "pageshow", "focus", "online", "resume"];

/**
 * Creates the client of one session, in a browser. It begins at once: it reads the policy, and takes up the session that
 * an earlier page or another tab has left.
 */
export function createSessionClient(options: SessionClientOptions): SessionClient {
  const { baseUrl, transport = "cookie", raceWindowMs = 60_000, requestTimeoutMs = 10_000, origins = [] } = options;
  const inBody = transport === "body";
  const browser: Environment = { ...browserEnvironment(), ...options.environment };
  const { page, random, randomKey } = browser;
  const fetch = options.fetch ?? browser.fetch;
  const clock = options.clock ?? systemClock(workerSources(options.timerWorkerUrl));
  // In the body transport the storage would hold tokens, so it is used only if it is given on purpose.
  const storage = options.storage ?? (inBody ? null : browser.storage);
  const name = `session-keepalive:${baseUrl}:`;
  const store = openStore(storage ?? memoryStorage(), name);
  const channel = storage && browser.channel?.(name);
  const disposed = new AbortController();
  const { signal } = disposed;

  const tell = ({ id, n }: Known): void => channel?.postMessage({ id, n });
  const { record, explain } = createRecorder(clock, options.onEvent);
  const { on, emit } = createEvents();
  const { inTurn, release } = createTurns(clock, store, randomKey);
  const rotations = createRotations({ clock, store, inTurn, randomKey, inBody, raceWindowMs });
  const send = createSender({ baseUrl, fetch, clock, timeoutMs: requestTimeoutMs, record, disposed: signal });
  const tools: Tools = { clock, store, record, emit, rotations, random, tell, policy: DEFAULT_POLICY };
  const keeper = createKeeper(tools, () => catchUp());
  const inputEveryMs = (): number => Math.min(10_000, tools.policy.heartbeatIntervalMs / 10);
  const presence = createPresence(clock, store, page, inputEveryMs, keeper.hurry);
  const exchanges = createExchanges(tools, { transport, fetch, send, inTurn, presence, keeper });
  const { open, renew, check, logout, carry, carried, catchUp, readPolicy } = exchanges;

  const listen = (type: string, listener: (event: Event) => void): void =>
    page?.addEventListener(type, listener, { capture: true, signal });
  for (const type of WAKES) {
    listen(type, (event) => {
      if (browser.visible()) keeper.wake("persisted" in event && event.persisted === true);
    });
  }
  listen("pagehide", release);
  // Browsers without channels hear of a change by the storage.
  listen("storage", (event) => {
    if ("key" in event && event.key === `${name}session`) keeper.stir();
  });
  channel?.addEventListener("message", keeper.stir);

  const ask = async (method: "GET" | "DELETE", path: string): Promise<unknown> =>
    (await send({ route: "sessions", method, path, by: carried })).body;

  function fetchWithToken(input: string | URL | Request, init?: RequestInit): Promise<Response> {
    let first: Request | undefined = new Request(input, init);
    const location = (globalThis as Partial<typeof globalThis>).location;
    const own = [new URL(baseUrl, location?.href).origin, location?.origin, ...origins];
    if (!own.includes(new URL(first.url).origin)) return fetch(first);
    // Not every browser tells whether a Request has a body.
    const bodiless = !(input instanceof Request) || ["GET", "HEAD"].includes(input.method);
    const repeatable = bodiless && !(init?.body instanceof ReadableStream);
    return carry(() => {
      const request = first ?? new Request(input, init);
      first = undefined;
      return request;
    }, repeatable);
  }

  keeper.begin(!inBody || rotations.token("refresh") !== undefined);
  void readPolicy();

  return {
    connect: (credential, given) => open("connect", { credential }, given),
    register: (username, password, given) => open("register", { username, password }, given),
    async reconnect() {
      if (keeper.phase === "idle") keeper.lose(keeper.lost);
      await catchUp();
    },
    validate: check,
    refresh: renew,
    async extend() {
      presence.touch();
      await check();
      // What was in flight already did not report it.
      if (presence.report().msAgo !== null) await check();
    },
    logout,
    sessions: async () => ((await ask("GET", "/sessions")) as { sessions: readonly ListedSession[] }).sessions,
    async endSessions(which) {
      await ask("DELETE", typeof which === "string" ? `/sessions?scope=${which}` : `/sessions/${encodeURIComponent(which.id)}`);
      // The server says whether this one was among them.
      await check().catch(() => undefined);
    },
    fetch: fetchWithToken,
    getSnapshot: keeper.state,
    subscribe: (listener) => on("change", listener),
    on,
    remainingMs() {
      const ms = Math.min(keeper.due.idleUntil, keeper.due.absoluteUntil) - clock.now();
      return keeper.phase === "live" && keeper.heard ? Math.max(0, ms) : null;
    },
    policy: () => tools.policy,
    explain,
    dispose() {
      keeper.stop();
      release();
      presence.stop();
      disposed.abort();
      channel?.close();
      clock.stop?.();
    },
  };
}
