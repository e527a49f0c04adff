import type Database from 'better-sqlite3';

export interface ChangeRow {
  id: number;
  visitor_id: Buffer;
  batch: number | null;
  is_amended: 0 | 1;
}

/** Changes that are kept: who followed them less far looks at everybody anew. */
const KEPT = 500_000;
/** After so many the oldest go. */
const STEP = 1000;
/** Changes of one reading. */
const PAGE = 500;

const SOMEBODY = Buffer.alloc(0);

/** The list of changes to visitors. */
export function changeTable(database: Database.Database) {
  const add = database.prepare(
    'INSERT INTO visitor_changes (site_id, visitor_id, batch, is_amended) VALUES (?, ?, ?, ?)',
  );
  const drop = database.prepare('DELETE FROM visitor_changes WHERE id <= ?');
  const forget = database.prepare('DELETE FROM visitor_changes WHERE site_id = ? AND visitor_id = ?');
  const latest = database.prepare<[], Pick<ChangeRow, 'id' | 'visitor_id'>>(
    'SELECT id, visitor_id FROM visitor_changes ORDER BY id DESC LIMIT 1',
  );
  const at = database.prepare<[number], Buffer>('SELECT visitor_id FROM visitor_changes WHERE id = ?').pluck();
  const page = database.prepare<[number], ChangeRow & { site_id: number }>(
    `SELECT id, site_id, visitor_id, batch, is_amended FROM visitor_changes WHERE id > ? ORDER BY id LIMIT ${PAGE}`,
  );
  const note = (site: number, visitor: Buffer, batch: number | null, isAmended: boolean) => {
    const { lastInsertRowid } = add.run(site, visitor, batch, +isAmended);
    if (Number(lastInsertRowid) % STEP === 0) drop.run(Number(lastInsertRowid) - KEPT);
  };
  /** Says whose change it is too: the list of another file is another. */
  const placeOf = ({ id, visitor_id }: Pick<ChangeRow, 'id' | 'visitor_id'>) => `${id} ${visitor_id.toString('hex')}`;
  const last = () => latest.get() ?? { id: 0, visitor_id: SOMEBODY };
  return {
    /** The latest place. */
    last: (): string => placeOf(last()),

    /** @param rows of events that are new */
    add(site: number, visitor: Buffer, rows: number[] = [], isAmended = false): void {
      note(site, visitor, rows[0] ?? null, isAmended);
      for (const row of rows.slice(1)) note(site, visitor, row, false);
    },

    /** Notes that somebody is gone, and forgets who it was. */
    erase(site: number, visitor: Buffer): void {
      // In this order: the number of a row that was the last would be given once more.
      note(site, SOMEBODY, null, false);
      forget.run(site, visitor);
    },

    /** @returns undefined where the list does not reach back so far */
    since(site: number, place: string): { upTo: string; rows: ChangeRow[]; isSomebodyGone: boolean } | undefined {
      const after = Number.parseInt(place, 10);
      const visitor = at.get(after);
      const isOther = visitor && placeOf({ id: after, visitor_id: visitor }) !== place;
      if (isOther || after > last().id || after < last().id - KEPT) return undefined;
      const all = page.all(after);
      const own = all.filter(({ site_id }) => site_id === site);
      return {
        upTo: all.length ? placeOf(all.at(-1)!) : place,
        rows: own.filter(({ visitor_id }) => visitor_id.length),
        isSomebodyGone: own.some(({ visitor_id }) => !visitor_id.length),
      };
    },
  };
}
