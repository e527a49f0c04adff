import { foldInto } from '../ingest/fold.js';
import { inForce, timelineOf } from '../ingest/timeline.js';
import type { Append, Appended, Erased, Store } from '../store/store.js';

/** Visitors brought up to date in one go, between which requests are answered. */
const CHUNK = 100;

/**
 * Brings one visitor's record up to date with the rules in force and with time.
 * @param change what else becomes of it: a link that is null makes it nobody's visitor
 * @returns no record for an unknown visitor
 */
export async function refreshVisitor(
  store: Store,
  siteKey: string,
  visitorId: string,
  now: number,
  { link, verdict }: Pick<Append, 'verdict'> & { link?: null } = {},
): Promise<Pick<Appended, 'record' | 'person'>> {
  const timeline = timelineOf(await store.rules(siteKey));
  return store.append({
    siteKey,
    visitorId,
    ...inForce(timeline),
    events: [],
    deadLetters: [],
    foldOf: (id) => foldInto(id, timeline, now),
    ...(link !== undefined && { link, linkedAt: now }),
    ...(verdict && { verdict }),
  });
}

/** Restages the visitors whose windows have expired: their stage changes with no event. */
export async function restageDue(store: Store, now: number): Promise<void> {
  for (let last = ''; ;) {
    const due = await store.dueVisitors(now, CHUNK);
    // Those that stay due although they were looked at are left for the next time.
    const first = due[0]?.visitorId ?? '';
    if (first === last) return;
    last = first;
    await Promise.all(due.map(({ siteKey, visitorId }) => refreshVisitor(store, siteKey, visitorId, now)));
  }
}

/** Erases a visitor, and adds its person up anew in the same moment. */
export async function eraseVisitor(store: Store, siteKey: string, visitorId: string, now: number): Promise<Erased> {
  const timeline = timelineOf(await store.rules(siteKey));
  const foldOf = (id: string) => foldInto(id, timeline, now);
  return store.erase(siteKey, visitorId, now, { ...inForce(timeline), foldOf });
}
