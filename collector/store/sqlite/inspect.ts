import fs from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { StoreError } from './error.js';
import { lockFolder } from './lock.js';
import { MIGRATIONS } from './migrations.js';

export interface Inspection {
  /** Bytes of the database, its log included. */
  bytes: number;
  /** Bytes that the disk has left. */
  free: number;
  isWritable: boolean;
  /** `ok`, or what is wrong with the file. */
  integrity: string;
  /** Schema of the file and of this program. */
  schema: [file: number, own: number];
  isServing: boolean;
}

/** Looks a data folder over, and changes nothing in it. @returns undefined where there is no database in it */
export function inspectFolder(folder: string): Inspection | undefined {
  const file = path.resolve(folder, 'stagetag.sqlite');
  if (!fs.existsSync(file)) return undefined;
  const bytes = [file, `${file}-wal`].reduce(
    (sum, each) => sum + (fs.existsSync(each) ? fs.statSync(each).size : 0),
    0,
  );
  const { bavail, bsize } = fs.statfsSync(folder);
  const attempt = <T>(run: () => T, otherwise: (error: Error) => T): T => {
    try {
      return run();
    } catch (error) {
      return otherwise(error as Error);
    }
  };
  const ask = (pragma: string) => {
    const database = new Database(file, { readonly: true });
    try {
      return database.pragma(pragma, { simple: true });
    } finally {
      database.close();
    }
  };
  return {
    bytes,
    free: bavail * bsize,
    isWritable: attempt(
      () => (fs.accessSync(folder, fs.constants.W_OK), fs.accessSync(file, fs.constants.W_OK), true),
      () => false,
    ),
    integrity: attempt(
      () => String(ask('quick_check')).split('\n')[0]!,
      (error) => error.message,
    ),
    schema: [
      attempt(
        () => Number(ask('user_version')),
        () => 0,
      ),
      MIGRATIONS.length,
    ],
    isServing:
      fs.existsSync(path.resolve(folder, 'stagetag.lock')) &&
      attempt(
        () => (lockFolder(folder)(), false),
        (error) => error instanceof StoreError,
      ),
  };
}
