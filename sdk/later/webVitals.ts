import { onCLS, onFCP, onINP, onLCP, type Metric } from 'web-vitals';
import type { Tools } from '../tools.js';

/** Records each metric of a page once, when its value is final; after a return from the back/forward cache it is another page's. */
export function captureWebVitals({ recordCaptured, guard, later }: Tools): void {
  const told = new Set<string>();
  const tell = ({ id, name, value, rating }: Metric) => {
    // The library names a value again where it grew after the page was hidden and shown.
    if (told.has(id)) return;
    told.add(id);
    recordCaptured('web_vital', { metric: name, value: Math.round(value * 1e4) / 1e4, rating });
  };
  // The library asks the document for it: where an element of that name stands in its place, nothing is measured.
  if (typeof document.addEventListener !== 'function') return;
  for (const measure of [onCLS, onFCP, onINP, onLCP]) measure(tell);
  // Their last values come when the document hears that it is hidden. That is after everything else was sent, and after it comes nothing.
  const leave = () => document.hidden && later.leave!();
  addEventListener('visibilitychange', guard(leave));
}
