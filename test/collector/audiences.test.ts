import { expect, test } from 'vitest';
import type { Audience, Member } from '../../collector/reports/audience.js';
import { ADMIN, makeCollector, makeEvent, newId, NOW } from '../helpers/collector.js';

const DAY = 86_400_000;

async function start() {
  const collector = await makeCollector();
  const { app, site, send } = collector;
  const ask = async <T>(method: string, path: string, body?: object) => {
    const response = await app.request(`/api/sites/${site.siteKey}/audiences${path}`, {
      method,
      headers: { Authorization: `Bearer ${ADMIN}` },
      ...(body && { body: JSON.stringify(body) }),
    });
    // As bytes: reading it as a text would take the mark at its beginning away.
    const text = Buffer.from(await response.arrayBuffer()).toString();
    return { status: response.status, text, json: (text.startsWith('{') ? JSON.parse(text) : {}) as T };
  };
  const view = (path: string, days: number, more = {}) =>
    makeEvent('page_view', { url: `https://www.example.com${path}`, time: NOW - days * DAY - 1000, ...more });
  const secret = { Authorization: `Bearer ${site.secretKey}` };
  const [ada, ben, cyd, bot] = [newId(), newId(), newId(), newId()];
  await send(ada, [view('/?utm_source=news&utm_medium=email', 40), view('/pricing', 1), view('/pricing', 0)]);
  await send(ben, [view('/pricing', 20), makeEvent('purchase', { props: { value: 9 } })], { userId: '=1+1' }, secret);
  await send(cyd, [view('/blog/x', 0), makeEvent('identify', { props: { plan: 'pro' } })]);
  await send(bot, [view('/pricing', 0)], {}, { 'User-Agent': 'AhrefsBot/7.0' });
  const count = async (when: object) => (await ask<Audience>('POST', '/preview', { when })).json.people;
  return { ...collector, ask, count, ids: { ada, ben, cyd, bot } };
}

const pricing = (more = {}) => ({ signal: 'pricing_view', ...more });

test('an audience is whoever meets its condition, of facts, windows, traits, stages, tags and channels', async () => {
  const { count, ask } = await start();
  for (const [when, people] of [
    [pricing(), 2],
    [pricing({ within: 7 }), 1],
    [pricing({ count: { gte: 2 } }), 1],
    [{ not: pricing() }, 1],
    [{ trait: 'plan', eq: 'pro' }, 1],
    [{ stage: ['action', 'loyalty'] }, 1],
    [{ peak: ['none'] }, 0],
    [{ channel: ['Email'] }, 1],
    [{ source: ['news'] }, 1],
    [{ rfm: ['none'] }, 2],
    [{ not: { rfm: ['none'] } }, 1],
    // The only buyer there is has the lowest of all ranks.
    [{ rfm: ['new'] }, 1],
    [{ rfm: ['lost'] }, 0],
    [{ rfm: ['champions'] }, 0],
    // Cyd came first this week; the others were there before, and not last week.
    [{ lifecycle: ['new'] }, 1],
    [{ lifecycle: ['resurrected', 'returning'] }, 2],
    [{ all: [pricing(), { not: { stage: ['action'] } }] }, 1],
    [{ any: [{ channel: ['Email'] }, { trait: 'plan', eq: 'pro' }] }, 2],
    [{ any: [pricing(), { not: pricing() }] }, 3],
  ] as const)
    expect([when, await count(when)]).toEqual([when, people]);
  const { json } = await ask<Audience>('POST', '/preview', { when: pricing() });
  expect(json.of).toBe(3);
  expect(json.stages.reduce((sum, { people }) => sum + people, 0)).toBe(2);
  expect(json.examples).toHaveLength(2);
});

