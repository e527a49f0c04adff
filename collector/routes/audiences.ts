import { isDeepStrictEqual } from 'node:util';
import { stringify } from 'csv-stringify/sync';
import { Hono, type Context } from 'hono';
import { isDeep, isRecord, MAX_RULES_DEPTH, rulesError } from '../../sdk/core/index.js';
import type { Member } from '../reports/audience.js';
import type { Services } from '../services.js';
import type { SavedAudience } from '../store/store.js';
import { readJson, type SiteEnv } from './api.js';
import { readQuery } from './query.js';
import { otherwise } from './rules.js';

const MAX_NAME = 200;
const TOO_DEEP = [rulesError('when', 'too_deep', { max: MAX_RULES_DEPTH })];
const NONE = 'this site has no such audience; it may have been deleted';

export function audienceRoutes({ store, work, now }: Services): Hono<SiteEnv> {
  const routes = new Hono<SiteEnv>();

  routes.get('/audiences', async (c) => c.json({ audiences: await store.audiences(c.get('site').siteKey) }));

  routes.post('/audiences/preview', async (c) => {
    const body = await readJson(c);
    const when = isRecord(body) ? body.when : body;
    if (isDeep(when, MAX_RULES_DEPTH)) return c.json(refusal(TOO_DEEP), 400);
    await work.restage(now());
    const found = await work.audience(c.get('site'), when, now());
    return 'errors' in found ? c.json(refusal(found.errors), 400) : c.json(found);
  });

  const save = async (c: Context<SiteEnv>, id?: number) => {
    const query = readQuery<{ after: number }>(c, id ? 'changeAudience' : 'addAudience');
    if (typeof query === 'string') return c.json({ error: query }, 400);
    const body = await readJson(c);
    const { name, when, isStatic = false } = (isRecord(body) ? body : {}) as Record<string, unknown>;
    if (typeof name !== 'string' || !name.trim() || name.length > MAX_NAME)
      return c.json({ error: `name: expected a text of 1 to ${MAX_NAME} characters` }, 400);
    if (typeof isStatic !== 'boolean') return c.json({ error: 'isStatic: expected true or false' }, 400);
    if (isDeep(when, MAX_RULES_DEPTH)) return c.json(refusal(TOO_DEEP), 400);
    const { siteKey } = c.get('site');
    const known = (await store.audiences(siteKey)).find((each) => each.id === id);
    const meanwhile = ({ author, savedAt }: SavedAudience) =>
      otherwise(c, 'the audience was not changed: it was saved meanwhile', author, savedAt);
    if (known && query.after !== undefined && known.savedAt !== query.after) return meanwhile(known);
    // Who was in it for good stays in it, whatever it is called.
    if (known?.people != null && isStatic && isDeepStrictEqual(known.when, when)) {
      const renamed = { ...known, name: name.trim() };
      const members = await store.audienceMembers(siteKey, known.id);
      const other = await store.saveAudience(siteKey, renamed, members, known.id, query.after);
      return typeof other === 'object' ? meanwhile(other) : c.json(renamed);
    }
    await work.restage(now());
    const found = await (isStatic ? work.members : work.audience)(c.get('site'), when, now());
    if ('errors' in found) return c.json(refusal(found.errors), 400);
    const people = Array.isArray(found) ? found.length : null;
    const members = Array.isArray(found) ? found.map(({ visitorId }) => visitorId) : [];
    const audience = {
      name: name.trim(),
      when: when as object,
      author: c.get('who').name ?? 'admin',
      savedAt: now(),
      people,
    };
    const saved = await store.saveAudience(siteKey, audience, members, id, query.after);
    if (typeof saved === 'object') return meanwhile(saved);
    return saved === undefined ? c.json({ error: NONE }, 404) : c.json({ id: saved, ...audience }, id ? 200 : 201);
  };
  routes.post('/audiences', (c) => save(c));
  routes.put('/audiences/:id', (c) => save(c, Number(c.req.param('id')) || -1));

  routes.delete('/audiences/:id', async (c) => {
    const isGone = await store.removeAudience(c.get('site').siteKey, Number(c.req.param('id')) || -1);
    return isGone ? c.json({ audience: null }) : c.json({ error: NONE }, 404);
  });

  routes.get('/audiences/:id/members', async (c) => {
    const query = readQuery<{ format: 'json' | 'csv' }>(c, 'readMembers');
    if (typeof query === 'string') return c.json({ error: query }, 400);
    const site = c.get('site');
    const audience = (await store.audiences(site.siteKey)).find(({ id }) => id === Number(c.req.param('id')));
    if (!audience) return c.json({ error: NONE }, 404);
    await work.restage(now());
    const isStatic = audience.people !== null;
    const members = await work.members(site, audience.when, now(), isStatic ? audience.id : undefined);
    // Rules may have been published since that do not know its signals any more.
    if ('errors' in members) return c.json(refusal(members.errors), 400);
    if (query.format !== 'csv') return c.json({ asOf: now(), members });
    c.header('Content-Type', 'text/csv; charset=utf-8');
    c.header('Content-Disposition', 'attachment; filename="audience.csv"');
    return c.body(toCsv(members));
  });
  return routes;
}

const refusal = (errors: Array<{ path: string; message: string }>) => ({
  error: `${errors[0]!.path} ${errors[0]!.message}`,
  errors,
});

/** No cell of it is taken for a formula. */
const toCsv = (members: Member[]): string =>
  stringify(
    members.map((member) => ({
      ...member,
      tags: member.tags.join(' '),
      lastSeen: new Date(member.lastSeen).toISOString(),
    })),
    {
      bom: true,
      header: true,
      escape_formulas: true,
      columns: ['visitorId', 'userId', 'stage', 'peak', 'tags', 'score', 'channel', 'lastSeen'],
    },
  );
