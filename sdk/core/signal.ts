import type { StagetagEvent } from './event.js';
import { attempt, matchesGlobs, matchesValue } from './matcher.js';
import { isPlain } from './plain.js';
import type { CompiledRules } from './rules.js';

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
export const decode = (text: string): string => attempt(() => decodeURIComponent(text)) ?? text;

/**
 * A signal that an event carries, with its amount in units (0 where it adds nothing up), and with the hash of the value to be counted
 * once, where the signal has `distinct` and the event such a value. `isPaired`: it is noted with the event's session too.
 */
export type Match = [signal: string, value: number, key: string | undefined, isPaired?: boolean];

/** Finds the signals that an event carries under the rules. */
export function matchSignals({ signals }: CompiledRules, event: StagetagEvent, place: Place | undefined): Match[] {
  const matches: Match[] = [];
  // An object is no amount and no text; it may even throw when it is made one.
  const plain = (value: unknown) => (value instanceof Object ? NaN : value);
  const read = (from: string) => (from === 'path' ? place?.path : plain(event.props?.[from.slice('props.'.length)]));
  for (const [signal, { event: names, path, host, match, distinct, value, pairs, currency }] of Object.entries(
    signals,
  )) {
    // First of all, since it is all that most signals need to be told apart.
    if (names && !names.includes(event.name)) continue;
    const amount = toUnits(value && read(value));
    const key = distinct && read(distinct);
    if (
      // A trailing slash is optional on the page's side: `/pricing` is met by `/pricing/` too.
      (!path || (place && [place.path, place.path.replace(/(.)\/$/, '$1')].some((each) => matchesGlobs(path, each)))) &&
      (!host || (place && matchesGlobs(host, place.host))) &&
      (match ?? []).every(([from, name, matcher]) => matchesValue(matcher, plain(event[from]?.[name])))
    ) {
      const found: Match = [signal, amount!, key == null ? undefined : hashKey(`${key as string}`)];
      if (!isPlain && pairs && (!distinct || found[2])) found.push(true);
      // What is stored and not counted: see toUnits.
      if (amount !== undefined && (isPlain || !currency || isIn(currency, event))) matches.push(found);
    }
  }
  return matches;
}

/** Whether an event's amount is in a currency; one that names none is. */
function isIn(currency: string, { props }: StagetagEvent): boolean {
  const named = props?.currency ?? '';
  return named === '' || (typeof named === 'string' && named.toUpperCase() === currency);
}

/**
 * Turns an amount into units of 1/10,000.
 * Plain decimal texts count as numbers, since shops often send them. Undefined for whatever else: negative, from a hundred
 * billion (sums would no longer be exact), below a millionth, not a number, null. Where there is none it is 0.
 */
export function toUnits(amount: unknown = 0): number | undefined {
  return /^\d{1,11}(\.\d+)?$/.test(String(amount)) ? Math.round(+(amount as number) * UNITS) : undefined;
}

/**
 * Hashes a text to 32 bits, written in base 36: FNV-1a over UTF-16 units.
 * Among the at most 64 values that are told apart, two share a hash once in two million times.
 */
export function hashKey(text: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash.toString(36);
}
