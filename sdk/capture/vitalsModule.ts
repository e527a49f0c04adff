/** Built into a file of its own, which pages load late: see captureWebVitals. */
import { onCLS, onFCP, onINP, onLCP, onTTFB, type Metric } from 'web-vitals';

/** Records each metric of the page once, when its value is final. */
export function observe(
  record: (name: string, props: { metric: string; value: number; rating: string }) => void,
): void {
  const seen = new Set<string>();
  // After a return from the back/forward cache the library reports anew; that is another page view's metric.
  const once = ({ id, name, value, rating }: Metric) => {
    if (seen.has(id)) return;
    seen.add(id);
    record('web_vital', { metric: name, value: Math.round(value * 1e4) / 1e4, rating });
  };
  for (const measure of [onCLS, onFCP, onINP, onLCP, onTTFB]) measure(once);
}
