import type Database from 'better-sqlite3';
import type { Cost, GivenCost } from '../store.js';

/** What channels cost, by day. */
export function costTable(database: Database.Database) {
  const put = database.prepare<[number, string, string, number]>(`
    INSERT INTO costs (site_id, day, channel, cost) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET cost = excluded.cost`);
  const remove = database.prepare<[number, string, string]>(
    'DELETE FROM costs WHERE site_id = ? AND day = ? AND channel = ?',
  );
  const all = database.prepare<[number, string, string], Cost>(
    'SELECT day, channel, cost FROM costs WHERE site_id = ? AND day >= ? AND day <= ? ORDER BY day, channel',
  );
  return {
    put(site: number, { day, channel, cost }: GivenCost): void {
      if (cost === null) remove.run(site, day, channel);
      else put.run(site, day, channel, cost);
    },
    between: (site: number, from: string, to: string): Cost[] => all.all(site, from, to),
  };
}
