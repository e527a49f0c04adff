/** Audiences: who of a site's people meet a condition, of whatever is known of them. */
import {
  compileRules,
  dayOf,
  holds,
  isDeep,
  isRecord,
  MAX_RULES_DEPTH,
  parseRules,
  rulesError,
  STAGES,
  viewFacts,
  type CompiledCondition,
  type RulesError,
  type Stage,
} from '../../sdk/core/index.js';
import { timelineOf } from '../ingest/timeline.js';
import { LIFECYCLE } from '../model/lifecycle.js';
import { cutsOf, RFM_GROUPS, scoreRfm, type Buyer } from '../model/rfm.js';
import type { Person, View } from '../projection/view.js';
import type { PublishedRules, VisitorRecord } from '../store/store.js';
import { buyerOf, chooseOrderSignal, lifecycleNow, ordersOf, refundSignalOf } from './customers.js';
import { readPeople } from './people.js';

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

type Test = (person: Person) => boolean;

const EXAMPLES = 10;
/** Each is looked at for everybody. */
const MAX_CONDITIONS = 100;
/** Fewer who have a thing say nothing of it. */
const LEAST = 5;
const MOST = 20;

/** What conditions are asked of. */
interface Asked {
  view: View;
  now: number;
  /** Everybody's RFM group; of those who never ordered there is none. */
  rfm: Map<Person, string>;
}

const LISTS = {
  rfm: ({ rfm }: Asked, person: Person) => rfm.get(person) ?? 'none',
  lifecycle: ({ view, now }: Asked, person: Person) =>
    lifecycleNow(view.activeDays(person), dayOf(now), view.site.weekStart) ?? 'none',
  stage: ({ view }: Asked, person: Person) => view.stage(person) ?? 'none',
  peak: ({ view }: Asked, person: Person) => view.peak(person) ?? 'none',
  channel: ({ view }: Asked, person: Person) => view.firstChannel(person) ?? 'none',
  source: ({ view }: Asked, person: Person) => view.touch(person)?.source ?? 'none',
};
const KNOWN: Partial<Record<keyof typeof LISTS, readonly string[]>> = {
  stage: [...STAGES, 'none'],
  peak: [...STAGES, 'none'],
  rfm: [...Object.keys(RFM_GROUPS), 'none'],
  lifecycle: [...LIFECYCLE, 'none'],
};

/** A condition that looks at more than is held in memory, with who meets it once the records were read. */
interface Deep {
  condition: CompiledCondition;
  met: Set<Person>;
}

interface Parsed {
  test: (asked: Asked) => Test;
  deep: Deep[];
  hasRfm: boolean;
}

