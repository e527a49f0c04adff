import { Hono } from 'hono';
import { isReport, REPORTS } from '../reports/reports.js';
import type { Services } from '../services.js';
import type { ReportQuery } from '../reports/range.js';
import type { SiteEnv } from './api.js';
import { readQuery } from './query.js';

export function reportRoutes({ work, reports, now }: Services): Hono<SiteEnv> {
  const routes = new Hono<SiteEnv>();
  routes.get('/reports/:name', async (c) => {
    const name = c.req.param('name');
    if (!isReport(name)) return c.json({ error: `no report is called ${name}; there are ${REPORTS.join(', ')}` }, 404);
    const query = readQuery<ReportQuery>(c, 'readReport');
    if (typeof query === 'string') return c.json({ error: query }, 400);
    await work.restage(now());
    const site = c.get('site');
    const result = await reports.get(name, site, query);
    return typeof result === 'string'
      ? c.json({ error: result }, 400)
      : c.json({ ...result, rules: query.rules ?? site.rulesVersion });
  });
  return routes;
}
