import { Hono } from 'hono';
import { isRecord } from '../../sdk/core/index.js';
import { addUp, MAX_COSTS, nameChannels, parseCost, readCosts } from '../jobs/costs.js';
import type { Services } from '../services.js';
import type { CostName, GivenCost } from '../store/store.js';
import { readJson, type SiteEnv } from './api.js';
import { readQuery } from './query.js';

/** All days there are. */
const [FIRST, LAST] = ['0000-01-01', '9999-12-31'] as const;

export function costRoutes({ store }: Services): Hono<SiteEnv> {
  const routes = new Hono<SiteEnv>();

  routes.get('/costs', async (c) => {
    const query = readQuery<{ from: string; to: string }>(c, 'readCosts');
    if (typeof query === 'string') return c.json({ error: query }, 400);
    const { from = FIRST, to = LAST } = query;
    return c.json({ costs: await store.costs(c.get('site').siteKey, from, to) });
  });

  routes.put('/costs', async (c) => {
    const query = readQuery<{ dry: boolean }>(c, 'setCosts');
    if (typeof query === 'string') return c.json({ error: query }, 400);
    const isTable = /^text\/csv\b/i.test(c.req.header('Content-Type') ?? '');
    const said = isTable ? readCosts(await c.req.text()) : given(await readJson(c));
    if (typeof said === 'string') return c.json({ error: `${said}; nothing was changed` }, 400);
    const site = c.get('site');
    const { costs: named, unknown } = nameChannels<GivenCost>(site, said);
    const costs = addUp(named);
    const days = costs.map(({ day }) => day).sort();
    const [from = null, to = null] = [days[0], days.at(-1)];
    const replaced = query.dry
      ? await countThere(store, site.siteKey, costs, from, to)
      : await store.setCosts(site.siteKey, costs);
    return c.json({ costs: costs.length, replaced, from, to, unknownChannels: unknown });
  });

  routes.delete('/costs/:channel', async (c) => {
    const query = readQuery<Omit<CostName, 'channel'> & { from: string; to: string }>(c, 'removeCosts');
    if (typeof query === 'string') return c.json({ error: query }, 400);
    const { from = FIRST, to = LAST, ...parts } = query;
    const site = c.get('site');
    const [named] = nameChannels(site, [{ day: FIRST, cost: 0, channel: c.req.param('channel'), ...parts }]).costs;
    return c.json({ removed: await store.removeCosts(site.siteKey, { channel: named!.channel, ...parts }, from, to) });
  });
  return routes;
}

/** How many are there of the same channels and sources on the same days. */
async function countThere(
  store: Services['store'],
  siteKey: string,
  costs: GivenCost[],
  from: string | null,
  to: string | null,
): Promise<number> {
  const keyOf = ({ day, channel, source }: GivenCost) => JSON.stringify([day, channel, source]);
  const asked = new Set(costs.map(keyOf));
  return from && to ? (await store.costs(siteKey, from, to)).filter((cost) => asked.has(keyOf(cost))).length : 0;
}

/** Reads what is said of costs. @returns a text that says what is wrong with which */
function given(body: unknown): GivenCost[] | string {
  const list: unknown = isRecord(body) ? body.costs : undefined;
  if (!Array.isArray(list) || list.length > MAX_COSTS)
    return `costs: expected a list of at most ${MAX_COSTS} {day, channel, cost}`;
  const costs: GivenCost[] = [];
  for (const [index, each] of list.entries()) {
    // Null takes a cost back.
    const isTaken = isRecord(each) && each.cost === null;
    const cost = parseCost(isTaken ? { ...each, cost: 0 } : each);
    if (typeof cost === 'string') return `costs[${index}]: ${cost}`;
    costs.push(isTaken ? { ...cost, cost: null } : cost);
  }
  return costs;
}
