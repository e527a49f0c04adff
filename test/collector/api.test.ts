import fs from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createCollector, openSqliteStore, type Store } from '../../collector/app.js';
import { resumeJobs, workOn } from '../../collector/work.js';
import { DAY_MS } from '../../sdk/core/index.js';
import { ADMIN, makeCollector, makeEvent, newId, NOW, ORIGIN, temporaryFolder } from '../helpers/collector.js';
import { generalDocument } from '../helpers/rules.js';

const admin = { Authorization: `Bearer ${ADMIN}` };

describe('access', () => {
  const paths = [
    'sites',
    'sites/KEY/visitors',
    `sites/KEY/visitors/${newId()}`,
    'sites/KEY/events.ndjson',
    'sites/KEY/rules',
    'sites/KEY/reports/stages',
    'sites/KEY/jobs/1',
  ];
  test.each(paths)('/api/%s needs the token', async (where) => {
    const { app, site } = await makeCollector();
    const url = `/api/${where.replace('KEY', site.siteKey)}`;
    expect((await app.request(url)).status).toBe(401);
    expect((await app.request(url, { headers: { Authorization: 'Bearer wrong' } })).status).toBe(401);
    expect((await app.request(url, { headers: { Authorization: `Bearer ${site.secretKey}` } })).status).toBe(401);
    expect([200, 404]).toContain((await app.request(url, { headers: admin })).status);
  });

  test('tokens are not guessed for ever from one address', async () => {
    const { app } = await makeCollector();
    const ask = async (token: string) =>
      (await app.request('/api/sites', { headers: { Authorization: `Bearer ${token}` } })).status;
    for (let count = 0; count < 1000; count++) await ask(`wrong-${count}`);
    expect([await ask('wrong'), await ask(ADMIN)]).toEqual([429, 429]);
  });

  test('signing in sets a cookie that reads, and that another site cannot write with', async () => {
    const { app, site } = await makeCollector();
    const signIn = (token: unknown) => app.request('/api/session', { method: 'POST', body: JSON.stringify({ token }) });
    expect((await signIn('wrong')).status).toBe(401);
    expect((await signIn(undefined)).status).toBe(401);
    const response = await signIn(ADMIN);
    expect(response.status).toBe(200);
    const set = response.headers.get('Set-Cookie')!;
    expect(set).toMatch(/HttpOnly/);
    expect(set).toMatch(/SameSite=Lax/);
    const Cookie = set.split(';')[0]!;
    expect((await app.request('/api/sites', { headers: { Cookie } })).status).toBe(200);
    const put = (from: string) =>
      app.request(`/api/sites/${site.siteKey}/rules`, {
        method: 'PUT',
        headers: { Cookie, 'Sec-Fetch-Site': from },
        body: JSON.stringify(generalDocument),
      });
    expect((await put('cross-site')).status).toBe(403);
    expect((await put('same-origin')).status).toBe(200);
    // Where a browser does not trust the address it says no more than whose page it is.
    const add = (headers: Record<string, string>, path = 'sites') =>
      app.request(`http://stats.example.com:8080/api/${path}`, {
        method: 'POST',
        headers: { 'Content-Type': 'text/plain', ...headers },
        body: JSON.stringify({ name: 'x', origins: ['https://x.example'], token: ADMIN }),
      });
    for (const Origin of ['http://evil.example.com:8080', 'http://stats.example.com:8081', 'null']) {
      const refused = await add({ Cookie, Origin });
      expect([Origin, refused.status]).toEqual([Origin, 403]);
      expect((await add({ Origin }, 'session')).headers.get('Set-Cookie')).toBeNull();
    }
    expect((await add({ Cookie, Origin: 'http://stats.example.com:8080' })).status).toBe(201);
    expect((await add({ Origin: 'http://stats.example.com:8080' }, 'session')).status).toBe(200);
    await app.request('/api/session', { method: 'DELETE', headers: { Cookie } });
    expect((await app.request('/api/sites', { headers: { Cookie } })).status).toBe(401);
  });

  test('tokens are not in the database as they are', async () => {
    const { app, folder, store } = await makeCollector();
    const response = await app.request('/api/session', { method: 'POST', body: JSON.stringify({ token: ADMIN }) });
    const session = /stagetag_session=([^;]+)/.exec(response.headers.get('Set-Cookie')!)![1]!;
    await store.close();
    const bytes = fs.readFileSync(path.join(folder, 'stagetag.sqlite'), 'latin1');
    expect(bytes).not.toContain(session);
    expect(bytes).not.toContain(ADMIN);
  });
});

