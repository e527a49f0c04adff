/** Who is meant by a number of a report: every number that the dashboard shows opens into these people. */
import { STAGES, type Stage } from '../../sdk/core/index.js';
import { nameOf } from '../projection/channels.js';
import { LONGEST, type Kind } from '../projection/kinds.js';
import type { Person, View, Visit } from '../projection/view.js';
import { NAMED } from './attribution.js';
import { parseAudience, prepareAudience } from './audience.js';
import { fatesIn, movesIn, type Fate, type Standing } from './flow.js';
import { valuesOf, type Breakdown } from './funnel.js';
import { isHit, readSteps, type FunnelQuery, type Progress } from './funnelSteps.js';
import { pageOf } from './leaving.js';
import { readRange } from './range.js';

export interface PeopleFilter extends FunnelQuery {
  /** Those who got to this stage from `from` to `to`. */
  reached?: Stage;
  /** Of them, or of those who made a step of a funnel, what became of them. */
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
  /** JSON of a condition, as audiences have them. */
  when?: string;
}

/** What is asked for makes a list of people, where it is not of visitors. */
export const isOfPeople = ({ reached, steps, moved, lastPage, did, when }: PeopleFilter): boolean =>
  [reached, steps, moved, lastPage, did, when].some((each) => each !== undefined);

/** What somebody can have done, as reports name it: each says whether an event is that. */
const DEEDS: Record<string, (kind: Kind, name: string) => boolean> = {
  signal: (kind, name) => isHit(kind, `signal:${name}`),
  event: (kind, name) => isHit(kind, `event:${name}`),
  page: (kind, name) => isHit(kind, `page:${name}`),
  path: (kind, name) => kind.name === 'page_view' && kind.path?.slice(0, LONGEST) === name,
  file: ({ name: event, subject }, name) => event === 'file_download' && subject === name,
  term: ({ name: event, subject }, name) => event === 'search' && subject === name,
  abandoned: ({ name: event, subject }, name) => event === 'form_abandon' && subject === name,
};
/** Where somebody stands, as `moved` names it. */
const STANDINGS = new Map<string, Standing>([
  ['new', null],
  ...[...STAGES, 'dormant' as const].map((each): [string, Standing] => [each, each]),
]);

/** The same of sessions. */
const ARRIVALS = ['source', 'channel', 'medium', 'campaign'];
export const DID = [...Object.keys(DEEDS), ...ARRIVALS];

/**
 * Finds who of those who count is asked for.
 * @returns a text that says what is wrong with what was asked
 */
export async function choosePeople(view: View, filter: PeopleFilter, now: number): Promise<Set<Person> | string> {
  const range = readRange(view.site, filter, now);
  if (typeof range === 'string') return range;
  const span = { from: range.from.toMillis(), until: range.until };
  const { reached, fate, dormantAfter, steps, moved, lastPage, did, when } = filter;
  let chosen = new Set<Person>(view.people);
  const keep = (isIn: (person: Person) => boolean) => {
    chosen = new Set([...chosen].filter(isIn));
  };
  if (reached) {
    const fateOf = fatesIn(view, span.from, span.until, now, dormantAfter);
    keep((person) => {
      const known = fateOf(person, reached);
      return !!known && (!fate || known === fate);
    });
  }
  if (moved !== undefined) {
    const [left, entered] = moved.split(':').map((name) => STANDINGS.get(name));
    if (left === undefined || !entered)
      return `moved: expected two of ${[...STANDINGS.keys()].join(', ')} with a colon between, got ${moved}`;
    const hasMoved = movesIn(view, span.from, span.until, now, dormantAfter);
    keep((person) => hasMoved(person, left, entered));
  }
  if (steps !== undefined) {
    const found = await ofStep(view, filter, now);
    if (typeof found === 'string') return found;
    keep((person) => found.has(person));
  }
  if (did !== undefined) {
    const found = await whoDid(view, did, span);
    if (typeof found === 'string') return found;
    keep((person) => found.has(person));
  }
  if (lastPage !== undefined) {
    const found = new Set<Person>();
    await view.eachDeeds(
      { from: 0, until: now + 1 },
      pageOf,
      (person, deeds) => deeds.at(-1)?.of === lastPage && found.add(person),
      chosen,
    );
    keep((person) => found.has(person));
  }
  if (when !== undefined) {
    const published = await view.store.rules(view.site.siteKey);
    const parsed = parseAudience(published, parseJson(when));
    if ('errors' in parsed) return parsed.errors.map(({ path, message }) => `${path}: ${message}`).join('; ');
    keep(await prepareAudience(view, published, parsed, now));
  }
  return chosen;
}

async function ofStep(view: View, filter: PeopleFilter, now: number): Promise<Set<Person> | string> {
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
  return found;
}

async function whoDid(view: View, did: string, span: { from: number; until: number }): Promise<Set<Person> | string> {
  const [kind = '', ...rest] = did.split(':');
  const name = rest.join(':');
  const found = new Set<Person>();
  if (Object.hasOwn(DEEDS, kind) && (name || kind === 'abandoned')) {
    const isIt = (each: Kind) => DEEDS[kind]!(each, name) || undefined;
    await view.eachDeeds(span, isIt, (person, deeds) => deeds.length && found.add(person));
  } else if (ARRIVALS.includes(kind) && name) {
    const isIt = (visit: Visit) =>
      // As the inbox of sources calls it, or as attribution does.
      (kind === 'source' && nameOf({ source: visit.source, channel: visit.ownChannel }) === name) ||
      NAMED[kind as keyof typeof NAMED](visit) === name;
    for (const person of view.people)
      if (
        view.visits(person).some((visit) => visit.startedAt >= span.from && visit.startedAt < span.until && isIt(visit))
      )
        found.add(person);
  } else return `did: expected one of ${DID.map((each) => `${each}:NAME`).join(', ')}, got ${did}`;
  return found;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // Which is no condition, and said to be none.
  }
}
