// Many real clients, each in a browser of its own, against one service, in time that runs faster than ours.
// Usage: node main.mjs '{"baseUrl", "clients", "speed", "arriveMs", "lastMs", "binMs"}', times in the clients' milliseconds.
// Says "begun" when the first arrives, and at the end one line of JSON.
import { createSessionClient } from "../../../client/dist/index.js";
import { createFakeBrowser, sequence } from "../../../client/dist/testing/index.js";
import { createMachine } from "../../../harness/clients/machine.mjs";
import { createNetwork } from "../../../harness/clients/network.mjs";
import { sitDown } from "./person.mjs";

const { baseUrl, clients, speed, arriveMs, lastMs, binMs } = JSON.parse(process.argv[2]);
const random = sequence(7);
const begunAt = performance.now();
const after = (ms, done) => setTimeout(done, ms / speed);
const network = createNetwork(baseUrl, () => (performance.now() - begunAt) * speed, binMs);
const states = {};
const endings = [];
const refused = [];
const all = [];

async function arrive() {
  const machine = createMachine(speed);
  const tab = createFakeBrowser(network, machine.clock, { random }).tab();
  // The page itself needs no names that only it knows.
  const environment = { ...tab.environment, randomKey: () => crypto.randomUUID() };
  const client = createSessionClient({ baseUrl, clock: machine.clock, environment });
  all.push(client);
  client.on("ended", (ending) => endings.push(ending));
  await client.connect({ kind: "guest" });
  sitDown({ tab, machine }, after, random);
}

console.log("begun");
for (let number = 0; number < clients; number++) {
  after((number / clients) * arriveMs, () => arrive().catch((error) => refused.push(String(error))));
}
after(lastMs, () => {
  for (const client of all) {
    const { status } = client.getSnapshot();
    states[status] = (states[status] ?? 0) + 1;
    client.dispose();
  }
  const said = JSON.stringify({ tally: network.tally, states, endings, refused });
  process.stdout.write(`${said}\n`, () => process.exit());
});
