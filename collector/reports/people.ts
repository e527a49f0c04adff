/** Everybody whom reports count: visitors who are nobody's, and users who were proven, each once. Bots are left out. */
import { DAY_MS, type CompiledRules, type StagetagEvent } from '../../sdk/core/index.js';
import { timelineOf } from '../ingest/timeline.js';
import type { ListedTransition, RemoteStore, Site, VisitorRecord } from '../store/store.js';

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
  /** Visitors who are a person's, or a bot's. */
  const others = new Map<string, string | undefined>();
  const all = pages(
    (after: string | undefined) => store.everyVisitor(siteKey, after, PAGE),
    ({ visitorId }) => visitorId,
  );
  for await (const record of all) {
    if (record.bot) others.set(record.visitorId, undefined);
    else if (record.personId) others.set(record.visitorId, record.personId);
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

/** Transitions of everybody who counts, in their order. Who went into a person is followed as that person. */
export async function readTransitions(
  store: RemoteStore,
  siteKey: string,
  people: People,
): Promise<Map<string, ListedTransition[]>> {
  const byPerson = new Map<string, ListedTransition[]>();
  const all = pages(
    (after: number | undefined) => store.everyTransition(siteKey, after ?? 0, PAGE),
    ({ id }) => id,
  );
  for await (const transition of all) {
    if (people.personOf(transition.visitorId) !== transition.visitorId) continue;
    const known = byPerson.get(transition.visitorId);
    if (known) known.push(transition);
    else byPerson.set(transition.visitorId, [transition]);
  }
  return byPerson;
}

/** Sessions of everybody who counts, each person's by time. */
export async function readSessions(store: RemoteStore, siteKey: string, people: People) {
  const byPerson = new Map<string, Array<{ at: number; channel: string }>>();
  const all = pages(
    (after: Parameters<RemoteStore['everySession']>[1]) => store.everySession(siteKey, after, PAGE),
    (session) => session,
  );
  for await (const { visitorId, startedAt: at, channel, bot } of all) {
    const person = people.personOf(visitorId);
    if (!person || !channel || bot) continue;
    const known = byPerson.get(person);
    if (known) known.push({ at, channel });
    else byPerson.set(person, [{ at, channel }]);
  }
  for (const sessions of byPerson.values()) sessions.sort((a, b) => a.at - b.at);
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
  for await (const { visitorId, event, bot } of store.events(siteKey, range)) {
    const person = bot ? undefined : people.personOf(visitorId);
    if (person) visit(person, event, timeline.at(event.time));
  }
}

export const days = (ms: number): number => ms / DAY_MS;
