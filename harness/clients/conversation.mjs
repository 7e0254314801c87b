// One browser with a client and a service: connects, works, is reloaded, loses an answer, and logs out. Says what it saw
// in a line of JSON. Usage: node conversation.mjs FOLDER-OF-THE-CLIENT URL-OF-THE-SERVICE
import { pathToFileURL } from "node:url";
import { createMachine } from "./machine.mjs";
import { createNetwork } from "./network.mjs";

const [folder, baseUrl] = process.argv.slice(2);
const load = (path) => import(pathToFileURL(`${folder}/dist/${path}`));
const [{ createSessionClient }, { createFakeBrowser }] = await Promise.all([load("index.js"), load("testing/index.js")]);

const { clock } = createMachine(1);
// The functions take their list of origins from a deployment's settings.
const network = createNetwork(baseUrl, () => 0, 1, "https://app.example.com");
let loseNext = false;
const lossy = {
  ...network,
  async fetch(...request) {
    const response = await network.fetch(...request);
    if (!loseNext || !response.url.endsWith("/refresh")) return response;
    loseNext = false;
    throw new TypeError("the answer is lost");
  },
};
const browser = createFakeBrowser(lossy, clock);

/** A page of the app, as it is once it knows whether there is a session. */
async function page() {
  const tab = browser.tab();
  const environment = { ...tab.environment, randomKey: () => crypto.randomUUID() };
  const client = createSessionClient({ baseUrl, clock, environment });
  await until(client, (status) => status !== "connecting");
  return { client, tab };
}

/** Waits until a client's state is as wanted; returns it. */
function until(client, wanted) {
  return new Promise((resolve) => {
    const look = () => wanted(client.getSnapshot().status) && resolve(client.getSnapshot());
    client.subscribe(look);
    look();
  });
}

const saw = {};
const first = await page();
const { id } = await first.client.connect({ kind: "guest" });
saw.connected = first.client.getSnapshot().status;
await first.client.validate();
saw.polled = first.client.getSnapshot().status;
await first.client.refresh();
saw.refreshed = first.client.getSnapshot().status;
saw.sessions = (await first.client.sessions()).length;

first.client.dispose();
first.tab.crash();
const second = await page();
const reloaded = await until(second.client, (status) => status === "active");
saw.reloaded = reloaded.status;
saw.sameSession = reloaded.session.id === id;

loseNext = true;
await second.client.refresh().catch(() => {});
await second.client.refresh();
saw.lost = !loseNext;
saw.afterLostAnswer = (await until(second.client, (status) => status === "active")).session.id === id;

await second.client.logout();
const { status, reason } = second.client.getSnapshot();
saw.loggedOut = `${status} ${reason}`;
saw.requests = Object.keys(network.tally).length > 3;
process.stdout.write(`${JSON.stringify(saw)}\n`, () => process.exit());
