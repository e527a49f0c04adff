/** Built into a file of its own, which pages load late: see captureWebVitals. */
import { onCLS, onFCP, onINP, onLCP, onTTFB, type Metric } from 'web-vitals';

/** Reports each metric of the page once, when its value is final. */
export function observe(report: (metric: Metric) => void): void {
  const seen = new Set<string>();
  // After a return from the back/forward cache the library reports anew; that is another page view's metric.
  const once = (metric: Metric) => {
    if (seen.has(metric.id)) return;
    seen.add(metric.id);
    report({ ...metric, value: Math.round(metric.value * 1e4) / 1e4 });
  };
  for (const measure of [onCLS, onFCP, onINP, onLCP, onTTFB]) measure(once);
}
