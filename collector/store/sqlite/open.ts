import fs from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { explainError, StoreError } from './error.js';
import { lockFolder, lockUse, shareFolder } from './lock.js';
import { giveToOwner } from './owner.js';
import { MIGRATIONS } from './migrations.js';

/**
 * Opens the database file in a folder, makes both where they are missing, and brings the schema up to date.
 * @param isLocked whether the folder is this process's alone already: no schema is changed under a running collector
 * @throws StoreError where the folder cannot be written, or the file is damaged or of a newer version
 */
export function openDatabase(folder: string, isLocked = false): Database.Database {
  return openFile(databaseFile(folder), isLocked);
}

export const databaseFile = (folder: string): string => path.resolve(folder, 'stagetag.sqlite');

/** Of each connection: recent visitors lie together, and so stay in it. */
const CACHE_KIB = 32 * 1024;
/** Of 4 KiB. The store brings the log into the file itself; this is for commands, and for what it did not see. */
const CHECKPOINT_PAGES = 20_000;

/** The same of a file by another name. */
export function openFile(file: string, isLocked: boolean): Database.Database {
  let database: Database.Database | undefined;
  try {
    makeWritable(path.dirname(file));
    // Keys are in it, and what visitors did. The files beside it get the same mode. Not where it is there: closing one that another
    // connection has open would take away its locks.
    if (!fs.existsSync(file)) {
      fs.closeSync(fs.openSync(file, 'a', 0o600));
      giveToOwner(file);
    }
    database = new Database(file);
    refuseNewer(database, file);
    // An acknowledged event must survive a power cut: FULL syncs the log at every commit.
    database.pragma('journal_mode = WAL');
    database.pragma('synchronous = FULL');
    database.pragma('busy_timeout = 5000');
    database.pragma(`cache_size = -${CACHE_KIB}`);
    // Pages that change again and again are written into the file once in a while, not after every few commits.
    database.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
    database.pragma('foreign_keys = ON');
    // What is erased is gone from the file, not only from view.
    database.pragma('secure_delete = ON');
    migrate(database, file, isLocked);
    return database;
  } catch (error) {
    database?.close();
    throw asStoreError(path.dirname(file), error);
  }
}

function asStoreError(folder: string, error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  const text = explainError(error) ?? (error as Error).message;
  return new StoreError(`cannot use the data folder ${folder}: ${text}`, { cause: error });
}

/** How long a collector that starts waits for a command that is about to end. */
const LOCK_WAIT_MS = 1000;

/** Takes a data folder, made where it is missing, for this process alone. @throws StoreError where it cannot be had */
export const takeFolder = (folder: string): (() => void) => taken(folder, () => lockFolder(folder, LOCK_WAIT_MS));

/** Says that a command works on a data folder, beside others. @throws StoreError while a backup is being put in its place */
export const useFolder = (folder: string): (() => void) => taken(folder, () => shareFolder(folder));

/** Takes a data folder in which nothing runs, no command either. @throws StoreError where something does */
export function emptyFolder(folder: string): () => void {
  const unlock = takeFolder(folder);
  try {
    const leave = taken(folder, () => lockUse(folder));
    return () => {
      leave();
      unlock();
    };
  } catch (error) {
    unlock();
    throw error;
  }
}

function taken(folder: string, take: () => () => void): () => void {
  try {
    makeWritable(path.resolve(folder));
    return take();
  } catch (error) {
    throw asStoreError(path.resolve(folder), error);
  }
}

/** Takes a data folder and brings the file in it up to date. @throws StoreError where that cannot be done */
export function prepareFolder(folder: string): () => void {
  const unlock = takeFolder(folder);
  try {
    // Whoever was erased since may be in it.
    dropArriving(folder);
    refuseDamaged(databaseFile(folder));
    const database = openDatabase(folder, true);
    // What a crash left of one that was being filled.
    database.exec('DELETE FROM audience_members WHERE list NOT IN (SELECT list FROM audiences WHERE list IS NOT NULL)');
    database.close();
    return unlock;
  } catch (error) {
    unlock();
    throw error;
  }
}

function makeWritable(folder: string): void {
  makeFolder(folder);
  fs.accessSync(folder, fs.constants.W_OK);
}

