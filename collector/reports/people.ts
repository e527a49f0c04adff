/** Everybody whom reports count: visitors who are nobody's, and users who were proven, each once. Bots are left out. */
import {
  DAY_MS,
  dayOf,
  rank,
  reachedDays,
  type CompiledRules,
  type Stage,
  type StagetagEvent,
} from '../../sdk/core/index.js';
import { remembered } from '../ingest/remembered.js';
import { timelineOf } from '../ingest/timeline.js';
import {
  isBot,
  type ListedSession,
  type ListedTransition,
  type RemoteStore,
  type Site,
  type VisitorRecord,
} from '../store/store.js';

const PAGE = 500;

/** Reads page by page, and lets others have their turn between. */
async function* pages<T, A>(read: (after: A | undefined) => Promise<T[]>, placeOf: (last: T) => A): AsyncGenerator<T> {
  for (let after: A | undefined; ;) {
    const page = await read(after);
    yield* page;
    if (page.length < PAGE) return;
    after = placeOf(page.at(-1)!);
    await new Promise(setImmediate);
  }
}

export interface People {
  /** Whose doing a visitor's is: its own, a person's, or nobody's who counts. */
  personOf(visitorId: string): string | undefined;
}

/** Goes over everybody once. @param visit called with the record of each */
export async function readPeople(
  store: RemoteStore,
  siteKey: string,
  visit?: (record: VisitorRecord) => void,
): Promise<People> {
  /** Visitors who are a person's, or whom reports leave out. */
  const others = new Map<string, string | undefined>();
  const all = pages(
    (after: string | undefined) => store.everyVisitor(siteKey, after, PAGE),
    ({ visitorId }) => visitorId,
  );
  for await (const record of all) {
    if (isBot(record.bot)) others.set(record.visitorId, undefined);
    else if (record.personId) others.set(record.visitorId, record.personId);
    else if (record.bot) others.set(record.visitorId, undefined);
    else visit?.(record);
  }
  const bots = new Set([...others].filter(([, owner]) => owner === undefined).map(([id]) => id));
  return {
    personOf(visitorId) {
      const owner = others.has(visitorId) ? others.get(visitorId) : visitorId;
      return owner !== undefined && bots.has(owner) ? undefined : owner;
    },
  };
}

/** How somebody went. */
export interface Journey {
  /** When each stage, or a higher one, was first reached under the rules in force; only those that were. */
  reachedAt: Map<Stage, number>;
  /** Changes of the current stage as they were noticed, of all visitors who are this person's. */
  moves: ListedTransition[];
}

/**
 * Reads the journeys of everybody who counts. The facts say on which day a stage was reached, whenever that became known: by an event
 * that came late, by a change of rules, or when it turned out whose visitor it was; the log says at which time of that day.
 */
export async function readJourneys(
  store: RemoteStore,
  siteKey: string,
  now: number,
  visit?: (record: VisitorRecord) => void,
): Promise<{ people: People; journeys: Map<string, Journey> }> {
  const { current } = timelineOf(await store.rules(siteKey));
  const reached = new Map<string, Map<Stage, number>>();
  const people = await readPeople(store, siteKey, (record) => {
    reached.set(record.visitorId, reachedDays(current, record.facts, now));
    visit?.(record);
  });
  const moves = new Map<string, ListedTransition[]>();
  const all = pages(
    (after: number | undefined) => store.everyTransition(siteKey, after ?? 0, PAGE),
    ({ id }) => id,
  );
  for await (const transition of all) {
    const person = people.personOf(transition.visitorId);
    // That a visitor turned out to be a user's is no move of anybody.
    if (person === undefined || transition.kind === 'link') continue;
    const known = moves.get(person);
    if (known) known.push(transition);
    else moves.set(person, [transition]);
  }
  const journeys = new Map<string, Journey>();
  for (const [person, dayByStage] of reached) {
    const own = (moves.get(person) ?? []).sort((a, b) => a.at - b.at || a.id - b.id);
    const reachedAt = new Map<Stage, number>();
    for (const [stage, day] of dayByStage) {
      const move = own.find(({ to, at }) => rank(to) >= rank(stage) && dayOf(at) === day);
      reachedAt.set(stage, move?.at ?? Math.min(now, (day + 1) * DAY_MS - 1));
    }
    journeys.set(person, { reachedAt, moves: own });
  }
  return { people, journeys };
}

/** Sessions of everybody who counts, each person's by time. */
export async function readSessions(store: RemoteStore, siteKey: string, people: People) {
  const byPerson = new Map<string, ListedSession[]>();
  const all = pages(
    (after: ListedSession | undefined) => store.everySession(siteKey, after, PAGE),
    (session) => session,
  );
  for await (const session of all) {
    const person = people.personOf(session.visitorId);
    if (!person) continue;
    const known = byPerson.get(person);
    if (known) known.push(session);
    else byPerson.set(person, [session]);
  }
  for (const sessions of byPerson.values()) sessions.sort((a, b) => a.startedAt - b.startedAt);
  return byPerson;
}

/** Goes over the events of everybody who counts, in no order. */
export async function eachEvent(
  store: RemoteStore,
  { siteKey }: Site,
  range: { from: number; until: number },
  people: People,
  visit: (person: string, event: StagetagEvent, rules: CompiledRules) => void,
): Promise<void> {
  const timeline = timelineOf(await store.rules(siteKey));
  for await (const { visitorId, event } of store.events(siteKey, range)) {
    const person = people.personOf(visitorId);
    if (person) visit(person, event, timeline.at(event.time));
  }
}

/** What was made of events that hang on their name and page alone, by the rules that say what they mean. */
const meanings = new WeakMap<object, WeakMap<CompiledRules, Map<string, unknown>>>();

/**
 * Makes something of an event, and of events of the same name on the same page only once: a site has far fewer pages than its visitors
 * open. @param make must look at nothing but the event's name, address, props and source
 */
export function madeOf<T>(owner: object, rules: CompiledRules, event: StagetagEvent, make: () => T): T {
  if (event.props || (event.source && Object.keys(event.source).length)) return make();
  let byRules = meanings.get(owner);
  if (!byRules) meanings.set(owner, (byRules = new WeakMap<CompiledRules, Map<string, unknown>>()));
  let known = byRules.get(rules) as Map<string, T> | undefined;
  if (!known) byRules.set(rules, (known = new Map<string, T>()));
  return remembered(known, `${event.name}\n${event.url}`, make);
}

export const days = (ms: number): number => ms / DAY_MS;
