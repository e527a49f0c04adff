import { Hono } from 'hono';
import { isDeep, isRecord } from '../../sdk/core/index.js';
import { publicBase, type Services } from '../services.js';
import { addSite, pinnedSnippetFor, snippetFor, updateSite, type SiteRequest } from '../site.js';
import type { Site, SiteSettings } from '../store/store.js';
import { readJson, type SiteEnv } from './api.js';

/** No setting is deeper. */
const MAX_DEPTH = 8;

export function siteRoutes(services: Services): Hono<SiteEnv> {
  const { store, now } = services;
  const routes = new Hono<SiteEnv>();
  routes.get('/', async (c) => {
    const { siteKey: only } = c.get('who');
    const sites = (await store.sites()).filter(({ siteKey }) => !only || siteKey === only);
    const base = publicBase(c, services);
    const listed = async (site: Site) => ({
      ...pick(site, ['siteKey', ...SETTINGS, 'template', 'rulesVersion', 'createdAt']),
      currency: (await store.rules(site.siteKey)).at(-1)!.rules.currency ?? null,
      // Where a site's own people sit, and how it is set up, is no guest's business.
      origins: only ? [] : site.origins,
      internal: only ? [] : site.internal,
      snippet: only ? '' : snippetFor(site.siteKey, base),
      pinnedSnippet: only ? '' : pinnedSnippetFor(site, base),
    });
    return c.json({ sites: await Promise.all(sites.map(listed)) });
  });
  routes.post('/', async (c) => {
    const body = await readJson(c);
    if (!isRecord(body) || isDeep(body, MAX_DEPTH))
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
    if (!isRecord(body) || isDeep(body, MAX_DEPTH))
      return c.json(
        {
          error: `expected a JSON object {${SETTINGS.map((name) => `${name}?`).join(', ')}}`,
        },
        400,
      );
    const settings = pick(site, SETTINGS);
    const changed = await updateSite(store, site, { ...settings, ...pick(body as Partial<Site>, SETTINGS) });
    if (typeof changed === 'string') return c.json({ error: changed }, 400);
    return c.json(pick(changed, ['siteKey', ...SETTINGS, 'rulesVersion', 'createdAt']));
  });
  return routes;
}

/** What of a site can be changed. */
const SETTINGS = [
  'name',
  'origins',
  'timeZone',
  'retentionDays',
  'internal',
  'channels',
  'targets',
  'weekStart',
] as const satisfies Array<keyof SiteSettings>;

/** Those of some members that are there. */
const pick = <T extends object, K extends keyof T>(of: T, names: readonly K[]): Pick<T, K> =>
  Object.fromEntries(names.filter((name) => of[name] !== undefined).map((name) => [name, of[name]])) as Pick<T, K>;
