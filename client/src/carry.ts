import { catchUp, renew } from "./exchanges.js";
import type { Tab } from "./tab.js";

/**
 * `fetch` with the access token, made fresh before and once after a 401, if the body can be sent again and the session is
 * still the one that it was sent for.
 */
export async function carry(tab: Tab, input: string | URL | Request, init?: RequestInit): Promise<Response> {
  if (tab.phase && tab.now() >= tab.accessUntil) {
    if (tab.failure && tab.now() < tab.retryAt) throw tab.failure;
    await catchUp(tab);
  }
  const { access, epoch, fetch } = tab;
  const send = (): Promise<Response> => {
    const request = new Request(input, init);
    if (tab.access) request.headers.set("authorization", `Bearer ${tab.access}`);
    return fetch(request);
  };
  const response = await send();
  // Not every browser tells whether a Request has a body.
  const bodiless = !(input instanceof Request) || ["GET", "HEAD"].includes(input.method);
  const repeatable = bodiless && !(init?.body instanceof ReadableStream);
  if (response.status !== 401 || !repeatable || tab.phase !== "live") return response;
  // Another request may have brought a new token meanwhile.
  if (tab.access === access) await renew(tab).catch(() => undefined);
  // Nor is what one user asked for sent again for the next.
  return tab.access === access || tab.epoch !== epoch ? response : send();
}
