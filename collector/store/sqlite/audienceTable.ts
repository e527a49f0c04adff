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

/** Rows of a long list that are dropped in one go. */
const PIECE = 5000;

/** Conditions that were given a name, and those who met them where that was to be kept: a list, which has a number of its own. */
export function audienceTable(database: Database.Database) {
  const all = database.prepare<[number], AudienceRow>(
    'SELECT id, name, body, author, saved_at AS savedAt, people FROM audiences WHERE site_id = ? ORDER BY name, id',
  );
  const insert = database.prepare(
    'INSERT INTO audiences (site_id, name, body, author, saved_at, people, list) VALUES (?, ?, ?, ?, ?, ?, ?)',
  );
  const update = database.prepare(
    'UPDATE audiences SET name = ?, body = ?, author = ?, saved_at = ?, people = ?, list = ? WHERE site_id = ? AND id = ?',
  );
  const listOf = database
    .prepare<[number, number], number | null>('SELECT list FROM audiences WHERE site_id = ? AND id = ?')
    .pluck();
  const lastList = database
    .prepare<[], number>(
      'SELECT max((SELECT ifnull(max(list), 0) FROM audiences), (SELECT ifnull(max(list), 0) FROM audience_members))',
    )
    .pluck();
  const remove = database.prepare('DELETE FROM audiences WHERE site_id = ? AND id = ?');
  const addMember = database.prepare(
    'INSERT OR IGNORE INTO audience_members (list, site_id, visitor_id) VALUES (?, ?, ?)',
  );
  const addVisitors = database.prepare(
    'INSERT OR IGNORE INTO audience_members SELECT ?, site_id, id FROM visitors WHERE site_id = ? AND person_id = ?',
  );
  const listed = database
    .prepare<[number, number], Buffer>(
      'SELECT visitor_id FROM audience_members WHERE list = (SELECT list FROM audiences WHERE site_id = ? AND id = ?)',
    )
    .pluck();
  const dropPart = database.prepare(`
    DELETE FROM audience_members WHERE (list, visitor_id) IN (
      SELECT list, visitor_id FROM audience_members WHERE list = ? LIMIT ${PIECE})`);
  let last = 0;
  const erase = database.prepare('DELETE FROM audience_members WHERE site_id = ? AND visitor_id = ?');
  return {
    all: (site: number): SavedAudience[] =>
      all.all(site).map(({ body, ...rest }) => ({ ...rest, when: JSON.parse(body) as object })),
    /** A number for a list that nobody has. */
    newList: (): number => (last = Math.max(last, lastList.get()!) + 1),
    /** @param people of a user the visitors are kept, so that each is erased and unlinked with itself */
    addToList(list: number, site: number, people: string[]): void {
      for (const person of people.map(toBlob))
        if (!addVisitors.run(list, site, person).changes) addMember.run(list, site, person);
    },
    /** Drops a part of a list. @returns whether there may be more of it */
    dropPart: (list: number): boolean => dropPart.run(list).changes === PIECE,
    /**
     * @param list of who is in it for good
     * @returns its number, and the list that it had before; undefined where none is to be replaced
     */
    save(
      site: number,
      { name, when, author, savedAt, people }: Omit<SavedAudience, 'id'>,
      list: number | null,
      replaced?: number,
    ): { id: number; before: number | null } | undefined {
      const values = [name, JSON.stringify(when), author, savedAt, people, list];
      if (replaced === undefined) return { id: Number(insert.run(site, ...values).lastInsertRowid), before: null };
      const before = listOf.get(site, replaced);
      if (before === undefined) return undefined;
      update.run(...values, site, replaced);
      return { id: replaced, before };
    },
    /** @returns the list that it had; undefined where there was none of it */
    remove(site: number, id: number): number | null | undefined {
      const list = listOf.get(site, id);
      remove.run(site, id);
      return list;
    },
    members: (site: number, id: number): string[] => listed.all(site, id).map(fromBlob),
    erase: (site: number, visitor: Buffer): void => void erase.run(site, visitor),
  };
}
