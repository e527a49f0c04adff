/** Visitors as other rules than those in force would have them. Nothing is written. */
import { emptyFacts, inferState, mergeFacts, type Facts } from '../../sdk/core/index.js';
import { factsAnew } from '../ingest/fold.js';
import { timelineOf, type Timeline } from '../ingest/timeline.js';
import { isBot, type RemoteStore, type Site, type StoredEvent, type VisitorRecord } from '../store/store.js';

/** The facts of a record under rules: as they are, where no signal changed since it was made; else from its raw events. */
export async function factsUnder(
  store: RemoteStore,
  { siteKey, keptFrom }: Pick<Site, 'siteKey' | 'keptFrom'>,
  timeline: Timeline,
  record: VisitorRecord,
): Promise<Facts> {
  if (record.rules === timeline.current.version || timeline.keepsFacts(record.rules)) return record.facts;
  if (!record.isPerson) {
    const history: StoredEvent[] = [];
    for await (const event of store.events(siteKey, { visitorId: record.visitorId })) history.push(event);
    return factsAnew(timeline, record.facts, history, keptFrom);
  }
  const sum = emptyFacts();
  for (const visitorId of await store.visitorsOfPerson(siteKey, record.visitorId)) {
    const part = await store.visitor(siteKey, visitorId);
    if (part && !isBot(part.bot)) mergeFacts(sum, await factsUnder(store, { siteKey, keptFrom }, timeline, part));
  }
  return sum;
}

/**
 * The same store as if a version of the site's rules had always been in force.
 * @returns undefined where there is no such version
 */
export async function pinTo(
  store: RemoteStore,
  site: Site,
  version: number,
  now: number,
): Promise<RemoteStore | undefined> {
  const rules = await store.ruleVersion(site.siteKey, version);
  if (!rules) return undefined;
  const published = [...(await store.rules(site.siteKey)), { rules, publishedAt: 0, since: 0 }];
  const timeline = timelineOf(published);
  // What was counted while other signals were in force is no more what this version would have counted.
  const isSame = published.every((each) => timeline.keepsFacts(each.rules.version));
  const pinned = isSame
    ? timeline
    : { ...timeline, keepsFacts: () => false, current: { ...timeline.current, version: -1 } };
  return {
    ...store,
    rules: async () => published,
    everyVisitor: async (siteKey, after, limit) => {
      const records = await store.everyVisitor(siteKey, after, limit);
      return Promise.all(
        records.map(async (record) => {
          const facts = await factsUnder(store, site, pinned, record);
          return { ...record, facts, ...inferState(timeline.current, facts, now), rules: version };
        }),
      );
    },
  };
}
