/** When somebody's stage changed, to the event: where nobody noted it then, since other rules were in force, the day's events tell. */
import {
  DAY_MS,
  dayOf,
  listedDays,
  mergeFacts,
  parseDay,
  rank,
  stageMoves,
  type Facts,
  type Stage,
  type StageMove,
} from '../../sdk/core/index.js';
import { factsOf, isEarlier } from '../ingest/fold.js';
import type { Timeline } from '../ingest/timeline.js';
import { isBot, type RemoteStore, type StoredEvent, type VisitorRecord } from '../store/store.js';

type Who = Pick<VisitorRecord, 'visitorId' | 'isPerson'>;

export interface DatedMove {
  from: Stage | null;
  to: Stage | null;
  at: number;
}

/** The events of a visitor, or of all visitors of a person who count, on a UTC day: by (time, id). */
async function eventsOfDay(
  store: RemoteStore,
  siteKey: string,
  { visitorId, isPerson }: Who,
  day: number,
  now: number,
) {
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

/**
 * Says when the current stage changed on a day, step by step: up it goes with an event, down as the day begins on which a window has ended. So
 * it does where raw events of the day are not kept any more.
 * @param move from the end of the day before to the end of this one
 */
export async function dateMove(
  store: RemoteStore,
  siteKey: string,
  { current, at }: Pick<Timeline, 'current' | 'at'>,
  who: Who,
  facts: Facts,
  { day, from, to }: StageMove,
  now: number,
): Promise<DatedMove[]> {
  const events = rank(to) > rank(from) ? await eventsOfDay(store, siteKey, who, day, now) : [];
  if (!events.length) return [{ from, to, at: day * DAY_MS }];
  const before = listedDays(facts, (text) => parseDay(text) < day);
  const stageAfter = (count: number) => {
    const known = mergeFacts(factsOf({ at }, events.slice(0, count)), before);
    return stageMoves(current, known, day * DAY_MS).at(-1)?.to ?? null;
  };
  const moves: DatedMove[] = [];
  let stage = from;
  const move = (next: Stage | null, time: number) => {
    if (next === stage) return;
    moves.push({ from: stage, to: next, at: time });
    stage = next;
  };
  move(stageAfter(0), day * DAY_MS);
  // By halves: most events change no stage.
  const follow = (low: number, high: number, next: Stage | null): void => {
    if (next === stage) return;
    if (high - low === 1) return move(next, Math.min(events[low]!.event.time, now));
    const half = (low + high) >> 1;
    follow(low, half, stageAfter(half));
    follow(half, high, next);
  };
  follow(0, events.length, stageAfter(events.length));
  // What came with an event of another day, such as an order that it repeats.
  move(to, Math.min(events.at(-1)!.event.time, now));
  return moves;
}
