import { Hono } from 'hono';
import { isRecord } from '../../sdk/core/index.js';
import { parseCost } from '../jobs/costs.js';
import type { Services } from '../services.js';
import type { GivenCost } from '../store/store.js';
import { readJson, type SiteEnv } from './api.js';
import { readQuery } from './query.js';

const MAX_COSTS = 10_000;

export function costRoutes({ store }: Services): Hono<SiteEnv> {
  const routes = new Hono<SiteEnv>();

  routes.get('/costs', async (c) => {
    const query = readQuery<{ from: string; to: string }>(c, 'readCosts');
    if (typeof query === 'string') return c.json({ error: query }, 400);
    const { from = '0000-01-01', to = '9999-12-31' } = query;
    return c.json({ costs: await store.costs(c.get('site').siteKey, from, to) });
  });

  routes.put('/costs', async (c) => {
    const body = await readJson(c);
    const given: unknown = isRecord(body) ? body.costs : undefined;
    if (!Array.isArray(given) || given.length > MAX_COSTS)
      return c.json({ error: `costs: expected a list of at most ${MAX_COSTS} {day, channel, cost}` }, 400);
    // Null takes a cost back.
    const isTaken = (each: unknown) => isRecord(each) && each.cost === null;
    const costs = given.map((each: unknown): GivenCost | string => {
      const cost = parseCost(isTaken(each) ? { ...(each as object), cost: 0 } : each);
      return isTaken(each) && typeof cost === 'object' ? { ...cost, cost: null } : cost;
    });
    const wrong = costs.findIndex((cost) => typeof cost === 'string');
    if (wrong >= 0) return c.json({ error: `costs[${wrong}]: ${costs[wrong] as string}; nothing was changed` }, 400);
    await store.setCosts(c.get('site').siteKey, costs as GivenCost[]);
    return c.json({ costs: costs.length });
  });
  return routes;
}
