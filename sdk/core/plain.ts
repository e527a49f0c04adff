/**
 * Whether this is the tag's plain build, for sites of one host whose rules ask for no traits and for nothing of sessions, keep no stage
 * longer than its condition and let no tag last: what only the others need is left out of it. Everywhere else it is false.
 */
declare const STAGETAG_PLAIN: unknown;

export const isPlain = typeof STAGETAG_PLAIN !== 'undefined';
