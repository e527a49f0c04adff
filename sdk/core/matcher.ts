import type { Matcher } from './rules.js';

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

/** A list of one or more, as rules may write it. */
export const listOf = <T>(value: T | readonly T[]): readonly T[] => (Array.isArray(value) ? value : [value as T]);

/** Tells whether a text fits one of the globs. */
export function matchesGlobs(globs: string | readonly string[], text: string): boolean {
  return listOf(globs).some((glob) => matchesGlob(glob, text));
}

/** Tells whether a value passes every operator of a matcher. An absent value (undefined, null) passes `exists: false` alone. */
export function matchesValue(matcher: Matcher, value: unknown): boolean {
  const { exists = true, eq = value, in: list, glob, gte = -Infinity, lte = Infinity } = matcher;
  const isPresent = value !== undefined && value !== null;
  if (!isPresent || !exists) return isPresent === exists;
  const isRanged = matcher.gte !== undefined || matcher.lte !== undefined;
  return (
    value === eq &&
    (!list || list.includes(value as string)) &&
    (!glob || matchesGlobs(glob, String(value))) &&
    (!isRanged || (typeof value === 'number' && value >= gte && value <= lte))
  );
}
