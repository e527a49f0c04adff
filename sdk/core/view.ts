/** Facts laid out for evaluation at one moment, and conditions evaluated on them. */
import { dayOf, formatDay, parseDay } from './day.js';
import { mergeKeys, sourcesOf, type Counts, type Facts, type Keys } from './facts.js';
import { isInRange, matchesValue } from './matcher.js';
import type { CompiledCondition, CompiledMatcher, CompiledRules, Measure, Range, Scalar } from './rules.js';
import { UNITS } from './signal.js';

export interface FactsView {
  rules: CompiledRules;
  facts: Facts;
  today: number;
  /** The visitor's active days, ascending, as number and text. A day after today counts as today. */
  days: Array<[day: number, text: string]>;
  sources: Counts[];
}

export function viewFacts(rules: CompiledRules, facts: Facts, now: number): FactsView {
  const today = dayOf(now);
  const sources = sourcesOf(facts);
  const texts = new Set(sources.flatMap(({ signals }) => Object.values(signals).flatMap((days) => Object.keys(days))));
  return {
    rules,
    facts,
    today,
    days: [...texts].sort().map((text): [number, string] => [Math.min(parseDay(text), today), text]),
    sources,
  };
}

interface Met {
  met: boolean;
  /** First UTC day (`YYYY-MM-DD`) on which this would no longer hold if nothing more happened; absent where there is none. */
  expires?: string;
}

export interface SignalReason extends Met {
  signal: string;
  /** What the rule asks for, such as `{count: {gte: 2}}`. */
  need: Partial<Record<Measure, Range>>;
  /** What the facts say, in every measure. */
  have: Record<Measure, number>;
  /** Window in days; absent where everything ever counts. */
  within?: number;
}

export interface TraitReason extends Met {
  trait: string;
  need: CompiledMatcher;
  have: Scalar | null;
}

/** Has one of the three. */
export interface GroupReason extends Met {
  all?: Reason[];
  any?: Reason[];
  /** One part, which must not hold. */
  not?: Reason[];
}

/** A condition with what became of each of its parts. */
export type Reason = SignalReason | TraitReason | GroupReason;

const isMet = ({ met }: Met) => met;

/**
 * Evaluates a condition as of the end of a day. Traits are always today's.
 * @param isDeep also finds out when each part that is met would end
 */
export function evaluate(view: FactsView, condition: CompiledCondition, day: number, isDeep?: boolean): Reason {
  const reason = { ...condition } as Reason;
  if ('trait' in reason) {
    reason.have = view.facts.traits[reason.trait]?.[2] ?? null;
    reason.met = matchesValue(reason.need, reason.have);
  } else if ('signal' in reason) {
    const have = (reason.have = measure(view, reason.signal, reason.within, day));
    reason.need ??= { count: { gte: 1 } };
    reason.met = Object.entries(reason.need).every(([name, range]) => isInRange(range, have[name as Measure]));
  } else {
    for (const group of ['all', 'any', 'not'] as const) {
      const parts = reason[group]?.map((part) => evaluate(view, part as CompiledCondition, day, isDeep));
      if (!parts) continue;
      reason[group] = parts;
      reason.met = group === 'all' ? parts.every(isMet) : parts.some(isMet) === (group === 'any');
    }
  }
  if (isDeep && reason.met) {
    const end = turningDays(view, view.rules.windows).find(
      (each) => each > day && !evaluate(view, condition, each).met,
    );
    if (end) reason.expires = formatDay(end);
  }
  return reason;
}

/** Counts what a signal did in the window that ends with a day. */
function measure(
  { facts, days, sources }: FactsView,
  signal: string,
  within = Infinity,
  until: number,
): Record<Measure, number> {
  const { base } = facts;
  const seen: Keys = {};
  const sum = { count: 0, days: 0, value: 0, distinct: 0 };
  let last: number | undefined;
  for (const [day, text] of days) {
    if (day > until || day <= until - within) continue;
    for (const { signals, values, keys } of sources) {
      const count = signals[signal]?.[text];
      if (!count) continue;
      sum.count += count;
      sum.value += values[signal]?.[text] ?? 0;
      mergeKeys(seen, keys[signal]?.[text] ?? {});
      if (day !== last) sum.days += text === base?.cut ? base.days[signal]! : 1;
      last = day;
    }
  }
  for (const [, , value] of Object.values(seen)) {
    sum.distinct++;
    sum.value += value;
  }
  sum.value /= UNITS;
  return sum;
}

/**
 * Lists the days, ascending, on which a condition can change: active days, and those on which one leaves a window.
 * @param windows in days; only rules with an upper bound can gain by a day's leaving
 */
export function turningDays({ days }: FactsView, windows: number[]): number[] {
  return days.flatMap(([day]) => [0, ...windows].map((window) => day + window)).sort((a, b) => a - b);
}
