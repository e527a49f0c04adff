import type Database from 'better-sqlite3';
import type { StagetagEvent } from '../../../sdk/core/index.js';
import type { EventFilter, EventRow, StoredEvent } from '../store.js';
import { remembered } from '../../ingest/remembered.js';
import type { PageTable } from './pageTable.js';
import { fromBlob, toBlob } from './uuid.js';

/** Events of one visitor that came together. */
interface Row {
  id: number;
  site_id: number;
  visitor_id: Buffer;
  received_at: number;
  last_time: number;
  /** JSON list of them: see Packed. */
  body: string;
}

const COLUMNS = 'id, site_id, visitor_id, received_at, last_time, body';

/** Events of a row at most: one of them is read with all of them. */
const ROW_EVENTS = 50;
/** Rows of one page of a long reading. */
export const PAGE = 200;

/** What became of events that were offered. */
export interface Added {
  /** Those that nobody had sent before. */
  added: StoredEvent[];
  /** The numbers of their rows. */
  rows: number[];
  /** Whether of one that was there something else is stored now. */
  isChanged: boolean;
}

/** Raw events, each once by its id. Those that came together stand in one row: to write a row costs more than what is in it. */
export class EventTable {
  readonly #insert;
  readonly #rewrite;
  readonly #drop;
  readonly #rowOf;
  readonly #get;
  readonly #dropId;
  readonly #ofVisitor;
  readonly #latest;
  readonly #page;
  readonly #last;
  readonly #hasOld;
  readonly #noteIds;
  readonly #next;