/** One level at a time: in some file systems, such as /proc, the recursive way of Node never ends. */
function makeFolder(folder: string): void {
  if (fs.existsSync(folder)) return;
  makeFolder(path.dirname(folder));
  fs.mkdirSync(folder);
}

/** A larger file is not looked through at each start; what is damaged in it ends the collector when it is come upon. */
const MAX_LOOKED_THROUGH = 256 * 1024 * 1024;

/** Before anything is written: what is left of a damaged file is worth more than what would be added to it. @throws StoreError */
function refuseDamaged(file: string): void {
  if (!fs.existsSync(file) || fs.statSync(file).size > MAX_LOOKED_THROUGH) return;
  let database: Database.Database | undefined;
  try {
    database = new Database(file, { readonly: true });
    const found = database.pragma('quick_check(1)', { simple: true }) as string;
    if (found !== 'ok') {
      const words = found.trim().split('\n').at(-1)!;
      throw new StoreError(
        `${file} is damaged (${words}); put a backup in its place with \`restore\`, nothing was changed`,
      );
    }
  } catch (error) {
    throw asStoreError(path.dirname(file), error);
  } finally {
    database?.close();
  }
}

const versionOf = (database: Database.Database) => database.pragma('user_version', { simple: true }) as number;

/** Before anything is written: a newer version's file is left as it is. */
function refuseNewer(database: Database.Database, file: string): void {
  const version = versionOf(database);
  if (version <= MIGRATIONS.length) return;
  const kept = keptFile(file, `schema-${version}`);
  const way = fs.existsSync(kept) ? `, or put ${kept}, which is from before the update, in its place` : '';
  throw new StoreError(
    `${file} was written by a newer Stagetag (schema ${version}, this one knows ${MIGRATIONS.length}); update Stagetag${way}; nothing was changed`,
  );
}

/** What a database looked like before something took its place is kept beside it so long. */
const KEPT_DAYS = 7;
const isKept = (name: string) => name.startsWith('stagetag.sqlite.before-');

/** The file that keeps what a database looked like before a step. */
export const keptFile = (file: string, step: string): string => `${file}.before-${step}`;

/** Removes what was kept long enough: it holds people who were erased since. */
export function dropKept(folder: string, now: number): void {
  for (const name of fs.readdirSync(folder).filter(isKept)) {
    const file = path.join(folder, name);
    if (fs.statSync(file).mtimeMs < now - KEPT_DAYS * 86_400_000) fs.rmSync(file);
  }
}

/** A backup on its way into the place of the data. */
export const arrivingFile = (folder: string): string => `${databaseFile(folder)}.restore`;

/** Removes what a restore that was interrupted left, its log and copies too. The folder must be this process's alone. */
export function dropArriving(folder: string): void {
  const start = path.basename(arrivingFile(folder));
  for (const name of fs.readdirSync(folder)) if (name.startsWith(start)) fs.rmSync(path.join(folder, name));
}

/** How long a command waits for another that changes the schema. */
const MIGRATION_WAIT_MS = 10_000;

/** All steps or none, with a copy from before: the way back to the version of Stagetag that wrote it. */
function migrate(database: Database.Database, file: string, isLocked: boolean): void {
  const isOld = () => versionOf(database) < MIGRATIONS.length;
  if (!isOld()) return;
  const unlock = isLocked ? undefined : lockFolder(path.dirname(file), MIGRATION_WAIT_MS);
  try {
    if (!isOld()) return; // Another process did it meanwhile.
    const kept = keptFile(file, `schema-${MIGRATIONS.length}`);
    if (versionOf(database) > 0) {
      const part = `${kept}.part`;
      fs.rmSync(part, { force: true });
      database.prepare('VACUUM INTO ?').run(part);
      fs.chmodSync(part, 0o600);
      giveToOwner(part, file);
      fs.renameSync(part, kept);
    }
    database
      .transaction(() => {
        for (let version = versionOf(database); version < MIGRATIONS.length; version++) {
          database.exec(MIGRATIONS[version]!);
          database.pragma(`user_version = ${version + 1}`);
        }
      })
      .immediate();
  } finally {
    unlock?.();
  }
}
