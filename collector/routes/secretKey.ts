import { Hono } from 'hono';
import type { Services } from '../services.js';
import { newSecretKey } from '../site.js';
import type { SiteEnv } from './api.js';

/** The site's secret key, for whoever owns it: it is shown when the site is added, may be asked for again, and replaced where it has got out. */
export function secretKeyRoutes({ store }: Services): Hono<SiteEnv> {
  const routes = new Hono<SiteEnv>();
  routes.get('/secret-key', (c) => c.json({ secretKey: c.get('site').secretKey }));
  routes.post('/secret-key', async (c) => {
    const secretKey = newSecretKey();
    await store.updateSite(c.get('site').siteKey, { secretKey });
    return c.json({ secretKey });
  });
  return routes;
}
