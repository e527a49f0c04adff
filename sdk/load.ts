/** Loading the tag's further files. */
import { settings, warnings } from './settings.js';
import type { Capture } from './start.js';
import { makeTools } from './tools.js';

/** The build puts the second file's name here. */
declare const __STAGETAG_LATE__: string;

/** A further file that is blocked, or not there: what it would have done is not done, and nothing else is affected. */
const load = (file: string, ...given: unknown[]): Promise<void> =>
  (import(`${settings.endpoint}/t/${file}`) as Promise<{ default: (...given: unknown[]) => void }>)
    .then((part) => part.default(...given))
    .catch(() => {});

/** Loads what sends, and the captures that can wait. */
export const loadLater: Capture = (has) => void load(__STAGETAG_LATE__, makeTools(has));

/** Loads the words for what was given wrongly. */
export const loadDebug = (dataset: DOMStringMap): void => void load('debug.js', settings, warnings, dataset);
