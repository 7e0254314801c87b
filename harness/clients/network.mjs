// Browsers' way to the service: cookies, and a tally of what was sent.

/**
 * @param {string} baseUrl where the service is
 * @param {() => number} elapsedMs since the beginning
 * @param {number} binMs how much time is counted together
 * @param {string} origin of the page; default: the service's
 */
export function createNetwork(baseUrl, elapsedMs, binMs, origin = baseUrl) {
  /** Requests by the route and what became of them, one number for each bin. */
  const tally = {};
  const count = (route, outcome, sentAt) => {
    const bins = (tally[`${route} ${outcome}`] ??= []);
    const bin = Math.floor(sentAt / binMs);
    for (let empty = bins.length; empty <= bin; empty++) bins[empty] = 0;
    bins[bin]++;
  };

  /** In the form in which the client's fake browser asks its server. */
  async function send(jar, input, init) {
    const sentAt = elapsedMs();
    const request = new Request(input, init);
    const route = new URL(request.url).pathname.slice(1);
    request.headers.set("origin", origin);
    request.headers.set("user-agent", "Mozilla/5.0 (X11; Linux x86_64) Firefox/145.0");
    if (request.credentials === "include" && jar().size > 0) {
      request.headers.set("cookie", [...jar()].map((pair) => pair.join("=")).join("; "));
    }
    try {
      const response = await fetch(request);
      count(route, response.ok ? "answered" : String(response.status), sentAt);
      for (const cookie of response.headers.getSetCookie()) keep(jar(), cookie);
      return response;
    } catch (error) {
      count(route, "not reached", sentAt);
      throw error;
    }
  }
  return { baseUrl, fetch: send, tally };
}

function keep(jar, cookie) {
  const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie);
  if (/; *max-age=0/i.test(cookie)) jar.delete(name);
  else jar.set(name, value);
}
