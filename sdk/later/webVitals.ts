import { onCLS, onFCP, onINP, onLCP, onTTFB, type Metric } from 'web-vitals';
import type { LateTools } from '../capture/late.js';

/** Records each metric of a page once, when its value is final; after a return from the back/forward cache it is another page's. */
export function captureWebVitals({ record }: LateTools): void {
  const tell = ({ name, value, rating }: Metric) =>
    record('web_vital', { metric: name, value: Math.round(value * 1e4) / 1e4, rating });
  for (const measure of [onCLS, onFCP, onINP, onLCP, onTTFB]) measure(tell);
}
