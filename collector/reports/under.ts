/** Visitors as other rules than those in force would have them. Nothing is written. */
import { emptyFacts, inferFrom, mergeFacts, rank, viewFacts, type Facts } from '../../sdk/core/index.js';
import { factsAnew } from '../ingest/fold.js';
import { timelineOf, type Timeline } from '../ingest/timeline.js';
import { dateMoves } from '../projection/dating.js';
import {
  isBot,
  type ListedTransition,
  type RemoteStore,
  type Site,
  type StoredEvent,
  type VisitorRecord,
} from '../store/store.js';

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
 * The same store as if a version of the site's rules had always been in force. The list of changes of stages is there once everybody
 * was read.
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
  const transitions: ListedTransition[] = [];
  const { siteKey: key, keptFrom } = site;
  const dating = { store, siteKey: key, timeline, keptFrom, now };
  const look = async (record: VisitorRecord): Promise<VisitorRecord> => {
    const facts = await factsUnder(store, site, pinned, record);
    const view = viewFacts(timeline.current, facts, now);
    const isRuled = !record.personId && !record.isJudged && !isBot(record.bot);
    return {
      ...record,
      facts,
      ...inferFrom(view),
      bot: isRuled ? timeline.excludedAs(view) : record.bot,
      rules: version,
    };
  };
  return {
    ...store,
    rules: async () => published,
    everyVisitor: async (siteKey, after, limit) => {
      const records = await Promise.all((await store.everyVisitor(siteKey, after, limit)).map(look));
      for (const record of records) {
        const { visitorId } = record;
        // What a person's visitors do is the person's doing.
        if (record.personId || record.bot !== null) continue;
        for (const { from, to, at } of await dateMoves(dating, record, record.facts)) {
          const kind = rank(to) > rank(from) ? 'event' : 'expiry';
          transitions.push({ id: transitions.length + 1, visitorId, kind, rules: version, from, to, at });
        }
      }
      return records;
    },
    visitor: async (siteKey, visitorId) => {
      const record = await store.visitor(siteKey, visitorId);
      return record && look(record);
    },
    everyTransition: async (_, after, limit) => transitions.slice(after, after + limit),
  };
}
