/** Events from elsewhere, in the form in which `events.ndjson` gives them out. */
import {
  attempt,
  EVENT_REASONS,
  isDeep,
  isRecord,
  isUuidV7,
  parseEvent,
  type EventReason,
  type Json,
} from '../../sdk/core/index.js';
import Database from 'better-sqlite3';
import { APP_NAMES } from '../ingest/client.js';
import { foldInto, hostsOf } from '../ingest/fold.js';
import { expireOld, MAX_TRAIT_DEPTH } from '../ingest/ingest.js';
import { inForce, timelineOf } from '../ingest/timeline.js';
import type { Site, Store, StoredEvent } from '../store/store.js';

/** Events stored in one go. */
const CHUNK = 5000;

/** Why a line is not stored. */
const LINE_REASONS = {
  not_json: 'expected a JSON object in each line',
  invalid_visitor_id: 'visitorId: expected a UUID of version 7',
  forgotten: EVENT_REASONS.forgotten,
};
type LineReason = keyof typeof LINE_REASONS | EventReason;

export interface Imported {
  lines: number;
  stored: number;
  /** Events that were there already. */
  duplicates: number;
  /** Lines that were not stored. */
  refused: number;
  /** How many, by the reason. */
  reasons: Partial<Record<LineReason, number>>;
  /** The first of them, and what was expected. */
  first?: string;
}

/**
 * Puts events in order, each visitor's together and by time, wherever in the file they stand: a visitor who is looked at in the middle
 * would be told to have stayed away since. In a file of its own that is gone in the end.
 */
function sorter() {
  const database = new Database('');
  database.exec('CREATE TABLE events (visitor TEXT, time INTEGER, stored TEXT); BEGIN');
  const add = database.prepare('INSERT INTO events VALUES (?, ?, ?)');
  const all = database.prepare<[], { visitor: string; stored: string }>(
    'SELECT visitor, stored FROM events ORDER BY visitor, time',
  );
  return {
    add: (visitor: string, stored: StoredEvent) => add.run(visitor, stored.event.time, JSON.stringify(stored)),
    all: () => all.iterate(),
    close: () => database.close(),
  };
}

/**
 * Stores events, and counts them as if they came today: the same line twice is stored once. Marks of bots come along; that an event
 * came with the secret key, and whose visitor somebody is, is not in the file.
 * @param onLine gets half of each line's length in characters as it is read, and about as much as it is stored
 */
export async function importEvents(
  store: Store,
  site: Site,
  lines: AsyncIterable<string>,
  now: number,
  onLine?: (length: number) => void,
): Promise<Imported> {
  const result: Imported = { lines: 0, stored: 0, duplicates: 0, refused: 0, reasons: {} };
  const timeline = timelineOf(await store.rules(site.siteKey));
  /** Of the file, from 1. */
  let at = 0;
  const refuse = (reason: LineReason, count = 1) => {
    result.refused += count;
    result.reasons[reason] = (result.reasons[reason] ?? 0) + count;
    result.first ??= `${reason === 'forgotten' ? '' : `line ${at}: `}${reason in LINE_REASONS ? LINE_REASONS[reason as keyof typeof LINE_REASONS] : EVENT_REASONS[reason as EventReason]}`;
  };
  const sorted = sorter();
  let waiting = new Map<string, StoredEvent[]>();
  let count = 0;
  const flush = async () => {
    const appends = [...waiting].map(async ([visitorId, events]) => {
      const seenAt = Math.max(...events.map(({ receivedAt }) => receivedAt));
      const { accepted, duplicates, isForgotten } = await store.append({
        siteKey: site.siteKey,
        visitorId,
        ...inForce(timeline),
        events,
        deadLetters: [],
        foldOf: (id) => foldInto(id, timeline, now, { seenAt, hosts: hostsOf(site) }),
      });
      if (isForgotten) refuse('forgotten', events.length);
      result.stored += accepted;
      result.duplicates += duplicates;
    });
    waiting = new Map();
    count = 0;
    await Promise.all(appends);
  };
  for await (const line of lines) {
    at++;
    onLine?.((line.length + 1) / 2);
    if (!line.trim()) continue;
    result.lines++;
    const input = attempt(() => JSON.parse(line) as unknown);
    if (!isRecord(input)) {
      refuse('not_json');
      continue;
    }
    const { visitorId, receivedAt, bot, ...rest } = input;
    // What the event itself called so, and no collector, stays with it.
    const { inApp, traits } = rest;
    const isApp = APP_NAMES.has(inApp as string);
    const hasTraits = isRecord(traits) && !isDeep(traits, MAX_TRAIT_DEPTH);
    const event = { ...rest };
    if (isApp) delete event.inApp;
    if (hasTraits) delete event.traits;
    if (!isUuidV7(visitorId)) {
      refuse('invalid_visitor_id');
      continue;
    }
    const parsed = expireOld(parseEvent(event, { fromServer: true }), site, now);
    if (!('event' in parsed)) {
      refuse(parsed.reason);
      continue;
    }
    const stored = {
      event: parsed.event,
      receivedAt: Number.isSafeInteger(receivedAt) ? Math.min(receivedAt as number, now) : now,
      bot: typeof bot === 'string' && /^\w{1,64}$/.test(bot) ? bot : null,
      ...(isApp && { inApp: inApp as string }),
      ...(hasTraits && { traits: traits as Record<string, Json> }),
    };
    sorted.add(visitorId.toLowerCase(), stored);
  }
  for (const { visitor, stored } of sorted.all()) {
    const own = waiting.get(visitor) ?? [];
    // One who did very much is stored in parts, which are in order.
    if (count >= CHUNK && (!own.length || own.length >= CHUNK)) await flush();
    waiting.set(visitor, own);
    own.push(JSON.parse(stored) as StoredEvent);
    onLine?.(stored.length / 2);
    count++;
  }
  await flush();
  sorted.close();
  return result;
}
