import { address, arrivals, farewells, on, recordCaptured } from '../record.js';

/** Without a sign of the visitor for so long, nobody is there. */
const IDLE_MS = 30_000;
/** Less is no engagement. */
const LEAST_MS = 1000;

/** Records how long a page was looked at, when it is left or hidden: the time stops while it is hidden, and some time after the last sign of the visitor. */
export function captureEngagement(): void {
  let engagedMs = 0;
  let last = document.hidden ? Infinity : 0;
  /** Of the page that is looked at: the next one's is there before this one is told. */
  let url = address();
  /** Counts the time up to now, of which no more than the idle time after the last sign. */
  const count = () => {
    const now = performance.now();
    engagedMs += Math.max(0, Math.min(now - last, IDLE_MS));
    last = document.hidden ? Infinity : now;
  };
  const tell = () => {
    count();
    if (engagedMs < LEAST_MS) return;
    recordCaptured('user_engagement', { engagement_time_msec: Math.round(engagedMs) }, url);
    engagedMs = 0;
  };
  for (const type of ['pointerdown', 'pointermove', 'keydown', 'scroll', 'visibilitychange']) on(type, count);
  farewells.add(tell);
  arrivals.add((next) => {
    tell();
    url = next;
  });
}
