/** The ways of people to what channels are credited with: first entries into a stage, or orders. */
import { DAY_MS, dayOf, UNITS, type Facts, type Stage } from '../../sdk/core/index.js';
import type { CreditedTouch } from '../model/attribution.js';
import { countedDays, type CountedDay } from '../projection/counted.js';
import { endOfDay } from '../projection/dating.js';
import type { Kind } from '../projection/kinds.js';
import { days, type Person, type View, type Way } from '../projection/view.js';
import { chooseOrderSignal, netOf, ordersOf, refundSignalOf } from './customers.js';
import { countingOnly, findRepeats } from './repeats.js';

const DIRECT = 'Direct';
/** What came by nothing. */
const NOTHING: Way = { channel: DIRECT, source: null, medium: null, campaign: null };

/** What of a session is credited, and what it is called where it came with none: as GA4 does. */
export const NAMED = {
  channel: ({ channel }: Way) => channel,
  source: ({ channel, source }: Way) => source || (channel === DIRECT ? '(direct)' : '(not set)'),
  medium: ({ channel, medium }: Way) => medium || (channel === DIRECT ? '(none)' : '(not set)'),
  campaign: ({ campaign }: Way) => campaign || '(not set)',
};
export const CREDITED = Object.keys(NAMED) as Array<keyof typeof NAMED>;

/** Names that are told apart: those of most sessions. */
const MOST_NAMES = 40;
const OTHERS = '(other)';

/** How long before an entry a touch counts. */
export const LOOKBACK_DAYS = 90;
const LOOKBACK_MS = LOOKBACK_DAYS * DAY_MS;

/** Moments, the last not included. */
interface Span {
  from: number;
  until: number;
}

/** Says what sessions of each way are called, undefined where their channel is not known, and in which row a name stands. */
function namer(view: View, by: keyof typeof NAMED, { from, until }: Span) {
  const names = view.ways.map((way) => (way.channel === null ? undefined : NAMED[by](way)!));
  // Channels are few.
  if (by === 'channel') return { names, placeOf: (name: string) => name };
  const times = names.map(() => 0);
  const since = from - LOOKBACK_MS;
  const note = (at: number, way: number) => {
    if (at >= since && at < until) times[way]!++;
  };
  for (const person of view.people) view.eachSession(person, note);
  const counts = new Map<string, number>();
  for (const [way, name] of names.entries())
    if (name !== undefined && times[way]) counts.set(name, (counts.get(name) ?? 0) + times[way]!);
  const most = [...counts].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)).slice(0, MOST_NAMES);
  const known = new Set(most.map(([name]) => name));
  const placeOf = (name: string) => (known.has(name) || !counts.has(name) ? name : OTHERS);
  return { names: names.map((name) => (name === undefined ? undefined : known.has(name) ? name : OTHERS)), placeOf };
}

/** Something that channels are credited with. */
interface Conversion {
  at: number;
  revenue: number;
}

/** An order, or what was given back, with its transaction where it names one. */
type Order = CountedDay & { at: number; id?: string };

/**
 * What somebody ordered: each order with an id by itself, when it was and what it came to; of events without one the days of facts tell how
 * many there were and what they came to in all, so that those of a day share it. @param times of the events that carry the signal, ascending
 */
function ordersBy(facts: Facts, signal: string, times: number[]): Order[] {
  const start = `${signal}\n`;
  const withId = Object.entries(facts.orders).flatMap(([key, [at, , { values, keys }]]): Order[] => {
    if (!key.startsWith(start)) return [];
    const sum = (numbers: number[]) => numbers.reduce((all, each) => all + each, 0);
    const keyed = Object.values(keys[signal] ?? {}).flatMap((each) => Object.values(each).map(([, , units]) => units));
    const units = sum(Object.values(values[signal] ?? {})) + sum(keyed);
    return [{ at, day: dayOf(at), count: 1, units, daily: units, id: key.slice(start.length) }];
  });
  const taken = new Set(withId.map(({ at }) => at));
  const without = countedDays({ ...facts, orders: {} }).find(([name]) => name === signal)?.[1] ?? [];
  const others = without.flatMap(({ day, count, units }): Order[] => {
    const known = times.filter((time) => dayOf(time) === day && !taken.has(time));
    return Array.from({ length: count }, (_, index) => ({
      // Where the events are gone, its day is all that is known.
      at: known[index] ?? endOfDay(day),
      day,
      count: 1,
      units: units / count,
      daily: units / count,
    }));
  });
  return [...withId, ...others].sort((a, b) => a.at - b.at);
}

