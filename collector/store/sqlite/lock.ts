import path from 'node:path';
import Database from 'better-sqlite3';
import { StoreError } from './error.js';
import { giveToOwner } from './owner.js';

/**
 * Takes a data folder for this process alone, until it ends however it ends: the lock is the operating system's, on a file of its own,
 * which nothing else may open.
 * @param waitMs how long to wait for whoever has it
 * @returns what gives it back
 * @throws StoreError where another process has it
 */
export function lockFolder(folder: string, waitMs = 0): () => void {
  return take(folder, 'stagetag.lock', 'BEGIN EXCLUSIVE', 'another Stagetag is running on', waitMs);
}

/** Says that a command works on a folder, beside others: nothing is put in the place of the data meanwhile. */
export const shareFolder = (folder: string): (() => void) =>
  take(folder, 'stagetag.use', 'BEGIN; SELECT 1 FROM sqlite_schema', 'a backup is being restored on', 0);

/** Takes a folder in which no command works. */
export const lockUse = (folder: string): (() => void) =>
  take(folder, 'stagetag.use', 'BEGIN EXCLUSIVE', 'another command works on', 0);

function take(folder: string, file: string, how: string, says: string, waitMs: number): () => void {
  const lock = new Database(path.resolve(folder, file), { timeout: waitMs });
  try {
    lock.pragma('journal_mode = MEMORY');
    lock.exec(how);
    giveToOwner(lock.name);
  } catch (error) {
    lock.close();
    if ((error as { code?: string }).code !== 'SQLITE_BUSY') throw error;
    throw new StoreError(
      `${says} the data folder ${path.resolve(folder)}; stop it first, or choose another folder with --data`,
    );
  }
  return () => lock.close();
}