/** Makes a test of a condition from outside, or lists everything that is wrong with it. */
export function parseAudience(published: PublishedRules[], input: unknown): Parsed | { errors: RulesError[] } {
  const { rules } = published.at(-1)!;
  const current = compileRules(rules);
  /** Under some version that decides what a signal counts it told values apart: then they count once in a window. */
  const hasDistinct = (signal: string) => published.some((each) => each.rules.signals[signal]?.distinct);
  if (isDeep(input, MAX_RULES_DEPTH)) return { errors: [rulesError('when', 'too_deep', { max: MAX_RULES_DEPTH })] };
  const errors: RulesError[] = [];
  const deep: Deep[] = [];
  let hasRfm = false;
  type Make = Parsed['test'];
  const wrong = (...given: Parameters<typeof rulesError>): Make => {
    errors.push(rulesError(...given));
    return () => () => false;
  };
  let count = 0;
  const read = (value: unknown, path: string): Make => {
    if (++count > MAX_CONDITIONS)
      return count > MAX_CONDITIONS + 1 ? () => () => false : wrong(path, 'too_many', { max: MAX_CONDITIONS });
    if (!isRecord(value)) return wrong(path, 'not_object', { got: JSON.stringify(value) ?? 'undefined' });
    const [name = '', ...others] = Object.keys(value);
    const given = value[name];
    if (name === 'signal' || name === 'trait' || others.length || !name) return leaf(value, path);
    if (name === 'all' || name === 'any') {
      if (!Array.isArray(given) || !given.length)
        return wrong(`${path}.${name}`, 'not_list', { got: JSON.stringify(given) });
      const made = given.map((part, index) => read(part, `${path}.${name}[${index}]`));
      return (asked) => {
        const parts = made.map((make) => make(asked));
        return name === 'all'
          ? (person) => parts.every((part) => part(person))
          : (person) => parts.some((part) => part(person));
      };
    }
    if (name === 'not') {
      const made = read(given, `${path}.not`);
      return (asked) => {
        const part = made(asked);
        return (person) => !part(person);
      };
    }
    if (name === 'tag') {
      const tags = Object.keys(rules.tags ?? {});
      if (!tags.includes(given as string))
        return wrong(`${path}.tag`, 'not_one_of', { names: tags.join(', '), got: JSON.stringify(given) });
      return ({ view }) =>
        (person) =>
          view.tags(person).includes(given as string);
    }
    if (Object.hasOwn(LISTS, name)) {
      const of = name as keyof typeof LISTS;
      const known = KNOWN[of];
      const isFit = (each: unknown) => typeof each === 'string' && (!known || known.includes(each));
      if (!Array.isArray(given) || !given.length || !given.every(isFit))
        return known
          ? wrong(`${path}.${name}`, 'not_names', { names: known.join(', ') })
          : wrong(`${path}.${name}`, 'not_list', { got: JSON.stringify(given) });
      if (of === 'rfm') hasRfm = true;
      const wanted = new Set(given as string[]);
      return (asked) => (person) => wanted.has(LISTS[of](asked, person));
    }
    return leaf(value, path);
  };
  /** What rules know, as they say it. */
  const leaf = (value: unknown, path: string): Make => {
    const parsed = parseRules({ signals: rules.signals, stages: { awareness: { when: value } } });
    if ('errors' in parsed) {
      for (const error of parsed.errors)
        errors.push({ ...error, path: error.path.replace('stages.awareness.when', path) });
      return () => () => false;
    }
    const { signals, stages } = compileRules(parsed.rules);
    const asked = Object.keys(signals).find((name) => signals[name]!.pairs && !current.signals[name]?.pairs);
    if (asked) return wrong(path, 'no_sessions', { signal: asked });
    const condition = stages.awareness!.when;
    if (isHeld(condition, hasDistinct))
      return ({ view, now }) =>
        (person) =>
          holds(view.facts(person, current), condition, dayOf(now));
    const part: Deep = { condition, met: new Set() };
    deep.push(part);
    return () => (person) => part.met.has(person);
  };
  const test = read(input, 'when');
  return errors.length ? { errors } : { test, deep, hasRfm };
}

/** Whether a condition looks at nothing but what is held in memory: see View.facts. */
function isHeld(condition: CompiledCondition, hasDistinct: (signal: string) => boolean): boolean {
  if (!('signal' in condition)) return false;
  const asked = Object.keys(condition.need ?? {});
  return asked.every((measure) =>
    measure === 'value' ? !hasDistinct(condition.signal) : measure === 'count' || measure === 'days',
  );
}

/** Makes the test of who is among those that are looked for. */
export async function prepareAudience(
  view: View,
  published: PublishedRules[],
  parsed: Parsed,
  now: number,
): Promise<Test> {
  const { siteKey } = view.site;
  const rfm = new Map<Person, string>();
  if (parsed.hasRfm) {
    const { rules } = published.at(-1)!;
    const order = chooseOrderSignal(rules, undefined);
    const buyers: Array<Buyer<Person>> = [];
    if ('signal' in order) {
      const refund = refundSignalOf(rules, order.signal);
      for (const person of view.people) {
        const buyer = buyerOf(person, ordersOf(view, person, order.signal, refund), now);
        if (buyer) buyers.push(buyer);
      }
    }
    for (const { id, group } of scoreRfm(buyers, cutsOf(rules, buyers.length))) rfm.set(id, group);
  }
  if (parsed.deep.length) {
    const { current } = timelineOf(published);
    await readPeople(view.store, siteKey, ({ visitorId, facts }) => {
      view.letOthers();
      const person = view.ownerOf(visitorId);
      if (person === undefined) return; // Came meanwhile.
      const seen = viewFacts(current, facts, now);
      for (const { condition, met } of parsed.deep) if (holds(seen, condition, seen.today)) met.add(person);
    });
  }
  return parsed.test({ view, now, rfm });
}

