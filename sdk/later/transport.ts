import type { BatchAnswer } from '../answer.js';

export interface Reply {
  /** HTTP status; 0 where there was no answer at all. */
  status: number;
  answer?: BatchAnswer;
  /** Milliseconds to wait before the next try; nothing or 0 where the collector named none. */
  retryAfterMs?: number;
}

/** Waits for a promise no longer than this: rejects where it has no result by then. */
const inTime = <T>(ms: number, promise: Promise<T>): Promise<T> =>
  Promise.race([promise, new Promise<never>((_, reject) => setTimeout(reject, ms))]);

/** An answer that takes longer is given up; what was sent is sent again, and counted once. */
export const TIMEOUT_MS = 15_000;

/**
 * Keepalive requests of a page may carry 64 KiB together, the page's own too; one that may be larger goes without. A character takes
 * three bytes at most, and mostly one.
 */
export const KEEPALIVE_CHARS = 20_000;

/**
 * Posts a batch to the collector: a request that needs no preflight, without credentials or headers of our own.
 * `fetch` and not `sendBeacon`: under some referrer policies a beacon says `Origin: null`, and it gives no answer.
 */
export async function post(endpoint: string, body: string): Promise<Reply> {
  const abort = new AbortController();
  const ask = async (): Promise<Reply> => {
    const response = await fetch(`${endpoint}/v1/events`, {
      method: 'POST',
      body,
      credentials: 'omit',
      keepalive: body.length < KEEPALIVE_CHARS,
      signal: abort.signal,
    });
    const { status, headers } = response;
    const answer = (await response.json().catch(() => {})) as BatchAnswer | undefined;
    const after = headers.get('Retry-After')!; // Seconds, or a date.
    return { status, answer, retryAfterMs: +after * 1000 || Date.parse(after) - Date.now() };
  };
  try {
    return await inTime(TIMEOUT_MS, ask());
  } catch {
    abort.abort(); // What is given up must not take the place of what is tried next.
    return { status: 0 };
  }
}
