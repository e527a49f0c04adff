import fs from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { MIGRATIONS } from './migrations.js';

/** A reason not to start that the owner can act on: printed as one line. */
export class StoreError extends Error {}

/**
 * Opens the database file in a folder, makes both where they are missing, and brings the schema up to date.
 * @throws StoreError where the folder cannot be written, or the file is damaged or of a newer version
 */
export function openDatabase(folder: string): Database.Database {
  const file = path.resolve(folder, 'stagetag.sqlite');
  let database: Database.Database | undefined;
  try {
    makeFolder(path.dirname(file));
    fs.accessSync(path.dirname(file), fs.constants.W_OK);
    database = new Database(file);
    refuseNewer(database, file);
    // An acknowledged event must survive a power cut: FULL syncs the log at every commit.
    database.pragma('journal_mode = WAL');
    database.pragma('synchronous = FULL');
    database.pragma('busy_timeout = 5000');
    database.pragma('foreign_keys = ON');
    // What is erased is gone from the file, not only from view.
    database.pragma('secure_delete = ON');
    migrate(database, file);
    return database;
  } catch (error) {
    database?.close();
    if (error instanceof StoreError) throw error;
    const { code = 'unknown error', message } = error as NodeJS.ErrnoException;
    throw new StoreError(`cannot use the data folder ${path.dirname(file)}: ${HINTS[code] ?? message} (${code})`, {
      cause: error,
    });
  }
}

/** One level at a time: in some file systems, such as /proc, the recursive way of Node never ends. */
function makeFolder(folder: string): void {
  if (fs.existsSync(folder)) return;
  makeFolder(path.dirname(folder));
  fs.mkdirSync(folder);
}

const HINTS: Record<string, string> = {
  EACCES: 'it cannot be written; give this user write access or choose another with --data',
  EROFS: 'it is on a read-only disk; choose another with --data',
  ENOTDIR: 'a part of this path is a file; choose another with --data',
  EEXIST: 'a file is in its place; choose another with --data',
  ENOENT: 'it cannot be made there; choose another with --data',
  ENOSPC: 'the disk is full',
  SQLITE_READONLY: 'stagetag.sqlite in it cannot be written; give this user write access',
  SQLITE_CANTOPEN: 'stagetag.sqlite in it cannot be opened; check its permissions, or choose another with --data',
  SQLITE_NOTADB: 'stagetag.sqlite in it is not a database; move it away or restore a backup',
  SQLITE_CORRUPT: 'stagetag.sqlite in it is damaged; restore a backup',
  SQLITE_BUSY: 'another process is writing to it',
};

const versionOf = (database: Database.Database) => database.pragma('user_version', { simple: true }) as number;

/** Before anything is written: a newer version's file is left as it is. */
function refuseNewer(database: Database.Database, file: string): void {
  const version = versionOf(database);
  if (version <= MIGRATIONS.length) return;
  throw new StoreError(
    `${file} was written by a newer Stagetag (schema ${version}, this one knows ${MIGRATIONS.length}); update Stagetag, nothing was changed`,
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

/** All steps or none, with a copy from before: the way back to the version of Stagetag that wrote it. */
function migrate(database: Database.Database, file: string): void {
  const from = versionOf(database);
  if (from > 0 && from < MIGRATIONS.length) {
    const kept = keptFile(file, `schema-${MIGRATIONS.length}`);
    fs.rmSync(kept, { force: true });
    database.prepare('VACUUM INTO ?').run(kept);
  }
  // Immediate: of two processes that start together one migrates, and the other then finds it done.
  const run = database.transaction(() => {
    for (let version = versionOf(database); version < MIGRATIONS.length; version++) {
      database.exec(MIGRATIONS[version]!);
      database.pragma(`user_version = ${version + 1}`);
    }
  });
  if (versionOf(database) < MIGRATIONS.length) run.immediate();
}
