/** Loading the tag's further files. */
import { later, on } from './record.js';
import { guard, ofDocument, settings } from './settings.js';
import type { Capture, Stagetag } from './start.js';

/** The build puts the second file's name here, and what it uses of the first: it has no copy of that, and both hold the same state. */
declare const __STAGETAG_LATE__: string;
declare const __STAGETAG_SHARED__: unknown[];

const MAX_DELAY_MS = 60_000;

/**
 * Loads a further file, and starts it. One that does not come is asked for again, later and later, under an address that no browser
 * remembers as a failure; until then everything is as if it had nothing to do.
 */
export const load = (file: string, given: unknown[], delayMs = 1000): Promise<void> =>
  // Bundlers leave it alone: it comes from the collector.
  (
    import(/* webpackIgnore: true */ /* @vite-ignore */ `${settings.endpoint}/t/${file}?${delayMs}`) as Promise<{
      start: (...given: unknown[]) => void;
    }>
  ).then(
    guard((part) => part.start(...given)),
    () => void setTimeout(() => load(file, given, Math.min(delayMs * 2, MAX_DELAY_MS)), delayMs),
  );

/**
 * Loads what sends, and the captures that can wait. The first file knows and remembers: who the visitor is, what happened, which stage
 * follows. So a page that is left before the second is here loses nothing.
 */
export const loadLater: Capture = () => {
  const start = () => {
    later.isHere = load(__STAGETAG_LATE__, __STAGETAG_SHARED__);
  };
  // Not before the page is parsed: many browsers take no import map after the first module. `loading` is the shortest of the three words.
  if (ofDocument('readyState')[7]) start();
  else on('DOMContentLoaded', start);
};

/** Loads the words for what is given wrongly. @param calls what is given, which is kept until they are here */
export const loadDebug = (api: Stagetag, dataset: DOMStringMap, calls: unknown[][]): void =>
  void load('debug.js', [api, dataset, calls]);
