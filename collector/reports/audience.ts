/** Audiences: who of a site's people meet a condition, of whatever is known of them. */
import {
  compileRules,
  holds,
  isDeep,
  isRecord,
  MAX_RULES_DEPTH,
  parseRules,
  STAGES,
  viewFacts,
  type FactsView,
  type Rules,
  type RulesError,
  type Stage,
} from '../../sdk/core/index.js';
import { timelineOf } from '../ingest/timeline.js';
import { LIFECYCLE } from '../model/lifecycle.js';
import { RFM_GROUPS, scoreRfm, type Buyer } from '../model/rfm.js';
import type { PublishedRules, RemoteStore, Site, VisitorRecord } from '../store/store.js';
import { buyerOfRecord, chooseOrderSignal, lifecycleNow } from './customers.js';
import { readPeople } from './people.js';
import { withChannels } from './sources.js';

/**
 * A condition of the rules (`signal`, `trait`), or one on where somebody stands: `{stage: [...]}`, `{peak: [...]}` (with `none`),
 * `{tag: "…"}`, `{channel: [...]}`, `{source: [...]}` of the first touch, `{rfm: [...]}` (with `none`), `{lifecycle: [...]}` of this week;
 * and `all`, `any`, `not` of them.
 */
export type AudienceCondition = object;

export interface Audience {
  asOf: number;
  people: number;
  /** Everybody. */
  of: number;
  stages: Array<{ stage: Stage | null; people: number }>;
  /** By what they differ most from everybody, and by how much: an index of 200 is twice as often. */
  profile: Array<{ feature: string; people: number; share: number; everybody: number; index: number }>;
  /** Some of them, latest seen first. */
  examples: Member[];
}

export interface Member {
  visitorId: string;
  userId: string | null;
  stage: Stage | null;
  peak: Stage | null;
  tags: string[];
  score: number;
  channel: string | null;
  lastSeen: number;
}

type Test = (record: VisitorRecord, view: () => FactsView) => boolean;

const EXAMPLES = 10;
/** Each is looked at for everybody. */
const MAX_CONDITIONS = 100;
/** Fewer who have a thing say nothing of it. */
const LEAST = 5;
const MOST = 20;

/** Everybody's RFM group by their id, filled before anybody is looked at; undefined where it is not asked for. */
type Groups = Map<string, string> | undefined;

const LISTS = {
  rfm: ({ visitorId }: VisitorRecord, _: () => FactsView, groups: Groups) => groups!.get(visitorId) ?? 'none',
  lifecycle: ({ facts }: VisitorRecord, view: () => FactsView) => lifecycleNow(facts, view().today) ?? 'none',
  stage: ({ stage }: VisitorRecord) => stage ?? 'none',
  peak: ({ peak }: VisitorRecord) => peak ?? 'none',
  channel: ({ firstTouch }: VisitorRecord) => firstTouch?.channel ?? 'none',
  source: ({ firstTouch }: VisitorRecord) => firstTouch?.source ?? 'none',
};
const KNOWN: Partial<Record<keyof typeof LISTS, readonly string[]>> = {
  stage: [...STAGES, 'none'],
  peak: [...STAGES, 'none'],
  rfm: [...Object.keys(RFM_GROUPS), 'none'],
  lifecycle: [...LIFECYCLE, 'none'],
};

interface Parsed {
  test: Test;
  groups: Groups;
}

/** Makes a test of a condition from outside, or lists everything that is wrong with it. */
export function parseAudience(rules: Rules, input: unknown): Parsed | { errors: RulesError[] } {
  const paired = compileRules(rules).signals;
  if (isDeep(input, MAX_RULES_DEPTH))
    return { errors: [{ path: 'when', message: `expected at most ${MAX_RULES_DEPTH} levels of nesting` }] };
  const errors: RulesError[] = [];
  let groups: Groups;
  const wrong = (path: string, message: string): Test => {
    errors.push({ path, message });
    return () => false;
  };
  let count = 0;
  const read = (value: unknown, path: string): Test => {
    if (++count > MAX_CONDITIONS)
      return count > MAX_CONDITIONS + 1 ? () => false : wrong(path, `expected at most ${MAX_CONDITIONS} conditions`);
    if (!isRecord(value)) return wrong(path, `expected a condition, got ${JSON.stringify(value)}`);
    const [name = '', ...others] = Object.keys(value);
    const given = value[name];
    if (name === 'signal' || name === 'trait' || others.length || !name) return leaf(value, path);
    if (name === 'all' || name === 'any') {
      if (!Array.isArray(given) || !given.length) return wrong(`${path}.${name}`, 'expected a list of conditions');
      const parts = given.map((part, index) => read(part, `${path}.${name}[${index}]`));
      return name === 'all'
        ? (record, view) => parts.every((part) => part(record, view))
        : (record, view) => parts.some((part) => part(record, view));
    }
    if (name === 'not') {
      const part = read(given, `${path}.not`);
      return (record, view) => !part(record, view);
    }
    if (name === 'tag') {
      const tags = Object.keys(rules.tags ?? {});
      if (!tags.includes(given as string))
        return wrong(`${path}.tag`, `expected one of ${tags.join(', ')}, got ${JSON.stringify(given)}`);
      return ({ tags: own }) => own.includes(given as string);
    }
    if (Object.hasOwn(LISTS, name)) {
      const of = name as keyof typeof LISTS;
      const known = KNOWN[of];
      const isFit = (each: unknown) => typeof each === 'string' && (!known || known.includes(each));
      if (!Array.isArray(given) || !given.length || !given.every(isFit))
        return wrong(`${path}.${name}`, `expected a list of ${known ? known.join(', ') : 'names'}`);
      if (of === 'rfm') groups ??= new Map();
      return (record, view) => given.includes(LISTS[of](record, view, groups));
    }
    return leaf(value, path);
  };
  /** What rules know, as they say it. */
  const leaf = (value: unknown, path: string): Test => {
    const parsed = parseRules({ signals: rules.signals, stages: { awareness: { when: value } } });
    if ('errors' in parsed) {
      for (const { path: at, message } of parsed.errors)
        errors.push({ path: at.replace('stages.awareness.when', path), message });
      return () => false;
    }
    const { signals, stages } = compileRules(parsed.rules);
    const asked = Object.keys(signals).find((name) => signals[name]!.pairs && !paired[name]?.pairs);
    if (asked)
      return wrong(path, `facts say nothing of sessions of ${asked}, since no condition of the rules asks for them`);
    const condition = stages.awareness!.when;
    return (_, view) => holds(view(), condition, view().today);
  };
  const test = read(input, 'when');
  return errors.length ? { errors } : { test, groups };
}