/** Takes off each order what was given back of it, where that names it; and the rest as reports do that know of no names. */
function leftOf(orders: Order[], refunds: Order[]): Order[] {
  const left = orders.map((order) => ({ ...order }));
  const others = refunds.map((refund) => {
    const order = refund.id === undefined ? undefined : left.find(({ id }) => id === refund.id);
    const off = order ? Math.min(refund.units, order.units) : 0;
    if (order) order.daily = order.units -= off;
    return { ...refund, units: refund.units - off };
  });
  return netOf(left, others) as Order[];
}

/** Each order of a span, with what is left of it. */
async function conversionsBy(
  view: View,
  signal: string,
  refund: string | undefined,
  { from, until }: Span,
): Promise<Map<Person, Conversion[]>> {
  const times = new Map<Person, number[]>();
  const repeats = await findRepeats(view, [signal]);
  const carries = ({ signals }: Kind) => signals.includes(signal) || undefined;
  const span = { from: dayOf(from) * DAY_MS, until: (dayOf(until - 1) + 1) * DAY_MS };
  await view.eachDeeds(span, carries, (person, deeds) => {
    const counted = deeds.map(({ time }) => time).filter(countingOnly(repeats.get(person)?.get(signal)));
    if (counted.length) times.set(person, counted);
  });
  const found = new Map<Person, Conversion[]>();
  for (const person of view.people) {
    const days = view.counted(person, signal);
    if (!days.some(({ day }) => day >= dayOf(from) && day <= dayOf(until - 1))) continue;
    view.letOthers();
    const record = await view.store.visitor(view.site.siteKey, view.idOf(person));
    if (!record) continue; // Erased by now.
    const orders = ordersBy(record.facts, signal, times.get(person) ?? []);
    const left = leftOf(orders, refund === undefined ? [] : ordersBy(record.facts, refund, []));
    const conversions = left
      .filter(({ at }) => at >= from && at < until)
      .map(({ at, units }) => ({ at, revenue: units / UNITS }));
    if (conversions.length) found.set(person, conversions);
  }
  return found;
}

/** What is credited: entries into a stage, or orders by the signal that adds them up; and what of a session is. */
export interface CreditQuery {
  stage?: Stage;
  signal?: string;
  by?: string;
}

/** An entry or an order, with the touches before it: what each is called, and what models look at. None where there was no touch. */
export interface Credited {
  revenue: number;
  path: string[];
  touches: CreditedTouch[];
}

/** Somebody's way. It is used again for the next: what is kept of it is to be copied. */
export interface Journey {
  person: Person;
  /** Sessions whose channel is known, by time: when each began, and what it is called. */
  times: number[];
  names: string[];
  /** Entries or orders in the range; undefined of who entered before it, which is no part of the question. */
  credited: Credited[] | undefined;
  /** From which to which session the way leads; absent where there is none: nobody entered, and no session was in the range. */
  walk: { first: number; until: number } | undefined;
}

export interface Journeys {
  by: keyof typeof NAMED;
  stage: Stage | null;
  signal: string | null;
  /** The signal that adds up orders; undefined where the site sells nothing. */
  ordered: string | undefined;
  /** In which row a name stands. */
  placeOf: (name: string) => string;
  each: (note: (journey: Journey) => void) => void;
}

