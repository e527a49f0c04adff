/** Starting from a script tag: reads its attributes, starts the SDK, and replays what was called before it loaded. */
import { loadDebug } from './load.js';
import { capturePageViews } from './pageView.js';
import { attempt } from './core/matcher.js';
import { on } from './record.js';
import { ofDocument } from './settings.js';
import { goAway, init, type Capture, type Stagetag, type Started } from './start.js';
import { watchDeeds } from './watch.js';

/** What the README's stub leaves behind: the names and arguments of early calls. */
interface Stub {
  q?: Array<[name: string, ...args: unknown[]]>;
}

/** However long a page takes until its first paint, or if it is never painted: then it begins all the same. */
const PATIENCE_MS = 2000;

/**
 * Starts when the page is painted, or as soon as somebody asks for `window.stagetag`, or leaves: nothing of it stands in the way of the
 * first paint.
 * @param site the site's settings and rules, which no attribute overrides @param later brings what sends, and the later captures
 */
export function startTag(site: Pick<Started, 'rules'> & Partial<Started>, later: Capture): void {
  attempt(() => {
    const host = window as { stagetag?: Stub & Partial<Stagetag> };
    const early = host.stagetag;
    const { src, dataset } = ofDocument('currentScript') as HTMLScriptElement;
    const { debug, endpoint } = dataset;
    if (early?.siteKey) return;
    let api: (Stub & Partial<Stagetag>) | undefined = early;
    // Whatever a page did to the browser's own functions: it goes on without us.
    let get = () => {
      get = () => api;
      attempt(() => {
        const calls: unknown[][] | undefined = debug != null ? [] : undefined;
        const made = (api = init(
          {
            ...(dataset as { siteKey: string }),
            ...site,
            // The file is at /t/KEY.js under the collector's address, or under the mount.
            endpoint: new URL(endpoint ?? '..', endpoint ? location.href : src).href.replace(/\/+$/, ''),
          },
          [capturePageViews, watchDeeds, later],
          calls,
        ));
        if (calls) loadDebug(made, dataset, calls);
        for (const [name, ...args] of early?.q ?? [])
          (made[name as 'track'] as (...args: unknown[]) => void)?.(...args);
      });
      return api;
    };
    const start = () => get();
    Object.defineProperty(host, 'stagetag', { configurable: true, get: start, set: start });
    requestAnimationFrame(() => setTimeout(start));
    setTimeout(start, PATIENCE_MS);
    on('pagehide', () => {
      start();
      goAway();
    });
  });
}
