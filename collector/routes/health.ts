import { Hono } from 'hono';
import { RULES_SCHEMA } from '../rulesSchema.js';
import type { Services } from '../services.js';

/** Alive, ready and the figures of both; and what rules look like, for editors. */
export function healthRoutes({ store, metrics }: Services): Hono {
  const routes = new Hono();
  routes.get('/rules.schema.json', (c) => {
    c.header('Access-Control-Allow-Origin', '*');
    return c.json(RULES_SCHEMA);
  });
  routes.get('/healthz', (c) => c.json({ status: 'ok' }));
  routes.get('/readyz', async (c) => {
    try {
      await store.check();
      return c.json({ status: 'ok' });
    } catch (error) {
      return c.json({ status: 'unavailable', error: (error as Error).message }, 503);
    }
  });
  routes.get('/metrics', async (c) => {
    c.header('Content-Type', metrics.registry.contentType);
    return c.body(await metrics.registry.metrics());
  });
  return routes;
}
