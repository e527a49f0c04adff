/** Facts laid out for evaluation at one moment, and conditions evaluated on them. */
import { dayOf, formatDay, parseDay } from './day.js';
import type { StagetagEvent } from './event.js';
import { DISTINCT_CAP, isBefore, keepDated, pairsOf, type Facts, type FactsBase, type Keys } from './facts.js';
import { isInRange, matchesValue } from './matcher.js';
import { isPlain } from './plain.js';
import type { CompiledCondition, CompiledMatcher, CompiledRules, Measure, Range, Scalar } from './rules.js';
import { hashKey, UNITS, type Match } from './signal.js';

/**
 * What one signal did on one day; a day after today counts as today. `days` are the active days it stands for: more than one where
 * it sums up days that lie behind every window.
 */
interface Row {
  day: number;
  count: number;
  value: number;
  keys: Keys | undefined;
  days: number;
  pairs?: Keys;
}

export interface FactsView {
  rules: CompiledRules;
  today: number;
  rows: Map<string, Row[]>;
  /** The visitor's active days, in no order. */
  days: number[];
  traits: Facts['traits'];
  base: FactsBase | undefined;
}

/**
 * Lays facts out for evaluation. Several facts, of distinct events, count as their sum; at most the first has a base.
 * @param now epoch ms
 */
export function viewFacts(rules: CompiledRules, facts: Facts | Facts[], now: number): FactsView {
  const parts = Array.isArray(facts) ? facts : [facts];
  const today = dayOf(now);
  const base = parts[0]?.base;
  let orders: Facts['orders'] = {};
  let traits: Facts['traits'] = {};
  if (!isPlain && parts.length === 1) ({ orders, traits } = parts[0]!);
  else
    for (const part of parts) {
      keepDated(orders, part.orders, isBefore);
      if (!isPlain) keepDated(traits, part.traits, (other, present) => isBefore(present, other));
    }
  const rows = new Map<string, Row[]>();
  const active = new Set<number>();
  for (const { signals, values, keys } of [...parts, ...Object.values(orders).map((order) => order[2])]) {
    for (const signal of Object.keys(signals)) {
      const days = signals[signal]!;
      const ofPairs = !isPlain && rules.signals[signal]?.pairs ? (keys[pairsOf(signal)] ?? {}) : undefined;
      const known = rows.get(signal) ?? [];
      rows.set(signal, known);
      for (const text of Object.keys(days)) {
        const day = Math.min(parseDay(text), today);
        active.add(day);
        const row: Row = {
          day,
          count: days[text]!,
          days: text === base?.cut ? base.days[signal]! : 1,
          value: values[signal]?.[text] ?? 0,
          keys: keys[signal]?.[text],
        };
        if (ofPairs) row.pairs = ofPairs[text] ?? {};
        known.push(row);
      }
    }
  }
  return { rules, today, rows, days: [...active], traits, base };
}

/**
 * Adds one event to a view, in place: the same as laying the facts out anew with it, and cheaper, for those who look after each event.
 * It must set no trait and stand for no transaction. @param matches the signals it carries
 */
