/** The SDK for bundlers, with everything that the script tag records by itself. */
import * as bare from './bare.js';

export type * from './bare.js';

/**
 * Starts Stagetag on a page. It is one to a page: a second call gives what the first did. On a server it does nothing.
 * @example
 * import { init } from 'stagetag';
 * const stagetag = init({ siteKey: 'st_…', endpoint: 'https://collector.example' });
 * stagetag.track('sign_up');
 */
export function init(settings: bare.Settings): bare.Stagetag {
  const { pages, clicks, forms, scroll, engagement, impressions, webVitals } = bare;
  return bare.init(settings, [pages, clicks, forms, scroll, engagement, impressions, webVitals]);
}
