/**
 * Facts: what is known of a visitor, as counters by (signal, UTC day) and bounded sets.
 * They merge by addition over distinct events, so no order, batching or repetition can change them.
 */
import { dayOf, formatDay } from './day.js';
import type { StagetagEvent } from './event.js';
import { isPlain } from './plain.js';
import type { CompiledRules, Scalar, Stage } from './rules.js';
import { hashKey, matchSignals, type Match, type Place } from './signal.js';

/** Most different values that are told apart for one signal and window. Beyond it the smallest hashes are kept. */
export const DISTINCT_CAP = 64;

/** The format of the facts below. Whoever does not know it shows the stage it was sent and infers nothing. */
export const FACTS_VERSION = 1;

/** The same, for rules that only the full build of the tag can infer with. */
export const FULL_VERSION = 2;

/** Something of one event, where of several events only the first, or the last, by (time, id) counts. */
export type Dated<T> = [time: number, id: string, what: T];

/** By signal, then by `YYYY-MM-DD`. */
export type PerDay<T> = Record<string, Record<string, T>>;

/** The different values seen, by hash, each with the amount in units of the first event that had it (0 where none is added up). */
export type Keys = Record<string, Dated<number>>;

/** Where, among the keys, pairs of a session and a value of a signal stand: no signal has such a name. */
export const pairsOf = (signal: string): string => `~${signal}`;

export interface Counts {
  /** Number of events. */
  signals: PerDay<number>;
  /** Sums in units of 1/10,000, without those in `keys`. */
  values: PerDay<number>;
  keys: PerDay<Keys>;
}

/** What is left of days that lie behind every window: see compactFacts. */
export interface FactsBase {
  /** `peak` and `sticky` cover every day up to this one. */
  through: string;
  /** All days up to this one are counted as this one, and `score` covers them. */
  cut: string;
  /** How many active days those were, by signal. */
  days: Record<string, number>;
  peak: Stage | null;
  sticky: Stage[];
  /** Stages held by the end of `through`, where the rules keep one longer than its condition. */
  held?: Stage[];
  /** The score as of the end of `cut`. */
  score: number;
}

export interface Facts extends Counts {
  v: number;
  /** By signal and `transaction_id`: the first event of each, and what it counts for, which stands here alone. */
  orders: Record<string, Dated<Counts>>;
  /** Traits; null is a trait taken back. */
  traits: Record<string, Dated<Scalar | null>>;
  base?: FactsBase;
}

export function emptyFacts(): Facts {
  return { v: FACTS_VERSION, signals: {}, values: {}, keys: {}, orders: {}, traits: {} };
}

/** What facts count, and what each order counts beside it: of events that share a transaction and a signal the first stands for all. */
export const sourcesOf = (facts: Facts): Counts[] => [
  facts,
  ...Object.values(facts.orders).map(([, , counts]) => counts),
];

/** Whether it names a transaction: a text that is not empty, or a number. */
const isId = (id: unknown): boolean => !!id && Object(id) !== id;

/** Whether an event does not count for a signal that it carries, since another stands for its transaction. */
export function isRepeated({ orders }: Facts, event: StagetagEvent, signal: string): boolean {
  const transaction = event.props?.transaction_id;
  const first = isId(transaction) && orders[`${signal}\n${transaction as string}`];
  return !!first && first[1] !== event.id.toLowerCase();
}

/** Makes the facts of one event alone. Its id must be in lower case. */
export const eventFacts = (rules: CompiledRules, event: StagetagEvent, place: Place | undefined): Facts =>
  matchedFacts(event, matchSignals(rules, event, place));

/** The same of an event whose signals are known. */
export function matchedFacts(event: StagetagEvent, matches: Match[]): Facts {
  const { id, name, time, props = {} } = event;
  const facts = emptyFacts();
  const day = formatDay(dayOf(time));
  const transaction = props.transaction_id;
  for (const [signal, value, key, isPaired] of matches) {
    let counts: Counts = facts;
    if (isId(transaction)) {
      counts = { signals: {}, values: {}, keys: {} };
      facts.orders[`${signal}\n${transaction as string}`] = [time, id, counts];
    }
    counts.signals[signal] = { [day]: 1 };
    if (!isPlain && isPaired && event.sessionId)
      counts.keys[pairsOf(signal)] = { [day]: { [`${hashKey(event.sessionId)}.${key ?? ''}`]: [time, id, 0] } };
    if (key) counts.keys[signal] = { [day]: { [key]: [time, id, value] } };
    else if (value) counts.values[signal] = { [day]: value };
  }
  if (!isPlain && name === 'identify') facts.traits = datedTraits(props, time, id);
  return facts;
}

