/** The tag's second file: sends what the first remembers, and captures what can wait. */
import { captureForms } from './form.js';
import { captureWebVitals } from './webVitals.js';
import { takeDeeds } from './deeds.js';
import { guard, isWanted } from '../settings.js';
import { captureScroll } from './scroll.js';
import { startSender } from './sender.js';
import { captureClicks } from './click.js';
import { captureEngagement } from './engagement.js';
import { captureImpressions } from './impressions.js';

/** Captures by their words of `data-auto`. */
const CAPTURES: Record<string, () => void> = {
  engagement: captureEngagement,
  views: captureImpressions,
  vitals: captureWebVitals,
  scroll: captureScroll,
};

/** The captures first: sending sets the page to work. */
export function start(): void {
  captureClicks();
  captureForms();
  for (const [word, capture] of Object.entries(CAPTURES)) if (isWanted(word)) guard(capture)();
  takeDeeds();
  startSender();
}
