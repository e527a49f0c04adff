/** Backups: what is in one, and how it takes the place of the data. */
import fs from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { cacheFiles } from './cacheFiles.js';
import { MIGRATIONS } from './migrations.js';
import { explainError, StoreError } from './error.js';
import { arrivingFile, dropArriving, emptyFolder, keptFile, openFile } from './open.js';
import { giveToOwner } from './owner.js';
import { emptyFacts } from '../../../sdk/core/index.js';
import { EventTable, idsOf } from './eventTable.js';
import { jobTable } from './jobTable.js';
import { PageTable } from './pageTable.js';
import { SiteTable } from './siteTable.js';
import { fromBlob } from './uuid.js';
import { VisitorTable } from './visitorTable.js';

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
  const beside = [`${file}-wal`, `${file}-shm`].filter((each) => !fs.existsSync(each));
  let database: Database.Database | undefined;
  try {
    database = new Database(file, { readonly: true });
    const found = database.pragma('integrity_check', { simple: true }) as string;
    if (found !== 'ok') throw new StoreError(`${file} is damaged: ${found.split('\n')[0]}`);
    const version = database.pragma('user_version', { simple: true }) as number;
    if (version < 1) throw new StoreError(`${file} is no backup of Stagetag`);
    if (version > MIGRATIONS.length) throw new StoreError(`${file} was written by a newer Stagetag; update it first`);
    const count = (table: string) => database!.prepare<[], number>(`SELECT count(*) FROM ${table}`).pluck().get()!;
    return { sites: count('sites'), visitors: count('visitors'), events: count(version < 7 ? 'events' : 'event_ids') };
  } catch (error) {
    if (error instanceof StoreError) throw error;
    const { code, message } = error as { code?: string; message: string };
    const says =
      code === 'SQLITE_CANTOPEN'
        ? `${file} cannot be opened where it lies; copy it into a folder that can be written, and name that copy`
        : `${file} is no backup of Stagetag: ${explainError(error) ?? message}`;
    throw new StoreError(says, { cause: error });
  } finally {
    database?.close();
    // What an older one has beside it while it is read.
    for (const each of beside) fs.rmSync(each, { force: true });
  }
}

export interface Restored extends BackupContent {
  /** Visitors that were erased since the backup was made, and now are again. */
  erased: number;
  /** Where what was there before is kept for some days; an empty text where nothing was. */
  kept: string;
  /** What the owner should know. */
  warning?: string;
}

/**
 * Puts a backup in the place of the data. Who was erased since the backup was made is erased from it too.
 * @throws StoreError where the backup cannot be used, or the collector is running; then nothing is changed
 */
export function restoreBackup(file: string, folder: string, now: number): Restored {
  verifyBackup(file);
  const unlock = emptyFolder(folder);
  const current = path.resolve(folder, 'stagetag.sqlite');
  const arriving = arrivingFile(folder);
  try {
    // What one that was interrupted left is not this backup's.
    dropArriving(folder);
    // A copy of a folder, which is no backup, may have a log beside it.
    for (const end of ['', '-wal']) if (fs.existsSync(file + end)) fs.copyFileSync(file + end, arriving + end);
    const before = fs.existsSync(current) ? readBefore(current) : NOTHING_BEFORE;
    // Brought up to date and cleaned before it takes the place of anything.
    const database = openFile(arriving, true);
    const { graves, keys, ...given } = before ?? NOTHING_BEFORE;
    const erased = eraseAgain(database, graves);
    if (replaceAgain(database, keys)) takeBackAgain(database, given);
    database.exec('VACUUM');
    database.pragma('wal_checkpoint(TRUNCATE)');
    database.pragma('journal_mode = DELETE');
    database.close();
    const content = verifyBackup(arriving);
    let kept = '';
    if (fs.existsSync(current)) {
      kept = keptFile(current, `restore-${new Date(now).toISOString().replace(/[:.]/g, '-')}`);
      // Copied, so that at no moment there is no database; a log goes with the file that it belongs to.
      for (const end of ['', '-wal']) {
        if (fs.existsSync(current + end)) fs.copyFileSync(current + end, kept + end);
        giveToOwner(kept + end, current);
      }
      giveToOwner(arriving, current);
      for (const end of ['-wal', '-shm']) fs.rmSync(current + end, { force: true });
    }
    fs.renameSync(arriving, current);
    cacheFiles(folder).clear();
    const warning =
      'the data from before could not be read: who was erased since the backup has to be erased again, a secret key that was replaced to be replaced again, and a user who was removed to be removed again';
    return { ...content, erased, kept, ...(!before && { warning }) };
  } finally {
    dropArriving(folder);
    unlock();
  }
}

interface Grave {
  siteKey: string;
  hash: Buffer;
  erasedAt: number;
}

interface Before {
  /** Whom it knows as erased. */
  graves: Grave[];
  keys: Array<{ siteKey: string; secretKey: string }>;
  /** Hashes of what opens the dashboard, by table. */
  access: Record<keyof typeof ACCESS, string[]>;
  roles: Array<{ hash: string; role: string }>;
}
/** Where hashes of tokens stand. */
const ACCESS = { users: 'token_hash', tokens: 'hash', shares: 'hash' };
const NOTHING_BEFORE: Before = { graves: [], keys: [], access: { users: [], tokens: [], shares: [] }, roles: [] };

