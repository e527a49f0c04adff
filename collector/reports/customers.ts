/** RFM, lifecycle and recommendation: what kinds of customers there are. */
import { dayOf, DAY_MS, formatDay, parseDay, UNITS, type Rules } from '../../sdk/core/index.js';
import { LIFECYCLE, lifecycleOf, type LifecycleState } from '../model/lifecycle.js';
import { cutsOf, RFM_GROUPS, scoreRfm, type Buyer, type RfmGroup } from '../model/rfm.js';
import { npsOf } from '../model/satisfaction.js';
import { countedDays, type CountedDay } from '../projection/counted.js';
import type { Kind } from '../projection/kinds.js';
import type { Person, View } from '../projection/view.js';
import type { Site, VisitorRecord, WeekStart } from '../store/store.js';
import { readRange, type ReportQuery } from './range.js';

export interface RfmReport {
  asOf: number;
  /** The signal whose events and amounts were counted. */
  /** Null where no signal adds up orders: then there are no buyers. */
  signal: string | null;
  buyers: number;
  revenue: number;
  groups: Array<{ group: RfmGroup; label: { en: string; zh: string }; buyers: number; revenue: number }>;
  /** Buyers by recency, and by the mean of frequency and amount. */
  cells: Array<{ r: number; fm: number; buyers: number }>;
}

/** The signal that stands for orders: the one that is named, else the first with an amount on the event `purchase`. */
export function chooseOrderSignal(
  { signals }: Rules,
  named: string | undefined,
): { signal: string } | { error: string } {
  const isOrder = ([, { event, value }]: [string, Rules['signals'][string]]) =>
    value && [event].flat().includes('purchase');
  const signal = named ?? Object.entries(signals).find(isOrder)?.[0];
  if (signal && Object.hasOwn(signals, signal) && signals[signal]!.value) return { signal };
  return {
    error: `signal: expected a signal with a value, got ${signal ?? 'none: no signal adds up the amounts of purchase'}`,
  };
}

/** The signal that adds up what was given back of what another adds up: the first on `refund`, of one on `purchase`; undefined where there is none. */
export function refundSignalOf({ signals }: Rules, ordered: string): string | undefined {
  const isOn = (name: string, event: string) => !!signals[name]?.value && [signals[name].event].flat().includes(event);
  const refund = Object.keys(signals).find((name) => isOn(name, 'refund'));
  return refund !== ordered && isOn(ordered, 'purchase') ? refund : undefined;
}

/**
 * Takes what was given back off what was bought, the latest order before it first: an order stays one, whatever is left of it.
 * @param orders @param refunds both ascending by day
 */
export function netOf(orders: CountedDay[], refunds: CountedDay[]): CountedDay[] {
  if (!refunds.length) return orders;
  const net = orders.map((each) => ({ ...each }));
  for (const refund of refunds) {
    let left = refund.units;
    for (const order of [...net].reverse().filter(({ day }) => day <= refund.day)) {
      const off = Math.min(left, order.units);
      order.units -= off;
      order.daily = Math.max(0, order.daily - off);
      left -= off;
    }
  }
  return net;
}

/** What somebody bought, without what was given back. */
export const ordersOf = (view: View, person: Person, signal: string, refund: string | undefined): CountedDay[] =>
  netOf(view.counted(person, signal), refund === undefined ? [] : view.counted(person, refund));

/** What somebody bought, the amount in units; undefined where it is nothing. @param days of the order signal, ascending */
export function buyerOf<K>(id: K, days: CountedDay[], now: number): Buyer<K> | undefined {
  if (!days.length) return undefined;
  return {
    id,
    recencyDays: Math.max(0, dayOf(now) - days.at(-1)!.day),
    frequency: days.reduce((sum, { count }) => sum + count, 0),
    monetary: days.reduce((sum, { units }) => sum + units, 0),
  };
}

/** The same of a record. */
export function buyerOfRecord(
  { visitorId, facts }: Pick<VisitorRecord, 'visitorId' | 'facts'>,
  signal: string,
  refund: string | undefined,
  now: number,
): Buyer | undefined {
  const counted = new Map(countedDays(facts));
  const back = refund === undefined ? undefined : counted.get(refund);
  return buyerOf(visitorId, netOf(counted.get(signal) ?? [], back ?? []), now);
}

