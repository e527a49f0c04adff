/**
 * Web vitals as the library `web-vitals` measures them; a test compares the two in real browsers. The library alone would weigh a
 * sixth of all that a page loads of us.
 */
import { farewells, on, recordCaptured } from '../record.js';
import { guard } from '../settings.js';

/** Up to the first a value is good, above the second it is poor. @see https://web.dev/articles/vitals */
const LIMITS: Record<string, [number, number]> = {
  CLS: [0.1, 0.25],
  FCP: [1800, 3000],
  INP: [200, 500],
  LCP: [2500, 4000],
};

/** What the entries of the types below have that the platform's own interface leaves out. */
interface Entry extends PerformanceEntry {
  /** Of a layout shift. */
  value: number;
  hadRecentInput?: boolean;
  /** Of an interaction; the events of one have the same. */
  interactionId?: number;
}

/**
 * Records each metric of a page once, when it is hidden or left. A page that comes back from the back/forward cache is another one; it is
 * painted already, so only its shifts and interactions are measured.
 */
export function captureWebVitals(): void {
  let values: Record<string, number> = {};
  /** Milliseconds by interaction. */
  const lasting = new Map<number, number>();
  /** Of the shifts that count together: within a second of each other, and five in all. */
  let sum = 0;
  let firstShift = 0;
  let lastShift = 0;
  /** The entries that tell what they are by what they have: an interaction, a shift, or a paint. */
  const see = ({ interactionId, duration, value, hadRecentInput, name, entryType, startTime }: Entry) => {
    if (interactionId) {
      lasting.set(interactionId, Math.max(duration, lasting.get(interactionId) ?? 0));
    } else if (value != null) {
      if (hadRecentInput) return;
      if (startTime - lastShift >= 1000 || startTime - firstShift >= 5000) {
        sum = 0;
        firstShift = startTime;
      }
      lastShift = startTime;
      sum += value;
      values.CLS = Math.max(values.CLS ?? 0, sum);
    } else if (/contentful/.test(name + entryType)) {
      const navigation = performance.getEntriesByType('navigation')[0] as PerformanceEntry & {
        activationStart?: number;
      };
      // A prerendered page is seen from when it is shown, and what was painted before that at once.
      values[entryType === 'paint' ? 'FCP' : 'LCP'] = Math.max(0, startTime - (navigation.activationStart ?? 0));
    }
  };
  const observer = new PerformanceObserver(
    guard((list: PerformanceObserverEntryList) => (list.getEntries() as Entry[]).forEach(see)),
  );
  const types = PerformanceObserver.supportedEntryTypes;
  const watch = (buffered: boolean) => {
    sum = 0;
    for (const type of ['paint', 'largest-contentful-paint', 'layout-shift', 'event', 'first-input'])
      // What is painted in the background is painted late.
      if (types.includes(type) && (!/paint/.test(type) || (buffered && !document.hidden)))
        observer.observe({ type, buffered, durationThreshold: 16 } as PerformanceObserverInit);
  };

  watch(true);
  farewells.add(() => {
    (observer.takeRecords() as Entry[]).forEach(see);
    observer.disconnect();
    // The worst, save one of each fifty; where the browser does not count them, of those that took a frame or more.
    const { interactionCount = lasting.size } = performance as { interactionCount?: number };
    const worst = [...lasting.values()].sort((a, b) => b - a);
    const skipped = Math.floor(interactionCount / 50);
    if (worst[0]) values.INP = worst[skipped] ?? worst.pop()!;
    // Nothing moved is a good value, where it would have been seen.
    if (values.FCP && types.includes('layout-shift')) values.CLS ??= 0;
    for (const [metric, value] of Object.entries(values)) {
      const [good, poor] = LIMITS[metric]!;
      const rating = value > poor ? 'poor' : value > good ? 'needs-improvement' : 'good';
      recordCaptured('web_vital', { metric, value: +value.toFixed(4), rating });
    }
    values = {};
    lasting.clear();
  });
  on('pageshow', ({ persisted }: PageTransitionEvent) => persisted && watch(false));
}
