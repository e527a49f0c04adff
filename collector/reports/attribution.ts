import { DAY_MS, dayOf, UNITS, type Stage } from '../../sdk/core/index.js';
import {
  creditByRemoval,
  creditBySets,
  creditTouches,
  TOUCH_MODELS,
  type Path,
  type TouchModel,
} from '../model/attribution.js';
import { days, type Person, type View } from '../projection/view.js';
import type { Site } from '../store/store.js';
import type { CountedDay } from '../projection/counted.js';
import type { Kind } from '../projection/kinds.js';
import { chooseOrderSignal, ordersOf, refundSignalOf } from './customers.js';
import { headingOf, readRange, type Heading, type ReportQuery } from './range.js';

interface Row {
  sessions: number;
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

export interface AttributionReport extends Heading {
  /** What is credited: first entries into a stage, or each event that carries a signal. */
  stage: Stage | null;
  signal: string | null;
  lookbackDays: number;
  /** Who first got to the stage in the range; or the signal's events in it. */
  entries: number;
  /**
   * Entries credited to each channel, by model; each column adds up to those with a touch. By model too: what those people ordered
   * from that day on in the range, or the signal's events alone, without what was given back; what an entry cost (CAC), and how much came
   * back for what was spent (ROAS); null where there is nothing to divide by.
   */
  channels: Array<
    { channel: string; sessions: number; cost: number | null } & Record<Model, number> & {
        revenue: Record<Model, number> | null;
        cac: Record<Model, number | null> | null;
        roas: Record<Model, number | null> | null;
      }
  >;
  /** Entries without any touch before, which no model credits: such as those of the site's own server. */
  withoutTouch: number;
  /** From the channel of a session to that of the person's next one: how often, and how often of that on the way to an entry. */
  moves: Array<{ from: string; to: string; times: number; beforeEntry: number }>;
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

/** Each event of a signal in a span, with its part of what the day's came to. */
async function conversionsBy(
  view: View,
  signal: string,
  daysOf: (person: Person) => CountedDay[],
  span: { from: number; until: number },
): Promise<Map<Person, Conversion[]>> {
  const found = new Map<Person, Conversion[]>();
  const carries = ({ signals }: Kind) => signals.includes(signal) || undefined;
  // Whole days, of which the first events count: what is repeated comes after it.
  const days = { from: dayOf(span.from) * DAY_MS, until: (dayOf(span.until - 1) + 1) * DAY_MS };
  await view.eachDeeds(days, carries, (person, deeds) => {
    if (!deeds.length) return;
    const times = deeds.map(({ time }) => time);
    const conversions = daysOf(person).flatMap(({ day, count, units }) =>
      times
        .filter((time) => dayOf(time) === day)
        .slice(0, count)
        .map((at) => ({ at, revenue: units / UNITS / count })),
    );
    found.set(
      person,
      conversions.filter(({ at }) => at >= span.from && at < span.until),
    );
  });
  return found;
}

/**
 * Credits channels with entries into a stage, or with events of a signal. A touch is a session, with the channel of its first event; what
 * comes after an entry changes nothing of its credit.
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
  const stage = signal === null ? (query.stage ?? 'action') : null;
  const from = range.from.toMillis();
  const { rules } = (await view.store.rules(site.siteKey)).at(-1)!;
  if (signal !== null && !Object.hasOwn(rules.signals, signal))
    return `signal: no signal is called ${signal}; signals are ${Object.keys(rules.signals).join(', ')}`;
  const order = signal !== null && rules.signals[signal]!.value ? { signal } : chooseOrderSignal(rules, undefined);
  const ordered = 'signal' in order ? order.signal : undefined;
  const refund = ordered === undefined ? undefined : refundSignalOf(rules, ordered);
  const netOrders = (person: Person) => (ordered === undefined ? [] : ordersOf(view, person, ordered, refund));
  const lastDay = dayOf(range.until - 1);
  const revenueOf = (person: Person, at: number) =>
    netOrders(person)
      .filter(({ day }) => day >= dayOf(at) && day <= lastDay)
      .reduce((sum, { units }) => sum + units / UNITS, 0);
  const events =
    signal === null
      ? undefined
      : await conversionsBy(
          view,
          signal,
          (person) => (signal === ordered ? netOrders(person) : view.counted(person, signal)),
          { from, until: range.until },
        );
  /** What somebody is to be credited for; undefined where that was before. */
  const conversionsOf = (person: Person): Conversion[] | undefined => {
    if (events) return events.get(person) ?? [];
    const at = view.reachedAt(person, stage!);
    if (at === undefined || at >= range.until) return [];
    return at < from ? undefined : [{ at, revenue: revenueOf(person, at) }];
  };
  const rows = new Map<string, Row>();
  const rowOf = (channel: string) => {
    const row = rows.get(channel) ?? { sessions: 0, credit: blank(), revenue: blank() };
    rows.set(channel, row);
    return row;
  };
  /** Journeys by their channels. */
  const journeys = new Map<string, Required<Path>>();
  const count = (path: string[], what: 'converted' | 'lost') => {
    const key = path.join('\n');
    const known = journeys.get(key) ?? { path, converted: 0, lost: 0 };
    journeys.set(key, known);
    known[what]++;
  };
  /** Entries by the set of channels before them. */
  const sets = new Map<string, { entries: number; revenue: number }>();
  let entries = 0;
  let withoutTouch = 0;
  for (const person of view.people) {
    const conversions = conversionsOf(person);
    // Who got there before is no part of the question.
    if (!conversions) continue;
    const visits = view.visits(person).filter(({ channel }) => channel !== null);
    const touchesIn = (begin: number, end: number) =>
      visits
        .filter(({ startedAt }) => startedAt >= begin && startedAt <= end)
        .map(({ channel, startedAt }) => ({ channel: channel!, startedAt }));
    if (!conversions.length) {
      const touches = touchesIn(from - LOOKBACK_MS, range.until - 1);
      if (touches.some(({ startedAt }) => startedAt >= from))
        count(
          touches.map(({ channel }) => channel),
          'lost',
        );
    }
    for (const { at, revenue } of conversions) {
      entries++;
      const touches = touchesIn(at - LOOKBACK_MS, at);
      const path = touches.map(({ channel }) => channel);
      if (!path.length) {
        withoutTouch++;
        continue;
      }
      count(path, 'converted');
      const set = JSON.stringify([...new Set(path)].sort());
      const known = sets.get(set);
      sets.set(set, { entries: (known?.entries ?? 0) + 1, revenue: (known?.revenue ?? 0) + revenue });
      const given = touches.map(({ channel, startedAt }) => ({ channel, daysBefore: days(at - startedAt) }));
      for (const model of TOUCH_MODELS)
        creditTouches(model, 1, given).forEach((credit, index) => {
          const row = rowOf(path[index]!);
          row.credit[model] += credit;
          row.revenue[model] += credit * revenue;
        });
    }
  }
  const paths = [...journeys.values()];
  for (const { path, converted, lost } of paths)
    for (const channel of path) rowOf(channel).sessions += converted + lost;
  const { credit: markov } = creditByRemoval(paths);
  const bySet = (what: 'entries' | 'revenue') =>
    creditBySets([...sets].map(([set, sum]) => ({ channels: JSON.parse(set) as string[], value: sum[what] })));
  const [shapley, shapleyRevenue] = [bySet('entries'), bySet('revenue')];
  const earned = [...sets.values()].reduce((sum, { revenue }) => sum + revenue, 0);
  const costs = new Map<string, number>();
  for (const { channel, cost } of await view.store.costs(site.siteKey, range.from.toISODate()!, range.to.toISODate()!))
    costs.set(channel, (costs.get(channel) ?? 0) + cost);
  // What was paid for and brought nobody is the most telling of all.
  for (const channel of costs.keys()) rowOf(channel);
  const channels = [...rows].map(([channel, { sessions, credit, revenue }]) => {
    credit.markov = Object.hasOwn(markov, channel) ? markov[channel]! : 0;
    credit.shapley = shapley[channel] ?? 0;
    // Of a chain only the shares are known: they divide what all brought together.
    revenue.markov = entries > withoutTouch ? (earned * credit.markov) / (entries - withoutTouch) : 0;
    revenue.shapley = shapleyRevenue[channel] ?? 0;
    const cost = costs.get(channel) ?? null;
    const ofEach = <T>(make: (model: Model) => T) =>
      Object.fromEntries(MODELS.map((model) => [model, make(model)])) as Record<Model, T>;
    const rounded = (value: number) => +value.toFixed(DIGITS);
    const ratio = (part: number, whole: number) => (whole > 0 ? rounded(part / whole) : null);
    const hasOrders = ordered !== undefined;
    return {
      channel,
      sessions,
      cost,
      ...ofEach((model) => rounded(credit[model])),
      revenue: hasOrders ? ofEach((model) => rounded(revenue[model])) : null,
      cac: cost === null ? null : ofEach((model) => (rounded(credit[model]) > 0 ? ratio(cost, credit[model]) : null)),
      roas: cost === null || !hasOrders ? null : ofEach((model) => ratio(revenue[model], cost)),
    };
  });
  return {
    ...headingOf(site, range, now),
    stage,
    signal,
    lookbackDays: LOOKBACK_DAYS,
    entries,
    channels: channels.sort((a, b) => b.linear - a.linear || (a.channel < b.channel ? -1 : 1)),
    withoutTouch,
    moves: countMoves(paths),
  };
}