/** Everybody who ever ordered, with their scores: `fm` is the mean of frequency and amount. Amounts are in units: whole numbers, whose sum is exact. */
export function scoreBuyers(view: View, rules: Rules, signal: string, now: number) {
  const buyers: Array<Buyer<Person>> = [];
  const refund = refundSignalOf(rules, signal);
  for (const person of view.people) {
    const buyer = buyerOf(person, ordersOf(view, person, signal, refund), now);
    if (buyer) buyers.push(buyer);
  }
  return scoreRfm(buyers, cutsOf(rules, buyers.length)).map((score, index) => ({
    ...score,
    fm: Math.round((score.f + score.m) / 2),
    monetary: buyers[index]!.monetary,
  }));
}

/** Counts everybody who ever ordered by their scores. @returns a text where no signal counts orders */
export async function reportRfm(
  view: View,
  { siteKey }: Site,
  query: ReportQuery,
  now: number,
): Promise<RfmReport | string> {
  const { rules } = (await view.store.rules(siteKey)).at(-1)!;
  const chosen = chooseOrderSignal(rules, query.signal);
  if ('error' in chosen && query.signal !== undefined) return chosen.error;
  const signal = 'signal' in chosen ? chosen.signal : null;
  const buyers = signal === null ? [] : scoreBuyers(view, rules, signal, now);
  const groups = new Map<RfmGroup, { buyers: number; revenue: number }>();
  const cells = new Map<string, { r: number; fm: number; buyers: number }>();
  for (const { r, fm, group, monetary } of buyers) {
    const known = groups.get(group) ?? { buyers: 0, revenue: 0 };
    groups.set(group, { buyers: known.buyers + 1, revenue: known.revenue + monetary });
    const name = `${r} ${fm}`;
    cells.set(name, { r, fm, buyers: (cells.get(name)?.buyers ?? 0) + 1 });
  }
  return {
    asOf: now,
    signal,
    buyers: buyers.length,
    revenue: buyers.reduce((sum, { monetary }) => sum + monetary, 0) / UNITS,
    groups: (Object.keys(RFM_GROUPS) as RfmGroup[]).map((group) => ({
      group,
      label: RFM_GROUPS[group],
      buyers: groups.get(group)?.buyers ?? 0,
      revenue: (groups.get(group)?.revenue ?? 0) / UNITS,
    })),
    cells: [...cells.values()].sort((a, b) => b.r - a.r || b.fm - a.fm),
  };
}

/** Numbers and first days (UTC days) of periods, and after how many of them somebody counts as churned. */
interface Periods {
  of: (day: number) => number;
  start: (period: number) => number;
  churnAfter: number;
}

/** Days of a week that are over on the first of January 1970, a Thursday. */
const OVER: Record<WeekStart, number> = { monday: 3, sunday: 4, saturday: 5 };

const weeksFrom = (weekStart: WeekStart): Periods => ({
  of: (day) => Math.floor((day + OVER[weekStart]) / 7),
  start: (period) => period * 7 - OVER[weekStart],
  churnAfter: 8,
});

const PERIODS: Record<'day' | 'month', Periods> = {
  day: { of: (day: number) => day, start: (period: number) => period, churnAfter: 30 },
  month: {
    of: (day: number) => Number(formatDay(day).slice(0, 4)) * 12 + Number(formatDay(day).slice(5, 7)) - 1,
    start: (period: number) => Date.UTC(Math.floor(period / 12), period % 12) / DAY_MS,
    churnAfter: 3,
  },
};

export const periodsOf = ({ weekStart }: Site, period: NonNullable<ReportQuery['period']> = 'week'): Periods =>
  period === 'week' ? weeksFrom(weekStart) : PERIODS[period];

/** The number of the period in which a range ends; none is to come. */
export const lastPeriod = ({ of }: Periods, to: string, now: number): number => of(Math.min(parseDay(to), dayOf(now)));

/** Numbers of the periods in which somebody was there, in no order. */
export const activePeriods = (view: View, { of }: Periods, person: Person): number[] => [
  ...new Set(view.activeDays(person).map(of)),
];

/** What somebody is in which period; nobody is away in one that is not over. @param last the last that is looked at */
export const statesOf = (
  view: View,
  periods: Periods,
  person: Person,
  last: number,
  now: number,
): Map<number, LifecycleState> =>
  lifecycleOf(view.activeDays(person).map(periods.of), Math.min(last, periods.of(dayOf(now)) - 1), periods.churnAfter);

export interface LifecycleReport {
  asOf: number;
  period: NonNullable<ReportQuery['period']>;
  /** Periods without activity after which somebody counts as churned. */
  churnAfter: number;
  periods: Array<{ from: string } & Record<LifecycleState, number>>;
}

export interface CohortsReport {
  asOf: number;
  period: NonNullable<ReportQuery['period']>;
  /** Those who came first in a period, by when; and how many of them were there in that period, the next, and so on. */
  cohorts: Array<{ from: string; people: number; active: number[] }>;
}

