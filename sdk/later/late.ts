/** Entry of the tag's second file. */
import { captureEngagement } from './engagement.js';
import { captureImpressions } from './impressions.js';
import { captureScroll } from './scroll.js';
import { captureWebVitals } from './webVitals.js';
import type { LateTools } from '../capture/late.js';

const tools = (
  Reflect.get(Document.prototype, 'currentScript', document) as HTMLScriptElement & { stagetag: LateTools }
).stagetag;

for (const [word, capture] of [
  ['scroll', captureScroll],
  ['engagement', captureEngagement],
  ['views', captureImpressions],
  ['vitals', captureWebVitals],
] as const) {
  if (tools.has(word)) tools.guard(capture)(tools);
}
