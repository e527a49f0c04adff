/** Facts laid out for evaluation at one moment, and conditions evaluated on them. */
import { dayOf, parseDay } from './day.js';
import { mergeKeys, type Facts, type Keys } from './facts.js';
import { matchesValue } from './matcher.js';
import { MEASURES, profileRules, type Condition, type Measure, type Range, type Rules, type SignalCondition } from './rules.js';
import { UNITS } from './signal.js';

export interface FactsView {
  facts: Facts;
  today: number;
  /** The visitor's active days, ascending, as number and text. A day after today counts as today. */
  days: Array<[day: number, text: string]>;
}

export function viewFacts(facts: Facts, now: number): FactsView {
  const today = dayOf(now);
  const texts = new Set(Object.values(facts.signals).flatMap((days) => Object.keys(days)));
  const days = [...texts].sort().map((text): [number, string] => [Math.min(parseDay(text), today), text]);
  return { facts, today, days };
}

/** Counts what a signal did in the window that ends with a day. Without `within` everything up to that day counts. */
export function measure({ facts, days }: FactsView, { signal, within = Infinity }: SignalCondition, until: number): Record<Measure, number> {
  const { base, signals } = facts;
  const seen: Keys = {};
  const sum = { count: 0, days: 0, value: 0, distinct: 0 };
  let last: number | undefined;
  for (const [day, text] of days) {
    const count = signals[signal]?.[text];
    if (!count || day > until || day <= until - within) continue;
    sum.count += count;
    if (day !== last) sum.days += text === base?.cut ? base.days[signal]! : 1;
    last = day;
    // A repeated transaction counts nothing: so the keys of orders stand with the one that counts, and nowhere else.
    for (const { keys } of [facts, ...Object.values(facts.orders).map((order) => order[2])]) {
      const more = keys[signal]?.[text];
      if (more) mergeKeys(seen, more);
    }
    sum.value += facts.values[signal]?.[text] ?? 0;
  }
  for (const [, , value] of Object.values(seen)) {
    sum.distinct++;
    sum.value += value;
  }
  sum.value /= UNITS;
  return sum;
}

/** The ranges that a signal condition asks for: at least one event where it names none. */
export function rangesOf(condition: SignalCondition): Array<[Measure, Range]> {
  const named = MEASURES.filter((name) => condition[name]);
  return named.length ? named.map((name) => [name, condition[name]!]) : [['count', { gte: 1 }]];
}

export function isInRange({ gte = -Infinity, lte = Infinity }: Range, value: number): boolean {
  return value >= gte && value <= lte;
}

/** Tells whether a condition holds as of the end of a day. Traits are always today's. */
export function holds(view: FactsView, condition: Condition, day: number): boolean {
  if ('all' in condition) return condition.all.every((part) => holds(view, part, day));
  if ('any' in condition) return condition.any.some((part) => holds(view, part, day));
  if ('not' in condition) return !holds(view, condition.not, day);
  if ('trait' in condition) return matchesValue(condition, view.facts.traits[condition.trait]?.[2]);
  const measures = measure(view, condition, day);
  return rangesOf(condition).every(([name, range]) => isInRange(range, measures[name]));
}

/**
 * Lists the days, ascending, on which a condition can change: active days, and with `expiries` those on which one leaves a window.
 * Only rules with an upper bound can gain by a day's leaving.
 */
export function turningDays(rules: Rules, { days }: FactsView, expiries: boolean): number[] {
  const steps = [0, ...(expiries ? profileRules(rules).windows : [])];
  const turns = new Set(days.flatMap(([day]) => steps.map((step) => day + step)));
  return [...turns].sort((a, b) => a - b);
}
