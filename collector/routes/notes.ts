/** What people leave beside the numbers: notes to days, views to come back to, and links that show a view to others. */
import { Hono, type Context } from 'hono';
import { DateTime } from 'luxon';
import { DAY_MS, isRecord } from '../../sdk/core/index.js';
import { makeToken } from '../access.js';
import { isDay } from '../isDay.js';
import { publicBase, type Services } from '../services.js';
import { readJson, type SiteEnv } from './api.js';

const MAX_TEXT = 500;
const MAX_ADDRESS = 2000;
const MAX_SHARE_DAYS = 366;
const SHARE_DAYS = 30;

const isText = (value: unknown, most = MAX_TEXT): value is string =>
  typeof value === 'string' && !!value.trim() && value.length <= most;
/** A view and what was chosen in it, as the address bar has it behind the site. */
const isAddress = (value: unknown): value is string => isText(value, MAX_ADDRESS) && /^[a-z]+(\?[^\s#]*)?$/.test(value);
/** Views that show nobody's visitors: a guest may see them. */
const GUEST_VIEWS = ['board', 'review', 'flow', 'funnel', 'channels', 'content', 'customers'];
const ADDRESS = 'address: expected a view and what was chosen in it, such as flow?days=90';

export function noteRoutes(services: Services): Hono<SiteEnv> {
  const { store, now } = services;
  const routes = new Hono<SiteEnv>();
  const bodyOf = async (c: Context<SiteEnv>) => {
    const body = await readJson(c);
    return isRecord(body) ? body : {};
  };
  const numberOf = (c: Context<SiteEnv>) =>
    /^[1-9]\d{0,14}$/.test(c.req.param('id')!) ? Number(c.req.param('id')) : -1;
  const made = (c: Context<SiteEnv>) => ({ author: c.get('who').name ?? 'admin', savedAt: now() });

  // Where rules were published belongs on every axis of time too.
  routes.get('/annotations', async (c) => {
    const { siteKey, timeZone } = c.get('site');
    const [annotations, versions] = [await store.annotations(siteKey), await store.ruleVersions(siteKey)];
    const published = versions.map(({ version, note, publishedAt }) => ({
      version,
      note,
      day: DateTime.fromMillis(publishedAt, { zone: timeZone }).toISODate(),
    }));
    return c.json({ annotations, published });
  });
  routes.post('/annotations', async (c) => {
    const { day, text } = await bodyOf(c);
    if (!isDay(day)) return c.json({ error: 'day: expected one such as 2026-01-31' }, 400);
    if (!isText(text)) return c.json({ error: `text: expected 1 to ${MAX_TEXT} characters` }, 400);
    const annotation = { day, text: text.trim(), ...made(c) };
    return c.json({ id: await store.addAnnotation(c.get('site').siteKey, annotation), ...annotation }, 201);
  });
  routes.delete('/annotations/:id', async (c) =>
    (await store.removeAnnotation(c.get('site').siteKey, numberOf(c)))
      ? c.json({ annotation: null })
      : c.json({ error: 'this site has no such note; it may have been deleted' }, 404),
  );

  routes.get('/views', async (c) => c.json({ views: await store.views(c.get('site').siteKey) }));
  routes.post('/views', async (c) => {
    const { name, address } = await bodyOf(c);
    if (!isText(name)) return c.json({ error: `name: expected 1 to ${MAX_TEXT} characters` }, 400);
    if (!isAddress(address)) return c.json({ error: ADDRESS }, 400);
    const view = { name: name.trim(), address, ...made(c) };
    return c.json({ id: await store.addView(c.get('site').siteKey, view), ...view }, 201);
  });
  routes.delete('/views/:id', async (c) =>
    (await store.removeView(c.get('site').siteKey, numberOf(c)))
      ? c.json({ view: null })
      : c.json({ error: 'this site has no such view; it may have been deleted' }, 404),
  );

  routes.get('/shares', async (c) => c.json({ shares: await store.shares(c.get('site').siteKey, now()) }));
  routes.post('/shares', async (c) => {
    const { address, days = SHARE_DAYS } = await bodyOf(c);
    if (!isAddress(address)) return c.json({ error: ADDRESS }, 400);
    if (!GUEST_VIEWS.includes(address.split('?')[0]!))
      return c.json(
        { error: `address: expected one of the views ${GUEST_VIEWS.join(', ')}: others show visitors` },
        400,
      );
    if (!Number.isInteger(days) || (days as number) < 1 || (days as number) > MAX_SHARE_DAYS)
      return c.json({ error: `days: expected a whole number from 1 to ${MAX_SHARE_DAYS}` }, 400);
    const { siteKey } = c.get('site');
    const share = { address, ...made(c), expiresAt: now() + (days as number) * DAY_MS };
    const { token, tokenHash } = makeToken();
    const id = await store.addShare(siteKey, share, tokenHash);
    const link = `${publicBase(c, services)}/shared?token=${token}#/${siteKey}/${address}`;
    return c.json({ id, ...share, link }, 201);
  });
  routes.delete('/shares/:id', async (c) =>
    (await store.removeShare(c.get('site').siteKey, numberOf(c)))
      ? c.json({ share: null })
      : c.json({ error: 'this site has no such link; it may have ended' }, 404),
  );
  return routes;
}
