/**
 * The store in two threads beside the one that answers requests: one writes, so that no report holds up an event; one reads, so that
 * no commit holds up a report. What one has committed the other sees from then on. The one that writes has a helper: see logThread.
 */
import { Worker } from 'node:worker_threads';
import { prepareFolder } from '../store/sqlite/open.js';
import { Gate } from '../store/sqlite/walKeeper.js';
import type { RemoteStore, Store } from '../store/store.js';
import type { ThreadOptions } from './thread.js';
import type { Work } from '../work.js';
import { Caller } from './rpc.js';

type Method = Exclude<keyof RemoteStore, 'events'>;

/** Where each method of the store is done. */
const PLACES: Record<Method, 'reader' | 'writer'> = {
  // What every page and every batch asks for, from memory: no report may stand before it.
  sites: 'writer',
  site: 'writer',
  rules: 'writer',
  sessionUser: 'writer',
  userOf: 'writer',
  siteOfShare: 'writer',
  visitor: 'reader',
  visitors: 'reader',
  transitions: 'reader',
  latestEvents: 'reader',
  deadLettersOf: 'reader',
  deadLetters: 'reader',
  refusals: 'reader',
  erasures: 'reader',
  visitorsOfUser: 'reader',
  visitorsOfUsers: 'reader',
  visitorsOfPerson: 'reader',
  isForgotten: 'reader',
  job: 'reader',
  runningJobs: 'reader',
  visitorIds: 'reader',
  latest: 'reader',
  changesSince: 'reader',
  eventsAfter: 'reader',
  eventRows: 'reader',
  everyTransition: 'reader',
  everySession: 'reader',
  everyVisitor: 'reader',
  ruleVersions: 'reader',
  ruleVersion: 'reader',
  draft: 'reader',
  saveDraft: 'writer',
  users: 'reader',
  sessions: 'reader',
  pageCounts: 'reader',
  pageViews: 'reader',
  addPages: 'writer',
  setPages: 'writer',
  setCosts: 'writer',
  removeCosts: 'writer',
  costs: 'reader',
  audiences: 'reader',
  audienceMembers: 'reader',
  saveAudience: 'writer',
  removeAudience: 'writer',
  annotations: 'reader',
  addAnnotation: 'writer',
  removeAnnotation: 'writer',
  views: 'reader',
  addView: 'writer',
  removeView: 'writer',
  shares: 'reader',
  addShare: 'writer',
  removeShare: 'writer',
  addAudit: 'writer',
  audit: 'reader',
  lastDone: 'reader',
  movesOf: 'reader',
  space: 'reader',
  addSite: 'writer',
  updateSite: 'writer',
  expireEvents: 'writer',
  publishRules: 'writer',
  addDeadLetter: 'writer',
  expireDeadLetters: 'writer',
  eraseLetters: 'writer',
  wipe: 'writer',
  markStale: 'writer',
  dueVisitors: 'writer',
  staleVisitors: 'writer',
  addJob: 'writer',
  finishJob: 'writer',
  addToken: 'writer',
  addUser: 'writer',
  removeUser: 'writer',
  signingKey: 'writer',
  takeToken: 'writer',
  cache: 'reader',
  cached: 'reader',
  stamp: 'reader',
  dropKept: 'writer',
  check: 'writer',
};

export interface Threads {
  store: RemoteStore;
  work: Work;
  /** Finishes what was accepted, then closes. */
  close(): Promise<void>;
}

/**
 * Opens the store of a folder in threads, for this process alone.
 * @param onGone called where a thread ends by itself: nothing can be stored from then on
 * @throws StoreError where the folder or the file in it cannot be used
 */
export function openThreads(
  options: Omit<ThreadOptions, 'isReader' | 'gate'>,
  onGone: (error: Error) => void,
): Threads {
  const unlock = prepareFolder(options.folder);
  let isClosing = false;
  const gate = new Gate();
  const start = (isReader: boolean) => {
    const workerData: ThreadOptions = { ...options, isReader, gate: gate.shared };
    const worker = new Worker(new URL('./thread.js', import.meta.url), { workerData });
    worker.on('error', (error) => isClosing || onGone(error));
    return { worker, caller: new Caller(worker, (error) => isClosing || onGone(error)) };
  };
  const threads = { writer: start(false), reader: start(true) };
  const calls = Object.fromEntries(
    Object.entries(PLACES).map(([method, place]) => [
      method,
      (...args: unknown[]) => threads[place].caller.call(method, args),
    ]),
  );
  const { caller } = threads.writer;
  return {
    store: {
      ...(calls as unknown as Pick<RemoteStore, Method>),
      events: (...args) => threads.reader.caller.list('events', args) as ReturnType<Store['events']>,
    },
    work: {
      ingest: (request) => caller.call('ingest', [request]) as ReturnType<Work['ingest']>,
      refresh: (...args) => caller.call('refresh', args) as ReturnType<Work['refresh']>,
      unlink: (...args) => caller.call('unlink', args) as Promise<void>,
      judge: (...args) => caller.call('judge', args) as ReturnType<Work['judge']>,
      provenStage: (...args) => threads.reader.caller.call('provenStage', args) as ReturnType<Work['provenStage']>,
      preview: (...args) => threads.reader.caller.call('preview', args) as ReturnType<Work['preview']>,
      lint: (...args) => threads.reader.caller.call('lint', args) as ReturnType<Work['lint']>,
      report: (...args) => threads.reader.caller.call('report', args) as ReturnType<Work['report']>,
      audience: (...args) => threads.reader.caller.call('audience', args) as ReturnType<Work['audience']>,
      members: (...args) => threads.reader.caller.call('members', args) as ReturnType<Work['members']>,
      listVisitors: (...args) => threads.reader.caller.call('listVisitors', args) as ReturnType<Work['listVisitors']>,
      expire: (now) => caller.call('expire', [now]) as Promise<void>,
      erase: (...args) => caller.call('erase', args) as ReturnType<Work['erase']>,
      restage: (now) => caller.call('restage', [now]) as Promise<void>,
      group: (...args) => caller.call('group', args) as ReturnType<Work['group']>,
      recompute: (job) => caller.call('recompute', [job]) as Promise<void>,
      prepare: (...args) => threads.reader.caller.call('prepare', args) as Promise<void>,
      putAway: () => threads.reader.caller.call('putAway', []) as Promise<void>,
    },
    async close() {
      isClosing = true;
      await threads.reader.caller.call('putAway', []).catch(() => {});
      for (const { worker, caller: each } of Object.values(threads)) {
        await each.call('close', []).catch(() => {});
        await worker.terminate();
      }
      unlock();
    },
  };
}
