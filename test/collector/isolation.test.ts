import { expect, test } from 'vitest';
import { addSite } from '../../collector/site.js';
import type { Site } from '../../collector/store/store.js';
import { ADMIN, makeCollector, makeEvent, newId, NOW, ORIGIN } from '../helpers/collector.js';

test('two sites neither see nor change each other, by any route below a site', async () => {
  const { app, site, store, send, ndjson, visitor, putRules } = await makeCollector();
  const other = (await addSite(store, { name: 'Other', origins: ['https://other.example'] }, NOW)) as Site;
  const mine = newId();
  await send(mine, [makeEvent('page_view', { title: 'mine' })], { userId: 'user-1' });
  await send(mine, [{ ...makeEvent('page_view'), time: 'wrong' }]);
  const { job } = (await (await putRules((await store.rules(site.siteKey))[0]!.rules)).json()) as { job: number };
  await store.setCosts(site.siteKey, [{ day: '2026-11-20', channel: 'mine', cost: 7 }]);
  const saved = { name: 'mine', when: { stage: ['action'] }, author: null, savedAt: NOW };
  const audience = await store.saveAudience(site.siteKey, { ...saved, people: null });
  const kept = { author: 'mine', savedAt: NOW };
  const note = await store.addAnnotation(site.siteKey, { day: '2026-11-20', text: 'mine', ...kept });
  const view = await store.addView(site.siteKey, { name: 'mine', address: 'board', ...kept });
  const share = await store.addShare(site.siteKey, { address: 'mine', expiresAt: NOW + 1e9, ...kept }, 'hash');
  await store.saveDraft(site.siteKey, { rules: { name: 'mine' }, author: null, savedAt: NOW });
  const before = {
    visitor: await visitor(mine),
    events: await ndjson(),
    letters: await store.deadLetters(site.siteKey, 9),
  };

  const ask = async (method: string, where: string) => {
    const headers = { Authorization: `Bearer ${ADMIN}` };
    const response = await app.request(`/api/sites/${other.siteKey}/${where}`, {
      method,
      headers,
      ...(method === 'PUT' && { body: '{"bot":null}' }),
    });
    return { status: response.status, text: await response.text() };
  };
  for (const [method, where, status] of [
    ['GET', `visitors/${mine}`, 404],
    ['GET', `visitors/${mine}/why`, 404],
    ['GET', `people/${mine}/export`, 404],
    ['GET', 'people/user-1/export', 404],
    ['PUT', `visitors/${mine}/bot`, 404],
    ['DELETE', `visitors/${mine}/bot`, 404],
    ['DELETE', `people/${mine}`, 404],
    ['DELETE', 'people/user-1', 404],
    ['GET', `jobs/${job}`, 404],
    ['GET', 'visitors', 200],
    ['POST', 'groups', 200],
    ['GET', 'costs', 200],
    ['GET', 'audiences', 200],
    ['GET', `audiences/${audience}/members`, 404],
    ['PUT', `audiences/${audience}`, 400],
    ['DELETE', `audiences/${audience}`, 404],
    ['POST', 'audiences', 400],
    ['POST', 'audiences/preview', 400],
    ['PUT', 'costs', 400],
    ['DELETE', 'costs/Email', 200],
    ['GET', 'dead-letters', 200],
    ['GET', 'health', 200],
    ['GET', 'reports/alerts', 200],
    ['GET', 'annotations', 200],
    ['POST', 'annotations', 400],
    ['DELETE', `annotations/${note}`, 404],
    ['GET', 'views', 200],
    ['POST', 'views', 400],
    ['DELETE', `views/${view}`, 404],
    ['GET', 'shares', 200],
    ['POST', 'shares', 400],
    ['DELETE', `shares/${share}`, 404],
    ['GET', 'events.ndjson', 200],
    ['GET', `events.ndjson?visitor=${mine}`, 200],
    ['GET', 'reports/stages', 200],
    ['GET', 'rules', 200],
    ['GET', 'rules/versions', 200],
    ['GET', 'rules/versions/2', 404],
    ['POST', 'rules/versions/2/restore', 404],
    ['GET', 'rules/diff', 200],
    ['GET', 'rules/draft', 404],
    ['DELETE', 'rules/draft', 200],
  ] as const) {
    const answer = await ask(method, where);
    expect([where, answer.status]).toEqual([where, status]);
    expect(answer.text).not.toContain(mine);
    expect(answer.text).not.toContain('mine');
  }
  const { stages } = JSON.parse((await ask('GET', 'reports/stages')).text) as { stages: Array<{ peak: number }> };
  expect(stages.every(({ peak }) => peak === 0)).toBe(true);
  expect(JSON.parse((await ask('GET', 'rules')).text)).toMatchObject({ version: 1 });

  const put = await app.request(`/api/sites/${other.siteKey}/rules?wait=true`, {
    method: 'PUT',
    headers: { Authorization: `Bearer ${ADMIN}` },
    body: JSON.stringify({ ...(await store.rules(other.siteKey))[0]!.rules, tags: {} }),
  });
  expect(put.status).toBe(200);

  // Neither one's origin nor its secret key opens the other, and a visitor known to both is two.
  const post = (headers: Record<string, string>, visitorId = mine) =>
    app.request('/v1/events', {
      method: 'POST',
      headers,
      body: JSON.stringify({
        siteKey: other.siteKey,
        visitorId,
        events: [makeEvent('purchase', { props: { value: 1 } })],
      }),
    });
  expect((await post({ Origin: ORIGIN })).status).toBe(403);
  expect((await post({ Authorization: `Bearer ${site.secretKey}` })).status).toBe(403);
  expect((await post({ Origin: 'https://other.example' })).status).toBe(200);
  expect(await store.visitor(other.siteKey, mine)).toMatchObject({ stage: 'action', events: 1 });
  expect((await ask('DELETE', `people/${mine}`)).status).toBe(200);

  expect({
    visitor: await visitor(mine),
    events: await ndjson(),
    letters: await store.deadLetters(site.siteKey, 9),
  }).toEqual(before);
  expect((await store.rules(site.siteKey)).at(-1)).toMatchObject({
    rules: { version: 2, tags: { new: expect.anything() } },
  });
  expect(await store.draft(site.siteKey)).toMatchObject({ rules: { name: 'mine' } });
  expect(await store.isForgotten(site.siteKey, mine)).toBe(false);
});
