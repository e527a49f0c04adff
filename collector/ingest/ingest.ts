/** Accepting a batch: one ordered list of named steps, each of which may refuse it. Nothing else decides whether a batch is accepted. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import {
  dayOf,
  EVENT_REASONS,
  isBefore,
  isDeep,
  isRecord,
  isUuidV7,
  parseEvent,
  type CompiledRules,
  type EventReason,
  type Json,
  type StagetagEvent,
} from '../../sdk/core/index.js';
import { namesForgotten } from '../jobs/erase.js';
import { MIN_RETENTION } from '../site.js';
import { isBot, type DeadLetter, type Site, type Store, type StoredEvent } from '../store/store.js';
import { botReason, isImpossible, INTERNAL_SDK, isInternal, isSpam, type Client } from './bot.js';
import { answerFor, type BatchAnswer } from './answer.js';
import { appOf, describeClient } from './client.js';
import { foldInto, hostsOf } from './fold.js';
import type { Lookups } from './lookups.js';
import { inForce, timelineOf } from './timeline.js';

/** What a batch may weigh and hold when it comes from a page. With the secret key only `fromServer` bounds it. */
export const MAX_BYTES = { fromPage: 64 * 1024, fromServer: 5 * 1024 * 1024 };
export const MAX_EVENTS = 500;

/** How much of a refused text is looked through for visitors who were erased; less of it is kept. */
const NAMED_IN = 8192;

/** Levels of objects and lists in a batch's traits. */
export const MAX_TRAIT_DEPTH = 4;

/** Of a text that is no JSON. */
const NAMES_VISITOR = /"visitorId"\s*:\s*"([^"]{36})"/;

/** Levels of a refused body that are written anew. */
const MAX_WRITTEN = 64;

/** How much of an id that is none is said back. */
const MAX_ECHO = 64;

/** Why a whole batch is refused. `isKept`: its body goes to the dead letters. */
export const REFUSALS = {
  not_json: { status: 400, isKept: true, expected: 'the body must be JSON' },
  not_an_object: {
    status: 400,
    isKept: true,
    expected: 'the body must be a JSON object {siteKey, visitorId, sentAt, events}',
  },
  invalid_site_key: { status: 400, isKept: true, expected: 'siteKey: expected a string' },
  unknown_site: { status: 403, isKept: false, expected: 'siteKey: no site has this key; take it from the snippet' },
  wrong_secret: { status: 403, isKept: false, expected: "Authorization: expected this site's secret key" },
  wrong_origin: {
    status: 403,
    isKept: false,
    expected: "Origin: expected one of the site's origins; add it in the site's settings, or send with the secret key",
  },
  invalid_visitor_id: { status: 400, isKept: true, expected: 'visitorId: expected a UUID of version 7' },
  invalid_user_id: { status: 400, isKept: true, expected: 'userId: expected a string of 1 to 256 characters' },
  invalid_traits: { status: 400, isKept: true, expected: 'traits: expected an object of plain values' },
  invalid_sent_at: { status: 400, isKept: true, expected: 'sentAt: expected epoch milliseconds' },
  invalid_rules: { status: 400, isKept: true, expected: 'rules: expected the version of the rules, a whole number' },
  invalid_events: { status: 400, isKept: true, expected: 'events: expected a list' },
  too_many_events: {
    status: 413,
    isKept: false,
    expected: `events: expected at most ${MAX_EVENTS}; send them in several batches`,
  },
} as const;

export type RefusalReason = keyof typeof REFUSALS;

/** One POST of events on its way through the steps. */
interface Attempt {
  store: Store;
  lookups: Lookups;
  request: BatchRequest;
  body: Record<string, unknown>;
  site: Site;
  fromServer: boolean;
  /** By the original event: valid ones are stored, others are answered with their reason. */
  events: StoredEvent[];
  rejected: Array<{ id: string | null; reason: EventReason; expected: string }>;
  letters: DeadLetter[];
  /** Whose visitor this is proven to be. */
  link?: { personId: string; userId: string };
}

export interface BatchRequest {
  text: string;
  origin: string | undefined;
  /** What came after `Authorization: Bearer`. */
  bearer: string | undefined;
  receivedAt: number;
  client?: Client;
}

