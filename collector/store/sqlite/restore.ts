/** Backups: what is in one, and how it takes the place of the data. */
import fs from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { lockFolder } from './lock.js';
import { MIGRATIONS } from './migrations.js';
import { keptFile, openDatabase, StoreError } from './open.js';
import { SiteTable } from './siteTable.js';

export interface BackupContent {
  sites: number;
  visitors: number;
  events: number;
}

/**
 * Checks a backup from its first page to its last, and counts what is in it.
 * @throws StoreError where it is damaged, or no backup of ours
 */
export function verifyBackup(file: string): BackupContent {
  if (!fs.existsSync(file)) throw new StoreError(`there is no file ${file}`);
  let database: Database.Database | undefined;
  try {
    database = new Database(file, { readonly: true });
    const found = database.pragma('integrity_check', { simple: true }) as string;
    if (found !== 'ok') throw new StoreError(`${file} is damaged: ${found}`);
    const version = database.pragma('user_version', { simple: true }) as number;
    if (version > MIGRATIONS.length) throw new StoreError(`${file} was written by a newer Stagetag; update it first`);
    const count = (table: string) => database!.prepare<[], number>(`SELECT count(*) FROM ${table}`).pluck().get()!;
    return { sites: count('sites'), visitors: count('visitors'), events: count('events') };
  } catch (error) {
    if (error instanceof StoreError) throw error;
    throw new StoreError(`${file} is no backup of Stagetag: ${(error as Error).message}`, { cause: error });
  } finally {
    database?.close();
  }
}

/**
 * Puts a backup in the place of the data. Who was erased since the backup was made is erased from it too.
 * @returns what is in it, and where what was there before is kept
 * @throws StoreError where the backup cannot be used, or the collector is running
 */
export function restoreBackup(
  file: string,
  folder: string,
  now: number,
): BackupContent & { erased: number; kept: string } {
  verifyBackup(file);
  fs.mkdirSync(folder, { recursive: true });
  const unlock = lockFolder(folder);
  try {
    const current = path.resolve(folder, 'stagetag.sqlite');
    const arriving = `${current}.restore`;
    fs.copyFileSync(file, arriving);
    let kept = '';
    let graves: Grave[] = [];
    if (fs.existsSync(current)) {
      const before = openDatabase(folder);
      graves = readGraves(before);
      before.pragma('wal_checkpoint(TRUNCATE)');
      before.close();
      kept = keptFile(current, `restore-${new Date(now).toISOString().replace(/[:.]/g, '-')}`);
      fs.renameSync(current, kept);
    }
    fs.renameSync(arriving, current);
    const database = openDatabase(folder);
    const erased = eraseAgain(database, graves);
    database.pragma('wal_checkpoint(TRUNCATE)');
    database.close();
    return { ...verifyBackup(current), erased, kept };
  } finally {
    unlock();
  }
}

interface Grave {
  siteKey: string;
  hash: Buffer;
  erasedAt: number;
}

const readGraves = (database: Database.Database): Grave[] =>
  database
    .prepare<[], Grave>(
      'SELECT site_key AS siteKey, hash, erased_at AS erasedAt FROM tombstones JOIN sites ON id = site_id',
    )
    .all();

/** @returns how many visitors were erased again */
function eraseAgain(database: Database.Database, graves: Grave[]): number {
  const sites = new SiteTable(database);
  const known = new Set(sites.all().map(({ siteKey }) => siteKey));
  const add = database.prepare('INSERT OR IGNORE INTO tombstones (site_id, hash, erased_at) VALUES (?, ?, ?)');
  const has = database.prepare('SELECT 1 FROM tombstones WHERE site_id = ? AND hash = ?');
  const visitors = database.prepare<[], { site_id: number; id: Buffer }>('SELECT site_id, id FROM visitors');
  const erase = ['events', 'transitions', 'dead_letters'].map((table) =>
    database.prepare(`DELETE FROM ${table} WHERE site_id = ? AND visitor_id = ?`),
  );
  const eraseVisitor = database.prepare('DELETE FROM visitors WHERE site_id = ? AND id = ?');
  return database
    .transaction(() => {
      for (const { siteKey, hash, erasedAt } of graves)
        if (known.has(siteKey)) add.run(sites.id(siteKey), hash, erasedAt);
      const gone = visitors.all().filter(({ site_id, id }) => has.get(site_id, sites.hashOf(site_id, id)));
      for (const { site_id, id } of gone) for (const each of [...erase, eraseVisitor]) each.run(site_id, id);
      return gone.length;
    })
    .immediate();
}