test('adds a site, and lists it without its secret', async () => {
  const { app, get } = await makeCollector();
  const add = (body: unknown) =>
    app.request('/api/sites', { method: 'POST', headers: admin, body: JSON.stringify(body) });
  const response = await add({ name: 'Shop', origins: ['https://shop.example/path'] });
  const made = (await response.json()) as { siteKey: string; secretKey: string; snippet: string };
  expect(made.snippet).toBe(`<script defer src="http://localhost/t/${made.siteKey}.js"></script>`);
  const listed = JSON.stringify(await get('sites'));
  expect(listed).toContain('"origins":["https://shop.example"]');
  expect(listed).not.toContain(made.secretKey);
  for (const [body, error] of [
    [null, /JSON object/],
    [{ name: '', origins: ['https://a.example'] }, /name/],
    [{ name: 'x', origins: [] }, /origins/],
    [{ name: 'x', origins: ['a.example'] }, /https:\/\/example\.com/],
    [{ name: 'x', origins: ['https://a.example，https://b.example'] }, /https:\/\/example\.com/],
    [{ name: 'x', origins: ['https://a.example、https://b.example'] }, /https:\/\/example\.com/],
    [{ name: 'x', origins: ['https://a.example;b.example'] }, /https:\/\/example\.com/],
    [{ name: 'x', origins: ['https://a.example'], template: 'shop' }, /general/],
    [{ name: 'x', origins: ['https://a.example'], timeZone: 'Mars/North' }, /IANA/],
    [{ name: 'x', origins: ['https://a.example'], currency: 'ZZZ' }, /ISO 4217.*ZZZ/],
  ] as const) {
    const refused = await add(body);
    expect(refused.status).toBe(400);
    expect(((await refused.json()) as { error: string }).error).toMatch(error);
  }
  const inYuan = (await (await add({ name: 'Y', origins: ['https://y.example'], currency: 'CNY' })).json()) as object;
  const { siteKey } = inYuan as { siteKey: string };
  expect(await get(`sites/${siteKey}/rules`)).toMatchObject({ version: 1, currency: 'CNY' });
});

