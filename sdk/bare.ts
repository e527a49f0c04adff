/** For bundlers that shall leave out what a page does not use: the SDK without captures, and each capture by itself. */
import type { LateTools } from './capture/late.js';
import { lateTools } from './capture/late.js';
import { captureEngagement } from './later/engagement.js';
import { captureImpressions } from './later/impressions.js';
import { captureScroll } from './later/scroll.js';
import { captureWebVitals } from './later/webVitals.js';
import { init as start, type Capture, type Stagetag } from './start.js';
import type { State } from './model.js';
import type { Settings } from './settings.js';

export { captureClicks as clicks } from './capture/click.js';
export { captureForms as forms } from './capture/form.js';
export { capturePageViews as pages } from './capture/pageView.js';
export type { CompiledRules, Explanation, Stage, StagetagEvent } from './core/index.js';
export type { StagetagError } from './expose/publish.js';
export type { State } from './model.js';
export type { Settings } from './settings.js';
export type { Capture, Stagetag } from './start.js';

/** Runs a capture when the page has nothing better to do. */
const late =
  (word: string, capture: (tools: LateTools) => void): Capture =>
  (has) => {
    const { guard } = lateTools;
    // Safari has no requestIdleCallback.
    if (has(word)) (window.requestIdleCallback ?? setTimeout)(guard(() => capture({ ...lateTools, has })));
  };

/* The build knows these calls to have no effect but their value. */
export const scroll: Capture = /* @__PURE__ */ late('scroll', captureScroll);
export const engagement: Capture = /* @__PURE__ */ late('engagement', captureEngagement);
export const impressions: Capture = /* @__PURE__ */ late('views', captureImpressions);
export const webVitals: Capture = /* @__PURE__ */ late('vitals', captureWebVitals);

/** Where there is no page, on a server: every call does nothing, and says so in the form of the page API. */
function serverSide({ siteKey }: Settings): Stagetag {
  const state = (): State => ({
    stage: null,
    peak: null,
    tags: [],
    score: 0,
    status: 'confirmed',
    rules: 0,
    asOf: Date.now(),
  });
  const nothing = () => {};
  return {
    siteKey,
    stage: null,
    state,
    why: () => ({ stage: null, met: false, sticky: false, rules: 0, because: null, next: null }),
    track: () => '',
    page: () => '',
    identify: nothing,
    consent: nothing,
    reset: nothing,
    on: () => nothing,
    flush: async () => {},
    ready: Promise.resolve(state()),
  };
}

let running: Stagetag | undefined;

/**
 * Starts Stagetag on a page, with these captures. It is one to a page: a second call gives what the first did. On a server it does
 * nothing.
 * @example
 * import { init, pages, forms } from 'stagetag/bare';
 * const stagetag = init({ siteKey: 'st_…', endpoint: 'https://collector.example' }, [pages, forms]);
 */
export function init(settings: Settings, captures: Capture[] = []): Stagetag {
  if (typeof document === 'undefined') return serverSide(settings);
  return (running ??= start(settings, captures));
}
