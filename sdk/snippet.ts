/** The script tag's entry: reads its attributes, starts the SDK, and replays what was called before it loaded. */
import type { CompiledRules } from './core/index.js';
import { init, type Stagetag } from './index.js';

/** The collector puts the site's settings here when it serves the file. */
declare const __STAGETAG_SITE__: { siteKey: string; hosts: string[]; rules: CompiledRules };

/** What the README's stub leaves behind: the names and arguments of early calls. */
interface Stub {
  q?: Array<[name: string, ...args: unknown[]]>;
}

try {
  const host = window as unknown as { stagetag?: Stub & Partial<Stagetag> };
  const early = host.stagetag;
  const { src, dataset } = document.currentScript as HTMLScriptElement;
  const { hashRouting, datalayer, debug, endpoint, ...rest } = dataset;
  if (early?.siteKey) {
    if (debug !== undefined) console.warn('stagetag: this page has a tag already');
  } else {
    const api = init({
      ...rest,
      ...__STAGETAG_SITE__,
      endpoint: endpoint ? new URL(endpoint, location.href).href.replace(/(\/v1\/events)?\/*$/, '') : src.replace(/\/t\/[^/]*$/, ''),
      hashRouting: hashRouting !== undefined,
      dataLayer: datalayer !== undefined,
      debug: debug !== undefined,
    });
    host.stagetag = api;
    for (const [name, ...args] of early?.q ?? []) (api[name as 'track'] as (...args: unknown[]) => void)?.(...args);
  }
} catch {
  // Whatever a page did to the browser's own functions: it goes on without us.
}
