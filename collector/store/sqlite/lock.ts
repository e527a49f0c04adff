import path from 'node:path';
import Database from 'better-sqlite3';
import { StoreError } from './open.js';

/**
 * Takes a data folder for this process alone, until it ends however it ends: the lock is the operating system's, on a file of its own.
 * @returns what gives it back
 * @throws StoreError where another process has it
 */
export function lockFolder(folder: string): () => void {
  const file = path.resolve(folder, 'stagetag.lock');
  const lock = new Database(file, { timeout: 0 });
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
