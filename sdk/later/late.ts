/** The tag's second file: sends what the first remembers, and captures what can wait. */
import { captureEngagement } from './engagement.js';
import { captureClicks } from './click.js';
import { captureForms } from './form.js';
import { startSender } from './sender.js';
import { takeDeeds } from './deeds.js';
import { captureImpressions } from './impressions.js';
import { captureScroll } from './scroll.js';
import { guard, isWanted } from '../settings.js';
import { captureWebVitals } from './webVitals.js';

/** Captures by their words of `data-auto`. */
const CAPTURES: Record<string, () => void> = {
  forms: captureForms,
  scroll: captureScroll,
  engagement: captureEngagement,
  views: captureImpressions,
  vitals: captureWebVitals,
};

/** The captures first: sending sets the page to work. */
export function start(): void {
  captureClicks();
  for (const [word, capture] of Object.entries(CAPTURES)) if (isWanted(word)) guard(capture)();
  takeDeeds();
  startSender();
}
