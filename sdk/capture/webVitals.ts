import { recordCaptured } from '../record.js';
import { settings } from '../settings.js';
import type { observe } from './vitalsModule.js';

/** Loads the measuring of web vitals when the page has nothing better to do, and records each metric once. */
export function captureWebVitals(): void {
  const load = () =>
    (import(`${settings.endpoint}/t/web-vitals.js`) as Promise<{ observe: typeof observe }>)
      .then((module) => module.observe(recordCaptured))
      .catch(() => {}); // A blocked module: the page has no vitals, and nothing else is affected.
  // Safari has no requestIdleCallback.
  (window.requestIdleCallback ?? setTimeout)(load);
}