test('what is wrong with a condition is said all at once, each with its place', async () => {
  const { ask, app, site } = await start();
  const wrong = {
    all: [
      { stage: ['intrest'] },
      { signal: 'pricing_veiw' },
      { tag: 'x' },
      { any: [] },
      7,
      { hue: 1 },
      { rfm: ['best'] },
    ],
  };
  const { status, json } = await ask<{ errors: Array<{ path: string; message: string }> }>('POST', '/preview', {
    when: wrong,
  });
  expect(status).toBe(400);
  expect(json.errors.map(({ path }) => path)).toEqual(
    expect.arrayContaining([
      'when.all[0].stage',
      'when.all[1].signal',
      'when.all[2].tag',
      'when.all[3].any',
      'when.all[4]',
    ]),
  );
  expect(json.errors.find(({ path }) => path === 'when.all[1].signal')!.message).toContain('pricing_view');
  expect(json.errors.some(({ path }) => path.startsWith('when.all[5]'))).toBe(true);
  const many = { any: Array.from({ length: 200 }, () => pricing()) };
  const refused = await ask<{ error: string }>('POST', '/preview', { when: many });
  expect([refused.status, refused.json.error]).toEqual([400, expect.stringContaining('at most 100 conditions')]);
  for (const body of [{}, { when: null }, { when: [] }]) expect((await ask('POST', '/preview', body)).status).toBe(400);
  const deep = `{"name":"A","when":${'['.repeat(6000)}${']'.repeat(6000)}}`;
  for (const path of ['/preview', '']) {
    const headers = { Authorization: `Bearer ${ADMIN}` };
    const sent = await app.request(`/api/sites/${site.siteKey}/audiences${path}`, {
      method: 'POST',
      headers,
      body: deep,
    });
    expect([path, sent.status, ((await sent.json()) as { error: string }).error]).toEqual([
      path,
      400,
      expect.stringContaining('when'),
    ]);
  }
});

test('an audience is kept by name, changed, listed as JSON and CSV, and deleted', async () => {
  const { ask, ids } = await start();
  const { status, json } = await ask<{ id: number }>('POST', '', { name: ' Buyers ', when: { stage: ['action'] } });
  expect([status, json]).toMatchObject([201, { name: 'Buyers', author: 'admin' }]);
  const { id } = json;
  expect((await ask('POST', '', { name: '', when: { stage: ['action'] } })).status).toBe(400);
  expect((await ask('POST', '', { name: 'x', when: { stage: [] } })).status).toBe(400);
  const { members } = (await ask<{ members: Member[] }>('GET', `/${id}/members`)).json;
  expect(members).toMatchObject([{ userId: '=1+1', stage: 'action' }]);
  const csv = (await ask('GET', `/${id}/members?format=csv`)).text;
  expect(csv.charCodeAt(0)).toBe(0xfeff);
  const [header, row, end] = csv.slice(1).split('\n');
  expect([header, end]).toEqual(['visitorId,userId,stage,peak,tags,score,channel,lastSeen', '']);
  expect(row).toContain(",'=1+1,action,action,");
  expect((await ask('GET', `/${id}/members?format=xml`)).status).toBe(400);

  expect((await ask('PUT', `/${id}`, { name: 'Pro', when: { trait: 'plan', eq: 'pro' } })).status).toBe(200);
  const changed = (await ask<{ members: Member[] }>('GET', `/${id}/members`)).json.members;
  expect(changed.map(({ visitorId }) => visitorId)).toEqual([ids.cyd]);
  expect((await ask<{ audiences: object[] }>('GET', '')).json.audiences).toMatchObject([{ id, name: 'Pro' }]);
  const [{ savedAt }] = (await ask<{ audiences: [{ savedAt: number }] }>('GET', '')).json.audiences;
  const other = await ask<{ meanwhile: object }>('PUT', `/${id}?after=${savedAt - 1}`, { name: 'X', when: pricing() });
  expect([other.status, other.json.meanwhile]).toEqual([409, { author: 'admin', at: savedAt }]);
  const known = await ask('PUT', `/${id}?after=${savedAt}`, { name: 'Pro', when: { trait: 'plan', eq: 'pro' } });
  expect(known.status).toBe(200);
  expect((await ask('PUT', '/99', { name: 'Pro', when: pricing() })).status).toBe(404);
  expect((await ask('DELETE', `/${id}`)).status).toBe(200);
  for (const [method, path] of [
    ['DELETE', `/${id}`],
    ['GET', `/${id}/members`],
  ] as const)
    expect((await ask(method, path)).status).toBe(404);
  expect((await ask<{ audiences: object[] }>('GET', '')).json.audiences).toEqual([]);
});

