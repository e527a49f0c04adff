/** What people leave beside the numbers: notes to days, views to come back to, links that show one; and who changed what. */
import type Database from 'better-sqlite3';
import type { Annotation, AuditEntry, SavedView, Share } from '../store.js';

export function annotationTable(database: Database.Database) {
  const all = database.prepare<[number], Annotation>(
    'SELECT id, day, text, author, saved_at AS savedAt FROM annotations WHERE site_id = ? ORDER BY day, id',
  );
  const insert = database.prepare(
    'INSERT INTO annotations (site_id, day, text, author, saved_at) VALUES (?, ?, ?, ?, ?)',
  );
  const remove = database.prepare('DELETE FROM annotations WHERE site_id = ? AND id = ?');
  return {
    all: (site: number): Annotation[] => all.all(site),
    add: (site: number, { day, text, author, savedAt }: Omit<Annotation, 'id'>): number =>
      Number(insert.run(site, day, text, author, savedAt).lastInsertRowid),
    remove: (site: number, id: number): boolean => remove.run(site, id).changes > 0,
  };
}

export function viewTable(database: Database.Database) {
  const all = database.prepare<[number], SavedView>(
    'SELECT id, name, address, author, saved_at AS savedAt FROM views WHERE site_id = ? ORDER BY name, id',
  );
  const insert = database.prepare(
    'INSERT INTO views (site_id, name, address, author, saved_at) VALUES (?, ?, ?, ?, ?)',
  );
  const remove = database.prepare('DELETE FROM views WHERE site_id = ? AND id = ?');
  return {
    all: (site: number): SavedView[] => all.all(site),
    add: (site: number, { name, address, author, savedAt }: Omit<SavedView, 'id'>): number =>
      Number(insert.run(site, name, address, author, savedAt).lastInsertRowid),
    remove: (site: number, id: number): boolean => remove.run(site, id).changes > 0,
  };
}

export function shareTable(database: Database.Database) {
  const all = database.prepare<[number, number], Share>(
    `SELECT id, address, author, saved_at AS savedAt, expires_at AS expiresAt FROM shares
    WHERE site_id = ? AND expires_at > ? ORDER BY id`,
  );
  const expire = database.prepare('DELETE FROM shares WHERE expires_at <= ?');
  const insert = database.prepare(
    'INSERT INTO shares (site_id, hash, address, author, saved_at, expires_at) VALUES (?, ?, ?, ?, ?, ?)',
  );
  const remove = database.prepare('DELETE FROM shares WHERE site_id = ? AND id = ?');
  const siteOf = database
    .prepare<[string, number], string>(
      'SELECT site_key FROM shares JOIN sites ON sites.id = site_id WHERE hash = ? AND expires_at > ?',
    )
    .pluck();
  return {
    all: (site: number, now: number): Share[] => all.all(site, now),
    add(site: number, { address, author, savedAt, expiresAt }: Omit<Share, 'id'>, hash: string): number {
      expire.run(savedAt);
      return Number(insert.run(site, hash, address, author, savedAt, expiresAt).lastInsertRowid);
    },
    remove: (site: number, id: number): boolean => remove.run(site, id).changes > 0,
    siteOf: (hash: string, now: number): string | undefined => siteOf.get(hash, now),
  };
}

/** Latest entries kept. */
const KEPT = 10_000;

export function auditTable(database: Database.Database) {
  const latest = database.prepare<[number, number], AuditEntry>(
    `SELECT id, at, who, action, site_key AS siteKey, target FROM audit WHERE id < ? ORDER BY id DESC LIMIT ?`,
  );
  const insert = database.prepare('INSERT INTO audit (at, who, action, site_key, target) VALUES (?, ?, ?, ?, ?)');
  const trim = database.prepare('DELETE FROM audit WHERE id <= ?');
  const last = database.prepare<[string], number>('SELECT max(at) FROM audit WHERE action = ?').pluck();
  return {
    latest: (limit: number, before = Number.MAX_SAFE_INTEGER): AuditEntry[] => latest.all(before, limit),
    last: (action: string): number | undefined => last.get(action) ?? undefined,
    add({ at, who, action, siteKey, target }: Omit<AuditEntry, 'id'>): void {
      trim.run(Number(insert.run(at, who, action, siteKey, target).lastInsertRowid) - KEPT);
    },
  };
}
