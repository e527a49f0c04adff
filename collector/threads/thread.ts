/** One thread of the collector: it has the store open, and does what the one that answers requests asks for. */
import os from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { openSqliteStore } from '../store/sqlite/sqliteStore.js';
import { openLookups, type LookupFiles } from '../ingest/lookups.js';
import { Gate } from '../store/sqlite/walKeeper.js';
import { workOn } from '../work.js';
import { serve } from './rpc.js';

/** What the thread is told at its start. */
export interface ThreadOptions extends LookupFiles {
  folder: string;
  /** Whether it only reads. */
  isReader: boolean;
  /** Shared by all threads: while it is shut, none begins to read. */
  gate: SharedArrayBuffer;
}

const READER_NICENESS = 10;

const options = workerData as ThreadOptions;
// On Linux a thread has a priority of its own: a report gives way to events where processors are few.
if (options.isReader && process.platform === 'linux') os.setPriority(READER_NICENESS);
const gate = new Gate(options.gate);
const store = openSqliteStore(options.folder, options.isReader ? {} : { gate });
serve(parentPort!, () => options.isReader && gate.pass(), {
  ...store,
  ...workOn(store, Date.now, await openLookups(options)),
});
