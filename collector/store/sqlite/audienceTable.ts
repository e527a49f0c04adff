import type Database from 'better-sqlite3';
import type { SavedAudience } from '../store.js';

interface AudienceRow {
  id: number;
  name: string;
  body: string;
  author: string | null;
  savedAt: number;
}

/** Conditions that were given a name. */
export function audienceTable(database: Database.Database) {
  const all = database.prepare<[number], AudienceRow>(
    'SELECT id, name, body, author, saved_at AS savedAt FROM audiences WHERE site_id = ? ORDER BY name, id',
  );
  const insert = database.prepare(
    'INSERT INTO audiences (site_id, name, body, author, saved_at) VALUES (?, ?, ?, ?, ?)',
  );
  const update = database.prepare(
    'UPDATE audiences SET name = ?, body = ?, author = ?, saved_at = ? WHERE site_id = ? AND id = ?',
  );
  const remove = database.prepare('DELETE FROM audiences WHERE site_id = ? AND id = ?');
  return {
    all: (site: number): SavedAudience[] =>
      all.all(site).map(({ body, ...rest }) => ({ ...rest, when: JSON.parse(body) as object })),
    /** @returns its number; undefined where none is to be replaced */
    save(site: number, { name, when, author, savedAt }: Omit<SavedAudience, 'id'>, id?: number): number | undefined {
      const values = [name, JSON.stringify(when), author, savedAt];
      if (id === undefined) return Number(insert.run(site, ...values).lastInsertRowid);
      return update.run(...values, site, id).changes ? id : undefined;
    },
    remove: (site: number, id: number): boolean => remove.run(site, id).changes > 0,
  };
}
