import type Database from 'better-sqlite3';
import type { SiteTable } from './siteTable.js';

/** Erased visitors, by a hash under the site's secret key. */
export function tombstoneTable(database: Database.Database, sites: SiteTable) {
  const insert = database.prepare('INSERT OR IGNORE INTO tombstones (site_id, hash, erased_at) VALUES (?, ?, ?)');
  const get = database.prepare('SELECT 1 FROM tombstones WHERE site_id = ? AND hash = ?');
  const any = database.prepare('SELECT 1 FROM tombstones LIMIT 1');
  const unwiped = database.prepare('SELECT 1 FROM tombstones WHERE NOT is_wiped');
  const wipe = database.prepare('UPDATE tombstones SET is_wiped = 1 WHERE NOT is_wiped');
  const count = database
    .prepare<[number | null], number>('SELECT count(*) FROM tombstones WHERE site_id = coalesce(?, site_id)')
    .pluck();
  return {
    areWiped: (): boolean => !unwiped.get(),
    noteWiped(): void {
      wipe.run();
    },
    add(site: number, visitor: Buffer, now: number): void {
      insert.run(site, sites.hashOf(site, visitor), now);
    },
    /** @param site all where absent */
    count: (site?: number): number => count.get(site ?? null)!,
    has: (site: number, visitor: Buffer): boolean => !!any.get() && !!get.get(site, sites.hashOf(site, visitor)),
  };
}
