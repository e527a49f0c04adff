import { Hono } from 'hono';
import { etag } from 'hono/etag';
import { readBuilt } from '../assets.js';
import { timelineOf } from '../ingest/timeline.js';
import type { Services } from '../services.js';

/** What the bundle holds where the site's settings belong. */
const PLACEHOLDER = '__STAGETAG_SITE__';

/** The script tag's file: the SDK with the site's settings and rules inside. */
export function tagRoutes({ store }: Services): Hono {
  const built = readBuilt('tag');
  const bundle = built.get('stagetag.js')!.toString();
  const vitals = built.get('web-vitals.js')!.toString();
  const cache = new Map<string, { version: number; text: string }>();

  const routes = new Hono();
  routes.use('/t/*', etag());
  routes.get('/t/:file', async (c) => {
    const file = c.req.param('file');
    c.header('Access-Control-Allow-Origin', '*');
    c.header('Cross-Origin-Resource-Policy', 'cross-origin');
    const script = (text: string, status: 200 | 404 = 200) => {
      c.header('Content-Type', 'text/javascript; charset=utf-8');
      c.header('Cache-Control', status === 200 ? 'public, max-age=300' : 'no-store');
      return c.body(text, status);
    };
    if (file === 'web-vitals.js') return script(vitals);
    const siteKey = file.replace(/\.js$/, '');
    const site = file.endsWith('.js') ? await store.site(siteKey) : undefined;
    if (!site) return script('/* stagetag: no site has this key; take the snippet from the dashboard */', 404);
    let cached = cache.get(siteKey);
    if (cached?.version !== site.rulesVersion) {
      const { current: rules } = timelineOf(await store.rules(siteKey));
      const settings = JSON.stringify({
        siteKey,
        hosts: site.origins.map((origin) => new URL(origin).hostname),
        rules,
      });
      cached = { version: site.rulesVersion, text: bundle.replace(PLACEHOLDER, () => settings) };
      cache.set(siteKey, cached);
    }
    return script(cached.text);
  });
  return routes;
}
