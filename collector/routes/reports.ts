import { Hono } from 'hono';
import { reportLoss } from '../reports/loss.js';
import { reportStages } from '../reports/stages.js';
import type { Services } from '../services.js';
import type { Range } from '../reports/range.js';
import type { SiteEnv } from './api.js';
import { readQuery } from './query.js';

/** Every report by its name in the address. */
const REPORTS = { stages: reportStages, loss: reportLoss };

export function reportRoutes({ store, work, now }: Services): Hono<SiteEnv> {
  const routes = new Hono<SiteEnv>();
  routes.get('/reports/:name', async (c) => {
    const name = c.req.param('name');
    const report = Object.hasOwn(REPORTS, name) ? REPORTS[name as keyof typeof REPORTS] : undefined;
    if (!report)
      return c.json({ error: `no report is called ${name}; there are ${Object.keys(REPORTS).join(', ')}` }, 404);
    const query = readQuery<Range>(c, 'readReport');
    if (typeof query === 'string') return c.json({ error: query }, 400);
    await work.restage(now());
    const result = await report(store, c.get('site'), query, now());
    return typeof result === 'string' ? c.json({ error: result }, 400) : c.json(result);
  });
  return routes;
}
