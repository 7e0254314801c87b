import { expect, it } from "vitest";
import { createSessionClient } from "../src/index.js";
import { createFakeBrowser, createFakeClock, createFakeServer, sequence } from "../src/testing/index.js";
import { MINUTE, SECOND, within } from "./world.js";

const CLIENTS = 150;

it("clients that an outage met at the same time spread their requests over the whole pace of polls after it", async () => {
  const clock = createFakeClock();
  const server = createFakeServer(clock);
  for (let seed = 0; seed < CLIENTS; seed++) {
    const { environment } = createFakeBrowser(server, clock, { random: sequence(seed) }).tab();
    const client = createSessionClient({ baseUrl: server.baseUrl, clock, environment });
    await within(clock, client.connect({ kind: "guest" }), SECOND);
  }
  server.fault = () => ({ kind: "unreached" });
  await clock.advance(5 * MINUTE);
  server.fault = () => undefined;
  const endedAt = clock.now();
  await clock.advance(46 * MINUTE);

  const from = (minute: number) => server.requests.filter(({ at }) => at >= endedAt + minute * MINUTE).length;
  const rates = Array.from({ length: 40 }, (_, minute) => from(6 + minute) - from(7 + minute));
  const mean = (from(6) - from(46)) / 40;
  expect(Math.max(...rates) / mean).toBeLessThan(1.5);
  expect(Math.min(...rates) / mean).toBeGreaterThan(0.5);
});
