/** Who may do what, and who did what. */
import { Hono } from 'hono';
import { isRecord } from '../../sdk/core/index.js';
import { makeToken, wrongName } from '../access.js';
import type { Services } from '../services.js';
import { USER_ROLES, type User } from '../store/store.js';
import { readJson, type SiteEnv } from './api.js';
import { readQuery } from './query.js';

const AUDIT_PAGE = 100;

export function userRoutes({ store, now }: Services): Hono<SiteEnv> {
  const routes = new Hono<SiteEnv>();
  routes.get('/users', async (c) => c.json({ users: await store.users() }));
  routes.post('/users', async (c) => {
    const body = await readJson(c);
    const { name, role = 'viewer' } = (isRecord(body) ? body : {}) as Partial<User>;
    const wrong = wrongName(name);
    if (wrong) return c.json({ error: wrong }, 400);
    if (!(USER_ROLES as readonly string[]).includes(role))
      return c.json({ error: `role: expected one of ${USER_ROLES.join(', ')}` }, 400);
    const { token, tokenHash } = makeToken();
    const user = { name: name!.trim(), role, createdAt: now() };
    if (!(await store.addUser(user, tokenHash)))
      return c.json({ error: `name: there is a user called ${user.name} already` }, 409);
    c.set('target', `${user.name} (${role})`);
    return c.json({ ...user, token }, 201);
  });
  routes.delete('/users/:name', async (c) =>
    (await store.removeUser(c.req.param('name')))
      ? c.json({ user: null })
      : c.json({ error: 'there is no user of this name' }, 404),
  );
  routes.get('/audit', async (c) => {
    const query = readQuery<{ limit: number; before: number }>(c, 'readAudit');
    if (typeof query === 'string') return c.json({ error: query }, 400);
    return c.json({ entries: await store.audit(query.limit ?? AUDIT_PAGE, query.before) });
  });
  return routes;
}
