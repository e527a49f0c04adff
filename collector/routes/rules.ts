import { Hono } from 'hono';
import { parseRules } from '../../sdk/core/index.js';
import type { Services } from '../services.js';
import { readJson, type SiteEnv } from './api.js';
import { readQuery } from './query.js';

export function ruleRoutes({ store, work, now, log }: Services): Hono<SiteEnv> {
  const routes = new Hono<SiteEnv>();
  routes.get('/rules', async (c) => c.json((await store.rules(c.get('site').siteKey)).at(-1)!.rules));

  routes.put('/rules', async (c) => {
    const { siteKey } = c.get('site');
    const query = readQuery<Record<'apply' | 'wait', string>>(c, 'publishRules');
    if (typeof query === 'string') return c.json({ error: query }, 400);
    const { apply = 'all', wait = 'false' } = query;
    const body = await readJson(c);
    if (body === undefined) return c.json({ error: 'the rules were not changed: the body must be JSON' }, 400);
    const parsed = parseRules(body);
    if ('errors' in parsed) {
      const [{ path, message }] = parsed.errors as [{ path: string; message: string }];
      return c.json(
        { error: `the rules were not changed: ${path || 'the body'} ${message}`, errors: parsed.errors },
        400,
      );
    }
    const publishedAt = now();
    const version = await store.publishRules(siteKey, parsed.rules, {
      publishedAt,
      since: apply === 'all' ? 0 : publishedAt,
    });
    const job = await store.addJob(siteKey, version);
    // The version is published whatever becomes of the replay: the answer names the job that tells.
    const done = work
      .recompute(job)
      .catch((error: unknown) =>
        log.error({ err: error, job: job.id }, 'a recompute stopped; it goes on at the next start'),
      );
    if (wait === 'true') await done;
    return c.json({ version, job: job.id });
  });

  routes.get('/jobs/:id', async (c) => {
    const job = await store.job(c.get('site').siteKey, Number(c.req.param('id')));
    if (!job) return c.json({ error: 'this site has no such job' }, 404);
    const { id, kind, rules, state, done, total } = job;
    return c.json({ id, kind, rules, state, done, total });
  });
  return routes;
}