export type BatchOutcome = { siteKey: string; answer: BatchAnswer } | { refusal: RefusalReason };

type Step = (attempt: Attempt) => RefusalReason | undefined | Promise<RefusalReason | undefined>;

const STEPS: Step[] = [
  readJson,
  findSite,
  checkSecret,
  checkOrigin,
  readEnvelope,
  countEvents,
  readEvents,
  placeTraits,
  linkUser,
];

/**
 * Takes one batch: refuses it, or stores it and answers when it is on disk.
 * @throws where the store cannot keep it: then nothing of it is acknowledged
 */
export async function ingest(store: Store, request: BatchRequest, lookups: Lookups = {}): Promise<BatchOutcome> {
  const attempt = {
    store,
    lookups,
    request,
    body: undefined,
    site: undefined,
    fromServer: false,
    events: [],
    rejected: [],
    letters: [],
    link: undefined,
  } as unknown as Attempt;
  for (const step of STEPS) {
    const outcome = step(attempt);
    const refusal = outcome instanceof Promise ? await outcome : outcome;
    if (!refusal) continue;
    await keepRefused(attempt, refusal);
    return { refusal };
  }
  const { body, site, events, rejected, letters } = attempt;
  const visitorId = (body.visitorId as string).toLowerCase();
  const timeline = timelineOf(await store.rules(site.siteKey));
  const told = {
    userId: (body.userId as string | undefined) ?? null,
    lost: lostOf(body),
    client: request.client && !attempt.fromServer ? describeClient(request.client, lookups.geo) : undefined,
    skew: skewOf(body, request),
    hosts: hostsOf(site),
  };
  const { siteKey } = site;
  const { link } = attempt;
  // Written out, here and on: for every batch an object that others are spread into costs more than what is in it.
  const appended = await store.append({
    siteKey,
    visitorId,
    rulesVersion: timeline.current.version,
    keepsFacts: timeline.keepsFacts,
    events,
    deadLetters: letters,
    link,
    linkedAt: link && linkTimeOf(attempt),
    linkedFrom: link && linkedFromOf(attempt),
    foldOf: (id) => foldInto(id, timeline, request.receivedAt, id === visitorId ? told : { hosts: told.hosts }),
  });
  const { accepted, record } = appended;
  const latest = () => Math.max(...events.map(({ event }) => event.time));
  if (accepted && !attempt.fromServer && isImpossible(`${siteKey} ${visitorId}`, latest(), accepted)) {
    const foldOf = (id: string) => foldInto(id, timeline, request.receivedAt);
    const verdict = { bot: 'impossible_rate', isJudged: false };
    // Its facts stay what they are, and so does the answer.
    if (!isBot(record!.bot) && !record!.isJudged)
      await store.append({ siteKey, visitorId, ...inForce(timeline), events: [], deadLetters: [], verdict, foldOf });
  }
  const answer = appended.isForgotten
    ? forgottenAnswer(body.events as unknown[], timeline.current, request)
    : answerFor(appended, rejected, timeline.current, body.rules, request.receivedAt);
  return { siteKey, answer };
}

/** An erased visitor is answered as one who never was, and nothing of the batch is kept. */
function forgottenAnswer(events: unknown[], rules: CompiledRules, { receivedAt }: BatchRequest): BatchAnswer {
  const rejected = events.map((event) => ({
    id: echoedId(event),
    reason: 'forgotten',
    expected: EVENT_REASONS.forgotten,
  }));
  return answerFor({ accepted: 0, duplicates: 0, record: undefined }, rejected, rules, rules.version, receivedAt);
}

/** How far the sender's clock is behind ours; null where it does not say, or says what no clock does. */
function skewOf({ sentAt }: Record<string, unknown>, { receivedAt }: BatchRequest): number | null {
  const skew = Math.round(receivedAt - (sentAt as number));
  return Number.isSafeInteger(skew) ? skew : null;
}

const MAX_LOST = 1_000_000;

