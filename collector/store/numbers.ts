import { MAX_RANGES, type VisitorRecord } from './store.js';

/** More events of one visitor are nobody's: a report must not be what one sender makes up. */
const MAX_NUMBERED = 1_000_000;
/** A number that is further off is a wrong one: a browser that is offline for days makes tens of thousands of events. */
const MAX_GAP = 100_000;

/** How many numbers came, and how many are missing between them. */
export function numbersOf(have: VisitorRecord['have']): { stored: number; missing: number } {
  let [stored, missing] = [0, 0];
  // Of a very broken row the earliest ranges are not kept: what is missing before them is not known.
  let next = have.length < MAX_RANGES ? 1 : (have[0]?.[0] ?? 1);
  for (const [from, to] of have) {
    stored += to - from + 1;
    missing += Math.min(from - next, MAX_GAP);
    next = to + 1;
  }
  return { stored: Math.min(stored, MAX_NUMBERED), missing: Math.min(missing, MAX_NUMBERED) };
}