export function addToView({ rules, today, rows, days }: FactsView, event: StagetagEvent, matches: Match[]): void {
  const { id, time, sessionId } = event;
  const day = Math.min(dayOf(time), today);
  if (matches.length && !days.includes(day)) days.push(day);
  for (const [signal, value, key, isPaired] of matches) {
    const row: Row = {
      day,
      count: 1,
      value: key ? 0 : value,
      keys: key ? { [key]: [time, id, value] } : undefined,
      days: 1,
    };
    if (rules.signals[signal]?.pairs)
      row.pairs = isPaired && sessionId ? { [`${hashKey(sessionId)}.${key ?? ''}`]: [time, id, 0] } : {};
    const known = rows.get(signal);
    if (known) known.push(row);
    else rows.set(signal, [row]);
  }
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
  /** What the facts say, in every measure; of sessions only where a condition of the rules asks for them. */
  have: Partial<Record<Measure, number>>;
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

type AnyCondition = Partial<
  Record<'trait' | 'signal', string> & { within: number; need: object; lasts: number } & Record<
      'all' | 'any' | 'not',
      CompiledCondition[]
    >
>;

const isCount = (need: object): need is { count: Range } => 'count' in need && Object.keys(need).length === 1;

/** What a condition on a signal asks for where it says nothing. */
const ONCE = { count: { gte: 1 } };

/**
 * Says whether a condition is met as of the end of a day; Infinity stands for all days, whatever the window. Traits are always today's.
 * @param reason is told what the condition asks for, and what the facts say
 */
export function holds(
  view: FactsView,
  condition: CompiledCondition,
  day: number,
  reason?: Record<string, unknown>,
): boolean {
  const { signal, within = Infinity, need = ONCE, all, any, not } = condition as AnyCondition;
  const trait = isPlain ? undefined : (condition as AnyCondition).trait;
  const test = (part: CompiledCondition) => holds(view, part, day);
  if (!isPlain)
    for (let { lasts = 1 } = condition as AnyCondition; --lasts > 0;)
      if (holds(view, any![0]!, day - lasts)) return true;
  if (!trait && !signal) return all ? all.every(test) : any ? any.some(test) : !not!.some(test);
  // Most conditions ask no more than whether there was one, or how many there were.
  if (!isPlain && signal && !reason) {
    const rows = view.rows.get(signal);
    if (need === ONCE) return !!rows?.some((row) => isWithin(row.day, day, within));
    if (isCount(need)) {
      let count = 0;
      if (rows) for (const row of rows) if (isWithin(row.day, day, within)) count += row.count;
      return isInRange(need.count, count);
    }
  }
  const have = trait ? (view.traits[trait]?.[2] ?? null) : measure(view, signal!, within, day);
  if (reason) {
    reason.need = need;
    reason.have = have;
  }
  return trait
    ? matchesValue(need, have)
    : (Object.keys(need) as Measure[]).every((name) =>
        isInRange((need as Record<Measure, Range>)[name], (have as Record<Measure, number>)[name] ?? 0),
      );
}

/** The same with its reasons: every part with what it asks for, what the facts say, and when it would end. */
export function explain(view: FactsView, condition: CompiledCondition, day: number): Reason {
  const reason: Record<string, unknown> = { ...condition };
  reason.met = holds(view, condition, day, reason);
  for (const group of ['all', 'any', 'not'] as const) {
    const parts = (condition as AnyCondition)[group];
    if (parts) reason[group] = parts.map((part) => explain(view, part, day));
  }
  if (reason.met) {
    const end = turningDays(view, view.rules.windows).find((each) => each > day && !holds(view, condition, each));
    if (end) reason.expires = formatDay(end);
  }
  return reason as unknown as Reason;
}

/** Whether a day is in the window that ends with another. */
const isWithin = (day: number, until: number, within: number) =>
  until === Infinity || (until >= day && until - day < within);

/** Counts what a signal did in the window that ends with a day. */
function measure(
  { rules, rows }: FactsView,
  signal: string,
  within: number,
  until: number,
): Partial<Record<Measure, number>> {
  const seen: Keys = {};
  const together: Keys = {};
  const active = new Set<number>();
  const sum = { count: 0, days: 0, value: 0, distinct: 0 };
  for (const row of rows.get(signal) ?? []) {
    if (!isWithin(row.day, until, within)) continue;
    if (!isPlain && row.pairs) keepDated(together, row.pairs, isBefore);
    sum.count += row.count;
    sum.value += row.value;
    if (row.keys) keepDated(seen, row.keys, isBefore);
    if (!active.has(row.day)) sum.days += row.days;
    active.add(row.day);
  }
  for (const key of Object.keys(seen).sort().slice(0, DISTINCT_CAP)) {
    sum.distinct++;
    sum.value += seen[key]![2];
  }
  sum.value /= UNITS;
  return !isPlain && rules.signals[signal]?.pairs ? { ...sum, ...measurePairs(together) } : sum;
}

/** Counts the most values of one session, and the most sessions of one value; of many pairs the same are left out everywhere, by session. */
function measurePairs(pairs: Keys): { perSession: number; sessions: number } {
  const counts = [new Map<string, number>(), new Map<string, number>()] as const;
  for (const pair of Object.keys(pairs).sort().slice(0, DISTINCT_CAP))
    for (const [at, part] of pair.split('.').entries()) counts[at]!.set(part, (counts[at]!.get(part) ?? 0) + 1);
  const [perSession, sessions] = counts.map((count) => Math.max(0, ...count.values())) as [number, number];
  return { perSession, sessions };
}

/**
 * Lists the days, ascending, on which a condition can change: active days, and those on which one leaves a window.
 * @param windows in days; only rules with an upper bound can gain by a day's leaving
 */
export function turningDays({ days }: FactsView, windows: number[] = []): number[] {
  const turning = days.flatMap((day) => [0, ...windows].map((window) => day + window));
  // Twice is harmless, and where nobody counts bytes it is once.
  return (isPlain ? turning : [...new Set(turning)]).sort((a, b) => a - b);
}
