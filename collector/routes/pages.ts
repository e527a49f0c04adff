/** POST /v1/pages: the site's own server says that it served pages, which tells what the browsers' events are to be held against. */
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { DateTime } from 'luxon';
import { isRecord } from '../../sdk/core/index.js';
import { isSame } from '../ingest/ingest.js';
import type { Services } from '../services.js';

const MAX_BODY = 4096;
const MAX_PAGES = 1_000_000;

export function pageRoutes({ store, now }: Services): Hono {
  const routes = new Hono();
  routes.use(
    '/v1/pages',
    bodyLimit({
      maxSize: MAX_BODY,
      onError: (c) => c.json({ error: 'the body is too large' }, 413, { Connection: 'close' }),
    }),
  );
  routes.post('/v1/pages', async (c) => {
    const body = await c.req.json<unknown>().catch(() => undefined);
    const { siteKey, pages = 1 } = (isRecord(body) ? body : {}) as { siteKey?: unknown; pages?: number };
    if (typeof siteKey !== 'string') return c.json({ error: 'expected JSON {siteKey, pages?}' }, 400);
    const bearer = /^Bearer +(.+)$/i.exec(c.req.header('Authorization') ?? '')?.[1];
    const site = await store.site(siteKey);
    if (!site) return c.json({ error: 'siteKey: no site has this key' }, 403);
    if (!bearer || !isSame(bearer, site.secretKey))
      return c.json({ error: "Authorization: expected this site's secret key" }, 403);
    if (!Number.isInteger(pages) || pages < 1 || pages > MAX_PAGES)
      return c.json({ error: `pages: expected a whole number from 1 to ${MAX_PAGES}` }, 400);
    const day = DateTime.fromMillis(now(), { zone: site.timeZone }).toISODate()!;
    await store.addPages(siteKey, { day, pages });
    return c.json({ day, pages });
  });
  return routes;
}
