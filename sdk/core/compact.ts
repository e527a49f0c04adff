/** What only the collector asks of facts: the form in which they travel, and when they next change by themselves. */
import { DAY_MS, dayOf, formatDay, parseDay } from './day.js';
import {
  emptyFacts,
  FACTS_VERSION,
  isBefore,
  FULL_VERSION,
  mergeCounts,
  mergeKeys,
  sourcesOf,
  type Counts,
  type Facts,
  type FactsBase,
  type PerDay,
} from './facts.js';
import type { CompiledCondition, CompiledRules } from './rules.js';
import { scoreAt, walkStages } from './stage.js';
import { viewFacts } from './view.js';
import { leavesOf, signalsOf, traitsOf } from './lint.js';

/** Days that stay listed behind the longest window, so that what a browser kept for a week can still be added. */
const LATE_DAYS = 8;

/** Latest orders that travel, so that a repeated thank-you page is known as a repetition in the browser too. */
const SENT_ORDERS = 200;

/** What stages and tags ask for. */
const conditionsIn = ({ stages, tags }: CompiledRules): CompiledCondition[] => [
  ...Object.values(stages).flatMap(({ when, keep }) => (keep ? [when, keep] : [when])),
  ...Object.values(tags),
];

/**
 * The signals that stages ask for, each with whether more of it counts on a day on which there was some: it does not where they ask
 * whether, or on how many days, there was any.
 */
export function stageSignals({ stages }: CompiledRules): Map<string, boolean> {
  const signals = new Map<string, boolean>();
  for (const { when, keep } of Object.values(stages))
    for (const leaf of [when, ...(keep ? [keep] : [])].flatMap(leavesOf)) {
      if (!('signal' in leaf)) continue;
      const isCounted = Object.keys(leaf.need ?? {}).some((measure) => measure !== 'days');
      signals.set(leaf.signal, isCounted || !!signals.get(leaf.signal));
    }
  return signals;
}

/**
 * The rules as they travel: without signals that only the collector asks for, in reports and of who is left out, unless it makes a
 * difference that a day with them is an active one.
 */
export function sentRules(rules: CompiledRules): CompiledRules {
  const asked = new Set(conditionsIn(rules).flatMap(signalsOf));
  const isAsked = (name: string) => asked.has(name) || rules.signals[name]!.weight !== undefined;
  return { ...rules, signals: pick(rules.signals, (name) => !!rules.turns || isAsked(name)) };
}

const namesByRules = new WeakMap<CompiledRules, Set<string>>();

/** Names of the traits that the rules ask for: no other leaves the collector. */
export function traitNames(rules: CompiledRules): Set<string> {
  const known = namesByRules.get(rules);
  if (known) return known;
  const names = new Set(conditionsIn(rules).flatMap(traitsOf));
  namesByRules.set(rules, names);
  return names;
}

/** The same facts with everything that is counted in one place, orders too: the form to be read, not to be added to. */
export function countedFacts(facts: Facts): Facts {
  const counts = sourcesOf(facts).reduce((sum, each) => mergeCounts(sum, each), emptyFacts());
  return { ...facts, signals: counts.signals, values: counts.values, keys: counts.keys };
}

/** Leaves out the traits that the rules do not name. */
export function visibleFacts(rules: CompiledRules, facts: Facts): Facts {
  const names = traitNames(rules);
  return { ...facts, traits: pick(facts.traits, (name) => names.has(name)) };
}

/**
 * Says when a visitor's state may next change with no event, as epoch ms, or undefined where it cannot.
 * It never names a later moment than the first change, and may name one at which nothing changes.
 */
export function nextChange(
  rules: CompiledRules,
  facts: Facts,
  now: number,
  view = viewFacts(rules, facts, now),
): number | undefined {
  const today = formatDay(view.today);
  let next = hasDay(facts, (day) => day > today) ? view.today + 1 : Infinity;
  for (const day of view.days)
    for (const window of rules.windows) if (day + window > view.today) next = Math.min(next, day + window);
  return next < Infinity ? next * DAY_MS : undefined;
}

