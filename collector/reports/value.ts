/** What customers are worth, and whether they bring others: from the orders and invitations that facts count by UTC day. */
import { dayOf, formatDay, UNITS } from '../../sdk/core/index.js';
import { medianStay, type Stay } from '../model/flow.js';
import { fitBgNbd, fitGammaGamma } from '../model/fit.js';
import {
  expectedOrders,
  expectedOrderValue,
  pAlive,
  retentionLtv,
  simpleLtv,
  type BgNbd,
  type GammaGamma,
  type Purchases,
} from '../model/ltv.js';
import { flywheel } from '../model/satisfaction.js';
import type { CountedDay } from '../projection/counted.js';
import type { View } from '../projection/view.js';
import type { Site } from '../store/store.js';
import { chooseOrderSignal, ordersOf, refundSignalOf } from './customers.js';
import type { ReportQuery } from './range.js';

/** Of a link by which somebody was invited: `utm_medium=invite`. */
const INVITED = 'invite';
const DEFAULTS = { margin: 1, years: 3, discount: 0.1 };
/** Least days that somebody is looked at: who bought today did not buy 365 times a year. */
const LEAST_DAYS = 30;
const YEAR_DAYS = 365;

export interface ValueReport {
  asOf: number;
  /** Null where no signal adds up orders: then there are no buyers. */
  signal: string | null;
  /** As they were asked for: share of an order that is left, years ahead, yearly discount. */
  margin: number;
  years: number;
  discount: number;
  buyers: number;
  orders: number;
  /** What was given back is taken off. */
  revenue: number;
  refunded: number;
  /** Null without an order. */
  averageOrder: number | null;
  /** After the first, of each. */
  ordersPerYear: number | null;
  /** Mean days since buyers' first orders: of a short time no year can be told. */
  observedDays: number | null;
  /** Of the buyers of a month, who bought in the next one too: over all months but the last. */
  monthlyRetention: number | null;
  /** Lifetime values of a buyer: what was spent; average order × orders a year × margin × years; and from the monthly retention, with the first month. */
  ltv: { historic: number | null; simple: number | null; retention: number | null; fitted: FittedValue | null };
  /** Share of buyers who ordered again, and the median days until they do (Kaplan–Meier). */
  repurchaseRate: number | null;
  medianDaysToSecond: number | null;
  /** What the buyers of a month spent in the next one, of what they spent in it: over all months but the last. */
  revenueRetention: number | null;
  /** People, their invitations, those who came by one (`utm_medium=invite`), and how many each brings in the end. */
  people: number;
  invitations: number;
  invited: number;
  k: number | null;
  amplification: number | null;
  /** Median days from when those who invited somebody first came to when they first did; null where nobody did. */
  loopDays: number | null;
}

/** From a model of when buyers order again, when they leave (BG/NBD) and what they spend (Gamma-Gamma), fitted to what they did. */
export interface FittedValue {
  /** What a buyer is worth in the next year, times the margin; and the orders that are expected of one. */
  nextYear: number;
  ordersNextYear: number;
  /** Share of the buyers who still buy, as far as can be told. */
  alive: number;
  model: BgNbd & GammaGamma;
  /** Fitted to what was known on an earlier day, the model expects so many orders after it: beside what came. */
  check: { until: string; expected: number; actual: number; error: number | null } | null;
}

/** Fewer buyers, or of these fewer who came again, tell nothing that could be told from chance. */
const LEAST_BUYERS = 100;
const LEAST_REPEATED = 30;
/** More than these are looked at by a sample: it tells the same. */
const SAMPLE = 5000;
const WEEK = 7;
const YEAR_WEEKS = YEAR_DAYS / WEEK;
/** The check is made with what was known when so much of the time had passed. */
const CHECKED_AFTER = 2 / 3;

type OrderDays = Array<Pick<CountedDay, 'day' | 'units'>>;

/** What was known of a buyer on a day, in weeks; an order is a day with one. */
const purchasesUntil = (days: OrderDays, until: number): Purchases => {
  const known = days.filter(({ day }) => day <= until);
  const [first, last] = [known[0]!.day, known.at(-1)!.day];
  return { x: known.length - 1, tx: (last - first) / WEEK, T: (until - first) / WEEK };
};

