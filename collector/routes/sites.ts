import { Hono } from 'hono';
import { isRecord } from '../../sdk/core/index.js';
import { publicBase, type Services } from '../services.js';
import { addSite, pinnedSnippetFor, snippetFor, updateSite, type SiteRequest } from '../site.js';
import type { Site } from '../store/store.js';
import { readJson, type SiteEnv } from './api.js';

export function siteRoutes(services: Services): Hono<SiteEnv> {
  const { store, now } = services;
  const routes = new Hono<SiteEnv>();
  routes.get('/', async (c) => {
    const { siteKey: only } = c.get('who');
    const sites = (await store.sites()).filter(({ siteKey }) => !only || siteKey === only);
    const base = publicBase(c, services);
    return c.json({
      sites: sites.map(
        ({
          siteKey,
          name,
          origins,
          timeZone,
          template,
          rulesVersion,
          retentionDays,
          internal,
          channels,
          targets,
          createdAt,
        }) => ({
          siteKey,
          name,
          timeZone,
          template,
          rulesVersion,
          retentionDays,
          channels,
          targets,
          createdAt,
          // Where a site's own people sit, and how it is set up, is no guest's business.
          origins: only ? [] : origins,
          internal: only ? [] : internal,
          snippet: only ? '' : snippetFor(siteKey, base),
          pinnedSnippet: only ? '' : pinnedSnippetFor({ siteKey, origins }, base),
        }),
      ),
    });
  });
  routes.post('/', async (c) => {
    const body = await readJson(c);
    if (!isRecord(body))
      return c.json({ error: 'expected a JSON object {name, origins, template?, currency?, timeZone?}' }, 400);
    const site = await addSite(store, body as unknown as SiteRequest, now());
    if (typeof site === 'string') return c.json({ error: site }, 400);
    const { siteKey, secretKey } = site;
    c.set('target', siteKey);
    return c.json({ siteKey, secretKey, snippet: snippetFor(siteKey, publicBase(c, services)) }, 201);
  });
  routes.patch('/:siteKey', async (c) => {
    const site = await store.site(c.req.param('siteKey'));
    if (!site) return c.json({ error: 'no site has this key' }, 404);
    const body = await readJson(c);
    if (!isRecord(body))
      return c.json(
        {
          error: 'expected a JSON object {name?, origins?, timeZone?, retentionDays?, internal?, channels?, targets?}',
        },
        400,
      );
    const {
      name = site.name,
      origins = site.origins,
      timeZone = site.timeZone,
      retentionDays = site.retentionDays,
      internal = site.internal,
      channels = site.channels,
      targets = site.targets,
    } = body as Partial<Site>;
    const changed = await updateSite(store, site, {
      name,
      origins,
      timeZone,
      retentionDays,
      internal,
      channels,
      targets,
    });
    if (typeof changed === 'string') return c.json({ error: changed }, 400);
    const { siteKey, rulesVersion, createdAt } = changed;
    return c.json({
      siteKey,
      name: changed.name,
      origins: changed.origins,
      timeZone: changed.timeZone,
      retentionDays: changed.retentionDays,
      internal: changed.internal,
      channels: changed.channels,
      targets: changed.targets,
      rulesVersion,
      createdAt,
    });
  });
  return routes;
}
