import { MAX_RANGES, type VisitorRecord } from './store.js';

/** More events of one visitor are nobody's: a report must not be what one sender makes up. */
const MAX_NUMBERED = 1_000_000;

/** How many numbers came, and how many are missing between them. */
export function numbersOf(have: VisitorRecord['have']): { stored: number; missing: number } {
  const stored = have.reduce((sum, [from, to]) => sum + to - from + 1, 0);
  // Of a very broken row the earliest ranges are not kept: what is missing before them is not known.
  const first = have.length < MAX_RANGES ? 1 : (have[0]?.[0] ?? 1);
  const missing = have.length ? have.at(-1)![1] - first + 1 - stored : 0;
  return { stored: Math.min(stored, MAX_NUMBERED), missing: Math.min(missing, MAX_NUMBERED) };
}