/** Adds an event to facts, in place: the same as merging in what matchedFacts makes of it, and cheaper where it is an ordinary one. */
export function addEvent(into: Facts, event: StagetagEvent, matches: Match[]): void {
  const { id, name, time, props, sessionId } = event;
  if (name === 'identify' || props?.transaction_id != null) return void mergeFacts(into, matchedFacts(event, matches));
  const day = formatDay(dayOf(time));
  for (const [signal, value, key, isPaired] of matches) {
    const days = (into.signals[signal] ??= {});
    days[day] = (days[day] ?? 0) + 1;
    if (key) addKey(into.keys, signal, day, key, [time, id, value]);
    else if (value) {
      const values = (into.values[signal] ??= {});
      values[day] = (values[day] ?? 0) + value;
    }
    if (isPaired && sessionId)
      addKey(into.keys, pairsOf(signal), day, `${hashKey(sessionId)}.${key ?? ''}`, [time, id, 0]);
  }
}

function addKey(keys: PerDay<Keys>, signal: string, day: string, key: string, dated: Dated<number>): void {
  const days = (keys[signal] ??= {});
  days[day] = mergeKeys(days[day] ?? {}, { [key]: dated });
}

/** Dates each scalar trait of an object; others cannot be matched and are left out, as are names that every object has. Null takes a trait back. */
export function datedTraits(traits: Record<string, unknown>, time: number, id: string): Facts['traits'] {
  const dated: Facts['traits'] = {};
  for (const name of Object.keys(traits)) {
    const value = traits[name] as Scalar | null;
    if (Object(value) !== value && !(name in {})) dated[name] = [time, id, value];
  }
  return dated;
}

/** Merges the facts of further, distinct events into `into`, and returns it. `from` is left as it is. */
export function mergeFacts(into: Facts, from: Facts): Facts {
  mergeCounts(into, from);
  keepDated(into.orders, from.orders, isBefore);
  mergeTraits(into.traits, from.traits);
  return into;
}

/** Adds counts up, and returns `into`. */
export function mergeCounts<T extends Counts>(into: T, { signals, values, keys }: Counts): T {
  const add = (sum = 0, more: number) => sum + more;
  mergeDays(into.signals, signals, add);
  mergeDays(into.values, values, add);
  mergeDays(into.keys, keys, (known = {}, more) => mergeKeys(known, more));
  return into;
}

/** Merges dated traits into `into`: of two values of a trait the later by (time, id) holds. */
export function mergeTraits(into: Facts['traits'], from: Facts['traits']): void {
  keepDated(into, from, (other, present) => isBefore(present, other));
}

/** Merges two sets of different values; beyond the cap the smallest hashes (as texts) stay, whatever came first. */
export function mergeKeys(into: Keys, from: Keys): Keys {
  keepDated(into, from, isBefore);
  for (const key of Object.keys(into).sort().slice(DISTINCT_CAP)) delete into[key];
  return into;
}

function mergeDays<T>(into: PerDay<T>, from: PerDay<T>, join: (present: T | undefined, other: T) => T): void {
  for (const [signal, added] of Object.entries(from)) {
    const days = (into[signal] ??= {});
    for (const [day, more] of Object.entries(added)) days[day] = join(days[day], more);
  }
}

/** Keeps in `into`, of two things dated, the one that wins. */
export function keepDated<T>(
  into: Record<string, Dated<T>>,
  from: Record<string, Dated<T>>,
  wins: (other: Dated<T>, present: Dated<T>) => boolean,
): void {
  for (const key of Object.keys(from)) if (!into[key] || wins(from[key]!, into[key])) into[key] = from[key]!;
}

/** The order of events wherever one of several must count: by time, then by id. */
export const isBefore = (a: Dated<unknown>, b: Dated<unknown>): boolean =>
  a[0] < b[0] || (a[0] === b[0] && a[1] < b[1]);
