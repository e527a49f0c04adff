/** Loading the tag's further files. */
import { later } from './record.js';
import { settings } from './settings.js';
import type { Capture, Stagetag } from './start.js';
import { makeTools } from './tools.js';

/** The build puts the second file's name here. */
declare const __STAGETAG_LATE__: string;

/**
 * Loads a further file, and starts it. One that does not come is asked for again, ever later, under an address that no browser
 * remembers as a failure; until then everything is as if it had nothing to do.
 */
const load = (file: string, given: unknown[], delayMs = 1000): Promise<void> =>
  (import(`${settings.endpoint}/t/${file}?${delayMs}`) as Promise<{ start: (...given: unknown[]) => void }>).then(
    (part) => part.start(...given),
    () => {
      later.arrived!();
      setTimeout(() => load(file, given, delayMs * 2), delayMs);
    },
  );

/** Loads what sends, and the captures that can wait. */
export const loadLater: Capture = (has) => void load(__STAGETAG_LATE__, [makeTools(has)]);

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
  void load('debug.js', [api, dataset, calls]);
}
