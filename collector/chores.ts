/** What is to be done from time to time, whether anybody asks for something or not. */
import { DAY_MS } from '../sdk/core/index.js';
import type { RemoteStore } from './store/store.js';
import { resumeJobs, type Work } from './work.js';

const DEAD_LETTER_DAYS = 14;

/** Removes what is not kept any longer: refused batches, copies from before an update, raw events. */
export async function removeOld(store: RemoteStore, work: Work, now: number): Promise<void> {
  await store.expireDeadLetters(now - DEAD_LETTER_DAYS * DAY_MS);
  await store.dropKept(now);
  await work.expire(now);
}

/** Everything that `serve` does by itself, once: windows that ended, what is not kept any longer, groups, jobs that were interrupted. */
export async function doChores(store: RemoteStore, work: Work, now: number): Promise<void> {
  await work.restage(now);
  await store.wipe();
  await removeOld(store, work, now);
  for (const { siteKey } of await store.sites()) await work.group(siteKey, now);
  await resumeJobs(store, work, (error) => {
    throw error;
  });
}
