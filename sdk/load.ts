/** Loading the tag's further files. */
import { later } from './record.js';
import { settings } from './settings.js';
import type { Capture, Stagetag } from './start.js';
import { makeTools } from './tools.js';

/** The build puts the second file's name here. */
declare const __STAGETAG_LATE__: string;

/** A further file that is blocked, or not there: what it would have done is not done, and nothing else is affected. */
const load = (file: string, ...given: unknown[]): Promise<unknown> =>
  (import(`${settings.endpoint}/t/${file}`) as Promise<{ start: (...given: unknown[]) => void }>)
    .then((part) => part.start(...given))
    .catch(() => later.arrived!());

/** Loads what sends, and the captures that can wait. */
export const loadLater: Capture = (has) => void load(__STAGETAG_LATE__, makeTools(has));

/** Loads the words for what is given wrongly, and keeps what is given until they are here. */
export function loadDebug(api: Stagetag, dataset: DOMStringMap): void {
  const calls: unknown[][] = [];
  for (const name of ['track', 'page', 'identify', 'consent'] as const) {
    const original = api[name] as (...given: unknown[]) => unknown;
    Object.assign(api, {
      [name]: (...given: unknown[]) => {
        calls.push([name, ...given]);
        return original(...given);
      },
    });
  }
  void load('debug.js', api, dataset, calls);
}
