import type Database from 'better-sqlite3';
import type { Cost, GivenCost } from '../store.js';

/** An empty text where nothing was said of it. */
type Row = Required<Cost>;

/** What channels cost, by day. */
export function costTable(database: Database.Database) {
  const put = database.prepare<[number, string, string, string, string, string, number]>(`
    INSERT INTO costs (site_id, day, channel, source, medium, campaign, cost) VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET cost = excluded.cost`);
  const remove = database.prepare<[number, string, string]>(
    'DELETE FROM costs WHERE site_id = ? AND day = ? AND channel = ?',
  );
  const all = database.prepare<[number, string, string], Row>(`
    SELECT day, channel, source, medium, campaign, cost FROM costs WHERE site_id = ? AND day >= ? AND day <= ?
    ORDER BY day, channel, source, medium, campaign`);
  return {
    put(site: number, costs: GivenCost[]): void {
      for (const { day, channel } of costs) remove.run(site, day, channel);
      for (const { day, channel, source = '', medium = '', campaign = '', cost } of costs)
        if (cost !== null) put.run(site, day, channel, source, medium, campaign, cost);
    },
    between: (site: number, from: string, to: string): Cost[] =>
      all.all(site, from, to).map(({ day, channel, cost, ...named }) => ({
        day,
        channel,
        ...Object.fromEntries(Object.entries(named).filter(([, name]) => name)),
        cost,
      })),
  };
}
