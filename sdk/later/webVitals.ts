/**
 * Web vitals as the library `web-vitals` measures them; a test compares the two in real browsers. The library alone would weigh a
 * sixth of all that a page loads of us.
 */
import { farewells, on, recordCaptured } from '../record.js';
import { guard, ofDocument } from '../settings.js';

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

/** Records each metric of a page once, when its value is final; after a return from the back/forward cache it is another page's. */
export function captureWebVitals(): void {
  let values: Record<string, number> = {};
  let told = new Set<string>();
  /** Milliseconds by interaction. */
  let lasting = new Map<number, number>();
  /** Of the shifts that count together: within a second of each other, and five in all. */
  let sum = 0;
  let firstShift = 0;
  let lastShift = -Infinity;
  /** What is painted in the background is painted late. */
  let hiddenAt = ofDocument('hidden') ? 0 : Infinity;
  let countBefore = 0;
  /** Where the browser does not count them, those that took a frame or more. */
  const interactions = () => (performance as { interactionCount?: number }).interactionCount ?? lasting.size;

  const tell = (metric: string) => {
    const value = values[metric];
    if (value == null || told.has(metric)) return;
    told.add(metric);
    const [good, poor] = LIMITS[metric]!;
    const rating = value > poor ? 'poor' : value > good ? 'needs-improvement' : 'good';
    recordCaptured('web_vital', { metric, value: Math.round(value * 1e4) / 1e4, rating });
  };
  const paint = (metric: string, { startTime }: Entry) => {
    const [navigation] = performance.getEntriesByType('navigation') as Array<{ activationStart?: number }>;
    // A prerendered page is seen from when it is shown.
    if (startTime < hiddenAt) values[metric] = Math.max(0, startTime - (navigation?.activationStart ?? 0));
  };
  const interact = ({ interactionId, duration }: Entry) => {
    lasting.set(interactionId!, Math.max(duration, lasting.get(interactionId!) ?? 0));
  };
  const SEE: Record<string, (entry: Entry) => void> = {
    paint: (entry) => {
      if (entry.name === 'first-contentful-paint') paint('FCP', entry);
      tell('FCP');
    },
    'largest-contentful-paint': (entry) => paint('LCP', entry),
    'layout-shift': ({ value, startTime, hadRecentInput }) => {
      if (hadRecentInput) return;
      if (startTime - lastShift >= 1000 || startTime - firstShift >= 5000) {
        sum = 0;
        firstShift = startTime;
      }
      lastShift = startTime;
      sum += value;
      values.CLS = Math.max(values.CLS ?? 0, sum);
    },
    event: (entry) => entry.interactionId && interact(entry),
    'first-input': (entry) => entry.interactionId != null && interact(entry),
  };
  const see = (entry: PerformanceEntry) => SEE[entry.entryType]!(entry as Entry);
  const observer = new PerformanceObserver(guard((list: PerformanceObserverEntryList) => list.getEntries().forEach(see)));
  const types = PerformanceObserver.supportedEntryTypes;
  for (const type of Object.keys(SEE))
    if (types.includes(type)) observer.observe({ type, buffered: true, durationThreshold: 16 } as PerformanceObserverInit);

  farewells.add(() => {
    hiddenAt = Math.min(hiddenAt, performance.now());
    observer.takeRecords().forEach(see);
    // Nothing moved is a good value, where it would have been seen.
    if (values.FCP != null && types.includes('layout-shift')) values.CLS ??= 0;
    // The worst, save one of each fifty.
    const worst = [...lasting.values()].sort((a, b) => b - a);
    const skipped = Math.floor((interactions() - countBefore) / 50);
    values.INP = worst[Math.min(worst.length - 1, skipped)]!;
    Object.keys(LIMITS).forEach(tell);
  });
  on('pageshow', ({ persisted, timeStamp }: PageTransitionEvent) => {
    if (!persisted) return;
    values = {};
    told = new Set();
    lasting = new Map();
    lastShift = -Infinity;
    countBefore = interactions();
    const shown = guard(() => {
      values.FCP = values.LCP = performance.now() - timeStamp;
      tell('FCP');
    });
    requestAnimationFrame(() => requestAnimationFrame(shown));
  });
}