/** A number that is none says nothing; the events beside it are good. */
function lostOf({ lost }: Record<string, unknown>): number {
  return Number.isSafeInteger(lost) && (lost as number) > 0 ? Math.min(lost as number, MAX_LOST) : 0;
}

async function keepRefused({ store, request, site, body }: Attempt, reason: RefusalReason): Promise<void> {
  const { isKept, expected } = REFUSALS[reason];
  if (!isKept) return;
  const named = body ? body.visitorId : NAMES_VISITOR.exec(request.text)?.[1];
  const visitorId = isUuidV7(named) ? named.toLowerCase() : undefined;
  // Written anew, so that what somebody is called is found when they are erased, however it came: with escapes, or more space.
  const whole = body && !isDeep(body, MAX_WRITTEN) ? JSON.stringify(body) : request.text;
  if (await namesForgotten(store, site ? [site] : await store.sites(), `${visitorId} ${whole.slice(0, NAMED_IN)}`))
    return;
  const { receivedAt } = request;
  // A proof is good for ever: it is not left lying about.
  const text = whole.replace(/("proof"\s*:\s*")[^"]*/g, '$1***');
  await store.addDeadLetter({
    siteKey: site?.siteKey ?? null,
    ...(visitorId && { visitorId }),
    receivedAt,
    reason,
    detail: expected,
    body: text,
  });
}

function readJson(attempt: Attempt): RefusalReason | undefined {
  let body: unknown;
  try {
    body = JSON.parse(attempt.request.text);
  } catch {
    return 'not_json';
  }
  if (!isRecord(body)) return 'not_an_object';
  attempt.body = body;
  return undefined;
}

async function findSite(attempt: Attempt): Promise<RefusalReason | undefined> {
  const { siteKey } = attempt.body;
  if (typeof siteKey !== 'string' || !siteKey) return 'invalid_site_key';
  const site = await attempt.store.site(siteKey);
  if (!site) return 'unknown_site';
  attempt.site = site;
  return undefined;
}

function checkSecret(attempt: Attempt): RefusalReason | undefined {
  const { bearer } = attempt.request;
  if (bearer === undefined) return undefined;
  if (!isSame(bearer, attempt.site.secretKey)) return 'wrong_secret';
  attempt.fromServer = true;
  return undefined;
}

