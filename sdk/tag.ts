/** Starting from a script tag: reads its attributes, starts the SDK, and replays what was called before it loaded. */
import { loadDebug } from './load.js';
import { capturePageViews } from './pageView.js';
import { ofDocument } from './settings.js';
import { init, type Capture, type Stagetag, type Started } from './start.js';
import { watchDeeds } from './watch.js';

/** What the README's stub leaves behind: the names and arguments of early calls. */
interface Stub {
  q?: Array<[name: string, ...args: unknown[]]>;
}

/** @param site the site's settings and rules, which no attribute overrides @param later brings what sends, and the later captures */
export function startTag(site: Pick<Started, 'rules'> & Partial<Started>, later: Capture): void {
  try {
    const host = window as { stagetag?: Stub & Partial<Stagetag> };
    const early = host.stagetag;
    const { src, dataset } = ofDocument('currentScript') as HTMLScriptElement;
    const { debug, endpoint } = dataset;
    if (!early?.siteKey) {
      const calls: unknown[][] | false = debug != null && [];
      const api = init(
        {
          ...(dataset as { siteKey: string }),
          ...site,
          // The file is at /t/KEY.js under the collector's address, or under the mount.
          endpoint: new URL(endpoint || '..', endpoint ? location.href : src).href.replace(/\/+$/, ''),
        },
        [capturePageViews, watchDeeds, later],
        calls,
      );
      host.stagetag = api;
      if (calls) loadDebug(api, dataset, calls);
      for (const [name, ...args] of early?.q ?? []) (api[name as 'track'] as (...args: unknown[]) => void)?.(...args);
    }
  } catch {
    // Whatever a page did to the browser's own functions: it goes on without us.
  }
}