describe('rules', () => {
  const rules = {
    signals: { view: { event: 'page_view' } },
    stages: { action: { when: { signal: 'view', count: { gte: 2 } } } },
  };

  test('that do not validate are refused with their paths, and the old ones stay in force', async () => {
    const { putRules, get, site } = await makeCollector();
    const response = await putRules({ ...rules, stages: { action: { when: { signal: 'veiw' } } } });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      error: expect.stringMatching(/stages\.action\.when\.signal.*did you mean "view"/) as unknown,
      errors: [{ path: 'stages.action.when.signal' }],
    });
    expect(await get(`sites/${site.siteKey}/rules`)).toMatchObject({
      version: 1,
      signals: { visit: { event: 'page_view' } },
    });
  });

  test('that replace others are replayed over the stored events', async () => {
    const { putRules, send, visitor, get, site } = await makeCollector();
    const ids = Array.from({ length: 250 }, () => newId());
    for (const id of ids) await send(id, [makeEvent('page_view'), makeEvent('page_view')]);
    const response = (await (await putRules(rules)).json()) as { version: number; job: number };
    expect(response.version).toBe(2);
    expect(await get(`sites/${site.siteKey}/jobs/${response.job}`)).toMatchObject({
      state: 'done',
      done: 250,
      total: 250,
    });
    for (const id of [ids[0]!, ids[249]!]) {
      const { stage, facts, transitions } = await visitor(id);
      expect(stage).toBe('action');
      expect(facts.signals).toEqual({ view: { '2026-11-22': 2 } });
      expect(transitions.at(-1)).toMatchObject({
        from: 'awareness',
        to: 'action',
        cause: { kind: 'rules', rule: 'action', rules: 2 },
      });
    }
  });

  test('published for now leave earlier events with the signals they had', async () => {
    const { putRules, send, visitor, clock } = await makeCollector();
    const id = newId();
    await send(id, [makeEvent('page_view', { time: NOW - 1000 })]);
    await putRules(rules, '?apply=now&wait=true');
    expect((await visitor(id)).facts.signals).toEqual({ visit: { '2026-11-22': 1 } });
    clock.now = NOW + 5000;
    await send(id, [makeEvent('page_view', { time: NOW + 1000 }), makeEvent('page_view', { time: NOW - 500 })]);
    expect((await visitor(id)).facts.signals).toEqual({ visit: { '2026-11-22': 2 }, view: { '2026-11-22': 1 } });
    await putRules(rules, '?apply=all&wait=true');
    expect(await visitor(id)).toMatchObject({ stage: 'action', facts: { signals: { view: { '2026-11-22': 3 } } } });
  });

  test('are taken back as they were given out', async () => {
    const { putRules, get, site } = await makeCollector();
    const current = await get<object>(`sites/${site.siteKey}/rules`);
    expect((await putRules(current)).status).toBe(200);
    expect(await get(`sites/${site.siteKey}/rules`)).toEqual({ ...current, version: 2 });
  });

  test('a recompute that was interrupted goes on at the next start, and touches nobody twice', async () => {
    const { send, store, site, visitor, clock } = await makeCollector();
    const id = newId();
    await send(id, [makeEvent('page_view'), makeEvent('page_view')]);
    const version = (await store.publishRules(site.siteKey, { version: 0, ...rules }, { publishedAt: NOW, since: 0 }))!;
    const job = await store.addJob(site.siteKey, version);
    expect(await store.job(site.siteKey, job.id)).toMatchObject({ state: 'running', done: 0, total: 1 });
    await resumeJobs(
      store,
      workOn(store, () => clock.now),
      (error) => {
        throw error;
      },
    );
    expect(await store.job(site.siteKey, job.id)).toMatchObject({ state: 'done', done: 1 });
    expect(await visitor(id)).toMatchObject({ stage: 'action', rev: 2 });
  });

  test('wrong parameters are refused', async () => {
    const { putRules } = await makeCollector();
    expect((await putRules(rules, '?apply=later')).status).toBe(400);
    expect((await putRules(rules, '?wait=maybe')).status).toBe(400);
  });
});

