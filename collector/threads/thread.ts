/** One thread of the collector: it has the store open, and does what the one that answers requests asks for. */
import { parentPort, workerData } from 'node:worker_threads';
import { openSqliteStore } from '../store/sqlite/sqliteStore.js';
import { openLookups, type LookupFiles } from '../ingest/lookups.js';
import { workOn } from '../work.js';
import { serve } from './rpc.js';

/** What the thread is told at its start. */
export interface ThreadOptions extends LookupFiles {
  folder: string;
}

const options = workerData as ThreadOptions;
const store = openSqliteStore(options.folder);
serve(parentPort!, { ...store, ...workOn(store, Date.now, await openLookups(options)) });