const sampled = <T>(all: T[]): T[] => {
  const step = Math.max(1, all.length / SAMPLE);
  return Array.from({ length: Math.floor(all.length / step) }, (_, index) => all[Math.floor(index * step)]!);
};

/** @param buyers days with orders of each, ascending */
export function fitValue(buyers: OrderDays[], today: number, margin: number): FittedValue | null {
  const repeated = buyers.filter((days) => days.length > 1);
  if (buyers.length < LEAST_BUYERS || repeated.length < LEAST_REPEATED) return null;
  const model = fitBgNbd(sampled(buyers.map((days) => purchasesUntil(days, today))));
  const repeats = (days: OrderDays) => {
    const units = days.slice(1).reduce((sum, each) => sum + each.units, 0);
    return { x: days.length - 1, mean: units / UNITS / (days.length - 1) };
  };
  const spend = fitGammaGamma(sampled(repeated.map(repeats).filter(({ mean }) => mean > 0)));
  // Spending whose mean has no end tells nothing of what will be spent: Fader & Hardie 2013.
  if (!model || !spend || spend.q <= 1) return null;
  let [orders, value, alive] = [0, 0, 0];
  for (const days of buyers) {
    const known = purchasesUntil(days, today);
    const expected = expectedOrders(model, known, YEAR_WEEKS);
    const { x, mean } = days.length > 1 ? repeats(days) : { x: 0, mean: 0 };
    orders += expected;
    value += expected * expectedOrderValue(spend, x, mean);
    alive += pAlive(model, known);
  }
  const { length } = buyers;
  if (![orders, value, alive].every(Number.isFinite)) return null;
  return {
    nextYear: (value * margin) / length,
    ordersNextYear: orders / length,
    alive: alive / length,
    model: { ...model, ...spend },
    check: checkFit(buyers, today),
  };
}

/** Fits what was known earlier, and holds what it expects against what came. */
function checkFit(buyers: OrderDays[], today: number): FittedValue['check'] {
  const first = buyers.reduce((least, [day]) => Math.min(least, day!.day), Infinity);
  const until = Math.floor(first + (today - first) * CHECKED_AFTER);
  const then = buyers.filter(([day]) => day!.day <= until);
  const known = then.map((days) => purchasesUntil(days, until));
  if (then.length < LEAST_BUYERS || known.filter(({ x }) => x > 0).length < LEAST_REPEATED) return null;
  const model = fitBgNbd(sampled(known));
  if (!model) return null;
  const expected = known.reduce((sum, each) => sum + expectedOrders(model, each, (today - until) / WEEK), 0);
  const actual = then.reduce((sum, days) => sum + days.filter(({ day }) => day > until).length, 0);
  return { until: formatDay(until), expected, actual, error: actual ? expected / actual - 1 : null };
}

const monthOf = (day: number) => formatDay(day).slice(0, 7);
const nextMonth = (month: string) => {
  const [year, number] = month.split('-').map(Number) as [number, number];
  return number === 12 ? `${year + 1}-01` : `${year}-${String(number + 1).padStart(2, '0')}`;
};
const share = (part: number, whole: number) => (whole ? part / whole : null);

