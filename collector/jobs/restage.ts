import { foldInto } from '../ingest/fold.js';
import { timelineOf } from '../ingest/timeline.js';
import type { Store, VisitorRecord } from '../store/store.js';

/** Visitors brought up to date in one go, between which requests are answered. */
const CHUNK = 100;

/** Brings one visitor's record up to date with the rules in force and with time. @returns undefined for an unknown visitor */
export async function refreshVisitor(
  store: Store,
  siteKey: string,
  visitorId: string,
  now: number,
): Promise<VisitorRecord | undefined> {
  const timeline = timelineOf(await store.rules(siteKey));
  const { record } = await store.append({
    siteKey,
    visitorId,
    rulesVersion: timeline.current.version,
    events: [],
    deadLetters: [],
    fold: foldInto(visitorId, timeline, now),
  });
  return record;
}

/** Restages the visitors whose windows have expired: their stage changes with no event. */
export async function restageDue(store: Store, now: number): Promise<void> {
  for (;;) {
    const due = await store.dueVisitors(now, CHUNK);
    if (!due.length) return;
    await Promise.all(due.map(({ siteKey, visitorId }) => refreshVisitor(store, siteKey, visitorId, now)));
  }
}