/** Finds everybody's way. @returns a text that says what is wrong with what is asked */
export async function findJourneys(
  view: View,
  { stage: into, signal: counted, by: named = 'channel' }: CreditQuery,
  span: Span,
): Promise<Journeys | string> {
  const by = CREDITED.find((each) => each === named);
  if (!by) return `by: expected one of ${CREDITED.join(', ')}, got ${named}`;
  const { from, until: end } = span;
  const signal = counted ?? null;
  const stage = signal === null ? (into ?? 'action') : null;
  const { rules } = (await view.store.rules(view.site.siteKey)).at(-1)!;
  const order = chooseOrderSignal(rules, signal ?? undefined);
  if (signal !== null && 'error' in order) return order.error;
  const ordered = 'signal' in order ? order.signal : undefined;
  const refund = ordered === undefined ? undefined : refundSignalOf(rules, ordered);
  const lastDay = dayOf(end - 1);
  const revenueOf = (person: Person, at: number) =>
    (ordered === undefined ? [] : ordersOf(view, person, ordered, refund))
      .filter(({ day }) => day >= dayOf(at) && day <= lastDay)
      .reduce((sum, { units }) => sum + units / UNITS, 0);
  const orders = signal === null ? undefined : await conversionsBy(view, signal, refund, span);
  /** What somebody is to be credited for; undefined where that was before. */
  const conversionsOf = (person: Person): Conversion[] | undefined => {
    if (orders) return orders.get(person) ?? [];
    const at = view.reachedAt(person, stage!);
    if (at === undefined || at >= end) return [];
    return at < from ? undefined : [{ at, revenue: revenueOf(person, at) }];
  };
  const { names, placeOf } = namer(view, by, span);
  const { ways } = view;
  const nothing = placeOf(NAMED[by](NOTHING)!);
  const each = (note: (journey: Journey) => void) => {
    /** How somebody came by each session, and when. */
    const seen = { ways: [] as number[], arrivals: [] as number[], visitors: [] as number[] };
    const journey: Journey = { person: -1, times: [], names: [], credited: undefined, walk: undefined };
    const { times } = journey;
    const see = (at: number, way: number, arrivedAt: number, visitor: number) => {
      const name = names[way];
      if (name === undefined) return;
      times.push(at);
      seen.ways.push(way);
      seen.arrivals.push(arrivedAt);
      seen.visitors.push(visitor);
      journey.names.push(name);
    };
    /** The places of sessions from one moment to another. */
    const touchesIn = (begin: number, last: number): { first: number; until: number } => {
      let first = 0;
      while (first < times.length && times[first]! < begin) first++;
      let until = first;
      while (until < times.length && times[until]! <= last) until++;
      return { first, until };
    };
    const creditedOf = ({ at, revenue }: Conversion): Credited => {
      const { first, until } = touchesIn(at - LOOKBACK_MS, at);
      const places = Array.from({ length: until - first }, (_, index) => first + index);
      const isUsers = places.some((place) => seen.visitors[place] !== journey.person);
      // That two visitors are one, as it turns out later, changes nothing of what was credited.
      const isTogether = isUsers ? view.togetherAt(journey.person, at) : () => true;
      const known = places.filter((place) => isTogether(seen.visitors[place]!));
      // What was clicked later in the same session had no part in it.
      const isLater = (place: number) => seen.arrivals[place]! > at;
      const path = known.map((place) => (isLater(place) ? nothing : journey.names[place]!));
      // Which of them came directly is told by the channel, whatever is credited.
      const touches = known.map((place) => ({
        channel: isLater(place) ? DIRECT : ways[seen.ways[place]!]!.channel!,
        daysBefore: days(at - times[place]!),
      }));
      return { revenue, path, touches };
    };
    for (const person of view.people) {
      times.length = journey.names.length = 0;
      seen.ways.length = seen.arrivals.length = seen.visitors.length = 0;
      view.eachSession(person, see);
      const conversions = conversionsOf(person);
      const walk = touchesIn((conversions?.[0]?.at ?? from) - LOOKBACK_MS, conversions?.at(-1)?.at ?? end - 1);
      const isIn = walk.first < walk.until && times[walk.until - 1]! >= from;
      journey.person = person;
      journey.credited = conversions?.map(creditedOf);
      journey.walk = conversions && (conversions.length || isIn) ? walk : undefined;
      note(journey);
    }
  };
  return { by, stage, signal, ordered, placeOf, each };
}