/** @returns a text where no signal counts orders */
export async function reportValue(
  view: View,
  { siteKey }: Site,
  query: ReportQuery,
  now: number,
): Promise<ValueReport | string> {
  const { margin, years, discount } = { ...DEFAULTS, ...query };
  const { rules } = (await view.store.rules(siteKey)).at(-1)!;
  const chosen = chooseOrderSignal(rules, query.signal);
  if ('error' in chosen && query.signal !== undefined) return chosen.error;
  const signal = 'signal' in chosen ? chosen.signal : null;
  /** No signal is called so. */
  const ordered = signal ?? '';
  const [today, thisMonth] = [dayOf(now), monthOf(dayOf(now))];
  const sum = { buyers: 0, orders: 0, units: 0, refunded: 0, days: 0, again: 0, people: 0, invitations: 0, invited: 0 };
  const months = { active: 0, retained: 0, units: 0, kept: 0 };
  const refund = refundSignalOf(rules, ordered);
  const buyers: OrderDays[] = [];
  const waits: Stay[] = [];
  const loops: Stay[] = [];
  const invitations = Object.keys(rules.signals).filter((name) =>
    [rules.signals[name]!.event].flat().includes('invite'),
  );
  for (const person of view.people) {
    sum.people++;
    sum.invited += +(view.touch(person)?.medium?.toLowerCase() === INVITED);
    const invited = invitations.flatMap((name) => view.counted(person, name));
    sum.invitations += invited.reduce((all, { count }) => all + count, 0);
    if (invited.length)
      loops.push({
        duration: Math.min(...invited.map(({ day }) => day)) - Math.min(...view.activeDays(person)),
        hasEnded: true,
      });
    const bought = view.counted(person, ordered);
    const days = ordersOf(view, person, ordered, refund);
    const first = days[0];
    if (!first) continue;
    const orders = days.reduce((all, each) => all + each.count, 0);
    sum.buyers++;
    // A clock that is ahead has not told of tomorrow.
    const known = days.filter(({ day }) => day <= today);
    if (known.length) buyers.push(known);
    sum.orders += orders;
    const units = days.reduce((all, each) => all + each.units, 0);
    sum.units += units;
    sum.refunded += bought.reduce((all, each) => all + each.units, 0) - units;
    // In days, which add up to the same in any order.
    sum.days += Math.max(LEAST_DAYS, today - first.day);
    sum.again += +(orders > 1);
    const second = first.count > 1 ? first.day : days[1]?.day;
    waits.push({ duration: Math.max(0, (second ?? today) - first.day), hasEnded: second !== undefined });
    const byMonth = new Map<string, number>();
    for (const { day, units } of days) byMonth.set(monthOf(day), (byMonth.get(monthOf(day)) ?? 0) + units);
    for (const [month, units] of byMonth) {
      const next = nextMonth(month);
      // Of a month that is not over nobody knows who will still come.
      if (next >= thisMonth) continue;
      months.active++;
      months.units += units;
      months.retained += +byMonth.has(next);
      months.kept += byMonth.get(next) ?? 0;
    }
  }
  const averageOrder = share(sum.units / UNITS, sum.orders);
  // The first order is what one is looked at from: it says nothing of how often they come.
  const ordersPerYear = share(sum.orders - sum.buyers, sum.days / YEAR_DAYS);
  const monthlyRetention = share(months.retained, months.active);
  const perMonth = share(months.units / UNITS, months.active);
  // Invitations by each × who came by one of these: that who invited is not seen does not make them fewer.
  const sent = sum.invitations || sum.invited;
  const { k, amplification } = flywheel(share(sent, sum.people) ?? 0, share(sum.invited, sent) ?? 0);
  return {
    asOf: now,
    signal,
    margin,
    years,
    discount,
    buyers: sum.buyers,
    orders: sum.orders,
    revenue: sum.units / UNITS,
    refunded: sum.refunded / UNITS,
    averageOrder,
    ordersPerYear,
    observedDays: share(sum.days, sum.buyers),
    monthlyRetention,
    ltv: {
      historic: share(sum.units / UNITS, sum.buyers),
      simple: averageOrder === null ? null : simpleLtv(averageOrder, ordersPerYear! + 1 / years, margin, years),
      retention: perMonth === null ? null : retentionLtv(perMonth * margin, monthlyRetention!, discount / 12).withFirst,
      fitted: fitValue(buyers, today, margin),
    },
    repurchaseRate: share(sum.again, sum.buyers),
    medianDaysToSecond: medianStay(waits),
    revenueRetention: share(months.kept, months.units),
    people: sum.people,
    invitations: sum.invitations,
    invited: sum.invited,
    k: sent ? k : null,
    amplification: sent && Number.isFinite(amplification) ? amplification : null,
    loopDays: medianStay(loops),
  };
}
