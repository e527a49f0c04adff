/** For bundlers that shall leave out what a page does not use: the SDK without captures, and each capture by itself. */
import { attempt } from './core/matcher.js';
import { load } from './load.js';
import { captureClicks } from './later/click.js';
import { takeDeeds } from './later/deeds.js';
import { captureEngagement } from './later/engagement.js';
import { captureForms } from './later/form.js';
import { captureImpressions } from './later/impressions.js';
import { captureScroll } from './later/scroll.js';
import { startSender } from './later/sender.js';
import { captureWebVitals } from './later/webVitals.js';
import type { State } from './model.js';
import { NO_RULES } from './rules.js';
import { isWanted, type Settings } from './settings.js';
import { init as start, type Capture, type Stagetag } from './start.js';
import { watchDeeds } from './watch.js';

declare global {
  interface Window {
    /** The page API; absent until the script tag has loaded, or `init` was called. */
    stagetag?: Stagetag;
  }
}

export { capturePageViews as pages } from './pageView.js';
export type { CompiledRules, Explanation, Stage, StagetagEvent } from './core/index.js';
export type { StagetagError } from './expose/publish.js';
export type { State } from './model.js';
export type { Settings } from './settings.js';
export type { Capture, Stagetag } from './start.js';

const wanted =
  (word: string, capture: Capture): Capture =>
  () => {
    if (isWanted(word)) capture();
  };

/** Downloads, links that leave, and elements that name their event. */
export const clicks: Capture = captureClicks;
/** Forms that are begun, sent and left, and the event that a form names. */
export const forms: Capture = captureForms;
/* Bundlers know these calls to have no effect but their value. */
export const scroll: Capture = /* @__PURE__ */ wanted('scroll', captureScroll);
export const engagement: Capture = /* @__PURE__ */ wanted('engagement', captureEngagement);
export const impressions: Capture = /* @__PURE__ */ wanted('views', captureImpressions);
export const webVitals: Capture = /* @__PURE__ */ wanted('vitals', captureWebVitals);

/** Where there is no page, on a server, or no site: every call does nothing, and says so in the form of the page API. */
function serverSide({ siteKey = '' }: Partial<Settings>): Stagetag {
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

/** When every capture has said what it wants. */
const finish: Capture = () => {
  takeDeeds();
  startSender();
};

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
  if (running) return running;
  // By the page's own address, whatever its <base> says.
  const { endpoint: address } = settings ?? {};
  const endpoint = address && attempt(() => new URL(address, location.href).href.replace(/\/+$/, ''));
  if (!settings?.siteKey || !endpoint) {
    // An app whose environment lacks a variable goes on all the same.
    if (settings?.debug) console.warn('stagetag: init needs {siteKey, endpoint}; nothing is recorded');
    return serverSide(settings ?? {});
  }
  // What is switched off is as if it were not there.
  const given = Object.fromEntries(
    Object.entries(settings).filter(([, value]) => value !== false),
  ) as object as Settings;
  const calls: unknown[][] | undefined = given.debug == null ? undefined : [];
  // The script tag may be on the page as well: it is one to a page.
  const host = window as { stagetag?: Stagetag & { q?: Array<[name: string, ...args: unknown[]]> } };
  const tag = host.stagetag;
  if (tag?.siteKey) return (running = tag);
  const rules = given.rules?.stages ? given.rules : NO_RULES;
  const wanted = (Array.isArray(captures) ? captures : [captures]).filter((each) => typeof each === 'function');
  const api = start({ ...given, rules, endpoint }, [...wanted, watchDeeds, finish], calls);
  if (calls) void load('debug.js', [api, given, calls, 'option']);
  host.stagetag = api;
  for (const [name, ...args] of tag?.q ?? [])
    (api[name as 'track'] as ((...args: unknown[]) => void) | undefined)?.(...args);
  return (running = api);
}
