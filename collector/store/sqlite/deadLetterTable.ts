import type Database from 'better-sqlite3';
import type { DeadLetter } from '../store.js';
import { toBlob } from './uuid.js';

/** Dead letters of a site kept at most; of those that name no site fewer, since anybody can send them; and the part of each that is kept. */
const MAX_DEAD_LETTERS = 10_000;
const MAX_OF_NOBODY = 1000;
/** How many come between two looks at how many there are. */
const TRIM_EVERY = 100;
const DEAD_LETTER_BYTES = 4096;

interface LetterRow {
  received_at: number;
  reason: string;
  detail: string;
  body: string;
}

/** What was refused, as it came. */
export function deadLetterTable(database: Database.Database) {
  const insert = database.prepare(
    'INSERT INTO dead_letters (site_id, received_at, reason, detail, body, visitor_id) VALUES (?, ?, ?, ?, ?, ?)',
  );
  const trim = database.prepare(
    'DELETE FROM dead_letters WHERE id IN (SELECT id FROM dead_letters WHERE site_id IS ? ORDER BY id DESC LIMIT -1 OFFSET ?)',
  );
  /** How many came since the last look, by site. */
  const added = new Map<number | null, number>();
  const expire = database.prepare('DELETE FROM dead_letters WHERE received_at < ?');
  // A batch that was refused as a whole names its visitor in its text alone, if anywhere.
  const erase = database.prepare(
    'DELETE FROM dead_letters WHERE (site_id = ? OR site_id IS NULL) AND (visitor_id = ? OR instr(lower(body), lower(?)))',
  );
  const ofVisitor = database.prepare<[number, Buffer, string], LetterRow>(
    'SELECT * FROM dead_letters WHERE (site_id = ? OR site_id IS NULL) AND (visitor_id = ? OR instr(lower(body), lower(?)))',
  );
  const toLetter = ({ received_at: receivedAt, reason, detail, body }: LetterRow): DeadLetter => ({
    siteKey: null,
    receivedAt,
    reason,
    detail,
    body,
  });
  const latest = database.prepare<[number, number], LetterRow>(
    'SELECT * FROM dead_letters WHERE site_id = ? OR site_id IS NULL ORDER BY id DESC LIMIT ?',
  );
  const own = database.prepare<[number, number], LetterRow>(
    'SELECT * FROM dead_letters WHERE site_id = ? ORDER BY received_at DESC, id DESC LIMIT ?',
  );
  const reasons = database.prepare<[number, number], { reason: string; letters: number }>(`
    SELECT reason, count(*) AS letters FROM dead_letters WHERE site_id = ? AND received_at > ?
    GROUP BY reason ORDER BY letters DESC, reason`);
  return {
    add(site: number | null, { receivedAt, reason, detail, body, visitorId }: DeadLetter): void {
      const start = Buffer.from(body).subarray(0, DEAD_LETTER_BYTES).toString();
      const visitor = visitorId ? toBlob(visitorId) : null;
      insert.run(site, receivedAt, reason, detail, start, visitor);
      const count = (added.get(site) ?? 0) + 1;
      added.set(site, count % TRIM_EVERY);
      if (count < TRIM_EVERY) return;
      trim.run(site, (site === null ? MAX_OF_NOBODY : MAX_DEAD_LETTERS) - TRIM_EVERY);
    },
    expire(before: number): void {
      expire.run(before);
    },
    /** @returns how many there were of a visitor, and with a text in them */
    erase: (site: number, visitor: Buffer, text: string): number => erase.run(site, visitor, text).changes,
    ofVisitor: (site: number, visitorId: string): DeadLetter[] =>
      ofVisitor.all(site, toBlob(visitorId), visitorId).map(toLetter),
    latest: (site: number, limit: number, isOwn = false): DeadLetter[] =>
      (isOwn ? own : latest).all(site, limit).map(toLetter),
    reasons: (site: number, since: number) => reasons.all(site, since),
  };
}
