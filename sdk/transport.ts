import type { Facts, Inference, CompiledRules } from './core/index.js';
import { inTime, settings } from './settings.js';

/** What the collector says of the visitor; see the collector's VisitorAnswer. */
export interface VisitorAnswer extends Inference {
  rules: number;
  asOf: number;
  rev: number;
  have: Array<[number, number]>;
  facts: Facts;
}

export interface BatchAnswer {
  rejected: Array<{ id: string; reason: string; expected?: string }>;
  visitor: VisitorAnswer;
  ruleSet?: CompiledRules;
  /** What was expected, where the batch was refused. */
  error?: string;
}

export interface Reply {
  /** HTTP status; 0 where there was no answer at all. */
  status: number;
  answer?: BatchAnswer;
  /** Milliseconds to wait before the next try; nothing or 0 where the collector named none. */
  retryAfterMs?: number;
}

/** An answer that takes longer is given up; what was sent is sent again, and counted once. */
export const TIMEOUT_MS = 15_000;

/**
 * Posts a batch to the collector: a request that needs no preflight, without credentials or headers of our own.
 * `fetch` and not `sendBeacon`: under some referrer policies a beacon says `Origin: null`, and it gives no answer.
 */
export async function post(body: string): Promise<Reply> {
  try {
    const request = fetch(`${settings.endpoint}/v1/events`, {
      method: 'POST',
      body,
      credentials: 'omit',
      keepalive: true,
    });
    const response = await inTime(TIMEOUT_MS, request);
    const { status, headers } = response;
    const answer = (await response.json().catch(() => {})) as BatchAnswer | undefined;
    return { status, answer, retryAfterMs: +headers.get('Retry-After')! * 1000 };
  } catch {
    return { status: 0 };
  }
}
