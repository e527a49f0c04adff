/** Who is meant by a number of a report: every number that the dashboard shows opens into these people. */
import { attempt, STAGES, type Stage } from '../../sdk/core/index.js';
import { nameOf } from '../projection/channels.js';
import { LONGEST, type Kind } from '../projection/kinds.js';
import type { Deed, Person, View, Visit } from '../projection/view.js';
import { CREDITED, NAMED } from './journeys.js';
import { parseAudience, prepareAudience } from './audience.js';
import { findCounted, isDated } from './countedPeople.js';
import { fatesIn, movesIn, type Fate, type Standing } from './flow.js';
import { valuesOf, type Breakdown } from './funnel.js';
import { isHit, readSteps, type FunnelQuery, type Progress } from './funnelSteps.js';
import { pageOf } from './leaving.js';
import { countingOnly, findRepeats, type Repeats } from './repeats.js';
import { lastOfFacts, readRange, type ReportQuery } from './range.js';

export interface PeopleFilter extends FunnelQuery {
  /** Those who got to this stage from `from` to `to`. */
  reached?: Stage;
  /** Of them, or of those who made a step of a funnel, what became of them; with `did` alone `wentOn`: who got to a new stage after it. */
  fate?: Fate;
  /** Days without a sign of life after which somebody is dormant. */
  dormantAfter?: number;
  /** With `steps`: those who made this one of them, the first is 1. */
  step?: number;
  /** With `steps`: those alone of one row of the breakdown; an empty value is that of those who have none. */
  by?: Breakdown;
  value?: string;
  /** Those who moved from `from` to `to` as the report `flow` has it: `STAGE:STAGE`, with `new` on the left and `dormant` on either side. */
  moved?: string;
  /** Those whose last page of all this is, of all that are kept. */
  lastPage?: string;
  /** Those who did something from `from` to `to`: `KIND:NAME`, see DEEDS. */
  did?: string;
  /** Those whom a number of a report counts from `from` to `to`: `REPORT:NUMBER`, see COUNTED. */
  counted?: string;
  /** Of such a number. */
  period?: ReportQuery['period'];
  /** The number of an audience that was saved as it was: who is in it. */
  audience?: number;
  /** JSON of a condition, as audiences have them. */
  when?: string;
}

/** What is asked for makes a list of people, where it is not of visitors. */
export const isOfPeople = ({ reached, steps, moved, lastPage, did, counted, audience, when }: PeopleFilter): boolean =>
  [reached, steps, moved, lastPage, did, counted, audience, when].some((each) => each !== undefined);

/** Whether it hangs on when stages were first reached. */
export const needsDates = ({ reached, steps, moved, fate, counted = '' }: PeopleFilter): boolean =>
  [reached, steps, moved, fate].some((each) => each !== undefined) || isDated(counted);

/** What somebody can have done, as reports name it: each says whether an event is that. */
const DEEDS: Record<string, (kind: Kind, name: string) => boolean> = {
  signal: (kind, name) => isHit(kind, `signal:${name}`),
  event: (kind, name) => isHit(kind, `event:${name}`),
  page: (kind, name) => isHit(kind, `page:${name}`),
  untold: (kind, name) => kind.name === name && !kind.isTold,
  path: (kind, name) => kind.name === 'page_view' && kind.path?.slice(0, LONGEST) === name,
  file: ({ name: event, subject }, name) => event === 'file_download' && subject === name,
  term: ({ name: event, subject }, name) => event === 'search' && subject === name,
  form: ({ name: event, subject }, name) => /^form_(start|submit|abandon)$/.test(event) && subject === name,
  abandoned: ({ name: event, subject }, name) => event === 'form_abandon' && subject === name,
};
/** A form may have no name. */
const NAMELESS = new Set(['form', 'abandoned']);

/** The same of where sessions came from: as the report `sources` names it, or as `attribution` does. */
const INBOX = 'named';
function visitTest(kind: string, name: string): ((visit: Visit) => boolean) | undefined {
  if (kind === INBOX) return ({ source, ownChannel }) => nameOf({ source, channel: ownChannel }) === name;
  const of = CREDITED.find((each) => each === kind);
  return of && ((visit) => visit.channel !== null && NAMED[of](visit) === name);
}
export const DID = [...Object.keys(DEEDS), ...CREDITED, INBOX];

/** Where somebody stands, as `moved` names it. */
const STANDINGS = new Map<string, Standing>([
  ['new', null],
  ...[...STAGES, 'dormant' as const].map((each): [string, Standing] => [each, each]),
]);

interface Asked {
  view: View;
  filter: PeopleFilter;
  span: { from: number; until: number };
  /** First and last, as they were asked for, and the last of facts. */
  days: { from: string; to: string; last: number };
  now: number;
  /** Those who are left by what was asked before. */
  people: Person[];
}

/** Says of each whether they are asked for; a text where what was asked is wrong, undefined where nothing was. */
type Make = (asked: Asked) => Promise<((person: Person) => boolean) | string | undefined>;

const gotThere: Make = async ({ view, filter: { reached, fate, dormantAfter }, span, now }) => {
  if (!reached) return undefined;
  const fateOf = fatesIn(view, span.from, span.until, now, dormantAfter);
  return (person) => {
    const known = fateOf(person, reached);
    return !!known && (!fate || known === fate);
  };
};

