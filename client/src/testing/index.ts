export { createFakeBrowser, sequence, type FakeBrowser, type FakeBrowserOptions, type FakeTab } from "./fake-browser.js";
export { createFakeClock, type FakeClock } from "./fake-clock.js";
export { createFakeServer, type FakeRequest, type FakeServer, type Fault } from "./fake-server.js";
export type { FakeSession } from "./fake-sessions.js";
