import { Hono } from 'hono';
import type { Services } from '../services.js';
import type { SiteEnv } from './api.js';

/** Visitors looked at who wait for a change of stage that is due. */
const MOST_DUE = 1000;

/** Whether all is well with a site's data: what comes, what lags, what room there is, and when it was last copied. */
export function healthOfSiteRoutes({ store, now }: Services): Hono<SiteEnv> {
  const routes = new Hono<SiteEnv>();
  routes.get('/health', async (c) => {
    const { siteKey } = c.get('site');
    const [[latest], due, jobs, { taken, free }, backupAt] = await Promise.all([
      store.visitors(siteKey, { limit: 1 }),
      store.dueVisitors(now(), MOST_DUE, siteKey),
      store.runningJobs(),
      store.space(),
      store.lastDone('backup'),
    ]);
    return c.json({
      asOf: now(),
      lastEventAt: latest?.lastSeen ?? null,
      due: due.length,
      jobs: jobs.filter((job) => job.siteKey === siteKey).map(({ id, done, total }) => ({ id, done, total })),
      takenBytes: taken,
      freeBytes: free,
      backupAt: backupAt ?? null,
    });
  });
  return routes;
}
