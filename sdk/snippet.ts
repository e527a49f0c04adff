/** The script tag's entry: reads its attributes, starts the SDK, and replays what was called before it loaded. */
import type { CompiledRules } from './core/index.js';
import { maskForms } from './formMask.js';
import { loadDebug, loadLater } from './load.js';
import { capturePageViews } from './pageView.js';
import { ofDocument } from './settings.js';
import { init, type Stagetag } from './start.js';

/** The collector puts the site's settings here when it serves the file; in the file that can be pinned there are none. */
declare const __STAGETAG_SITE__: { siteKey: string; hosts: string[]; rules: CompiledRules };

/** What the README's stub leaves behind: the names and arguments of early calls. */
interface Stub {
  q?: Array<[name: string, ...args: unknown[]]>;
}

try {
  const host = window as { stagetag?: Stub & Partial<Stagetag> };
  const early = host.stagetag;
  const { src, dataset } = ofDocument('currentScript') as HTMLScriptElement;
  const { debug, endpoint } = dataset;
  if (!early?.siteKey) {
    const api = init(
      {
        ...(dataset as object),
        ...__STAGETAG_SITE__,
        // The file is at /t/KEY.js under the collector's address, or under the mount.
        endpoint: new URL(endpoint ?? '..', endpoint ? location.href : src).href.replace(/(\/v1\/events)?\/*$/, ''),
      },
      [capturePageViews],
      [maskForms, loadLater],
    );
    host.stagetag = api;
    if (debug != null) loadDebug(api, dataset);
    for (const [name, ...args] of early?.q ?? []) (api[name as 'track'] as (...args: unknown[]) => void)?.(...args);
  } else if (debug != null) {
    console.warn('stagetag: the page has a tag already');
  }
} catch {
  // Whatever a page did to the browser's own functions: it goes on without us.
}
