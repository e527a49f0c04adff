import type Database from 'better-sqlite3';
import type { SavedAudience } from '../store.js';
import { fromBlob, toBlob } from './uuid.js';

interface AudienceRow {
  id: number;
  name: string;
  body: string;
  author: string | null;
  savedAt: number;
  people: number | null;
}

/** Conditions that were given a name, and those who met them where that was to be kept. */
export function audienceTable(database: Database.Database) {
  const all = database.prepare<[number], AudienceRow>(
    'SELECT id, name, body, author, saved_at AS savedAt, people FROM audiences WHERE site_id = ? ORDER BY name, id',
  );
  const insert = database.prepare(
    'INSERT INTO audiences (site_id, name, body, author, saved_at, people) VALUES (?, ?, ?, ?, ?, ?)',
  );
  const update = database.prepare(
    'UPDATE audiences SET name = ?, body = ?, author = ?, saved_at = ?, people = ? WHERE site_id = ? AND id = ?',
  );
  const remove = database.prepare('DELETE FROM audiences WHERE site_id = ? AND id = ?');
  const addMember = database.prepare(
    'INSERT OR IGNORE INTO audience_members (audience_id, site_id, visitor_id) VALUES (?, ?, ?)',
  );
  const addVisitors = database.prepare(
    'INSERT OR IGNORE INTO audience_members SELECT ?, site_id, id FROM visitors WHERE site_id = ? AND person_id = ?',
  );
  const listed = database
    .prepare<[number, number], Buffer>('SELECT visitor_id FROM audience_members WHERE audience_id = ? AND site_id = ?')
    .pluck();
  const removeMembers = database.prepare('DELETE FROM audience_members WHERE audience_id = ? AND site_id = ?');
  const erase = database.prepare('DELETE FROM audience_members WHERE site_id = ? AND visitor_id = ?');
  return {
    all: (site: number): SavedAudience[] =>
      all.all(site).map(({ body, ...rest }) => ({ ...rest, when: JSON.parse(body) as object })),
    /**
     * @param people who is in it for good: of a user the visitors are kept, so that each is erased and unlinked with itself
     * @returns its number; undefined where none is to be replaced
     */
    save(
      site: number,
      { name, when, author, savedAt, people: count }: Omit<SavedAudience, 'id'>,
      people: string[] = [],
      replaced?: number,
    ): number | undefined {
      const values = [name, JSON.stringify(when), author, savedAt, count];
      if (replaced !== undefined && !update.run(...values, site, replaced).changes) return undefined;
      const id = replaced ?? Number(insert.run(site, ...values).lastInsertRowid);
      removeMembers.run(id, site);
      for (const person of people.map(toBlob))
        if (!addVisitors.run(id, site, person).changes) addMember.run(id, site, person);
      return id;
    },
    remove(site: number, id: number): boolean {
      removeMembers.run(id, site);
      return remove.run(site, id).changes > 0;
    },
    members: (site: number, id: number): string[] => listed.all(id, site).map(fromBlob),
    erase: (site: number, visitor: Buffer): void => void erase.run(site, visitor),
  };
}
