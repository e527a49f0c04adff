import { arrivals, on, recordCaptured } from '../record.js';

/** Percent of the page that was seen at which an event is recorded; 90 is GA4's only one. */
const STEPS = [90, 75, 50, 25];

/**
 * Records how far down a page was scrolled, each step once a page view, and of steps passed in one go only the last. A page that fits
 * the window is not scrolled; where one grows, what was reached of it stays reached.
 */
export function captureScroll(): void {
  let reached = 0;
  on('scroll', ({ target }: Event) => {
    const { scrollHeight, clientHeight } = document.scrollingElement!;
    const percent = ((scrollY + clientHeight) / scrollHeight) * 100;
    const step = STEPS.find((each) => each <= percent) ?? 0;
    if (target === document && step > reached) recordCaptured('scroll', { percent: (reached = step) });
  });
  arrivals.add(() => (reached = 0));
}
