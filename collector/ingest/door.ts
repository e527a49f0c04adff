/** The one way in for events, whichever server took the request: who may knock, how often, and with how much. */
import { RateLimiterMemory, type RateLimiterRes } from 'rate-limiter-flexible';
import type { Origins } from '../origins.js';
import { forwardedFor, limitedAs, type Services } from '../services.js';
import { MAX_BYTES } from './ingest.js';

/** A request at /v1/events, as a server shows it. */
export interface Knock {
  method: 'POST' | 'OPTIONS';
  /** Of a header, by its name in lower case. */
  header(name: string): string | undefined;
  /** The address it came from. */
  remote: string | undefined;
  /**
   * Reads the body, or says why not.
   * @param take told how many bytes came, each time some do: where it says no there is no room for them, and no more is read
   */
  text(maxBytes: number, take: (bytes: number) => boolean): Promise<{ text: string } | { refused: Unread }>;
}

export type Unread = 'too_large' | 'busy';

export interface Answer {
  status: 200 | 204 | 400 | 403 | 413 | 429 | 503;
  headers: Record<string, string>;
  body: string;
}

export type Door = (knock: Knock) => Promise<Answer>;

/** Why a batch is refused before anything of it is looked at. */
export const EARLY_REFUSALS = {
  too_large: 413,
  rate_limited: 429,
  busy: 503,
  unavailable: 503,
} as const;

/** Batches that wait for the disk at a time, and what they weigh together: a slow disk must not fill the memory. */
const MAX_WAITING = 1000;
const MAX_WAITING_BYTES = 64 * 1024 * 1024;
/** What of it bodies from one address may take that are still on their way: who sends half of each keeps nobody out. */
const MAX_ARRIVING_BYTES = MAX_WAITING_BYTES / 4;

const RETRY_SECONDS = 5;

