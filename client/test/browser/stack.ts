import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildPages, PACKAGE } from "./pages.js";

/** A policy of seconds: what takes days in production happens while a test waits. */
const POLICY = {
  SESSION_ACCESS_TTL: "6s",
  SESSION_REFRESH_THRESHOLD: "3s",
  SESSION_HEARTBEAT_INTERVAL: "1s",
  SESSION_IDLE_TIMEOUT: "8s",
  SESSION_WARNING_LEAD: "3s",
  SESSION_GUEST_TIMEOUT: "90s",
  SESSION_ABSOLUTE_TIMEOUT: "120s",
  SESSION_TIMEOUT_BUFFER: "30s",
};

/** For cases that are not about the idle limit: the slowest machine must not reach it. */
export const PATIENT = { SESSION_IDLE_TIMEOUT: "90s", SESSION_GUEST_TIMEOUT: "110s" };

/** The binary that `make run` starts. */
const BINARY = process.env["SESSION_STACK"] ?? join(PACKAGE, "../target/debug/local");

/** The local stack in a process of its own, with the demo page and the pages of the tests. */
export class Stack {
  readonly #folder = mkdtempSync(join(tmpdir(), "session-keepalive-"));
  readonly #settings: Record<string, string>;
  #process: ChildProcess | undefined;
  #port = 0;

  static async start(settings: Record<string, string> = {}): Promise<Stack> {
    const stack = new Stack(settings);
    await buildPages(join(stack.#folder, "page"));
    stack.#port = await freePort();
    await stack.run();
    return stack;
  }

  private constructor(settings: Record<string, string>) {
    this.#settings = settings;
  }

  get url(): string {
    return `http://127.0.0.1:${String(this.#port)}`;
  }

  /** Starts the process, on the table that an earlier one has left. */
  async run(): Promise<void> {
    const folder = this.#folder;
    const options = ["--port", String(this.#port), "--dynamodb-port", "0", "--data", join(folder, "data")];
    const running = spawn(BINARY, [...options, "--page", join(folder, "page")], {
      env: { ...POLICY, ...this.#settings },
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.#process = running;
    await new Promise<void>((resolve, reject) => {
      running.once("error", reject);
      running.once("exit", () => {
        reject(new Error("the stack did not start"));
      });
      running.stdout.on("data", (chunk: Buffer) => {
        if (chunk.includes("ready:")) resolve();
      });
    });
  }

  /** Ends the process without a word. */
  async kill(): Promise<void> {
    const running = this.#process;
    if (!running) return;
    const ended = new Promise((resolve) => running.once("exit", resolve));
    running.kill("SIGKILL");
    await ended;
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Has something go wrong, by the demo page's own routes. */
  async bringAbout(misfortune: string, body: object = {}): Promise<void> {
    const headers = { "content-type": "application/json" };
    const answer = await fetch(`${this.url}/demo/${misfortune}`, { method: "POST", headers, body: JSON.stringify(body) });
    if (answer.status !== 204) throw new Error(`${misfortune}: ${String(answer.status)}`);
  }
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
