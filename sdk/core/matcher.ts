import type { CompiledMatcher, Range } from './rules.js';

/** Runs what may throw for reasons of somebody else's; undefined where it does. */
export function attempt<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch {
    return undefined;
  }
}

/**
 * Tells whether a text fits a glob in which `*` stands for any run of characters and everything else for itself.
 * Each part is looked for once, after the one before it: no pattern and no path can make it slow, as a regular expression could be.
 */
function matchesGlob(glob: string, text: string): boolean {
  let at = 0;
  return glob.split('*').every((part, index, { length }) => {
    const isLast = index === length - 1;
    const found = index && isLast ? text.lastIndexOf(part) : text.indexOf(part, at);
    const isFit = found >= at && (index > 0 || !found) && (!isLast || found + part.length === text.length);
    at = found + part.length;
    return isFit;
  });
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
