/** The tag's second file: sends what the first remembers, and captures what can wait. */
import type { Tools } from '../tools.js';
import { captureClicks } from './click.js';
import { takeDeeds } from './deeds.js';
import { captureEngagement } from './engagement.js';
import { captureForms } from './form.js';
import { captureImpressions } from './impressions.js';
import { captureScroll } from './scroll.js';
import { startSender } from './sender.js';
import { captureWebVitals } from './webVitals.js';

/** Captures by their words of `data-auto`. */
const CAPTURES: Record<string, (tools: Tools) => void> = {
  forms: captureForms,
  scroll: captureScroll,
  engagement: captureEngagement,
  views: captureImpressions,
  vitals: captureWebVitals,
};

/** The captures first: sending sets the page to work. */
export const start = (tools: Tools): void =>
  tools.guard(() => {
    captureClicks(tools);
    for (const [word, capture] of Object.entries(CAPTURES)) if (tools.isWanted(word)) tools.guard(capture)(tools);
    takeDeeds(tools);
    startSender(tools);
  })();
