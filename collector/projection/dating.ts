/** When somebody's stage changed, to the event: where nobody noted it then, since other rules were in force, the day's events tell. */
import {
  DAY_MS,
  dayOf,
  emptyFacts,
  listedDays,
  mergeFacts,
  parseDay,
  rank,
  stageMoves,
  stageOf,
  viewFacts,
  type Facts,
  type Stage,
  type StageMove,
} from '../../sdk/core/index.js';
import { factsOf, isEarlier } from '../ingest/fold.js';
import type { Timeline } from '../ingest/timeline.js';
import { isBot, type RemoteStore, type StoredEvent, type VisitorRecord } from '../store/store.js';
import { activeDays } from './counted.js';

type Who = Pick<VisitorRecord, 'visitorId' | 'isPerson'>;

/** Where to look. */
export interface Dating {
  store: RemoteStore;
  siteKey: string;
  timeline: Pick<Timeline, 'current' | 'at'>;
  /** The first UTC day of which raw events are there. */
  keptFrom: number;
  now: number;
}

export interface DatedMove {
  from: Stage | null;
  to: Stage | null;
  at: number;
}

/** The events of a visitor, or of all visitors of a person who count, on a UTC day: by (time, id). */
async function eventsOfDay({ store, siteKey, now }: Dating, { visitorId, isPerson }: Who, day: number) {
  const ids = isPerson ? await store.visitorsOfPerson(siteKey, visitorId) : [visitorId];
  const events: StoredEvent[] = [];
  for (const id of ids) {
    if (isPerson && isBot((await store.visitor(siteKey, id))?.bot ?? null)) continue;
    // What is ahead counts as today.
    const span = { from: day * DAY_MS, ...(day < dayOf(now) && { until: (day + 1) * DAY_MS }) };
    for await (const event of store.events(siteKey, { visitorId: id, ...span })) events.push(event);
  }
  return events.sort((a, b) => (isEarlier(a, b) ? -1 : 1));
}

/** Clocks that are ahead by less are left as they are: see STAMP_OFFSET_MS of the SDK. */
const AHEAD_MS = 10 * 60_000;

/** What is dated far ahead counts as of now. */
const timeOf = ({ event }: StoredEvent, now: number): number => (event.time <= now + AHEAD_MS ? event.time : now);

/** The last moment of a UTC day. */
export const endOfDay = (day: number): number => (day + 1) * DAY_MS - 1;

const factsBefore = (facts: Facts, day: number): Facts => listedDays(facts, (text) => parseDay(text) < day);

/**
 * Says when the current stage changed on a day, step by step: up it goes with an event, down as the day begins on which a window has ended.
 * Of days whose raw events are not kept any more only the end is known.
 * @param move from the end of the day before, or from its beginning, to the end of this one
 */
export async function dateMove(dating: Dating, who: Who, facts: Facts, move: StageMove): Promise<DatedMove[]> {
  const { timeline, keptFrom, now } = dating;
  const { day, from, to } = move;
  if (rank(to) < rank(from)) return [{ from, to, at: day * DAY_MS }];
  if (day < keptFrom) return [{ from, to, at: Math.min(endOfDay(day), now) }];
  const events = await eventsOfDay(dating, who, day);
  if (!events.length) return [{ from, to, at: day * DAY_MS }];
  const before = factsBefore(facts, day);
  // What an event means is found out once: that costs more than to add it up.
  const single = events.map((event) => factsOf(timeline, [event]));
  const stageAfter = (count: number) => {
    const known = single.slice(0, count).reduce(mergeFacts, mergeFacts(emptyFacts(), before));
    return stageOf(viewFacts(timeline.current, known, day * DAY_MS));
  };
  const moves: DatedMove[] = [];
  let stage = from;
  const add = (next: Stage | null, time: number) => {
    if (next === stage) return;
    moves.push({ from: stage, to: next, at: time });
    stage = next;
  };
  // Whose first day it is has no stage before the first event, whatever rules ask to be absent.
  if (activeDays(before).length) add(stageAfter(0), day * DAY_MS);
  // By halves: most events change no stage.
  const follow = (low: number, high: number, next: Stage | null): void => {
    if (next === stage) return;
    if (high - low === 1) return add(next, timeOf(events[low]!, now));
    const half = (low + high) >> 1;
    follow(low, half, stageAfter(half));
    follow(half, high, next);
  };
  follow(0, events.length, stageAfter(events.length));
  // What came with an event of another day, such as an order that it repeats.
  add(to, timeOf(events.at(-1)!, now));
  return moves;
}

/** Every change of the current stage, had the rules always been in force; also back up on the day on which it fell. */
export async function dateMoves(dating: Dating, who: Who, facts: Facts): Promise<DatedMove[]> {
  const { current } = dating.timeline;
  const { now } = dating;
  const active = new Set(activeDays(facts));
  /** Active days as which begin a window ends. */
  const falling = [...active]
    .flatMap((day) => current.windows.map((window) => day + window))
    .filter((day) => active.has(day) && day <= dayOf(now));
  const ends = new Map(stageMoves(current, facts, now).map((move) => [move.day, move]));
  const moves: DatedMove[] = [];
  let stage: Stage | null = null;
  for (const day of [...new Set([...ends.keys(), ...falling])].sort((a, b) => a - b)) {
    const to: Stage | null = ends.has(day) ? ends.get(day)!.to : stage;
    const begun: Stage | null = active.has(day)
      ? stageOf(viewFacts(current, factsBefore(facts, day), day * DAY_MS))
      : stage;
    const from: Stage | null = rank(begun) < rank(stage) ? begun : stage;
    if (from !== stage) moves.push({ from: stage, to: from, at: day * DAY_MS });
    if (from !== to) moves.push(...(await dateMove(dating, who, facts, { day, from, to })));
    stage = to;
  }
  return moves;
}