const hasMoved: Make = async ({ view, filter: { moved, dormantAfter }, span, now }) => {
  if (moved === undefined) return undefined;
  const [left, entered] = moved.split(':').map((name) => STANDINGS.get(name));
  if (left === undefined || !entered)
    return `moved: expected two of ${[...STANDINGS.keys()].join(', ')} with a colon between, got ${moved}`;
  const isIn = movesIn(view, span.from, span.until, now, dormantAfter);
  return (person) => isIn(person, left, entered);
};

const madeStep: Make = async ({ view, filter, now }) => {
  if (filter.steps === undefined) return undefined;
  const { step = 1, fate, by, value } = filter;
  const steps = await readSteps(view, filter, now);
  if (typeof steps === 'string') return steps;
  const { names, isOptional } = steps;
  if (step > names.length) return `step: expected one of the ${names.length} that were asked for, got ${step}`;
  const place = step - 1;
  const last = isOptional.lastIndexOf(false);
  const stands = ({ at }: Progress) => at === place && at < last;
  const isOf: Record<Fate, (progress: Progress) => boolean> = {
    wentOn: ({ at, did }) => !!((did >> place) & 1) && at > place,
    stillThere: (progress) => stands(progress) && progress.isOpen,
    lost: (progress) => stands(progress) && !progress.isOpen,
  };
  const found = new Set<Person>();
  await steps.follow((person, progress) => {
    const isIn = fate ? isOf[fate](progress) : (progress.did >> place) & 1;
    if (isIn && (!by || value === undefined || valuesOf(view, person, by).includes(value || null))) found.add(person);
  });
  return (person) => found.has(person);
};

const hasDone: Make = async ({ view, filter: { did, fate, reached, steps, counted }, span, people }) => {
  if (did === undefined) return undefined;
  // Where nothing else says of whom it is asked what became of them.
  const isAfter = fate === 'wentOn' && [reached, steps, counted].every((each) => each === undefined);
  const wentOnAt = (person: Person) => Math.max(...STAGES.map((stage) => view.reachedAt(person, stage) ?? -Infinity));
  const [kind = '', ...rest] = did.split(':');
  const name = rest.join(':');
  if (Object.hasOwn(DEEDS, kind) && (name || NAMELESS.has(kind))) {
    const found = new Set<Person>();
    const isIt = (each: Kind) => DEEDS[kind]!(each, name) || undefined;
    const repeats: Repeats = kind === 'signal' ? await findRepeats(view, [name]) : new Map();
    const note = (person: Person, deeds: Array<Deed<unknown>>) => {
      const counts = countingOnly(repeats.get(person)?.get(name));
      const first = deeds.find(({ time }) => counts(time));
      if (first && (!isAfter || wentOnAt(person) > first.time)) found.add(person);
    };
    await view.eachDeeds(span, isIt, note, people);
    return (person) => found.has(person);
  }
  const isIt = name && visitTest(kind, name);
  if (!isIt) return `did: expected one of ${DID.map((each) => `${each}:NAME`).join(', ')}, got ${did}`;
  return (person) =>
    view.visits(person).some((visit) => visit.startedAt >= span.from && visit.startedAt < span.until && isIt(visit));
};

const isCounted: Make = async ({ filter: { counted, period, fate }, ...asked }) =>
  counted === undefined
    ? undefined
    : findCounted(counted, { ...asked, ...(period && { period }), ...(fate && { fate }) });

const sawLast: Make = async ({ view, filter: { lastPage }, now, people }) => {
  if (lastPage === undefined) return undefined;
  const found = new Set<Person>();
  const note = (person: Person, deeds: Array<Deed<string>>) => deeds.at(-1)?.of === lastPage && found.add(person);
  await view.eachDeeds({ from: 0, until: now + 1 }, pageOf, note, people);
  return (person) => found.has(person);
};

const isKept: Make = async ({ view, filter: { audience } }) => {
  if (audience === undefined) return undefined;
  if (!(await view.store.audiences(view.site.siteKey)).some(({ id }) => id === audience))
    return 'this site has no such audience; it may have been deleted';
  const members = await view.store.audienceMembers(view.site.siteKey, audience);
  const kept = new Set(members.flatMap((visitorId) => view.ownerOf(visitorId) ?? []));
  return (person) => kept.has(person);
};

const meets: Make = async ({ view, filter: { when }, now }) => {
  if (when === undefined) return undefined;
  const published = await view.store.rules(view.site.siteKey);
  const parsed = parseAudience(
    published,
    // What is no JSON is no condition, and said to be none.
    attempt(() => JSON.parse(when) as unknown),
  );
  if ('errors' in parsed) return parsed.errors.map(({ path, message }) => `${path}: ${message}`).join('; ');
  return prepareAudience(view, published, parsed, now);
};

/** Each of whoever the ones before have left: what has to look at events comes last. */
const ALL = [gotThere, hasMoved, isKept, isCounted, meets, madeStep, hasDone, sawLast];

/**
 * Finds who of those who count is asked for.
 * @returns a text that says what is wrong with what was asked
 */
export async function choosePeople(view: View, filter: PeopleFilter, now: number): Promise<Set<Person> | string> {
  const range = readRange(view.site, filter, now);
  if (typeof range === 'string') return range;
  const span = { from: range.from.toMillis(), until: range.until };
  const days = { from: range.from.toISODate()!, to: range.to.toISODate()!, last: lastOfFacts(range, now) };
  let people = [...view.people];
  for (const make of ALL) {
    const isAsked = await make({ view, filter, span, days, now, people });
    if (typeof isAsked === 'string') return isAsked;
    if (isAsked) people = people.filter(isAsked);
  }
  return new Set(people);
}
