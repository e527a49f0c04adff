/** One thread of the collector: it has the store open, and does what the one that answers requests asks for. */
import os from 'node:os';
import { parentPort, Worker, workerData } from 'node:worker_threads';
import { openSqliteStore } from '../store/sqlite/sqliteStore.js';
import { databaseFile } from '../store/sqlite/open.js';
import { openLookups, type LookupFiles } from '../ingest/lookups.js';
import { Bell, Gate, type LogThreadOptions } from '../store/sqlite/walKeeper.js';
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
const bell = new Bell();
const store = openSqliteStore(options.folder, options.isReader ? {} : { gate, bell });
const logThread = options.isReader ? undefined : startLogThread();
serve(parentPort!, () => options.isReader && gate.pass(), {
  ...store,
  ...workOn(store, Date.now, await openLookups(options)),
  async close() {
    await logThread?.terminate();
    await store.close();
  },
});

function startLogThread(): Worker {
  const data: LogThreadOptions = { file: databaseFile(options.folder), bell: bell.shared };
  const worker = new Worker(new URL('./logThread.js', import.meta.url), { workerData: data });
  // What it does not do is done here: it is waited for a while, and then forgotten.
  return worker.on('error', () => {});
}