describe('the report of stages', () => {
  test('equals a recount from the transitions, by day in the time zone of the site', async () => {
    const { app, get } = await makeCollector();
    const made = (await (
      await app.request('/api/sites', {
        method: 'POST',
        headers: admin,
        body: JSON.stringify({ name: 'Shanghai', origins: [ORIGIN], timeZone: 'Asia/Shanghai' }),
      })
    ).json()) as { siteKey: string };
    const post = (visitorId: string, events: unknown[]) =>
      app.request('/v1/events', {
        method: 'POST',
        headers: { Origin: ORIGIN },
        body: JSON.stringify({ siteKey: made.siteKey, visitorId, events }),
      });
    // 17:00 UTC is the next day in Shanghai.
    const evening = Date.UTC(2026, 10, 20, 17);
    await post(newId(), [makeEvent('page_view', { time: evening })]);
    await post(newId(), [
      makeEvent('page_view', { time: evening - 2 * 3_600_000 }),
      makeEvent('purchase', { time: evening, props: { value: 3 } }),
    ]);
    const report = await get<{
      days: Array<{ day: string; current: Record<string, number>; entered: Record<string, number> }>;
      stages: Array<{ stage: string; current: number; peak: number; entered: number; left: number }>;
      funnel: Array<{
        stage: string;
        visitors: number;
        fromPrevious: number | null;
        interval: [number, number] | null;
      }>;
    }>(`sites/${made.siteKey}/reports/stages?from=2026-11-20&to=2026-11-22`);
    expect(report.days.map(({ day, current }) => [day, current.awareness, current.action])).toEqual([
      ['2026-11-20', 1, 0],
      ['2026-11-21', 1, 1],
      ['2026-11-22', 1, 1],
    ]);
    expect(report.days[1]!.entered).toMatchObject({ awareness: 1, action: 1 });
    expect(report.stages.find(({ stage }) => stage === 'awareness')).toEqual({
      stage: 'awareness',
      current: 1,
      peak: 1,
      entered: 2,
      left: 1,
      before: { current: 0, entered: 0, left: 0 },
    });
    expect(report.funnel.map(({ visitors }) => visitors)).toEqual([2, 1, 1, 1, 0]);
    // Wilson's, of one of two.
    expect(report.funnel[0]!.interval).toBeNull();
    expect(report.funnel[1]!.interval![0]).toBeCloseTo(0.0945, 4);
    expect(report.funnel[1]!.interval![1]).toBeCloseTo(0.9055, 4);
    const before = await get<typeof report>(`sites/${made.siteKey}/reports/stages?from=2026-11-20&to=2026-11-20`);
    expect(before.stages.filter(({ current }) => current)).toEqual([
      { stage: 'awareness', current: 1, peak: 1, entered: 1, left: 0, before: { current: 0, entered: 0, left: 0 } },
    ]);
  });

  test.each(['?from=yesterday', '?from=2026-02-31', '?from=2026-11-22&to=2026-11-01', '?from=1900-01-01'])(
    'refuses %s',
    async (query) => {
      const { app, site } = await makeCollector();
      const response = await app.request(`/api/sites/${site.siteKey}/reports/stages${query}`, { headers: admin });
      expect(response.status).toBe(400);
    },
  );

  test('an unknown one is named as such', async () => {
    const { app, site } = await makeCollector();
    const response = await app.request(`/api/sites/${site.siteKey}/reports/sales`, { headers: admin });
    expect(response.status).toBe(404);
    expect(await response.text()).toContain('stages');
  });
});

test('events.ndjson filters by day, name and visitor, and gives every event once over many pages', async () => {
  const { send, ndjson } = await makeCollector();
  const [id, other] = [newId(), newId()];
  for (let i = 0; i < 6; i++)
    await send(
      id,
      Array.from({ length: 400 }, () => makeEvent('page_view')),
    );
  await send(other, [makeEvent('purchase', { time: NOW - DAY_MS }), makeEvent('nps', { time: NOW })]);
  const all = await ndjson();
  expect(all).toHaveLength(2402);
  expect(new Set(all.map((event) => event.id)).size).toBe(2402);
  expect(await ndjson(`?visitor=${other}`)).toHaveLength(2);
  expect((await ndjson('?name=nps')).map(({ visitorId }) => visitorId)).toEqual([other]);
  expect((await ndjson('?to=2026-11-21')).map(({ name }) => name)).toEqual(['purchase']);
  expect((await ndjson(`?from=2026-11-22&to=2026-11-22&visitor=${other}`)).map(({ name }) => name)).toEqual(['nps']);
});