  constructor(
    database: Database.Database,
    private readonly pages: PageTable,
  ) {
    this.#insert = database.prepare(`
      INSERT INTO batches (site_id, visitor_id, received_at, first_time, last_time, body) VALUES (?, ?, ?, ?, ?, ?)`);
    this.#rewrite = database.prepare('UPDATE batches SET first_time = ?, last_time = ?, body = ? WHERE id = ?');
    this.#drop = database.prepare('DELETE FROM batches WHERE id = ?');
    // One statement for all of them: each call costs as much as an event.
    this.#noteIds = database.prepare(
      "INSERT OR IGNORE INTO event_ids (site_id, id, batch) SELECT ?, unhex(value, '-'), ? FROM json_each(?)",
    );
    this.#rowOf = database
      .prepare<[number, Buffer], number>('SELECT batch FROM event_ids WHERE site_id = ? AND id = ?')
      .pluck();
    this.#get = database.prepare<[number], Row>(`SELECT ${COLUMNS} FROM batches WHERE id = ?`);
    this.#dropId = database.prepare('DELETE FROM event_ids WHERE site_id = ? AND id = ?');
    this.#ofVisitor = database.prepare<[object], Row>(`
      SELECT ${COLUMNS} FROM batches
      WHERE site_id = @site AND visitor_id = @visitor AND (last_time, id) > (@lastTime, @after)
      ORDER BY last_time, id LIMIT ${PAGE}`);
    this.#latest = database.prepare<[number, Buffer], Row>(
      `SELECT ${COLUMNS} FROM batches WHERE site_id = ? AND visitor_id = ? ORDER BY last_time DESC`,
    );
    this.#page = database.prepare<[object], Row>(`
      SELECT ${COLUMNS} FROM batches
      WHERE id > @after AND id <= @after + ${PAGE} AND site_id = @site AND last_time >= @from AND first_time < @until
        AND (@name IS NULL OR instr(body, @name)) ORDER BY id`);
    this.#next = database.prepare<[number, number, number], Row>(
      `SELECT ${COLUMNS} FROM batches WHERE site_id = ? AND id > ? AND id <= ? ORDER BY id`,
    );
    this.#last = database.prepare<[], number | null>('SELECT max(id) FROM batches').pluck();
    this.#hasOld = database
      .prepare<[object], 0 | 1>(
        `SELECT EXISTS (SELECT 1 FROM batches
        WHERE id > @after AND id <= @after + ${PAGE} AND site_id = @site AND first_time < @time)`,
      )
      .pluck();
  }

  /** Stores what is not there yet. */
  add(site: number, visitor: Buffer, offered: StoredEvent[]): Added {
    const added: StoredEvent[] = [];
    const rows: number[] = [];
    let isChanged = false;
    for (let from = 0, until: number; from < offered.length; from = until) {
      until = from + 1;
      // A row is of one moment of receiving; what is brought along from elsewhere came in many.
      const { receivedAt } = offered[from]!;
      while (until < from + ROW_EVENTS && offered[until]?.receivedAt === receivedAt) until++;
      const part = offered.slice(from, until);
      const { news, row } = this.#addRow(site, visitor, part);
      if (news.length) rows.push(row);
      added.push(...news);
      if (news.length === part.length) continue;
      for (const stored of part)
        if (!news.includes(stored)) isChanged = this.#amend(site, visitor, stored) || isChanged;
    }
    return { added, rows, isChanged };
  }

  /** Stores a row of those that are new, and says which they are. */
  #addRow(site: number, visitor: Buffer, events: StoredEvent[]): { news: StoredEvent[]; row: number } {
    const ids = events.map(({ event }) => event.id);
    const [first, last] = spanOf(events);
    const { receivedAt } = events[0]!;
    const row = Number(this.#insert.run(site, visitor, receivedAt, first, last, pack(events)).lastInsertRowid);
    // An id is digits and dashes.
    const { changes } = this.#noteIds.run(site, row, `["${ids.join('","')}"]`);
    let news = events;
    if (changes < events.length) {
      const seen = new Set<string>();
      news = events.filter((_, index) => {
        const id = ids[index]!.toLowerCase();
        return !seen.has(id) && seen.add(id) && this.#rowOf.get(site, toBlob(id)) === row;
      });
      this.#replace(row, news);
    }
    this.pages.countViews(site, news, 1);
    return { news, row };
  }

  #replace(row: number, events: StoredEvent[]): void {
    if (events.length) this.#rewrite.run(...spanOf(events), pack(events), row);
    else this.#drop.run(row);
  }

  /** Changes what is stored of an event, where what came has more to say. */
  #amend(site: number, visitor: Buffer, offered: StoredEvent): boolean {
    const row = this.#get.get(this.#rowOf.get(site, toBlob(offered.event.id))!)!;
    if (!row.visitor_id.equals(visitor)) return false;
    const id = offered.event.id.toLowerCase();
    let isChanged = false;
    const events = unpack(row).map((known) => {
      if (known.event.id.toLowerCase() !== id) return known;
      const next = amended(known, offered);
      isChanged = next !== known;
      this.pages.countViews(site, [known], -1);
      this.pages.countViews(site, [next], 1);
      return next;
    });
    if (isChanged) this.#replace(row.id, events);
    return isChanged;
  }

  /** @returns how many there were */
  erase(site: number, visitor: Buffer): number {
    let count = 0;
    for (const row of this.#latest.all(site, visitor)) {
      const events = unpack(row);
      this.#forget(site, events);
      this.pages.countViews(site, events, -1);
      this.#drop.run(row.id);
      count += events.length;
    }
    return count;
  }

  #forget(site: number, events: StoredEvent[]): void {
    for (const { event } of events) this.#dropId.run(site, toBlob(event.id));
  }

  /** The events of a visitor's row; undefined where it is not there, or another's by now. */
  at(site: number, visitor: Buffer, row: number): StoredEvent[] | undefined {
    const found = this.#get.get(row);
    return found?.site_id === site && found.visitor_id.equals(visitor) ? unpack(found) : undefined;
  }

  /** The site's rows among those that come next, of all sites, up to one. */
  after(site: number, row: number, upTo: number): { rowId: number; rows: EventRow[] } {
    const rowId = Math.min(row + PAGE, upTo);
    return { rowId, rows: this.#next.all(site, row, rowId).map(toEventRow) };
  }

  rowsOf(site: number, visitor: Buffer): EventRow[] {
    return this.#latest.all(site, visitor).map(toEventRow);
  }

  /** The number of the latest row. */
  last(): number {
    return this.#last.get() ?? 0;
  }

  /** Says whether one of the rows of a page has events from before a moment. */
  hasOld(site: number, after: number, time: number): boolean {
    return !!this.#hasOld.get({ site, after, time });
  }

  /** Removes the events of a page's rows that happened before a moment. Counted they stay. @returns how many they were */
  expire(site: number, after: number, time: number): number {
    let count = 0;
    for (const row of this.#page.all({ site, after, from: MIN_TIME, until: time, name: null })) {
      const events = unpack(row);
      const old = events.filter(({ event }) => event.time < time);
      this.#forget(site, old);
      this.#replace(
        row.id,
        events.filter(({ event }) => event.time >= time),
      );
      count += old.length;
    }
    return count;
  }

  ofVisitor(site: number, visitor: Buffer): StoredEvent[] {
    return this.#latest.all(site, visitor).flatMap(unpack);
  }

  /** The latest events, oldest first. */
  latest(site: number, visitor: Buffer, limit: number): StoredEvent[] {
    const found: StoredEvent[] = [];
    for (const row of this.#latest.iterate(site, visitor)) {
      // No row that follows has a later one.
      if (found.length >= limit && found.every(({ event }) => event.time > row.last_time)) break;
      found.push(...unpack(row));
      found.sort(byTime).splice(limit);
    }
    return found.reverse();
  }

  async *find(site: number, filter: EventFilter): AsyncGenerator<StoredEvent & { visitorId: string }> {
    const { from = MIN_TIME, until = Number.MAX_SAFE_INTEGER, name, visitorId, isProven = false } = filter;
    const fits = ({ event, isProven: hasProof = false }: StoredEvent) =>
      event.time >= from && event.time < until && (!name || event.name === name) && (!isProven || hasProof);
    const pages = visitorId
      ? this.#pagesOfVisitor(site, toBlob(visitorId))
      : this.#pagesOfSite(site, { from, until, name });
    for await (const rows of pages)
      for (const row of rows)
        for (const stored of unpack(row)) if (fits(stored)) yield { ...stored, visitorId: fromBlob(row.visitor_id) };
  }

  async *#pagesOfSite(site: number, { from, until, name }: EventFilter): AsyncGenerator<Row[]> {
    const text = name ? JSON.stringify(name) : null;
    const end = this.last();
    for (let after = 0; after < end; after += PAGE) {
      yield this.#page.all({ site, after, from, until, name: text });
      await new Promise(setImmediate);
    }
  }

  async *#pagesOfVisitor(site: number, visitor: Buffer): AsyncGenerator<Row[]> {
    for (let [lastTime, after] = [MIN_TIME, 0]; ;) {
      const rows = this.#ofVisitor.all({ site, visitor, lastTime, after });
      yield rows;
      if (rows.length < PAGE) return;
      ({ last_time: lastTime, id: after } = rows.at(-1)!);
      await new Promise(setImmediate);
    }
  }
}

/** Ids as they are compared. */
export const idsOf = (events: StoredEvent[]): Set<string> => new Set(events.map(({ event }) => event.id.toLowerCase()));

const MIN_TIME = Number.MIN_SAFE_INTEGER;

const byTime = (a: StoredEvent, b: StoredEvent) =>
  b.event.time - a.event.time || (a.event.id.toLowerCase() < b.event.id.toLowerCase() ? 1 : -1);

/** What is stored of an event from now on, when it comes once more. */
function amended(known: StoredEvent, offered: StoredEvent): StoredEvent {
  // Of two that are set by one event the greater holds, whichever came first.
  const [before, next] = [known, offered].map(({ traits: each }) => (each ? JSON.stringify(each) : ''));
  const traits = next! > before! ? offered.traits : known.traits;
  // The site's own server says what a page said before under the same id: from now on its word holds.
  if (offered.isProven && !known.isProven) return { ...offered, bot: null, traits: offered.traits ?? known.traits };
  // The event came before in another batch, without the traits that this one sets through it.
  return traits === known.traits || (known.isProven && !offered.isProven) ? known : { ...known, traits };
}

function spanOf(events: StoredEvent[]): [first: number, last: number] {
  let [first, last] = [Infinity, -Infinity];
  for (const { event } of events) {
    first = Math.min(first, event.time);
    last = Math.max(last, event.time);
  }
  return [first, last];
}

/** An event as its row keeps it. */
interface Packed extends Partial<Omit<StoredEvent, 'event'>> {
  /** What of it is not as in the event before it: most of a visit is one session's, and much of it one page's. */
  event: Record<string, unknown>;
  /** What the event before it has, and it has not. */
  without?: string[];
  /** Whether it stands for itself: from a schema in which each event had a row of its own. */
  whole?: true;
}

const toEventRow = (row: Row): EventRow => ({
  rowId: row.id,
  visitorId: fromBlob(row.visitor_id),
  events: unpack(row),
});

/** Most of what tells one event from the next are its number and time. */
const toJson = (value: unknown): string => (Number.isInteger(value) ? `${value as number}` : JSON.stringify(value));

/** Names of what events have, as JSON. */
const names = new Map<string, string>();

/** Writes a list of `Packed` at once: an event may have any names, `__proto__` too, and this is done for every batch. */
function pack(events: StoredEvent[]): string {
  let before: Record<string, unknown> = {};
  let list = '';
  for (const { event, bot, inApp, isProven, traits } of events) {
    const whole = event as unknown as Record<string, unknown>;
    let own = '';
    for (const key in whole)
      if (whole[key] !== before[key] && whole[key] !== undefined)
        own += `${own && ','}${remembered(names, key, () => JSON.stringify(key))}:${toJson(whole[key])}`;
    let without = '';
    for (const key in before)
      if (!Object.hasOwn(whole, key) || whole[key] === undefined) without += `${without && ','}${JSON.stringify(key)}`;
    list += `${list && ','}{"event":{${own}}`;
    if (without) list += `,"without":[${without}]`;
    if (bot !== null) list += `,"bot":${JSON.stringify(bot)}`;
    if (inApp) list += `,"inApp":${JSON.stringify(inApp)}`;
    if (isProven) list += ',"isProven":true';
    if (traits) list += `,"traits":${JSON.stringify(traits)}`;
    list += '}';
    before = whole;
  }
  return `[${list}]`;
}

function unpack(row: Row): StoredEvent[] {
  let before: Record<string, unknown> = {};
  return (JSON.parse(row.body) as Packed[]).map(
    ({ event, without = [], whole, bot = null, inApp, isProven, traits }) => {
      before = { ...(!whole && before), ...event };
      for (const key of without) delete before[key];
      return {
        event: before as unknown as StagetagEvent,
        receivedAt: row.received_at,
        bot,
        ...(inApp && { inApp }),
        ...(isProven && { isProven }),
        ...(traits && { traits }),
      };
    },
  );
}
