import type { BatchAnswer } from '../answer.js';
import { settings } from '../settings.js';

/** An answer that takes longer is given up; what was sent is sent again, and counted once. */
export const TIMEOUT_MS = 15_000;

/**
 * Keepalive requests of a page may carry 64 KiB together, the page's own too; one that may be larger goes without. A character takes
 * three bytes at most, and mostly one.
 */
export const KEEPALIVE_CHARS = 20_000;

/** The HTTP status, where one came; when to try again, as the header says it; and the answer, where it is JSON. */
type Reply = [status?: number, retryAfter?: string | null, answer?: BatchAnswer];

/**
 * Posts a batch to the collector: a request that needs no preflight, without credentials or headers of our own.
 * `fetch` and not `sendBeacon`: under some referrer policies a beacon says `Origin: null`, and it gives no answer.
 */
export async function post(body: string): Promise<Reply> {
  const reply: Reply = [];
  const abort = new AbortController();
  const ask = async () => {
    const response = await fetch(`${settings.endpoint}/v1/events`, {
      method: 'POST',
      // Nothing of the page waits for it, nor does the next one.
      priority: 'low',
      body,
      credentials: 'omit',
      keepalive: body.length < KEEPALIVE_CHARS,
      signal: abort.signal,
    });
    reply.push(response.status, response.headers.get('Retry-After'));
    reply.push(await response.json());
  };
  // Aborting alone is not enough: WebKit never settles what was under way when a click turned out to be a download.
  await new Promise((resolve) => {
    setTimeout(resolve, TIMEOUT_MS);
    ask().then(resolve, resolve);
  });
  abort.abort();
  return reply;
}
