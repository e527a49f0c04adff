/** One thread of the collector: it has the store open, and does what the one that answers requests asks for. */
import { parentPort, workerData } from 'node:worker_threads';
import { openSqliteStore } from '../store/sqlite/sqliteStore.js';
import { workOn } from '../work.js';
import { serve } from './rpc.js';

const store = openSqliteStore(workerData as string);
serve(parentPort!, { ...store, ...workOn(store, Date.now) });
