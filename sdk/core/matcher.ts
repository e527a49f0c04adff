import type { CompiledMatcher, Range } from './rules.js';

/** Runs what may throw for reasons of somebody else's; undefined where it does. */
export function attempt<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch {
    // As if it were not there.
  }
}

/**
 * Tells whether a text fits a glob in which `*` stands for any run of characters and everything else for itself.
 * Each part is looked for once, after the one before it: no pattern and no path can make it slow, as a regular expression could be.
 */
function matchesGlob(glob: string, text: string): boolean {
  const [head, ...parts] = glob.split('*') as [string, ...string[]];
  const tail = parts.pop();
  if (tail == null) return text === head;
  let at = head.length;
  const isNext = (part: string) => {
    const found = text.indexOf(part, at);
    at = found + part.length;
    return found >= 0;
  };
  return text.startsWith(head) && parts.every(isNext) && text.slice(at).endsWith(tail);
}

/** Tells whether a text fits one of the globs. */
export const matchesGlobs = (globs: string[], text: string): boolean => globs.some((glob) => matchesGlob(glob, text));

export const isInRange = ({ gte = -Infinity, lte = Infinity }: Range, value: number): boolean =>
  value >= gte && value <= lte;

/** Tells whether a value passes every operator of a matcher. An absent value (undefined, null) passes `exists: false` alone. */
export function matchesValue({ exists, in: list, glob, range }: CompiledMatcher, value: unknown): boolean {
  if (value == null) return exists === false;
  return (
    exists !== false &&
    (!list || list.includes(value as string)) &&
    (!glob || matchesGlobs(glob, `${value as string}`)) &&
    (!range || (typeof value === 'number' && isInRange(range, value)))
  );
}