/**
 * Makes the facts that travel to the browser: the days of the longest window and LATE_DAYS more, and a base for all before.
 * It depends on the facts, the rules and `lastTime` alone: the same facts always travel in the same form.
 * @param lastTime the greatest time of the visitor's events whose clock was not ahead, epoch ms
 */
export function compactFacts(rules: CompiledRules, all: Facts, lastTime: number): Facts {
  const facts = { ...visibleFacts(rules, all), v: rules.full ? FULL_VERSION : FACTS_VERSION };
  const through = dayOf(lastTime) - LATE_DAYS;
  const cut = through - Math.max(0, ...rules.windows);
  const last = formatDay(cut);
  const isOld = (day: string) => day <= last;
  if (!hasDay(facts, isOld)) return facts;

  // Seen from `through`, later days would count as that day: they are not part of the past that the base sums up.
  const past = listedDays(facts, (day) => parseDay(day) <= through);
  const old = listedDays(facts, isOld);
  const counted = sourcesOf(old).reduce((sum, counts) => mergeCounts(sum, counts), emptyFacts());
  const { peak, sticky, stages } = walkStages(viewFacts(rules, past, through * DAY_MS));
  const base: FactsBase = {
    through: formatDay(through),
    cut: formatDay(cut),
    days: Object.fromEntries(
      Object.entries(counted.signals).map(([signal, days]) => [signal, Object.keys(days).length]),
    ),
    peak,
    sticky: [...sticky],
    ...(rules.full && { held: stages }),
    score: scoreAt(viewFacts(rules, old, cut * DAY_MS), cut),
  };
  const recent = listedDays(facts, (day) => !isOld(day));
  const sent: Facts = { ...recent, orders: sentOrders(facts, recent), base };
  return mergeCounts(JSON.parse(JSON.stringify(sent)) as Facts, onOneDay(counted, base.cut));
}

/** Whether something is counted on such a day. */
function hasDay(facts: Facts, test: (day: string) => boolean): boolean {
  for (const { signals } of sourcesOf(facts))
    for (const days of Object.values(signals)) for (const day in days) if (test(day)) return true;
  return false;
}

/** Recent orders with what they count for, and before them as many as travel, which count with the base. */
function sentOrders(facts: Facts, recent: Facts): Facts['orders'] {
  const latest = Object.entries(facts.orders).sort(([, a], [, b]) => (isBefore(a, b) ? 1 : -1));
  const old = latest.map(([key, [time, id]]): [string, Facts['orders'][string]] => [
    key,
    [time, id, { signals: {}, values: {}, keys: {} }],
  ]);
  return { ...Object.fromEntries(old.slice(0, SENT_ORDERS)), ...recent.orders };
}

/** Counts all days as one. */
function onOneDay({ signals, values, keys }: Counts, day: string): Counts {
  const move = <T>(perDay: PerDay<T>, join: (all: T[]) => T) =>
    Object.fromEntries(Object.entries(perDay).map(([signal, days]) => [signal, { [day]: join(Object.values(days)) }]));
  const add = (numbers: number[]) => numbers.reduce((sum, each) => sum + each, 0);
  return {
    signals: move(signals, add),
    values: move(values, add),
    keys: move(keys, (all) => all.reduce((sum, each) => mergeKeys(sum, each), {})),
  };
}

/** The same facts with those days alone. Orders of other days are left out. */
export function listedDays(facts: Facts, isKept: (day: string) => boolean): Facts {
  const days = <T>(perDay: PerDay<T>) => {
    const kept = Object.entries(perDay).map(([signal, each]): [string, Record<string, T>] => [
      signal,
      pick(each, isKept),
    ]);
    return Object.fromEntries(kept.filter(([, each]) => Object.keys(each).length));
  };
  return {
    ...facts,
    signals: days(facts.signals),
    values: days(facts.values),
    keys: days(facts.keys),
    orders: pick(facts.orders, (_, [time]) => isKept(formatDay(dayOf(time)))),
  };
}

function pick<T>(object: Record<string, T>, isKept: (name: string, value: T) => boolean): Record<string, T> {
  return Object.fromEntries(Object.entries(object).filter(([name, value]) => isKept(name, value)));
}
