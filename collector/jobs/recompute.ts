import type { Job, Store } from '../store/store.js';
import { setGroups } from './groups.js';
import { refreshVisitor } from './restage.js';

const CHUNK = 100;

/**
 * Makes anew, from the raw events, every visitor whose facts are of older rules.
 * What is left to do is read off the visitors, so it goes on where a crash stopped it. A visitor who sends something
 * meanwhile is made anew at that moment: no answer mixes two versions.
 * @param onProgress gets the number of visitors made so far
 */
export async function recompute(
  store: Store,
  job: Job,
  now: () => number,
  onProgress?: (done: number) => void,
): Promise<void> {
  for (let done = 0, last = ''; ;) {
    const stale = await store.staleVisitors(job.siteKey, job.rules, CHUNK);
    if (!stale.length) break;
    if (stale[0] === last) throw new Error(`visitor ${last.slice(0, 8)}… cannot be made anew`);
    last = stale[0]!;
    await Promise.all(stale.map((visitorId) => refreshVisitor(store, job.siteKey, visitorId, now())));
    onProgress?.((done += stale.length));
  }
  // The rules may ask for groups that nobody asked for before.
  await setGroups(store, job.siteKey, now());
  await store.finishJob(job.id);
}