/** What of the data from before holds on; undefined where it is damaged. */
function readBefore(file: string): Before | undefined {
  let database: Database.Database | undefined;
  try {
    database = new Database(file);
    const read = <Row>(query: string) => database!.prepare<[], Row>(query).all();
    const version = database.pragma('user_version', { simple: true }) as number;
    const has = (table: string) => read(`SELECT 1 FROM sqlite_master WHERE name = '${table}'`).length > 0;
    const hashes = (table: keyof typeof ACCESS) =>
      has(table) ? read<{ hash: string }>(`SELECT ${ACCESS[table]} AS hash FROM ${table}`).map(({ hash }) => hash) : [];
    return {
      access: { users: hashes('users'), tokens: hashes('tokens'), shares: hashes('shares') },
      roles: has('users') ? read('SELECT token_hash AS hash, role FROM users') : [],
      keys: read('SELECT site_key AS siteKey, secret_key AS secretKey FROM sites'),
      graves:
        // Of before there were any.
        version < 3
          ? []
          : read('SELECT site_key AS siteKey, hash, erased_at AS erasedAt FROM tombstones JOIN sites ON id = site_id'),
    };
  } catch {
    return undefined;
  } finally {
    database?.close();
  }
}

/** A secret key that was replaced since the backup was made stays replaced: it may have got out. @returns how many sites are in both */
function replaceAgain(database: Database.Database, keys: Before['keys']): number {
  const replace = database.prepare('UPDATE sites SET secret_key = ? WHERE site_key = ?');
  return keys.reduce((sum, { siteKey, secretKey }) => sum + replace.run(secretKey, siteKey).changes, 0);
}

/** Whoever may not sign in any more may not do so by a backup, and who may do less may not do more. Of another collector's data nothing is known. */
function takeBackAgain(database: Database.Database, { access, roles }: Pick<Before, 'access' | 'roles'>): void {
  for (const [table, column] of Object.entries(ACCESS))
    database
      .prepare(`DELETE FROM ${table} WHERE ${column} NOT IN (SELECT value FROM json_each(?))`)
      .run(JSON.stringify(access[table as keyof typeof ACCESS]));
  const put = database.prepare('UPDATE users SET role = ? WHERE token_hash = ?');
  for (const { hash, role } of roles) put.run(role, hash);
}

/** What is known of a person before its visitors are added up, by rules that are never in force. */
const NOTHING = {
  facts: emptyFacts(),
  peak: null,
  tags: [],
  score: 0,
  firstTouch: null,
  lastTouch: null,
  dueAt: null,
  rules: 0,
};

/** @returns how many visitors were erased again */
function eraseAgain(database: Database.Database, graves: Grave[]): number {
  const sites = new SiteTable(database);
  const known = new Set(sites.all().map(({ siteKey }) => siteKey));
  const add = database.prepare(
    'INSERT OR IGNORE INTO tombstones (site_id, hash, erased_at, is_wiped) VALUES (?, ?, ?, 1)',
  );
  const has = database.prepare('SELECT 1 FROM tombstones WHERE site_id = ? AND hash = ?');
  const visitors = database.prepare<[], { site_id: number; id: Buffer; person_id: Buffer | null }>(
    'SELECT site_id, id, person_id FROM visitors',
  );
  const hasVisitor = database.prepare('SELECT 1 FROM visitors WHERE site_id = ? AND person_id = ?');
  const erase = ['transitions', 'sessions', 'dead_letters', 'audience_members'].map((table) =>
    database.prepare(`DELETE FROM ${table} WHERE site_id = ? AND visitor_id = ?`),
  );
  const events = new EventTable(database, new PageTable(database));
  const table = new VisitorTable(database);
  const jobs = jobTable(database, sites, table);
  const eraseVisitor = database.prepare('DELETE FROM visitors WHERE site_id = ? AND id = ?');
  return database
    .transaction(() => {
      for (const { siteKey, hash, erasedAt } of graves)
        if (known.has(siteKey)) add.run(sites.id(siteKey), hash, erasedAt);
      const gone = visitors.all().filter(({ site_id, id }) => has.get(site_id, sites.hashOf(site_id, id)));
      // A batch that was refused may name somebody in its text alone.
      if (graves.length) database.exec('DELETE FROM dead_letters; DELETE FROM visitor_changes');
      /** Of the people whose visitors they were, what was theirs. */
      const people = new Map<string, { site: number; id: Buffer; events: Set<string> }>();
      for (const { site_id, id, person_id } of gone) {
        if (person_id) {
          const key = `${site_id} ${fromBlob(person_id)}`;
          const known = people.get(key) ?? { site: site_id, id: person_id, events: new Set<string>() };
          people.set(key, known);
          for (const each of idsOf(events.ofVisitor(site_id, id))) known.events.add(each);
        }
        events.erase(site_id, id);
        for (const each of [...erase, eraseVisitor]) each.run(site_id, id);
      }
      for (const { site, id, events: theirs } of people.values()) {
        // A user of whom no visitor is left is gone with the last; what others did is added up anew.
        if (!hasVisitor.get(site, id)) for (const each of [...erase, eraseVisitor]) each.run(site, id);
        else {
          const record = table.get(site, id)!;
          const stage = table.forgetMoves(site, id, theirs);
          table.put(site, id, { ...record, ...NOTHING, stage }, record);
        }
      }
      for (const site of new Set([...people.values()].map((each) => each.site)))
        jobs.add(sites.keyOf(site), sites.get(sites.keyOf(site))!.rulesVersion);
      return gone.length;
    })
    .immediate();
}