test('the number of an audience that is gone is nobody else’s: a page that is still open changes none', async () => {
  const { ask } = await start();
  const save = async (name: string) => (await ask<{ id: number }>('POST', '', { name, when: pricing() })).json.id;
  const gone = await save('Gone');
  expect((await ask('DELETE', `/${gone}`)).status).toBe(200);
  const other = await save('Other');
  expect(other).not.toBe(gone);
  expect((await ask('PUT', `/${gone}`, { name: 'Gone', when: pricing() })).status).toBe(404);
});

test('a static audience is those who met its condition when it was saved, until they are erased', async () => {
  const { ask, send, ids, app, site } = await start();
  const { status, json } = await ask<{ id: number; people: number }>('POST', '', {
    name: 'Then',
    when: pricing(),
    isStatic: true,
  });
  expect([status, json.people]).toEqual([201, 2]);
  const listed = async () =>
    (await ask<{ members: Member[] }>('GET', `/${json.id}/members`)).json.members.map(({ visitorId }) => visitorId);
  /** How many the list of visitors holds of it. */
  const opened = async () => {
    const path = `/api/sites/${site.siteKey}/visitors?audience=${json.id}`;
    const found = await app.request(path, { headers: { Authorization: `Bearer ${ADMIN}` } });
    return ((await found.json()) as { count: number }).count;
  };
  const before = await listed();
  expect(before).toHaveLength(2);
  expect(await opened()).toBe(2);
  expect(before).toContain(ids.ada);
  // Who meets it later is not in it, and who is in it is listed as they are by now.
  await send(newId(), [makeEvent('page_view', { url: 'https://www.example.com/pricing' })]);
  expect((await listed()).sort()).toEqual(before.sort());
  // Whatever it is called then.
  const renamed = await ask<{ people: number }>('PUT', `/${json.id}`, {
    name: 'Once',
    when: pricing(),
    isStatic: true,
  });
  expect([renamed.status, renamed.json]).toEqual([200, { ...json, name: 'Once' }]);
  expect((await listed()).sort()).toEqual(before.sort());
  const secret = { Authorization: `Bearer ${site.secretKey}` };
  await send(ids.ada, [makeEvent('identify')], { userId: 'ada' }, secret);
  const members = (await ask<{ members: Member[] }>('GET', `/${json.id}/members`)).json.members;
  expect(members.map(({ userId }) => userId).sort()).toEqual(['=1+1', 'ada']);
  // Who is told apart from their user again is still in it, as the visitor they are.
  const unlinked = await app.request(`/api/sites/${site.siteKey}/visitors/${ids.ben}/link`, {
    method: 'DELETE',
    headers: { Authorization: `Bearer ${ADMIN}` },
  });
  expect(unlinked.status).toBe(200);
  expect(await listed()).toContain(ids.ben);
  expect(await listed()).toHaveLength(2);
  const response = await app.request(`/api/sites/${site.siteKey}/people/ada`, {
    method: 'DELETE',
    headers: { Authorization: `Bearer ${ADMIN}` },
  });
  expect(response.status).toBe(200);
  expect(await listed()).toHaveLength(1);
  expect(await opened()).toBe(1);
  expect((await ask('POST', '', { name: 'x', when: pricing(), isStatic: 'yes' })).status).toBe(400);
  // Made dynamic, it is whoever meets it.
  expect((await ask('PUT', `/${json.id}`, { name: 'Now', when: pricing() })).status).toBe(200);
  expect(await listed()).toHaveLength(2);
});

test('a profile says by what an audience differs from everybody', async () => {
  const { ask, send } = await start();
  for (let index = 0; index < 12; index++)
    await send(newId(), [
      makeEvent('page_view', {
        url: `https://www.example.com/${index < 6 ? 'pricing?utm_source=a&utm_medium=email' : 'x'}`,
        time: NOW - 5000,
      }),
    ]);
  const { profile } = (await ask<Audience>('POST', '/preview', { when: pricing() })).json;
  const email = profile.find(({ feature }) => feature === 'channel:Email')!;
  expect(email).toMatchObject({ people: 7, share: 7 / 8, everybody: 7 / 15, index: 188 });
});
