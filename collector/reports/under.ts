/** Visitors as other rules than those in force would have them. Nothing is written. */
import {
  datedTraits,
  emptyFacts,
  inferFrom,
  mergeFacts,
  rank,
  viewFacts,
  type Facts,
  type Rules,
  type Scalar,
} from '../../sdk/core/index.js';
import { factsAnew } from '../ingest/fold.js';
import { timelineOf, type Timeline } from '../ingest/timeline.js';
import { findGroups, groupable, groupsAsked } from '../jobs/groups.js';
import { dateMoves } from '../projection/dating.js';
import { PAGE, pages } from '../store/pages.js';
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

/** The groups that rules ask for, of whom they are others than those set now: the traits by the person. */
export async function groupsUnder(
  store: RemoteStore,
  site: Site,
  timeline: Timeline,
  rules: Rules,
  now: number,
): Promise<Map<string, Record<string, Scalar | null>>> {
  const asked = groupsAsked(rules);
  if (!asked.length) return new Map();
  const isIn = groupable(rules, asked, now);
  const groups = findGroups(rules, asked, site.weekStart, now);
  for await (const record of pages((last?: VisitorRecord) => store.everyVisitor(site.siteKey, last?.visitorId, PAGE))) {
    // A person's visitors are told of with the person.
    if (record.personId || isBot(record.bot)) continue;
    const facts = await factsUnder(store, site, timeline, record);
    if (isIn(record, facts)) groups.add({ ...record, facts });
  }
  return new Map(groups.changes().map(({ id, props }) => [id, props]));
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
  const groups = await groupsUnder(store, site, pinned, rules, now);
  const look = async (record: VisitorRecord): Promise<VisitorRecord> => {
    const counted = await factsUnder(store, site, pinned, record);
    const set = groups.get(record.visitorId);
    const facts = set
      ? { ...counted, traits: { ...counted.traits, ...datedTraits(set, now, record.visitorId) } }
      : counted;
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
