import type Database from 'better-sqlite3';
import type { Cost, CostName, GivenCost } from '../store.js';

/** What channels cost, by day; an empty text where nothing was said of a source, medium or campaign. */
export function costTable(database: Database.Database) {
  const put = database.prepare<[number, string, string, string, string, string, number]>(`
    INSERT INTO costs (site_id, day, channel, source, medium, campaign, cost) VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET cost = excluded.cost`);
  const clear = database.prepare<[number, string, string, string]>(
    'DELETE FROM costs WHERE site_id = ? AND day = ? AND channel = ? AND source = ?',
  );
  const remove = database.prepare<[number, string, string, string, string, string, string]>(`
    DELETE FROM costs WHERE site_id = ? AND day >= ? AND day <= ? AND channel = ? AND source = ? AND medium = ? AND campaign = ?`);
  const all = database.prepare<[number, string, string], Required<Cost>>(`
    SELECT day, channel, source, medium, campaign, cost FROM costs WHERE site_id = ? AND day >= ? AND day <= ?
    ORDER BY day, channel, source, medium, campaign`);
  return {
    put(site: number, costs: GivenCost[]): number {
      let replaced = 0;
      for (const { day, channel, source = '' } of costs) replaced += clear.run(site, day, channel, source).changes;
      for (const { day, channel, source = '', medium = '', campaign = '', cost } of costs)
        if (cost !== null) put.run(site, day, channel, source, medium, campaign, cost);
      return replaced;
    },
    remove: (site: number, named: CostName, from: string, to: string): number => {
      const { channel, source = '', medium = '', campaign = '' } = named;
      return remove.run(site, from, to, channel, source, medium, campaign).changes;
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
