import { Hono } from 'hono';
import { describe, expect, test } from 'vitest';
import { makeToken, mayAct } from '../../collector/access.js';
import { createCollector } from '../../collector/app.js';
import { operationAt, OPERATIONS, roleFor } from '../../collector/openapi.js';
import { ROLES, type Role } from '../../collector/store/store.js';
import { bytesIn, makeCollector, makeEvent, newId, NOW, type TestCollector } from '../helpers/collector.js';

async function addUser({ store }: TestCollector, role: Role, name = `a ${role}`): Promise<string> {
  const { token, tokenHash } = makeToken();
  expect(await store.addUser({ name, role, createdAt: NOW }, tokenHash)).toBe(true);
  return token;
}

describe.each(ROLES)('a user with the role %s', (role) => {
  test('may do what takes no more than that, and hears what else would take', async () => {
    const collector = await makeCollector();
    const { app, site, send } = collector;
    const token = await addUser(collector, role);
    const visitorId = newId();
    const secret = { Authorization: `Bearer ${site.secretKey}` };
    await send(visitorId, [makeEvent('page_view')], { userId: 'u1' }, secret);
    const values: Record<string, string> = { siteKey: site.siteKey, visitorId, who: 'u1', id: '1', name: 'stages' };
    let asked = 0;
    for (const [where, operations] of Object.entries(OPERATIONS).filter(([path]) => path.startsWith('/api/sites')))
      for (const method of Object.keys(operations).map((name) => name.toUpperCase())) {
        const url = where.replace(/\{(\w+)\}/g, (_, name: string) => values[name]!);
        const headers = { Authorization: `Bearer ${token}` };
        const response = await app.request(url, { method, headers, ...(method === 'PUT' && { body: '{}' }) });
        const isAllowed = mayAct(role, roleFor(method, where));
        expect([method, where, response.status === 403]).toEqual([method, where, !isAllowed]);
        asked++;
      }
    expect(asked).toBeGreaterThan(10);
    // What is not there takes the most, so that a new route is closed before it is thought about.
    const unknown = await app.request('/api/new', { method: 'POST', headers: { Authorization: `Bearer ${token}` } });
    expect(unknown.status).toBe(role === 'owner' ? 404 : 403);
  });
});

test('a session may do what its user may, and ends with it', async () => {
  const collector = await makeCollector();
  const { app, site, store, folder } = collector;
  const token = await addUser(collector, 'viewer', 'Ada');
  const signIn = await app.request('/api/session', { method: 'POST', body: JSON.stringify({ token }) });
  expect(signIn.status).toBe(200);
  // By a link, which anybody can put before anybody, nobody becomes another user; and to look whether there is one uses it up no more.
  const follow = async (link: string, method = 'GET') => {
    const { headers } = await app.request(`/sign-in?token=${link}`, { method });
    return [headers.get('Location'), headers.has('Set-Cookie')];
  };
  expect(await follow(token)).toEqual(['/#/sign-in/link-expired', false]);
  const { token: link, tokenHash } = makeToken();
  await store.addToken({ hash: tokenHash, kind: 'link', expiresAt: NOW + 1000 });
  expect(await follow(link, 'HEAD')).toEqual([null, false]);
  expect(await follow(link)).toEqual(['/', true]);
  expect(await follow(link)).toEqual(['/#/sign-in/link-expired', false]);
  const cookie = signIn.headers.get('Set-Cookie')!.split(';')[0]!;
  expect(signIn.headers.get('Set-Cookie')).toMatch(/HttpOnly.*SameSite=Lax/);
  const ask = (path: string, method = 'GET', headers: object = {}) =>
    app.request(path, { method, headers: { Cookie: cookie, ...headers } });
  expect(await (await ask('/api/session')).json()).toEqual({ signedIn: true, role: 'viewer' });
  expect((await ask('/api/sites')).status).toBe(200);
  expect((await ask(`/api/sites/${site.siteKey}/people/x`, 'DELETE')).status).toBe(403);
  expect((await ask(`/api/sites/${site.siteKey}/rules`, 'HEAD')).status).toBe(200);

  // Neither token is on disk.
  const bytes = bytesIn(folder);
  expect(bytes).toContain('Ada');
  for (const secret of [token, cookie.split('=')[1]!]) expect(bytes).not.toContain(secret);

  expect(await store.removeUser('Ada')).toBe(true);
  expect(await store.removeUser('Ada')).toBe(false);
  expect((await ask('/api/sites')).status).toBe(401);
  expect(await (await ask('/api/session')).json()).toEqual({ signedIn: false });
  expect((await app.request('/api/session', { method: 'POST', body: JSON.stringify({ token }) })).status).toBe(401);
});

test('a session that is begun while its user is removed is nobody’s', async () => {
  const { store } = await makeCollector();
  const { tokenHash } = makeToken();
  await store.addToken({ hash: tokenHash, kind: 'session', expiresAt: NOW + 1000, user: 'gone' });
  expect(await store.sessionUser(tokenHash, NOW)).toBeUndefined();
});

test('roles hold where the app stands below another', async () => {
  const collector = await makeCollector();
  const token = await addUser(collector, 'viewer');
  const { app, site } = collector;
  const outer = new Hono().route('/st', app);
  const ask = (path: string) => outer.request(`/st${path}`, { headers: { Authorization: `Bearer ${token}` } });
  expect((await ask(`/api/sites/${site.siteKey}/people/x/export`)).status).toBe(403);
  expect((await ask('/api/sites')).status).toBe(200);
});

test('a name is one user', async () => {
  const collector = await makeCollector();
  await addUser(collector, 'viewer', 'Ada');
  expect(await collector.store.addUser({ name: 'Ada', role: 'owner', createdAt: NOW }, makeToken().tokenHash)).toBe(
    false,
  );
  expect(await collector.store.users()).toEqual([{ name: 'Ada', role: 'viewer', createdAt: NOW }]);
});

test('with another admin token the sessions of the one before are none any more, and those of users go on', async () => {
  const collector = await makeCollector();
  const { store, site } = collector;
  const token = await addUser(collector, 'viewer', 'Ada');
  const signIn = async (given: string) => {
    const response = await collector.app.request('/api/session', {
      method: 'POST',
      body: JSON.stringify({ token: given }),
    });
    return response.headers.get('Set-Cookie')!.split(';')[0]!;
  };
  const cookies = [await signIn('admin-token'), await signIn(token)];
  const statuses = (app: Hono) =>
    Promise.all(
      cookies.map(
        async (Cookie) => (await app.request(`/api/sites/${site.siteKey}/rules`, { headers: { Cookie } })).status,
      ),
    );
  expect(await statuses(collector.app)).toEqual([200, 200]);
  expect(await statuses(createCollector({ store, now: () => NOW, adminToken: 'another' }))).toEqual([401, 200]);
});

test.each([
  ['DELETE', '/api/users/internal', 'removeUser'],
  ['DELETE', '/st/api/users/internal', 'removeUser'],
  ['DELETE', '/api/sites/st_x/costs/internal', 'removeCosts'],
  ['PUT', '/st/api/sites/st_x/rules/draft', 'saveDraft'],
])('%s %s is %s', (method, where, operation) => {
  expect(operationAt(method, where)?.operation.operationId).toBe(operation);
});