/** Counts an audience, and says by what it differs from everybody. */
export async function countAudience(
  view: View,
  when: unknown,
  now: number,
): Promise<Audience | { errors: RulesError[] }> {
  const published = await view.store.rules(view.site.siteKey);
  const parsed = parseAudience(published, when);
  if ('errors' in parsed) return parsed;
  const test = await prepareAudience(view, published, parsed, now);
  const { people: everybody } = view;
  const members = everybody.filter(test);
  const stages = new Map<Stage | null, number>();
  for (const person of members) stages.set(view.stage(person), (stages.get(view.stage(person)) ?? 0) + 1);
  const [all, own] = [countFeatures(view, everybody), countFeatures(view, members)];
  const profile = [...own]
    .filter(([, people]) => people >= LEAST)
    .map(([feature, people]) => {
      const [share, everywhere] = [people / members.length, all.get(feature)! / everybody.length];
      return { feature, people, share, everybody: everywhere, index: Math.round((share / everywhere) * 100) };
    })
    .sort((a, b) => Math.abs(Math.log(b.index / 100)) - Math.abs(Math.log(a.index / 100)) || b.people - a.people);
  const latest = [...members].sort((a, b) => view.lastSeen(b) - view.lastSeen(a)).slice(0, EXAMPLES);
  return {
    asOf: now,
    people: members.length,
    of: everybody.length,
    stages: [null, ...STAGES].map((stage) => ({ stage, people: stages.get(stage) ?? 0 })),
    profile: profile.slice(0, MOST),
    examples: await membersOf(view, latest),
  };
}

/** Lists an audience. @param saved its number, where it is those who were in it when it was saved */
export async function listAudience(
  view: View,
  when: unknown,
  now: number,
  saved?: number,
): Promise<Member[] | { errors: RulesError[] }> {
  const { siteKey } = view.site;
  if (saved !== undefined) {
    // As they are now: whoever turned out to be a user's is that user, and who was erased is gone.
    const owners = (await view.store.audienceMembers(siteKey, saved)).map((visitorId) => view.ownerOf(visitorId));
    return membersOf(
      view,
      [...new Set(owners)].filter((owner) => owner !== undefined),
    );
  }
  const published = await view.store.rules(siteKey);
  const parsed = parseAudience(published, when);
  if ('errors' in parsed) return parsed;
  return membersOf(view, view.people.filter(await prepareAudience(view, published, parsed, now)));
}

/** How many have each stage, tag and channel. */
function countFeatures(view: View, people: Iterable<Person>): Map<string, number> {
  const counts = new Map<string, number>();
  const add = (feature: string) => counts.set(feature, (counts.get(feature) ?? 0) + 1);
  for (const person of people) {
    add(`stage:${view.stage(person) ?? 'none'}`);
    for (const tag of view.tags(person)) add(`tag:${tag}`);
    const touch = view.touch(person);
    if (touch) add(`channel:${touch.channel}`);
  }
  return counts;
}

/** How many are read before others have their turn. */
const TURN = 500;

async function membersOf(view: View, people: Iterable<Person>): Promise<Member[]> {
  const members: Member[] = [];
  let read = 0;
  for (const person of people) {
    const record = await view.store.visitor(view.site.siteKey, view.idOf(person));
    if (record) members.push(memberOf(record, view.firstChannel(person) ?? null));
    if (++read % TURN) continue;
    view.letOthers();
    await new Promise(setImmediate);
  }
  return members;
}

const memberOf = (
  { visitorId, userId, stage, peak, tags, score, lastSeen }: VisitorRecord,
  channel: string | null,
): Member => ({ visitorId, userId, stage, peak, tags, score, channel, lastSeen });
