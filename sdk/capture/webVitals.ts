import { on, recordCaptured } from '../record.js';
import { settings } from '../settings.js';
import type { observe } from './vitalsModule.js';

/** Loads the measuring of web vitals when the page has nothing better to do, and records each metric once. */
export function captureWebVitals(): void {
  const load = () =>
    (import(`${settings.endpoint}/t/web-vitals.js`) as Promise<{ observe: typeof observe }>).then(
      (vitals) => vitals.observe(({ name, value, rating }) => recordCaptured('web_vital', { metric: name, value, rating })),
      () => {}, // A blocked module: the page has no vitals, and nothing else is affected.
    );
  // Safari has no requestIdleCallback.
  const whenIdle = () => (window.requestIdleCallback ?? setTimeout)(load);
  if (document.readyState === 'complete') whenIdle();
  else on('load', whenIdle);
}
