import type { StagetagEvent } from './event.js';
import { listOf, matchesGlobs, matchesValue } from './matcher.js';
import type { Matcher, Rules, Signal } from './rules.js';

/** Where an event happened, in the form rules match on. */
export interface Place {
  /** Lower case, without port. */
  host: string;
  /** Percent-decoded, so that `/产品/*` can be written as it is read. */
  path: string;
}

/** The parts of a parsed address that a place is made of; the platform's `URL` and `Location` both fit. */
export interface AddressParts {
  hostname: string;
  pathname: string;
  hash: string;
}

/** One signal that an event carries. */
export interface Hit {
  signal: string;
  /** Units of 1/10,000; 0 where the signal adds nothing up. */
  value: number;
  /** Hash of the value to be counted once; undefined where the signal has no `distinct` or the event no such value. */
  key: string | undefined;
}

/** Amounts are kept as integers of 1/10,000, so that adding them up is exact in any order. */
export const UNITS = 10_000;

/**
 * Makes the place of an event from its parsed address.
 * A fragment that is itself a path (`#/pricing`, `#!/pricing`) is the path: pages with hash routing have no other.
 */
export function placeOf({ hostname, pathname, hash }: AddressParts): Place {
  return { host: hostname, path: decode(/^#!?(\/[^?#]*)/.exec(hash)?.[1] ?? pathname) };
}

/** Undoes percent-encoding; a text with a stray "%" stays as it is. */
export function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Lists the signals that an event carries under the rules; undefined for an order or refund with an amount that cannot be counted. */
export function matchSignals({ signals }: Rules, event: StagetagEvent, place: Place | undefined): Hit[] | undefined {
  const hits: Hit[] = [];
  const { name, props = {}, source = {} } = event;
  if (/^(purchase|refund)$/.test(name) && toUnits(props.value ?? 0) === undefined) return undefined;
  const read = (from: string) => (from === 'path' ? place?.path : props[from.slice('props.'.length)]);
  const passes = (matchers: Record<string, Matcher> = {}, values: Record<string, unknown>) =>
    Object.keys(matchers).every((key) => matchesValue(matchers[key]!, values[key]));
  const isMatch = (signal: Signal) =>
    (!signal.event || listOf(signal.event).includes(name)) &&
    (!signal.path || (place && matchesPath(signal.path, place.path))) &&
    (!signal.host || (place && matchesGlobs(signal.host, place.host))) &&
    passes(signal.props, props) &&
    passes(signal.source, source);
  for (const signal of Object.keys(signals)) {
    const { value, distinct } = signals[signal]!;
    if (!isMatch(signals[signal]!)) continue;
    const key = distinct ? (read(distinct) ?? undefined) : undefined;
    const units = toUnits((value && read(value)) ?? 0);
    // An amount that is none is stored, and not counted.
    if (units !== undefined) hits.push({ signal, value: units, key: key === undefined ? key : hashKey(String(key)) });
  }
  return hits;
}

/** A trailing slash is optional on the page's side: `/pricing` is met by `/pricing/` too. */
function matchesPath(globs: string | string[], path: string): boolean {
  return matchesGlobs(globs, path) || matchesGlobs(globs, path.replace(/(.)\/$/, '$1'));
}

/**
 * Turns an amount into units of 1/10,000.
 * Plain decimal texts count as numbers, since shops often send them. Undefined for whatever else: negative, from a hundred
 * billion (sums would no longer be exact), below a millionth, not a number.
 */
export function toUnits(amount: unknown): number | undefined {
  return /^\d{1,11}(\.\d+)?$/.test(String(amount)) ? Math.round(+(amount as number) * UNITS) : undefined;
}

/**
 * Hashes a text to 32 bits, as seven characters whose alphabetical order is the hashes' numeric order.
 * FNV-1a over UTF-16 code units, then MurmurHash3's finalizer, whose even spread makes "the smallest" a fair sample.
 * Among the at most 64 values that are told apart, two share a hash once in two million times.
 */
export function hashKey(text: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0).toString(36).padStart(7, '0');
}