/** Compares secrets in a time that tells nothing of them. */
export function isSame(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function checkOrigin({ fromServer, request, site }: Attempt): RefusalReason | undefined {
  if (fromServer || (request.origin && site.origins.includes(request.origin))) return undefined;
  return 'wrong_origin';
}

function readEnvelope({ body }: Attempt): RefusalReason | undefined {
  const { visitorId, userId, traits, sentAt, rules, events } = body;
  if (!isUuidV7(visitorId)) return 'invalid_visitor_id';
  if (userId !== undefined && !(typeof userId === 'string' && userId && userId.length <= 256)) return 'invalid_user_id';
  if (traits !== undefined && (!isRecord(traits) || isDeep(traits, MAX_TRAIT_DEPTH))) return 'invalid_traits';
  if (sentAt !== undefined && !Number.isFinite(sentAt)) return 'invalid_sent_at';
  if (rules !== undefined && !Number.isSafeInteger(rules)) return 'invalid_rules';
  return Array.isArray(events) ? undefined : 'invalid_events';
}

function countEvents({ body, fromServer }: Attempt): RefusalReason | undefined {
  return !fromServer && (body.events as unknown[]).length > MAX_EVENTS ? 'too_many_events' : undefined;
}

function readEvents(attempt: Attempt): undefined {
  const { body, fromServer, request, site, events, rejected, letters } = attempt;
  const { spam } = attempt.lookups;
  const { receivedAt, client } = request;
  // With the secret key the site's own server speaks for its visitors.
  const isFlagged = typeof body.sdk === 'string' && body.sdk.endsWith(INTERNAL_SDK);
  const isOwn = !fromServer && (isFlagged || isInternal(site.internal, client?.address));
  const sender = isOwn ? 'internal' : client && !fromServer ? botReason(client) : null;
  const inApp = client && !fromServer ? appOf(client) : undefined;
  for (const input of body.events as unknown[]) {
    const parsed = expireOld(parseEvent(input, { fromServer }), site, receivedAt);
    if ('event' in parsed) {
      const bot = sender ?? (spam && !fromServer && isSpam(parsed.event, spam) ? 'referrer_spam' : null);
      const stored: StoredEvent = { event: parsed.event, receivedAt, bot, isProven: fromServer };
      if (inApp) stored.inApp = inApp;
      events.push(stored);
      continue;
    }
    const { reason } = parsed;
    const expected = EVENT_REASONS[reason];
    rejected.push({ id: echoedId(input), reason, expected });
    // What may not be kept is not kept as a letter either.
    if (reason === 'expired') continue;
    letters.push({
      siteKey: site.siteKey,
      visitorId: (body.visitorId as string).toLowerCase(),
      receivedAt,
      reason,
      detail: expected,
      body: reason === 'too_deep' ? '' : JSON.stringify(input),
    });
  }
}

type Parsed = ReturnType<typeof parseEvent>;

/** What is older than the site keeps is not counted any more: the facts of its day are as they are. */
export function expireOld(parsed: Parsed, { retentionDays, keptFrom }: Site, receivedAt: number): Parsed {
  if (!('event' in parsed)) return parsed;
  // No site keeps less than that: a day that lies later was set by a clock that was wrong.
  const known = Math.min(keptFrom, firstKeptDay(MIN_RETENTION, receivedAt));
  const first = Math.max(known, retentionDays === null ? 0 : firstKeptDay(retentionDays, receivedAt));
  return dayOf(parsed.event.time) < first ? { reason: 'expired' } : parsed;
}

/** The first UTC day whose events are kept. */
export const firstKeptDay = (retentionDays: number, now: number): number => dayOf(now) - retentionDays + 1;

const echoedId = (input: unknown): string | null =>
  isRecord(input) && typeof input.id === 'string' ? input.id.slice(0, MAX_ECHO) : null;

/** The envelope's traits count as set by the batch's greatest (time, id), and are kept with that event for replays. */
function placeTraits({ body, events }: Attempt): undefined {
  if (!body.traits || !events.length) return;
  const isLater = (a: StagetagEvent, b: StagetagEvent) =>
    isBefore([b.time, b.id.toLowerCase(), 0], [a.time, a.id.toLowerCase(), 0]);
  // Of an id that comes twice the first is stored.
  const firsts = new Map([...events].reverse().map((stored) => [stored.event.id.toLowerCase(), stored]));
  const greatest = [...firsts.values()].reduce((last, each) => (isLater(each.event, last.event) ? each : last));
  greatest.traits = body.traits as Record<string, Json>;
}

/** A proof holds from the latest event that it came with. */
const linkTimeOf = ({ events, request }: Attempt): number =>
  events.length ? Math.min(request.receivedAt, Math.max(...events.map(({ event }) => event.time))) : 0;

/** It is known from the event on that says so, or that was sent with it. */
function linkedFromOf({ events, request }: Attempt): number {
  const saying = events.filter(({ event }) => event.name === 'identify');
  const times = (saying.length ? saying : events).map(({ event }) => event.time);
  return times.length ? Math.min(...times) : request.receivedAt;
}

/** A user id is a label that merges nothing, unless the secret key stands behind it: by a proof, or by who sends. */
function linkUser(attempt: Attempt): undefined {
  const { body, site, fromServer } = attempt;
  const { userId, proof } = body as { userId?: string; proof?: unknown };
  if (userId === undefined) return;
  const sign = (text: string) => createHmac('sha256', site.secretKey).update(text);
  const isProven = typeof proof === 'string' && isSame(proof.toLowerCase(), sign(userId).digest('hex'));
  if (fromServer || isProven) attempt.link = { userId, personId: personIdOf(site, userId) };
}

/** The id of a user's record: a UUID of version 8, which no visitor has, and which nobody can find out without the site's keys. */
export function personIdOf({ identityKey }: Site, userId: string): string {
  const hex = createHmac('sha256', identityKey).update(`person\n${userId}`).digest('hex');
  return hex.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*/, '$1-$2-8$3-8$4-$5');
}
