import type Database from 'better-sqlite3';
import type { PageCount } from '../store.js';

const DAY_MS = 86_400_000;

/** How many pages the site's own server says it served, by day. */
export class PageTable {
  readonly #add;
  readonly #set;
  readonly #counts;
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
    // A browser's ids begin with the time: those of a day lie together.
    this.#views = database
      .prepare<[number, Buffer, Buffer, number, number], number>(
        `SELECT count(*) FROM events
        WHERE site_id = ? AND id >= ? AND id < ? AND time >= ? AND time < ? AND name = 'page_view' AND bot IS NULL`,
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

  views(site: number, from: number, until: number): number {
    return this.#views.get(site, idAt(from - DAY_MS), idAt(until + DAY_MS), from, until)!;
  }
}

/** The least id that a browser makes at a moment. */
function idAt(time: number): Buffer {
  const id = Buffer.alloc(16);
  id.writeUIntBE(Math.max(0, time), 0, 6);
  return id;
}
