import type { DateTime } from 'luxon';
import { DAY_MS, dayOf, UNITS, type Facts, type Stage } from '../../sdk/core/index.js';
import {
  creditByRemoval,
  creditBySets,
  creditTouches,
  TOUCH_MODELS,
  type Path,
  type TouchModel,
} from '../model/attribution.js';
import { days, type Person, type View, type Way } from '../projection/view.js';
import type { Site } from '../store/store.js';
import { countedDays, type CountedDay } from '../projection/counted.js';
import { endOfDay } from '../projection/dating.js';
import type { Kind } from '../projection/kinds.js';
import { chooseOrderSignal, netOf, ordersOf, refundSignalOf } from './customers.js';
import { findRepeats } from './repeats.js';
import { headingOf, readRange, type Heading, type ReportQuery } from './range.js';

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

interface Row {
  sessions: number;
  visitors: number;
  /** Who was counted last. */
  latest: Person;
  credit: Record<Model, number>;
  revenue: Record<Model, number>;
}

const blank = () => Object.fromEntries(MODELS.map((model) => [model, 0])) as Record<Model, number>;

/** How long before an entry a touch counts. */
const LOOKBACK_DAYS = 90;
const LOOKBACK_MS = LOOKBACK_DAYS * DAY_MS;

const MODELS = [...TOUCH_MODELS, 'markov', 'shapley'] as const;
type Model = TouchModel | 'markov' | 'shapley';

/** Of a credit: sums of shares carry noise in their last digits. */
const DIGITS = 6;
const rounded = (value: number) => +value.toFixed(DIGITS);

export interface AttributionReport extends Heading {
  /** What is credited: first entries into a stage, or each order, by the signal that adds them up. */
  stage: Stage | null;
  signal: string | null;
  /** What each row is one of: `channel` below is the name of one. */
  by: keyof typeof NAMED;
  lookbackDays: number;
  /** Who first got to the stage in the range; or the orders in it. */
  entries: number;
  /**
   * Sessions that began in the range and the people whose they are, whether they got to the stage or not; and entries credited to each
   * channel, by model; each column adds up to those with a touch. By model too: what those people ordered from that day on in the range,
   * or those orders alone, without what was given back; what an entry cost (CAC), and how much came back for what was spent (ROAS); null
   * where there is nothing to divide by.
   */
  channels: Array<
    { channel: string; sessions: number; visitors: number; cost: number | null } & Record<Model, number> & {
        revenue: Record<Model, number> | null;
        cac: Record<Model, number | null> | null;
        roas: Record<Model, number | null> | null;
      }
  >;
  /** Entries without any touch before, which no model credits: such as those of the site's own server. */
  withoutTouch: number;
  /** What was spent in the range of which it is not known on which source, medium or campaign. */
  unnamedCost: number;
  /** From the channel of a session to that of the person's next one: how often, and how often of that on the way to an entry. */
  moves: Array<{ from: string; to: string; times: number; beforeEntry: number }>;
}

/** Says what sessions of each way are called, undefined where their channel is not known, and in which row a name stands. */
function namer(view: View, by: keyof typeof NAMED, { from, until }: { from: DateTime; until: number }) {
  const names = view.ways.map((way) => (way.channel === null ? undefined : NAMED[by](way)!));
  // Channels are few.
  if (by === 'channel') return { names, placeOf: (name: string) => name };
  const times = names.map(() => 0);
  const since = from.toMillis() - LOOKBACK_MS;
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

/** A touch of journeys that are alike up to it. */
interface Step {
  name: string;
  before: Step | undefined;
  /** What came next, by name: most have one, for which a map is much. */
  only: Step | undefined;
  next: Map<string, Step> | undefined;
  converted: number;
  lost: number;
}

const step = (name: string, before?: Step): Step => ({
  name,
  before,
  only: undefined,
  next: undefined,
  converted: 0,
  lost: 0,
});

function stepAfter(at: Step, name: string): Step {
  const known = at.only?.name === name ? at.only : at.next?.get(name);
  if (known) return known;
  const made = step(name, at);
  if (at.only) (at.next ??= new Map<string, Step>()).set(name, made);
  else at.only = made;
  return made;
}

/** Journeys by the names of what came one after the other: they share what they have in common. */
class Journeys {
  readonly #start = step('');
  /** The last touches of those that were counted. */
  readonly #ends: Step[] = [];

  /** Counts one of these touches. */
  count(names: string[], from: number, until: number, what: 'converted' | 'lost'): void {
    let at = this.#start;
    for (let index = from; index < until; index++) at = stepAfter(at, names[index]!);
    if (!at.converted && !at.lost) this.#ends.push(at);
    at[what]++;
  }

  all(): Array<Required<Path>> {
    return this.#ends.map((end) => {
      const path: string[] = [];
      for (let at = end; at.before; at = at.before) path.push(at.name);
      return { path: path.reverse(), converted: end.converted, lost: end.lost };
    });
  }
}

