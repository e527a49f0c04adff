import type Database from 'better-sqlite3';
import type { ListedSession, SessionPart } from '../store.js';
import { fromBlob, toBlob } from './uuid.js';

interface SessionRow {
  visitor_id: Buffer;
  id: string;
  started_at: number;
  ended_at: number;
  arrived_at: number | null;
  channel: string | null;
  source: string | null;
  medium: string | null;
  campaign: string | null;
  device: string | null;
  browser: string | null;
  country: string | null;
}

/** Sessions: when, how long, where from and on what. */
export class SessionTable {
  readonly #add;
  readonly #ofVisitor;
  readonly #erase;
  readonly #next;

  constructor(database: Database.Database) {
    // Batches come in any order: what the earliest event says of where it came from holds, if it says anything, or else the earliest labels;
    // and what the latest sender says of itself.
    const isEarlier = 'excluded.arrived_at < coalesce(arrived_at, started_at)';
    const hasLabels = (row: string) => `${row}is_labelled AND ${row}channel <> 'Direct'`;
    const holds = `CASE
      WHEN excluded.channel IS NULL THEN 0
      WHEN channel IS NULL THEN 1
      WHEN ${hasLabels('excluded.')} THEN channel = 'Direct' OR ${isEarlier}
      WHEN ${hasLabels('')} THEN excluded.channel <> 'Direct' AND excluded.started_at < started_at
      ELSE ${isEarlier} END`;
    const source = ['channel', 'source', 'medium', 'campaign', 'arrived_at', 'is_labelled'].map(
      (name) => `${name} = iif(${holds}, excluded.${name}, ${name})`,
    );
    this.#add = database.prepare(`
      INSERT INTO sessions (site_id, visitor_id, id, started_at, ended_at, events, channel, source, medium, campaign, arrived_at, bot, device, browser, os, country, region, is_labelled)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET
        ${source.join(', ')},
        started_at = min(started_at, excluded.started_at), ended_at = max(ended_at, excluded.ended_at),
        events = events + excluded.events, bot = coalesce(bot, excluded.bot),
        device = coalesce(excluded.device, device), browser = coalesce(excluded.browser, browser), os = coalesce(excluded.os, os),
        country = coalesce(excluded.country, country), region = coalesce(excluded.region, region)`);
    this.#ofVisitor = database.prepare<[number, Buffer, number], SessionPart>(`
      SELECT id AS sessionId, started_at AS startedAt, ended_at AS endedAt, coalesce(arrived_at, started_at) AS arrivedAt, events, channel, source, medium, campaign, bot, device, browser, os, country, region
      FROM sessions WHERE site_id = ? AND visitor_id = ? ORDER BY started_at DESC, id LIMIT ?`);
    this.#erase = database.prepare('DELETE FROM sessions WHERE site_id = ? AND visitor_id = ?');
    this.#next = database.prepare<[number, Buffer, string, number], SessionRow>(`
      SELECT visitor_id, id, started_at, ended_at, arrived_at, channel, source, medium, campaign, device, browser, country FROM sessions
      WHERE site_id = ? AND (visitor_id, id) > (?, ?) ORDER BY visitor_id, id LIMIT ?`);
  }

  add(site: number, visitor: Buffer, session: SessionPart): void {
    const { sessionId, startedAt, endedAt, events, channel, source, medium, campaign, arrivedAt, bot } = session;
    const { device, browser, os, country, region, isLabelled } = session;
    // By their places: this is done for every batch.
    this.#add.run(
      site,
      visitor,
      sessionId,
      startedAt,
      endedAt,
      events,
      channel,
      source,
      medium,
      campaign,
      arrivedAt,
      bot,
      device,
      browser,
      os,
      country,
      region,
      +!!isLabelled,
    );
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
      endedAt: row.ended_at,
      arrivedAt: row.arrived_at ?? row.started_at,
      channel: row.channel,
      source: row.source,
      medium: row.medium,
      campaign: row.campaign,
      device: row.device,
      browser: row.browser,
      country: row.country,
    }));
  }

  erase(site: number, visitor: Buffer): void {
    this.#erase.run(site, visitor);
  }
}
