import type Database from 'better-sqlite3';
import type { PageCount, StoredEvent } from '../store.js';

/** A quarter hour: the days of every time zone in use begin on one. */
const QUARTER_MS = 15 * 60_000;

/** How many pages the site's own server says it served, by day, and how many were seen. */
export class PageTable {
  readonly #add;
  readonly #set;
  readonly #counts;
  readonly #countViews;
  readonly #views;

  constructor(database: Database.Database) {
    const insert = (pages: string) =>
      database.prepare<[number, string, number]>(`
        INSERT INTO page_counts (site_id, day, pages) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET pages = ${pages}`);
    this.#add = insert('pages + excluded.pages');
    this.#set = insert('excluded.pages');
    this.#counts = database.prepare<[number, string, string], PageCount>(
      'SELECT day, pages FROM page_counts WHERE site_id = ? AND day >= ? AND day <= ? ORDER BY day',
    );
    this.#countViews = database.prepare(`
      INSERT INTO page_views (site_id, quarter, views) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET views = views + excluded.views`);
    this.#views = database
      .prepare<[number, number, number], number>(
        'SELECT coalesce(sum(views), 0) FROM page_views WHERE site_id = ? AND quarter >= ? AND quarter < ?',
      )
      .pluck();
  }

  add(site: number, { day, pages }: PageCount): void {
    this.#add.run(site, day, pages);
  }

  set(site: number, { day, pages }: PageCount): void {
    this.#set.run(site, day, pages);
  }

  counts(site: number, from: string, to: string): PageCount[] {
    return this.#counts.all(site, from, to);
  }

  /** Counts the page views among events, or takes them back. */
  countViews(site: number, events: StoredEvent[], sign: 1 | -1): void {
    const views = new Map<number, number>();
    for (const { event, bot } of events) {
      if (event.name !== 'page_view' || bot !== null) continue;
      const quarter = Math.floor(event.time / QUARTER_MS) * QUARTER_MS;
      views.set(quarter, (views.get(quarter) ?? 0) + sign);
    }
    for (const [quarter, count] of views) this.#countViews.run(site, quarter, count);
  }

  views(site: number, from: number, until: number): number {
    return this.#views.get(site, from, until)!;
  }
}