/** Goes over everybody, and says of each whether they are among those who are looked for. */
async function eachPerson(
  store: RemoteStore,
  site: Site,
  published: PublishedRules[],
  { test, groups }: Parsed,
  now: number,
  visit: (record: VisitorRecord, isIn: boolean) => void,
): Promise<void> {
  const rules = timelineOf(published).current;
  if (groups) {
    const order = chooseOrderSignal(published.at(-1)!.rules, undefined);
    const buyers: Buyer[] = [];
    if ('signal' in order)
      await readPeople(store, site.siteKey, (record) => {
        const buyer = buyerOfRecord(record, order.signal, now);
        if (buyer) buyers.push(buyer);
      });
    for (const { id, group } of scoreRfm(buyers)) groups.set(id, group);
  }
  await readPeople(withChannels(store, site), site.siteKey, (record) => {
    let view: FactsView | undefined;
    visit(
      record,
      test(record, () => (view ??= viewFacts(rules, record.facts, now))),
    );
  });
}

/** Counts an audience, and says by what it differs from everybody. */
export async function countAudience(
  store: RemoteStore,
  site: Site,
  when: unknown,
  now: number,
): Promise<Audience | { errors: RulesError[] }> {
  const published = await store.rules(site.siteKey);
  const parsed = parseAudience(published.at(-1)!.rules, when);
  if ('errors' in parsed) return parsed;
  let [people, of] = [0, 0];
  const stages = new Map<Stage | null, number>();
  const features = new Map<string, { own: number; all: number }>();
  const examples: VisitorRecord[] = [];
  await eachPerson(store, site, published, parsed, now, (record, isIn) => {
    of++;
    for (const feature of featuresOf(record)) {
      const counts = features.get(feature) ?? { own: 0, all: 0 };
      features.set(feature, counts);
      counts.all++;
      counts.own += +isIn;
    }
    if (!isIn) return;
    people++;
    stages.set(record.stage, (stages.get(record.stage) ?? 0) + 1);
    examples.push(record);
    if (examples.length > 1000) latest(examples);
  });
  const profile = [...features]
    .filter(([, { own }]) => own >= LEAST)
    .map(([feature, { own, all }]) => ({
      feature,
      people: own,
      share: own / people,
      everybody: all / of,
      index: Math.round((own / people / (all / of)) * 100),
    }))
    .sort((a, b) => Math.abs(Math.log(b.index / 100)) - Math.abs(Math.log(a.index / 100)) || b.people - a.people);
  return {
    asOf: now,
    people,
    of,
    stages: [null, ...STAGES].map((stage) => ({ stage, people: stages.get(stage) ?? 0 })),
    profile: profile.slice(0, MOST),
    examples: latest(examples).map(memberOf),
  };
}

/** Lists an audience. @param saved its number, where it is those who were in it when it was saved */
export async function listAudience(
  store: RemoteStore,
  site: Site,
  when: unknown,
  now: number,
  saved?: number,
): Promise<Member[] | { errors: RulesError[] }> {
  if (saved !== undefined) return listSaved(store, site, saved);
  const published = await store.rules(site.siteKey);
  const parsed = parseAudience(published.at(-1)!.rules, when);
  if ('errors' in parsed) return parsed;
  const members: Member[] = [];
  await eachPerson(store, site, published, parsed, now, (record, isIn) => {
    if (isIn) members.push(memberOf(record));
  });
  return members;
}

/** Those who are in an audience for good, as they are now: whoever turned out to be a user's is that user, and who was erased is gone. */
async function listSaved(store: RemoteStore, site: Site, id: number): Promise<Member[]> {
  const records = new Map<string, VisitorRecord>();
  const people = await readPeople(withChannels(store, site), site.siteKey, (record) =>
    records.set(record.visitorId, record),
  );
  const owners = new Set(
    (await store.audienceMembers(site.siteKey, id)).map((visitorId) => people.personOf(visitorId)),
  );
  return [...owners].flatMap((owner) => {
    const record = owner === undefined ? undefined : records.get(owner);
    return record ? [memberOf(record)] : [];
  });
}

/** Keeps the few that were seen last. */
function latest(records: VisitorRecord[]): VisitorRecord[] {
  records.sort((a, b) => b.lastSeen - a.lastSeen).splice(EXAMPLES);
  return records;
}

const featuresOf = ({ tags, stage, firstTouch }: VisitorRecord): string[] => [
  `stage:${stage ?? 'none'}`,
  ...tags.map((tag) => `tag:${tag}`),
  ...(firstTouch ? [`channel:${firstTouch.channel}`] : []),
];

const memberOf = ({ visitorId, userId, stage, peak, tags, score, firstTouch, lastSeen }: VisitorRecord): Member => ({
  visitorId,
  userId,
  stage,
  peak,
  tags,
  score,
  channel: firstTouch?.channel ?? null,
  lastSeen,
});