/** Cohorts that are shown. */
const MAX_COHORTS = 60;

/** Counts by when people came first how many of them came again, period by period. @returns a text that says what is wrong with the range */
export async function reportCohorts(
  view: View,
  site: Site,
  query: ReportQuery,
  now: number,
): Promise<CohortsReport | string> {
  const range = readRange(site, query, now);
  if (typeof range === 'string') return range;
  const { period = 'week' } = query;
  const periods = periodsOf(site, period);
  const { of, start } = periods;
  const last = lastPeriod(periods, range.to.toISODate()!, now);
  const first = Math.max(of(parseDay(range.from.toISODate()!)), last - MAX_COHORTS + 1);
  const counts = new Map<number, number[]>();
  for (let each = first; each <= last; each++) counts.set(each, Array<number>(last - each + 1).fill(0));
  for (const person of view.people) {
    const active = activePeriods(view, periods, person);
    const begin = Math.min(...active);
    const row = counts.get(begin);
    if (row) for (const each of active) if (each <= last) row[each - begin]!++;
  }
  return {
    asOf: now,
    period,
    cohorts: [...counts].map(([each, active]) => ({ from: formatDay(start(each)), people: active[0]!, active })),
  };
}

/** What somebody is this week; undefined where no signal says that they were ever there. @param active days on which they were */
export function lifecycleNow(active: number[], today: number, weekStart: WeekStart): LifecycleState | undefined {
  const { of, churnAfter } = weeksFrom(weekStart);
  // Who was there last week may still come in this one.
  return [...lifecycleOf(active.map(of), of(today) - 1, churnAfter)].sort(([a], [b]) => a - b).at(-1)?.[1];
}

/** Counts who is new, comes back or stays away, by period. @returns a text that says what is wrong with the range */
export async function reportLifecycle(
  view: View,
  site: Site,
  query: ReportQuery,
  now: number,
): Promise<LifecycleReport | string> {
  const range = readRange(site, query, now);
  if (typeof range === 'string') return range;
  const { period = 'week' } = query;
  const periods = periodsOf(site, period);
  const { of, start, churnAfter } = periods;
  const first = of(parseDay(range.from.toISODate()!));
  const last = lastPeriod(periods, range.to.toISODate()!, now);
  const none = () => Object.fromEntries(LIFECYCLE.map((state) => [state, 0])) as Record<LifecycleState, number>;
  const counts = new Map<number, Record<LifecycleState, number>>();
  for (let each = first; each <= last; each++) counts.set(each, none());
  for (const person of view.people)
    for (const [each, state] of statesOf(view, periods, person, last, now)) {
      const row = counts.get(each);
      if (row) row[state]++;
    }
  return {
    asOf: now,
    period,
    churnAfter,
    periods: [...counts].map(([each, row]) => ({ from: formatDay(start(each)), ...row })),
  };
}

export interface NpsReport {
  asOf: number;
  from: string;
  to: string;
  /** −100 to 100; null without an answer. */
  nps: number | null;
  promoters: number;
  passives: number;
  detractors: number;
}

/** What kinds of answers there are. */
export const ANSWERS = ['promoters', 'passives', 'detractors'] as const;

/** Goes over those who were asked for a recommendation in a span of time, with what kind of answer the latest of each is. */
export async function eachAnswer(
  view: View,
  span: { from: number; until: number },
  visit: (person: Person, answer: (typeof ANSWERS)[number]) => void,
): Promise<void> {
  const isAnswer = ({ name, isMeasured }: Kind) => (name === 'nps' && isMeasured) || undefined;
  await view.eachDeeds(span, isAnswer, (person, deeds) => {
    const latest = deeds.findLast(({ value }) => value >= 0 && value <= 10)?.value;
    if (latest !== undefined) visit(person, latest >= 9 ? 'promoters' : latest <= 6 ? 'detractors' : 'passives');
  });
}

/** Counts the latest answer of each who was asked for a recommendation. @returns a text that says what is wrong with the range */
export async function reportNps(view: View, site: Site, query: ReportQuery, now: number): Promise<NpsReport | string> {
  const range = readRange(site, query, now);
  if (typeof range === 'string') return range;
  const counts = { promoters: 0, passives: 0, detractors: 0 };
  await eachAnswer(view, { from: range.from.toMillis(), until: range.until }, (_, answer) => counts[answer]++);
  return { asOf: now, from: range.from.toISODate()!, to: range.to.toISODate()!, nps: npsOf(counts), ...counts };
}