/** Counts what followed what. */
function countMoves(paths: Array<Required<Path>>): AttributionReport['moves'] {
  const moves = new Map<string, AttributionReport['moves'][number]>();
  for (const { path, converted, lost } of paths)
    for (const [index, to] of path.slice(1).entries()) {
      const from = path[index]!;
      const key = JSON.stringify([from, to]);
      const move = moves.get(key) ?? { from, to, times: 0, beforeEntry: 0 };
      moves.set(key, move);
      move.times += converted + lost;
      move.beforeEntry += converted;
    }
  const name = ({ from, to }: { from: string; to: string }) => `${from}\n${to}`;
  return [...moves.values()].sort((a, b) => b.times - a.times || (name(a) < name(b) ? -1 : 1));
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
  { from, until }: { from: number; until: number },
): Promise<Map<Person, Conversion[]>> {
  const times = new Map<Person, number[]>();
  const repeats = await findRepeats(view, [signal]);
  const carries = ({ signals }: Kind) => signals.includes(signal) || undefined;
  const span = { from: dayOf(from) * DAY_MS, until: (dayOf(until - 1) + 1) * DAY_MS };
  await view.eachDeeds(span, carries, (person, deeds) => {
    const repeated = repeats.get(person)?.get(signal);
    const counted = deeds.map(({ time }) => time).filter((time) => !repeated?.has(time));
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

/**
 * Credits channels with entries into a stage, or with orders. A touch is a session, with its channel; what comes after an entry changes
 * nothing of its credit.
 * @returns a text that says what is wrong with the range
 */
export async function reportAttribution(
  view: View,
  site: Site,
  query: ReportQuery,
  now: number,
): Promise<AttributionReport | string> {
  const range = readRange(site, query, now);
  if (typeof range === 'string') return range;
  const { signal = null } = query;
  const by = CREDITED.find((each) => each === (query.by ?? 'channel'));
  if (!by) return `by: expected one of ${CREDITED.join(', ')}, got ${query.by}`;
  const stage = signal === null ? (query.stage ?? 'action') : null;
  const from = range.from.toMillis();
  const { rules } = (await view.store.rules(site.siteKey)).at(-1)!;
  const order = chooseOrderSignal(rules, signal ?? undefined);
  if (signal !== null && 'error' in order) return order.error;
  const ordered = 'signal' in order ? order.signal : undefined;
  const refund = ordered === undefined ? undefined : refundSignalOf(rules, ordered);
  const lastDay = dayOf(range.until - 1);
  const revenueOf = (person: Person, at: number) =>
    (ordered === undefined ? [] : ordersOf(view, person, ordered, refund))
      .filter(({ day }) => day >= dayOf(at) && day <= lastDay)
      .reduce((sum, { units }) => sum + units / UNITS, 0);
  const orders = signal === null ? undefined : await conversionsBy(view, signal, refund, { from, until: range.until });
  /** What somebody is to be credited for; undefined where that was before. */
  const conversionsOf = (person: Person): Conversion[] | undefined => {
    if (orders) return orders.get(person) ?? [];
    const at = view.reachedAt(person, stage!);
    if (at === undefined || at >= range.until) return [];
    return at < from ? undefined : [{ at, revenue: revenueOf(person, at) }];
  };
  const { names, placeOf } = namer(view, by, range);
  const rows = new Map<string, Row>();
  const rowOf = (channel: string) => {
    const row = rows.get(channel) ?? { sessions: 0, visitors: 0, latest: -1, credit: blank(), revenue: blank() };
    rows.set(channel, row);
    return row;
  };
  const { ways } = view;
  /** By their channels: journeys to each entry, or to none; and everybody's sessions up to the last of theirs. */
  const [journeys, walks] = [new Journeys(), new Journeys()];
  /** Entries by the set of channels before them. */
  const sets = new Map<string, { entries: number; revenue: number }>();
  let entries = 0;
  let withoutTouch = 0;
  /** Somebody's sessions, by time: when they began, how they came, and what that is called. Used again for each. */
  const seen = { times: [] as number[], ways: [] as number[], arrivals: [] as number[], names: [] as string[] };
  const see = (at: number, way: number, arrivedAt: number) => {
    const name = names[way];
    if (name === undefined) return;
    seen.times.push(at);
    seen.ways.push(way);
    seen.arrivals.push(arrivedAt);
    seen.names.push(name);
  };
  const nothing = placeOf(NAMED[by](NOTHING)!);
  for (const person of view.people) {
    const conversions = conversionsOf(person);
    seen.times.length = seen.ways.length = seen.arrivals.length = seen.names.length = 0;
    view.eachSession(person, see);
    for (let index = 0; index < seen.times.length; index++) {
      if (seen.times[index]! < from || seen.times[index]! >= range.until) continue;
      const row = rowOf(seen.names[index]!);
      row.sessions++;
      row.visitors += +(row.latest !== person);
      row.latest = person;
    }
    // Who got there before is no part of the question.
    if (!conversions) continue;
    /** The places of those from one moment to another. */
    const touchesIn = (begin: number, end: number): [first: number, until: number] => {
      let first = 0;
      while (first < seen.times.length && seen.times[first]! < begin) first++;
      let until = first;
      while (until < seen.times.length && seen.times[until]! <= end) until++;
      return [first, until];
    };
    const [begin, end] = [conversions[0]?.at ?? from, conversions.at(-1)?.at ?? range.until - 1];
    const [first, until] = touchesIn(begin - LOOKBACK_MS, end);
    const isLooker = !conversions.length && first < until && seen.times[until - 1]! >= from;
    // Whoever ordered more than once came by each session once all the same.
    if (conversions.length || isLooker) walks.count(seen.names, first, until, isLooker ? 'lost' : 'converted');
    if (isLooker) journeys.count(seen.names, first, until, 'lost');
    for (const { at, revenue } of conversions) {
      entries++;
      const [first, until] = touchesIn(at - LOOKBACK_MS, at);
      if (first === until) {
        withoutTouch++;
        continue;
      }
      // What was clicked later in the same session had no part in it.
      const isLater = (index: number) => seen.arrivals[first + index]! > at;
      const path = seen.names.slice(first, until).map((name, index) => (isLater(index) ? nothing : name));
      journeys.count(path, 0, path.length, 'converted');
      const set = JSON.stringify([...new Set(path)].sort());
      const known = sets.get(set);
      sets.set(set, { entries: (known?.entries ?? 0) + 1, revenue: (known?.revenue ?? 0) + revenue });
      // Which of them came directly is told by the channel, whatever is credited.
      const given = path.map((_, index) => ({
        channel: isLater(index) ? DIRECT : ways[seen.ways[first + index]!]!.channel!,
        daysBefore: days(at - seen.times[first + index]!),
      }));
      for (const model of TOUCH_MODELS)
        creditTouches(model, 1, given).forEach((credit, index) => {
          const row = rowOf(path[index]!);
          row.credit[model] += credit;
          row.revenue[model] += credit * revenue;
        });
    }
  }
  const { credit: markov } = creditByRemoval(journeys.all());
  const bySet = (what: 'entries' | 'revenue') =>
    creditBySets([...sets].map(([set, sum]) => ({ channels: JSON.parse(set) as string[], value: sum[what] })));
  const [shapley, shapleyRevenue] = [bySet('entries'), bySet('revenue')];
  const earned = [...sets.values()].reduce((sum, { revenue }) => sum + revenue, 0);
  const costs = new Map<string, number>();
  const heading = headingOf(site, range, now);
  let unnamedCost = 0;
  for (const cost of await view.store.costs(site.siteKey, heading.from, heading.to)) {
    const name = cost[by];
    if (name === undefined) unnamedCost += cost.cost;
    else costs.set(placeOf(name), (costs.get(placeOf(name)) ?? 0) + cost.cost);
  }
  // What was paid for and brought nobody is the most telling of all.
  for (const channel of costs.keys()) rowOf(channel);
  // Of a channel that was on the way of others alone the removal takes something away too.
  for (const [channel, credit] of Object.entries(markov)) if (credit) rowOf(channel);
  const channels = [...rows].map(([channel, { sessions, visitors, credit, revenue }]) => {
    credit.markov = Object.hasOwn(markov, channel) ? markov[channel]! : 0;
    credit.shapley = shapley[channel] ?? 0;
    // Of a chain only the shares are known: they divide what all brought together.
    revenue.markov = entries > withoutTouch ? (earned * credit.markov) / (entries - withoutTouch) : 0;
    revenue.shapley = shapleyRevenue[channel] ?? 0;
    const cost = costs.get(channel) ?? null;
    const ofEach = <T>(make: (model: Model) => T) =>
      Object.fromEntries(MODELS.map((model) => [model, make(model)])) as Record<Model, T>;
    const ratio = (part: number, whole: number) => (whole > 0 ? rounded(part / whole) : null);
    const hasOrders = ordered !== undefined;
    return {
      channel,
      sessions,
      visitors,
      cost,
      ...ofEach((model) => rounded(credit[model])),
      revenue: hasOrders ? ofEach((model) => rounded(revenue[model])) : null,
      cac: cost === null ? null : ofEach((model) => (rounded(credit[model]) > 0 ? ratio(cost, credit[model]) : null)),
      roas: cost === null || !hasOrders ? null : ofEach((model) => ratio(revenue[model], cost)),
    };
  });
  return {
    ...heading,
    stage,
    signal,
    by,
    lookbackDays: LOOKBACK_DAYS,
    entries,
    channels: channels.sort((a, b) => b.linear - a.linear || (a.channel < b.channel ? -1 : 1)),
    withoutTouch,
    unnamedCost: rounded(unnamedCost),
    moves: countMoves(walks.all()),
  };
}
