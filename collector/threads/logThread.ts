/** The thread that brings the log of writes into the file: it waits for the disk, so that the thread that writes need not. */
import { workerData } from 'node:worker_threads';
import Database from 'better-sqlite3';
import { Bell, type LogThreadOptions } from '../store/sqlite/walKeeper.js';

const { file, bell: shared } = workerData as LogThreadOptions;
const bell = new Bell(shared);
const database = new Database(file, { fileMustExist: true });
for (;;) {
  const rung = bell.wait();
  let frames = 0;
  try {
    [{ log: frames }] = database.pragma('wal_checkpoint(PASSIVE)') as [{ log: number }];
  } catch {
    // A full disk, for one: the thread that writes says so itself.
  }
  bell.done(rung, frames);
}
