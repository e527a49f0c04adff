/**
 * Whether this is the build of the tag for sites whose rules hold no stage longer than its condition and let no tag last: what only those
 * need is left out of it. Everywhere else it is false.
 */
declare const STAGETAG_PLAIN: unknown;

export const isPlain = typeof STAGETAG_PLAIN !== 'undefined';
