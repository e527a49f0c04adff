import { expect, test } from 'vitest';
import { addSite } from '../../collector/site.js';
import type { Site } from '../../collector/store/store.js';
import { ADMIN, bytesIn, makeCollector, makeEvent, newId, NOW } from '../helpers/collector.js';

const DAY_MS = 86_400_000;

async function start() {
  const collector = await makeCollector();
  const { app, site } = collector;
  const api = async (method: string, path: string, body?: object, headers: Record<string, string> = {}) => {
    const response = await app.request(`/api/${path}`, {
      method,
      headers: { Authorization: `Bearer ${ADMIN}`, ...headers },
      ...(body && { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  const here = (method: string, path: string, body?: object) => api(method, `sites/${site.siteKey}/${path}`, body);
  return { ...collector, api, here };
}

test('a note stands at its day, beside the days on which rules were published', async () => {
  const { here, putRules, store, site } = await start();
  await putRules((await store.rules(site.siteKey))[0]!.rules);
  const added = await here('POST', 'annotations', { day: '2026-11-20', text: ' Campaign begins ' });
  expect(added).toMatchObject({ status: 201, body: { day: '2026-11-20', text: 'Campaign begins', author: 'admin' } });
  const { body } = await here('GET', 'annotations');
  expect(body.annotations).toEqual([added.body]);
  expect((body.published as object[]).map((each) => (each as { version: number }).version).sort()).toEqual([1, 2]);
  for (const wrong of [
    { day: '20.11.2026', text: 'x' },
    { day: '2026-02-30', text: 'x' },
    { day: '2026-11-20', text: ' ' },
    { day: '2026-11-20', text: 'x'.repeat(501) },
    {},
  ])
    expect((await here('POST', 'annotations', wrong)).status).toBe(400);
  for (const id of ['0x1', '1e0', '-1', '01', 'x'])
    expect((await here('DELETE', `annotations/${id}`)).status).toBe(404);
  expect((await here('DELETE', `annotations/${added.body.id as number}`)).status).toBe(200);
  expect((await here('DELETE', `annotations/${added.body.id as number}`)).status).toBe(404);
});

test('a view is found again by its name', async () => {
  const { here } = await start();
  const added = await here('POST', 'views', { name: 'The leak', address: 'flow?days=90' });
  expect(added.status).toBe(201);
  expect((await here('GET', 'views')).body.views).toEqual([added.body]);
  for (const address of ['//evil.example', 'flow days', 'javascript:alert(1)', '', 'flow#x', 7])
    expect((await here('POST', 'views', { name: 'x', address })).status).toBe(400);
  expect((await here('DELETE', `views/${added.body.id as number}`)).status).toBe(200);
});

test('a link shows the reports of one site, and nobody’s visitors, until it ends', async () => {
  const { app, here, site, store, send, folder, clock } = await start();
  const other = (await addSite(store, { name: 'Other', origins: ['https://other.example'] }, NOW)) as Site;
  const visitorId = newId();
  await send(visitorId, [makeEvent('page_view')]);
  const { status, body } = await here('POST', 'shares', { address: 'flow?days=90', days: 2 });
  expect(status).toBe(201);
  const link = new URL(body.link as string);
  expect(link.hash).toBe(`#/${site.siteKey}/flow?days=90`);
  const token = link.searchParams.get('token')!;
  expect(bytesIn(folder)).not.toContain(token);

  const follow = () => app.request(`/shared?token=${token}`);
  const first = await follow();
  expect([first.status, first.headers.get('Location')]).toEqual([302, '/']);
  expect(first.headers.get('Set-Cookie')).toMatch(/HttpOnly.*SameSite=Lax/);
  // Again and again, unlike a link to sign in.
  expect((await follow()).headers.get('Set-Cookie')).toBeTruthy();
  const cookie = first.headers.get('Set-Cookie')!.split(';')[0]!;
  const ask = async (path: string, method = 'GET') => {
    const response = await app.request(path, { method, headers: { Cookie: cookie } });
    return [response.status, await response.text()] as const;
  };
  expect(JSON.parse((await ask('/api/session'))[1])).toEqual({ signedIn: true, role: 'guest' });
  // Where the site's own people sit is no guest's business.
  expect(JSON.parse((await ask('/api/sites'))[1])).toMatchObject({
    sites: [{ internal: [], origins: [], snippet: '' }],
  });
  expect((JSON.parse((await ask('/api/sites'))[1]) as { sites: Site[] }).sites.map(({ siteKey }) => siteKey)).toEqual([
    site.siteKey,
  ]);
  const here2 = `/api/sites/${site.siteKey}`;
  expect((await ask(`${here2}/reports/stages`))[0]).toBe(200);
  expect((await ask(`${here2}/annotations`))[0]).toBe(200);
  expect((await ask(`/api/sites/${other.siteKey}/reports/stages`))[0]).toBe(404);
  for (const path of [
    '/visitors',
    `/visitors/${visitorId}`,
    '/events.ndjson',
    '/audiences',
    '/rules/versions',
    '/shares',
  ])
    expect([path, (await ask(here2 + path))[0]]).toEqual([path, 403]);
  for (const path of ['/api/users', '/api/audit']) expect((await ask(path))[0]).toBe(403);
  expect((await ask(`${here2}/annotations`, 'POST'))[0]).toBe(403);
  // Who is signed in already stays who that is.
  const session = await app.request('/api/session', { method: 'POST', body: JSON.stringify({ token: ADMIN }) });
  const own = session.headers.get('Set-Cookie')!.split(';')[0]!;
  const asOwner = await app.request(`/shared?token=${token}`, { headers: { Cookie: own } });
  expect([asOwner.status, asOwner.headers.get('Set-Cookie')]).toEqual([302, null]);

  clock.now += 2 * DAY_MS;
  expect((await ask(`${here2}/reports/stages`))[0]).toBe(401);
  expect((await follow()).headers.get('Location')).toBe('/#/sign-in/share-ended');
});

test('a link that was taken back ends for those who follow it too', async () => {
  const { app, here, site } = await start();
  const { body } = await here('POST', 'shares', { address: 'board' });
  const token = new URL(body.link as string).searchParams.get('token')!;
  const cookie = (await app.request(`/shared?token=${token}`)).headers.get('Set-Cookie')!.split(';')[0]!;
  const ask = () => app.request(`/api/sites/${site.siteKey}/reports/stages`, { headers: { Cookie: cookie } });
  expect((await ask()).status).toBe(200);
  expect((await here('DELETE', `shares/${body.id as number}`)).status).toBe(200);
  expect((await ask()).status).toBe(401);
  for (const address of ['visitors', 'rules', 'setup', 'constructor'])
    expect((await here('POST', 'shares', { address })).status).toBe(400);
  for (const days of [0, 367, 1.5, '9'])
    expect((await here('POST', 'shares', { address: 'board', days })).status).toBe(400);
});

test('users are added and removed, and what was changed is on record', async () => {
  const { api, here, app, site, send } = await start();
  const added = await api('POST', 'users', { name: 'Ada', role: 'editor' });
  expect(added).toMatchObject({ status: 201, body: { name: 'Ada', role: 'editor', token: expect.any(String) } });
  expect((await api('POST', 'users', { name: 'Ada' })).status).toBe(409);
  for (const wrong of [
    {},
    { name: 'Bob', role: 'guest' },
    { name: 'x'.repeat(201) },
    { name: '..' },
    { name: 'Admin' },
  ])
    expect((await api('POST', 'users', wrong)).status).toBe(400);
  const bearer = { Authorization: `Bearer ${added.body.token as string}` };
  const visitorId = newId();
  await send(visitorId, [makeEvent('page_view')]);
  await api('PUT', `sites/${site.siteKey}/visitors/${visitorId}/bot`, { bot: 'tester' }, bearer);
  await api('POST', `sites/${site.siteKey}/annotations`, { day: '2026-11-20', text: 'x' }, bearer);
  expect((await api('GET', 'audit', undefined, bearer)).status).toBe(403);
  await here('GET', 'reports/stages');
  await here('POST', 'audiences/preview', { when: { stage: ['action'] } });
  await here('POST', 'annotations', {});
  expect((await api('DELETE', 'users/Ada')).status).toBe(200);
  expect((await api('DELETE', 'users/Ada')).status).toBe(404);
  expect((await app.request('/api/sites', { headers: bearer })).status).toBe(401);

  const { entries } = (await api('GET', 'audit')).body as { entries: Array<Record<string, unknown>> };
  // What was only looked at, and what was refused, changed nothing.
  expect(entries.map(({ who, action, siteKey, target }) => [who, action, siteKey, target])).toEqual([
    ['admin', 'removeUser', null, 'Ada'],
    ['Ada', 'addAnnotation', site.siteKey, null],
    ['Ada', entries[2]!.action, site.siteKey, null],
    ['admin', 'addUser', null, 'Ada (editor)'],
  ]);
  expect(entries[2]!.action).toMatch(/bot|judge/i);
  expect(JSON.stringify(entries)).not.toContain(visitorId);
  const before = entries[1]!.id as number;
  expect(((await api('GET', `audit?limit=1&before=${before}`)).body.entries as object[])[0]).toEqual(entries[2]);
});

test('who guesses links is held back, and who has one is not', async () => {
  const { app, here, store } = await start();
  const { body } = await here('POST', 'shares', { address: 'flow', days: 2 });
  const follow = async (token: string) =>
    (await app.request(`/shared?token=${token}`)).headers.get('Location')!.replace(/^\/#/, '');
  const token = new URL(body.link as string).searchParams.get('token')!;
  for (let tries = 0; tries < 20; tries++) expect(await follow(`guess${tries}`)).toBe('/sign-in/share-ended');
  expect(await follow('guess')).toBe('/sign-in/too-often');
  expect(await follow(token)).toBe('/');

  // What was done is told as done, though it could not be noted.
  store.addAudit = () => Promise.reject(new Error('no room'));
  expect((await here('POST', 'annotations', { day: '2026-11-20', text: 'A' })).status).toBe(201);
  expect((await here('GET', 'annotations')).body.annotations).toHaveLength(1);
});
