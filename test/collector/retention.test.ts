import { expect, test } from 'vitest';
import { tend } from '../../collector/app.js';
import { workOn } from '../../collector/work.js';
import { ADMIN, makeCollector, makeEvent, newId, NOW, type TestCollector } from '../helpers/collector.js';

const DAY = 86_400_000;

const change = ({ app, site }: TestCollector, body: object) =>
  app.request(`/api/sites/${site.siteKey}`, {
    method: 'PATCH',
    headers: { Authorization: `Bearer ${ADMIN}` },
    body: JSON.stringify(body),
  });

test('old events go, what they counted stays, also when everything is made anew, and late ones are refused', async () => {
  const collector = await makeCollector();
  const { send, ndjson, visitor, store, site, clock, putRules, get } = collector;
  const work = workOn(store, () => clock.now);
  const [id, alone] = [newId(), newId()];
  const at = (days: number) => ({ time: NOW - days * DAY });
  await send(id, [makeEvent('purchase', { ...at(40), props: { transaction_id: 'a' } }), makeEvent('page_view', at(2))]);
  await send(alone, [makeEvent('purchase', at(29)), makeEvent('purchase', at(30))]);
  expect(await visitor(id)).toMatchObject({ stage: 'action' });
  expect(await visitor(alone)).toMatchObject({ stage: 'loyalty' });
  const before = await visitor(id);

  expect((await change(collector, { retentionDays: 30 })).status).toBe(200);
  await work.expire(clock.now);
  expect((await ndjson()).map(({ time }) => (NOW - time) / DAY).sort((a, b) => a - b)).toEqual([2, 29]);
  expect(await visitor(id)).toEqual({ ...before, events: [expect.objectContaining({ name: 'page_view' })] });

  const rules = await get<{ version: number }>(`sites/${site.siteKey}/rules`);
  expect((await putRules(rules)).status).toBe(200);
  await store.markStale(site.siteKey);
  const after = await visitor(id);
  expect(after.facts).toEqual(before.facts);
  expect(after).toMatchObject({ stage: 'action', rules: 2 });
  expect(await visitor(alone)).toMatchObject({ stage: 'loyalty' });

  // The same order again counts once, though its event is gone; one that is too old is not taken, and not kept as a letter.
  const again = makeEvent('purchase', { ...at(1), props: { transaction_id: 'a' } });
  const late = makeEvent('purchase', { ...at(31), title: 'planted' });
  const answer = (await (await send(id, [again, late])).json()) as { accepted: number; rejected: object[] };
  expect(answer).toMatchObject({
    accepted: 1,
    rejected: [{ id: late.id, reason: 'expired' }],
    visitor: { stage: 'action' },
  });
  expect(JSON.stringify(await store.deadLetters(site.siteKey, 99))).not.toContain('planted');

  // What was let go is not taken back by keeping more from now on.
  expect((await change(collector, { retentionDays: null })).status).toBe(200);
  expect(await (await send(id, [makeEvent('purchase', at(35))])).json()).toMatchObject({
    rejected: [{ reason: 'expired' }],
  });
  clock.now += 10 * DAY;
  await work.expire(clock.now);
  expect(await ndjson()).toHaveLength(3);
});

test('a collector inside another server keeps no more than it may, where it is tended', async () => {
  const collector = await makeCollector();
  const { send, ndjson, store, site, clock } = collector;
  expect((await change(collector, { retentionDays: 30 })).status).toBe(200);
  await send(newId(), [makeEvent('page_view'), { id: 'none' }]);
  await store.addJob(site.siteKey, 1);
  clock.now += 20 * DAY;
  await tend({ store, now: () => clock.now });
  expect([(await ndjson()).length, await store.deadLetters(site.siteKey, 9), await store.runningJobs()]).toEqual([
    1,
    [],
    [],
  ]);
  clock.now += 20 * DAY;
  await tend({ store, now: () => clock.now });
  expect(await ndjson()).toEqual([]);
});

test('a replay in the middle of it counts nothing twice', async () => {
  const { send, visitor, store, site } = await makeCollector();
  const id = newId();
  await send(id, [makeEvent('page_view', { time: NOW - 40 * DAY }), makeEvent('page_view')]);
  const { facts } = await visitor(id);
  // Removing has begun, and has removed nothing yet.
  const expiring = store.expireEvents(site.siteKey, Math.floor(NOW / DAY) - 29);
  await store.markStale(site.siteKey);
  expect((await visitor(id)).facts).toEqual(facts);
  expect(await expiring).toBe(1);
  await store.markStale(site.siteKey);
  expect((await visitor(id)).facts).toEqual(facts);
});

test('a site is changed in part, and not by what makes no sense', async () => {
  const collector = await makeCollector();
  const { app, store, site } = collector;
  for (const [body, words] of [
    [{ retentionDays: 29 }, /retentionDays: expected/],
    [{ retentionDays: '90' }, /retentionDays: expected/],
    [{ origins: [] }, /origins: expected/],
    [{ timeZone: 'Mars' }, /timeZone: expected/],
    [{ name: ' ' }, /name: expected/],
    [[], /JSON object/],
  ] as const) {
    const response = await change(collector, body);
    expect(response.status).toBe(400);
    expect(((await response.json()) as { error: string }).error).toMatch(words);
  }
  expect((await change(collector, { name: 'New', origins: ['https://new.example/path'], siteKey: 'x' })).status).toBe(
    200,
  );
  expect(await store.site(site.siteKey)).toEqual({ ...site, name: 'New', origins: ['https://new.example'] });
  const nowhere = await app.request('/api/sites/st_none', {
    method: 'PATCH',
    headers: { Authorization: `Bearer ${ADMIN}` },
    body: '{}',
  });
  expect(nowhere.status).toBe(404);
});

test('a day that a wrong clock set refuses nothing, and a report says from which day on single events are there', async () => {
  const collector = await makeCollector();
  const { send, store, site, clock, get } = collector;
  const work = workOn(store, () => clock.now);
  await change(collector, { retentionDays: 30 });
  await send(newId(), [makeEvent('page_view')]);
  const heading = () =>
    get<{ exactFrom: string | null }>(`sites/${site.siteKey}/reports/content?from=2026-10-01&to=2026-11-22`);
  expect(await heading()).toMatchObject({ exactFrom: null });
  await work.expire(NOW);
  expect(await heading()).toMatchObject({ exactFrom: '2026-10-24' });
  expect(await get(`sites/${site.siteKey}/reports/content?from=2026-10-24`)).toMatchObject({ exactFrom: null });
  await work.expire(NOW + 365 * DAY);
  const answer = await (await send(newId(), [makeEvent('page_view')])).json();
  expect(answer).toMatchObject({ accepted: 1, rejected: [] });
});