export function eventDoor(services: Services): Door {
  const { work, now, metrics, rateLimit, siteRateLimit, trustProxy, origins, log, changes } = services;
  const ofAddress = limiterOf(rateLimit, 'this address');
  const ofSite = limiterOf(siteRateLimit, 'the pages or servers of this site together');
  let waiting = 0;
  let waitingBytes = 0;
  /** By address, the bytes of pages' bodies that have not come whole. */
  const arriving = new Map<string, number>();

  const refuse = (reason: keyof typeof EARLY_REFUSALS, error: string, retrySeconds?: number): Answer => {
    metrics.batches.inc({ reason });
    const headers = { ...JSON_TYPE, ...(retrySeconds && { 'Retry-After': String(retrySeconds) }) };
    return { status: EARLY_REFUSALS[reason], headers, body: JSON.stringify({ error, reason }) };
  };

  const store = async (knock: Knock, text: string, bearer: string | undefined): Promise<Answer> => {
    const origin = knock.header('origin');
    const forwarded = knock.header('x-forwarded-for');
    const client = {
      userAgent: knock.header('user-agent'),
      brands: knock.header('sec-ch-ua'),
      address: forwardedFor(forwarded, trustProxy) ?? knock.remote,
      isLocal: !trustProxy && !forwarded && isLoopback(knock.remote),
    };
    try {
      const reply = await work.ingest({ text, origin, bearer, receivedAt: now(), client });
      if (reply.refusal) metrics.batches.inc({ reason: reply.refusal });
      metrics.events.inc(STORED, reply.accepted);
      if (reply.accepted) changes.note(reply.siteKey!);
      if (reply.duplicates) metrics.events.inc(DUPLICATE, reply.duplicates);
      for (const reason of reply.rejected) metrics.events.inc({ outcome: 'rejected', reason });
      return { status: reply.status, headers: JSON_TYPE, body: reply.body };
    } catch (error) {
      log.error({ err: error }, 'a batch could not be stored');
      const words = 'the batch could not be stored; nothing was acknowledged, send it again';
      return refuse('unavailable', words, RETRY_SECONDS);
    }
  };

  const isFull = () => waiting >= MAX_WAITING || waitingBytes >= MAX_WAITING_BYTES;
  const busy = () =>
    refuse('busy', 'more came than can be stored just now; send again after Retry-After seconds', RETRY_SECONDS);

  const take = async (knock: Knock): Promise<Answer> => {
    const bearer = /^Bearer +(.+)$/i.exec(knock.header('authorization') ?? '')?.[1];
    const address = forwardedFor(knock.header('x-forwarded-for'), trustProxy) ?? knock.remote ?? 'unknown';
    // A site is known by what its pages and servers send: its key is in the body, which is not read for those who are too many.
    const sender = limitedAs(address);
    const refused = (await ofAddress?.(sender)) ?? (await ofSite?.(bearer ?? knock.header('origin') ?? ''));
    if (refused) return refuse('rate_limited', refused.words, refused.seconds);
    if (isFull()) return busy();
    const from = bearer !== undefined && (await origins.hasSecret(bearer)) ? 'fromServer' : 'fromPage';
    const maxBytes = MAX_BYTES[from];
    // What is announced and does not come takes nobody's room.
    let own = 0;
    const arrive = (bytes: number): number => {
      const theirs = (arriving.get(sender) ?? 0) + bytes;
      if (theirs) arriving.set(sender, theirs);
      else arriving.delete(sender);
      return theirs;
    };
    try {
      const read = await knock
        .text(maxBytes, (bytes) => {
          own += bytes;
          waitingBytes += bytes;
          const isTooMuch = arrive(bytes) > MAX_ARRIVING_BYTES && from === 'fromPage';
          return waitingBytes <= MAX_WAITING_BYTES && !isTooMuch;
        })
        .finally(() => arrive(-own));
      if ('refused' in read)
        return read.refused === 'busy'
          ? busy()
          : refuse('too_large', `the body is larger than ${maxBytes} bytes; send it in several batches`);
      if (waiting >= MAX_WAITING) return busy();
      waiting++;
      try {
        return await store(knock, read.text, bearer);
      } finally {
        waiting--;
      }
    } finally {
      waitingBytes -= own;
    }
  };

  return async (knock) => {
    // Pages of every site's origins may read answers, refusals too; which site's page may do what is decided later.
    const allowed = await allow(origins, knock.header('origin'));
    const answer: Answer = knock.method === 'POST' ? await take(knock) : { status: 204, headers: PREFLIGHT, body: '' };
    return { ...answer, headers: { ...answer.headers, ...allowed } };
  };
}

/** Counts what comes from somebody within a second. @returns undefined without a limit, or a function that says what to answer to too much */
function limiterOf(points: number, whom: string) {
  if (!points) return undefined;
  const limiter = new RateLimiterMemory({ points, duration: 1 });
  const words = `more than ${points} batches a second came from ${whom}; send again after Retry-After seconds`;
  return (key: string) =>
    limiter.consume(key).then(
      () => undefined,
      ({ msBeforeNext }: RateLimiterRes) => ({ words, seconds: Math.ceil(msBeforeNext / 1000) || 1 }),
    );
}

/** The headers that let a page of any site's origins read an answer. */
export async function allow(origins: Origins, origin: string | undefined): Promise<Record<string, string>> {
  if (!origin || !(await origins.has(origin))) return { Vary: 'Origin' };
  return { Vary: 'Origin', 'Access-Control-Allow-Origin': origin, 'Access-Control-Expose-Headers': 'Retry-After' };
}

/** A request made within a test has no address at all. */
const isLoopback = (address = '127.0.0.1') => /^(::1|(::ffff:)?127\.)/.test(address);

const STORED = { outcome: 'stored', reason: '' };
const DUPLICATE = { outcome: 'duplicate', reason: '' };
const JSON_TYPE = { 'Content-Type': 'application/json', 'X-Content-Type-Options': 'nosniff' };
export const PREFLIGHT = {
  'Access-Control-Allow-Methods': 'POST',
  'Access-Control-Allow-Headers': 'Content-Type, Authorization',
  'Access-Control-Max-Age': '86400',
};
