import path from 'node:path';
import Database from 'better-sqlite3';
import { StoreError } from './error.js';

/**
 * Takes a data folder for this process alone, until it ends however it ends: the lock is the operating system's, on a file of its own,
 * which nothing else may open.
 * @param waitMs how long to wait for whoever has it
 * @returns what gives it back
 * @throws StoreError where another process has it
 */
export function lockFolder(folder: string, waitMs = 0): () => void {
  const lock = new Database(path.resolve(folder, 'stagetag.lock'), { timeout: waitMs });
  try {
    lock.pragma('journal_mode = MEMORY');
    lock.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    lock.close();
    if ((error as { code?: string }).code !== 'SQLITE_BUSY') throw error;
    throw new StoreError(
      `another Stagetag is running on the data folder ${path.resolve(folder)}; stop it first, or choose another folder with --data`,
    );
  }
  return () => lock.close();
}
