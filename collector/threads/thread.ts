/** One thread of the collector: it has the store open, and does what the one that answers requests asks for. */
import { parentPort, workerData } from 'node:worker_threads';
import { openSqliteStore } from '../store/sqlite/sqliteStore.js';
import { openGeo } from '../ingest/client.js';
import { workOn } from '../work.js';
import { serve } from './rpc.js';

/** What the thread is told at its start. */
export interface ThreadOptions {
  folder: string;
  /** An MMDB file. */
  geo?: string;
}

const { folder, geo } = workerData as ThreadOptions;
const store = openSqliteStore(folder);
serve(parentPort!, { ...store, ...workOn(store, Date.now, geo ? await openGeo(geo) : undefined) });
