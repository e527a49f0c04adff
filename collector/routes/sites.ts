import { Hono } from 'hono';
import { isRecord } from '../../sdk/core/index.js';
import { publicBase, type Services } from '../services.js';
import { addSite, pinnedSnippetFor, snippetFor, type SiteRequest } from '../site.js';
import { readJson } from './api.js';

export function siteRoutes(services: Services): Hono {
  const { store, now } = services;
  const routes = new Hono();
  routes.get('/', async (c) => {
    const sites = await store.sites();
    const base = publicBase(c, services);
    return c.json({
      sites: sites.map(({ siteKey, name, origins, timeZone, template, rulesVersion, createdAt }) => ({
        siteKey,
        name,
        origins,
        timeZone,
        template,
        rulesVersion,
        createdAt,
        snippet: snippetFor(siteKey, base),
        pinnedSnippet: pinnedSnippetFor({ siteKey, origins }, base),
      })),
    });
  });
  routes.post('/', async (c) => {
    const body = await readJson(c);
    if (!isRecord(body)) return c.json({ error: 'expected a JSON object {name, origins, template?, timeZone?}' }, 400);
    const site = await addSite(store, body as unknown as SiteRequest, now());
    if (typeof site === 'string') return c.json({ error: site }, 400);
    const { siteKey, secretKey } = site;
    return c.json({ siteKey, secretKey, snippet: snippetFor(siteKey, publicBase(c, services)) }, 201);
  });
  return routes;
}
