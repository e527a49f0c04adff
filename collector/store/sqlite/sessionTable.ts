import type Database from 'better-sqlite3';
import type { ListedSession, LossCount, SessionPart } from '../store.js';
import { fromBlob, toBlob } from './uuid.js';

interface SessionRow {
  visitor_id: Buffer;
  id: string;
  started_at: number;
  channel: string | null;
  source: string | null;
  device: string | null;
  browser: string | null;
  country: string | null;
}

/** Sessions: when, how long, where from and on what. */
export class SessionTable {
  readonly #add;
  readonly #ofVisitor;
  readonly #erase;
  readonly #losses;
  readonly #next;

  constructor(database: Database.Database) {
    // Batches come in any order: what the earliest event says of where it came from holds, and what the latest sender says of itself.
    this.#add = database.prepare(`
      INSERT INTO sessions (site_id, visitor_id, id, started_at, ended_at, events, channel, source, bot, device, browser, os, country, region)
      VALUES (@site, @visitor, @sessionId, @startedAt, @endedAt, @events, @channel, @source, @bot, @device, @browser, @os, @country, @region)
      ON CONFLICT DO UPDATE SET
        channel = iif(excluded.started_at < started_at, excluded.channel, channel),
        source = iif(excluded.started_at < started_at, excluded.source, source),
        started_at = min(started_at, excluded.started_at), ended_at = max(ended_at, excluded.ended_at),
        events = events + excluded.events, bot = coalesce(bot, excluded.bot),
        device = coalesce(excluded.device, device), browser = coalesce(excluded.browser, browser), os = coalesce(excluded.os, os),
        country = coalesce(excluded.country, country), region = coalesce(excluded.region, region)`);
    this.#ofVisitor = database.prepare<[number, Buffer, number], SessionPart>(`
      SELECT id AS sessionId, started_at AS startedAt, ended_at AS endedAt, events, channel, source, bot, device, browser, os, country, region
      FROM sessions WHERE site_id = ? AND visitor_id = ? ORDER BY started_at DESC, id LIMIT ?`);
    this.#erase = database.prepare('DELETE FROM sessions WHERE site_id = ? AND visitor_id = ?');
    this.#next = database.prepare<[number, Buffer, string, number], SessionRow>(`
      SELECT visitor_id, id, started_at, channel, source, device, browser, country FROM sessions
      WHERE site_id = ? AND (visitor_id, id) > (?, ?) ORDER BY visitor_id, id LIMIT ?`);
    this.#losses = database.prepare<[object], LossCount>(`
      WITH seen AS (
        SELECT id, stored_seq, missing_seq, lost FROM visitors
        WHERE site_id = @site AND last_seen >= @from AND last_seen < @until AND stored_seq > 0 AND bot IS NULL
      ), latest AS (
        -- SQLite takes the other columns from the row that has the greatest.
        SELECT visitor_id, browser, channel, max(ended_at) FROM sessions
        WHERE site_id = @site AND visitor_id IN (SELECT id FROM seen) GROUP BY visitor_id
      )
      SELECT browser, channel, count(*) AS visitors, sum(stored_seq) AS stored, sum(missing_seq) AS missing, sum(min(lost, missing_seq)) AS ownedUp
      FROM seen LEFT JOIN latest ON visitor_id = id GROUP BY browser, channel`);
  }

  add(site: number, visitor: Buffer, session: SessionPart): void {
    this.#add.run({ site, visitor, ...session });
  }

  ofVisitor(site: number, visitor: Buffer, limit: number): SessionPart[] {
    return this.#ofVisitor.all(site, visitor, limit);
  }

  next(site: number, after: ListedSession | undefined, limit: number): ListedSession[] {
    const [visitor, id] = after ? [toBlob(after.visitorId), after.sessionId] : [Buffer.alloc(0), ''];
    return this.#next.all(site, visitor, id, limit).map((row) => ({
      visitorId: fromBlob(row.visitor_id),
      sessionId: row.id,
      startedAt: row.started_at,
      channel: row.channel,
      source: row.source,
      device: row.device,
      browser: row.browser,
      country: row.country,
    }));
  }

  erase(site: number, visitor: Buffer): void {
    this.#erase.run(site, visitor);
  }

  losses(site: number, from: number, until: number): LossCount[] {
    return this.#losses.all({ site, from, until });
  }
}
