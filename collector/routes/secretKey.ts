import { Hono } from 'hono';
import type { SiteEnv } from './api.js';

/** The site's secret key, for whoever owns it: it is shown when the site is added, and may be asked for again. */
export function secretKeyRoutes(): Hono<SiteEnv> {
  const routes = new Hono<SiteEnv>();
  routes.get('/secret-key', (c) => c.json({ secretKey: c.get('site').secretKey }));
  return routes;
}
