import type Database from 'better-sqlite3';
import type { Json, StagetagEvent } from '../../../sdk/core/index.js';
import type { EventFilter, StoredEvent } from '../store.js';
import { fromBlob, toBlob } from './uuid.js';

interface EventRow {
  received_at: number;
  body: string;
  traits: string | null;
  bot: string | null;
  is_proven: number;
}

interface PageRow extends EventRow {
  id: Buffer;
  visitor_id: Buffer;
}

/** What of a row an event is made of. */
const COLUMNS = 'received_at, body, traits, bot, is_proven';

/** Rows of one page of a long reading. */
const PAGE = 1000;
/** Before every id. */
export const NO_ID = Buffer.alloc(0);

/** Raw events, each once by its id. */
export class EventTable {
  readonly #insert;
  readonly #setTraits;
  readonly #prove;
  readonly #ofVisitor;
  readonly #latest;
  readonly #page;
  readonly #pageOfVisitor;
  readonly #erase;
  readonly #nextIds;
  readonly #remove;

  constructor(database: Database.Database) {
    this.#insert = database.prepare(`
      INSERT OR IGNORE INTO events (site_id, id, visitor_id, time, received_at, name, body, traits, bot, is_proven)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`);
    this.#setTraits = database.prepare(
      `UPDATE events SET traits = ?
      WHERE site_id = ? AND id = ? AND visitor_id = ? AND traits IS NULL AND is_proven <= ?`,
    );
    this.#prove = database.prepare(`
      UPDATE events SET time = ?, name = ?, body = ?, traits = coalesce(?, traits), bot = NULL, is_proven = 1
      WHERE site_id = ? AND id = ? AND visitor_id = ? AND NOT is_proven`);
    this.#ofVisitor = database.prepare<[number, Buffer], EventRow>(
      `SELECT ${COLUMNS} FROM events WHERE site_id = ? AND visitor_id = ? ORDER BY id`,
    );
    this.#latest = database.prepare<[number, Buffer, number], EventRow>(
      `SELECT ${COLUMNS} FROM events WHERE site_id = ? AND visitor_id = ? ORDER BY time DESC, id DESC LIMIT ?`,
    );
    this.#erase = database.prepare('DELETE FROM events WHERE site_id = ? AND visitor_id = ?');
    this.#nextIds = database.prepare<[number, Buffer], { id: Buffer; time: number }>(
      `SELECT id, time FROM events WHERE site_id = ? AND id > ? ORDER BY id LIMIT ${PAGE}`,
    );
    this.#remove = database.prepare('DELETE FROM events WHERE site_id = ? AND id = ?');
    const page = (visitor: string) => `
      SELECT id, visitor_id, ${COLUMNS} FROM events
      WHERE site_id = @site AND id > @after AND time >= @from AND time < @until
        AND (@name IS NULL OR name = @name) AND is_proven >= @proven ${visitor}
      ORDER BY id LIMIT ${PAGE}`;
    this.#page = database.prepare<[object], PageRow>(page(''));
    this.#pageOfVisitor = database.prepare<[object], PageRow>(page('AND visitor_id = @visitor'));
  }

  /** @returns how many there were */
  erase(site: number, visitor: Buffer): number {
    return this.#erase.run(site, visitor).changes;
  }

  /** Ids of the next events after one, and of those among them that happened before a moment. */
  nextBefore(site: number, after: Buffer, time: number): { last: Buffer | undefined; old: Buffer[] } {
    const rows = this.#nextIds.all(site, after);
    return { last: rows.at(-1)?.id, old: rows.filter((row) => row.time < time).map(({ id }) => id) };
  }

  remove(site: number, ids: Buffer[]): void {
    for (const id of ids) this.#remove.run(site, id);
  }

  /** Says whether the event was new, or what is stored of it is another than before. */
  add(
    site: number,
    visitor: Buffer,
    { event, receivedAt, bot, traits, isProven }: StoredEvent,
  ): 'new' | 'changed' | 'known' {
    const id = toBlob(event.id);
    const traitsText = traits ? JSON.stringify(traits) : null;
    const { time, name } = event;
    const body = JSON.stringify(event);
    const { changes } = this.#insert.run(site, id, visitor, time, receivedAt, name, body, traitsText, bot, +!!isProven);
    if (changes === 1) return 'new';
    // The site's own server says what a page said before under the same id: from now on its word holds.
    if (isProven && this.#prove.run(time, name, body, traitsText, site, id, visitor).changes) return 'changed';
    // The event came before in another batch, without the traits that this one sets through it.
    if (traitsText && this.#setTraits.run(traitsText, site, id, visitor, +!!isProven).changes) return 'changed';
    return 'known';
  }

  ofVisitor(site: number, visitor: Buffer): StoredEvent[] {
    return this.#ofVisitor.all(site, visitor).map(toStoredEvent);
  }

  latest(site: number, visitor: Buffer, limit: number): StoredEvent[] {
    return this.#latest.all(site, visitor, limit).map(toStoredEvent).reverse();
  }

  async *find(site: number, filter: EventFilter): AsyncGenerator<StoredEvent & { visitorId: string }> {
    const { from = 0, until = Number.MAX_SAFE_INTEGER, name = null, visitorId, isProven = false } = filter;
    const proven = +isProven;
    const visitor = visitorId ? toBlob(visitorId) : null;
    const statement = visitor ? this.#pageOfVisitor : this.#page;
    for (let after: Buffer = NO_ID; ;) {
      const rows = statement.all({ site, after, from, until, name, proven, ...(visitor && { visitor }) });
      for (const row of rows) yield { ...toStoredEvent(row), visitorId: fromBlob(row.visitor_id) };
      if (rows.length < PAGE) return;
      after = rows.at(-1)!.id;
      await new Promise(setImmediate);
    }
  }
}

function toStoredEvent(row: EventRow): StoredEvent {
  return {
    event: JSON.parse(row.body) as StagetagEvent,
    receivedAt: row.received_at,
    bot: row.bot,
    ...(row.is_proven && { isProven: true }),
    ...(row.traits && { traits: JSON.parse(row.traits) as Record<string, Json> }),
  };
}