describe('the script', () => {
  test('brings the rules of its site, and is the same until they change', async () => {
    const { app, site, putRules } = await makeCollector();
    const response = await app.request(`/t/${site.siteKey}.js`);
    expect(response.headers.get('Cache-Control')).toBe('public, max-age=300');
    const tag = response.headers.get('ETag')!;
    const text = await response.text();
    expect(text).toContain(site.siteKey);
    expect(text).not.toContain(site.secretKey);
    expect(text).not.toContain('__STAGETAG_SITE__');
    const again = (etag: string) => app.request(`/t/${site.siteKey}.js`, { headers: { 'If-None-Match': etag } });
    expect((await again(tag)).status).toBe(304);
    await putRules({ signals: { v: { event: 'v' } }, stages: {} });
    expect((await again(tag)).status).toBe(200);
  });

  test('knows of traits, of stages that are kept, of tags that last and of further hosts where there are some, and weighs nothing for them elsewhere', async () => {
    const { app, site, store, putRules } = await makeCollector();
    const read = async () => (await app.request(`/t/${site.siteKey}.js`)).text();
    const signals = { visit: { event: 'page_view' } };
    const when = { signal: 'visit', within: 7 };
    const plain = await read();
    await putRules({ signals, stages: { interest: { when, keep: { signal: 'visit', within: 30 } } } });
    const kept = await read();
    await putRules({ signals, stages: {}, tags: { lately: { when, dimension: 'behaviour', ttlDays: 9 } } });
    const lasting = await read();
    await putRules({ signals, stages: { interest: { when, keep: { trait: 'plan', eq: 'paid' } } } });
    const asking = await read();
    await putRules({ signals, stages: { interest: { when } } });
    const plainAgain = await read();
    await store.updateSite(site.siteKey, { origins: [...site.origins, 'https://shop.example'] });
    const handing = await read();
    const isFull = (text: string) => ['held', 'st_link', '.trait'].map((part) => text.includes(part));
    const [yes, no] = [true, false].map((value) => [value, value, value]);
    expect([plain, kept, lasting, asking, plainAgain, handing].map(isFull)).toEqual([no, yes, yes, yes, no, yes]);
    for (const name of ['stagetag', 'full']) expect((await app.request(`/t/${name}.js`)).status).toBe(404);
  });

  test('names the hosts that the site has now', async () => {
    const { app, site, store } = await makeCollector();
    const read = async () => (await app.request(`/t/${site.siteKey}.js`)).text();
    expect(await read()).not.toContain('shop.example');
    await store.updateSite(site.siteKey, { origins: [...site.origins, 'https://shop.example'] });
    expect(await read()).toContain('shop.example');
  });

  test('comes as it was where the store is busy for long, and as it is where it is not', async () => {
    const { app, site, store, putRules } = await makeCollector();
    const read = async () => (await app.request(`/t/${site.siteKey}.js`)).text();
    const before = await read();
    const later = { interest: { when: { signal: 'later' } } };
    await putRules({ signals: { later: { event: 'later' } }, stages: later });
    vi.useFakeTimers({ toFake: ['setTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const busy = vi.spyOn(store, 'site').mockImplementation(() => new Promise(() => {}));
    const waiting = read();
    await vi.advanceTimersByTimeAsync(1000);
    expect(await waiting).toBe(before);
    busy.mockRestore();
    expect(await read()).toContain('later');
  });

  test('of an unknown site is a 404 that says so', async () => {
    const { app } = await makeCollector();
    const response = await app.request('/t/st_nobody.js');
    expect(response.status).toBe(404);
    expect(await response.text()).toContain('no site has this key');
  });
});

test('everything stands under a mount', async () => {
  const { app, site, send, visitor } = await makeCollector({ mount: '/st' });
  const id = newId();
  expect((await send(id, [makeEvent('page_view')])).status).toBe(200);
  expect((await visitor(id)).stage).toBe('awareness');
  expect((await app.request(`/st/t/${site.siteKey}.js`)).status).toBe(200);
  expect((await app.request('/st')).headers.get('Location')).toBe('/st/');
  expect((await app.request('/st/')).status).toBe(200);
  expect((await app.request('/healthz')).status).toBe(404);
  expect((await app.request('/st/healthz')).status).toBe(200);
});

test('a mount may end with a slash; options that are none are refused at once', async () => {
  const { app, site } = await makeCollector({ mount: '/st/' });
  expect((await app.request('/st/')).status).toBe(200);
  const sites = await app.request('/st/api/sites', { headers: { Authorization: `Bearer ${ADMIN}` } });
  const [{ snippet }] = ((await sites.json()) as { sites: Array<{ snippet: string }> }).sites as [{ snippet: string }];
  expect(snippet).toContain(`/st/t/${site.siteKey}.js`);
  const { store } = await makeCollector();
  expect(() => createCollector({ store, mount: 'st' })).toThrow('mount: expected a path such as /stagetag, got st');
  expect(() => createCollector({} as { store: Store })).toThrow('store: expected');
});

test('where something before it has read the body, that is what is said', async () => {
  const { app } = await makeCollector();
  const request = new Request('http://localhost/v1/events', { method: 'POST', body: '{}' });
  await request.text();
  const response = await app.request(request);
  expect(response.status).toBe(503);
  expect(await response.json()).toEqual({
    error: 'the body was read before the collector saw it: mount it before what parses bodies',
  });
});

test('a site of nested lists is refused, and not taken for a fault of the collector', async () => {
  const { app } = await makeCollector();
  const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`;
  for (const body of [
    `{"name":"a","origins":[${deep}]}`,
    `{"name":"a","origins":["https://a.example"],"template":${deep}}`,
  ])
    expect(
      (await app.request('/api/sites', { method: 'POST', body, headers: { Authorization: `Bearer ${ADMIN}` } })).status,
    ).toBe(400);
});

test('the dashboard is served under a strict policy', async () => {
  const { app } = await makeCollector();
  const page = await app.request('/');
  expect(page.headers.get('Content-Security-Policy')).toContain("script-src 'self'");
  const [, script] = /src="(assets\/[^"]+)"/.exec(await page.text())!;
  expect((await app.request(`/${script}`)).headers.get('Content-Type')).toContain('javascript');
});

describe('a store that cannot be used', () => {
  test('of a newer version is left alone', () => {
    const folder = temporaryFolder();
    const file = path.join(folder, 'stagetag.sqlite');
    const database = new Database(file);
    database.pragma('user_version = 999');
    database.close();
    const before = fs.readFileSync(file);
    expect(() => openSqliteStore(folder)).toThrow(/newer Stagetag/);
    expect(fs.readFileSync(file)).toEqual(before);
  });

  test('that is no database is named', () => {
    const folder = temporaryFolder();
    fs.writeFileSync(path.join(folder, 'stagetag.sqlite'), 'hello '.repeat(500));
    expect(() => openSqliteStore(folder)).toThrow(/not a database/);
  });

  test('in a place that is a file is named', () => {
    const folder = temporaryFolder();
    fs.writeFileSync(path.join(folder, 'file'), '');
    expect(() => openSqliteStore(path.join(folder, 'file', 'data'))).toThrow(/--data/);
  });
});

test('a batch that cannot be written is answered 503, and nothing of it is acknowledged', async () => {
  const { send, store, ndjson } = await makeCollector();
  const id = newId();
  const failing = { ...store, append: () => Promise.reject(new Error('disk full')) };
  const other = await makeCollector({ store: { ...failing, sites: store.sites, site: store.site } });
  const response = await other.app.request('/v1/events', {
    method: 'POST',
    headers: { Origin: ORIGIN },
    body: JSON.stringify({
      siteKey: (await store.sites())[0]!.siteKey,
      visitorId: id,
      events: [makeEvent('page_view')],
    }),
  });
  expect(response.status).toBe(503);
  expect(response.headers.get('Retry-After')).toBe('5');
  expect(await ndjson()).toEqual([]);
  expect((await send(id, [makeEvent('page_view')])).status).toBe(200);
});
