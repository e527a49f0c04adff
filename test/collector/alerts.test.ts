import { expect, test } from 'vitest';
import type { AlertsReport } from '../../collector/reports/alerts.js';
import { addSite } from '../../collector/site.js';
import type { Site } from '../../collector/store/store.js';
import { ADMIN, makeCollector, makeEvent, newId, NOW } from '../helpers/collector.js';

const DAY = 86_400_000;

async function start() {
  const collector = await makeCollector();
  const { get, site, send, clock } = collector;
  /** So many new visitors, each with a page view, so many days ago. */
  const visit = async (count: number, daysAgo: number, more: object = {}) => {
    clock.now = NOW - daysAgo * DAY;
    for (let at = 0; at < count; at++)
      await send(newId(clock.now), [{ ...makeEvent('page_view', { time: clock.now }), seq: 1, ...more }]);
    clock.now = NOW;
  };
  const alerts = async (query = '') =>
    (await get<AlertsReport>(`sites/${site.siteKey}/reports/alerts${query}`)).alerts.map(
      ({ code, stage, value, before, reason }) => [code, stage, value, before, reason],
    );
  return { ...collector, visit, alerts };
}

test('says nothing of a site at which nothing is odd, nor of one where nothing came yet', async () => {
  const { visit, alerts } = await start();
  expect(await alerts()).toEqual([]);
  for (let day = 20; day > 0; day--) await visit(3, day);
  await visit(1, 0);
  expect(await alerts()).toEqual([]);
});

test('says where a stage is entered much less or more than in the days before, and not where that may be chance', async () => {
  const { visit, alerts } = await start();
  await visit(1, 20);
  await visit(60, 10);
  await visit(20, 4);
  await visit(1, 0);
  expect(await alerts()).toEqual([['fewer', 'awareness', 20, 60, null]]);
  await visit(115, 3);
  expect(await alerts()).toEqual([['more', 'awareness', 135, 60, null]]);
  // Three days and the three before them.
  expect(await alerts('?from=2026-11-19&to=2026-11-21')).toEqual([['more', 'awareness', 115, 20, null]]);
});

test('says nothing of days that are not over, and of a week long past only what belongs to it', async () => {
  const { visit, alerts } = await start();
  await visit(1, 40);
  await visit(60, 5);
  expect(await alerts('?from=2026-11-22&to=2026-11-22')).toEqual([['silent', null, 120, null, null]]);
  expect(await alerts('?from=2026-11-23&to=2026-11-29')).toEqual([['silent', null, 120, null, null]]);
  expect(await alerts('?from=2026-11-01&to=2026-11-07')).toEqual([]);
  expect(await alerts('?from=2026-11-15&to=2026-11-20')).toEqual([['more', 'awareness', 60, 0, null]]);
});

test('cuts days where the clocks go forward at midnight', async () => {
  const { store, site, clock, get, send } = await start();
  await store.updateSite(site.siteKey, { timeZone: 'America/Santiago' });
  const at = async (count: number, time: string) => {
    clock.now = Date.parse(time);
    for (let index = 0; index < count; index++)
      await send(newId(clock.now), [{ ...makeEvent('page_view', { time: clock.now }), seq: 1 }]);
  };
  await at(1, '2026-08-20T12:00:00Z');
  await at(6, '2026-08-26T12:00:00Z');
  // Half past midnight of the first of the seven days; the day after the last begins at one o'clock.
  await at(60, '2026-08-30T04:30:00Z');
  clock.now = Date.parse('2026-09-06T12:00:00Z');
  const ask = async (query: string) =>
    (await get<AlertsReport>(`sites/${site.siteKey}/reports/alerts${query}`)).alerts.filter(({ stage }) => stage);
  const explicit = await ask('?from=2026-08-30&to=2026-09-05');
  expect(explicit).toMatchObject([{ code: 'more', value: 60, before: 6 }]);
  expect(await ask('')).toEqual(explicit);
});

test('counts no refusals of other sites, or of nobody', async () => {
  const { app, store, alerts, visit } = await start();
  await visit(1, 0);
  const other = (await addSite(store, { name: 'Other', origins: ['https://other.example'] }, NOW)) as Site;
  for (let at = 0; at < 30; at++)
    await app.request('/v1/events', {
      method: 'POST',
      headers: { Origin: 'https://other.example' },
      body: at % 2 ? '{' : JSON.stringify({ siteKey: other.siteKey, visitorId: 'x', events: [] }),
    });
  expect(await alerts()).toEqual([]);
});

test('does not hold a week against one before the site was there', async () => {
  const { visit, alerts } = await start();
  await visit(80, 4);
  await visit(1, 0);
  expect(await alerts()).toEqual([]);
});

test('says where nothing comes any more, much is lost, and much is refused', async () => {
  const { visit, alerts, send, app, site, clock } = await start();
  await visit(30, 2, { seq: 5 });
  expect(await alerts()).toEqual([
    ['silent', null, 48, null, null],
    ['loss', null, 0.8, null, null],
  ]);
  for (let at = 0; at < 12; at++)
    await send(newId(), [makeEvent('page_view'), { ...makeEvent('page_view'), time: 'wrong' }]);
  expect(await alerts()).toEqual([
    ['refused', null, 12, null, 'invalid_time'],
    ['loss', null, 0.8, null, null],
  ]);
  const response = await app.request(`/api/sites/${site.siteKey}/dead-letters?limit=5`, {
    headers: { Authorization: `Bearer ${ADMIN}` },
  });
  const { letters } = (await response.json()) as { letters: Array<Record<string, unknown>> };
  expect(letters).toHaveLength(5);
  expect(letters[0]).toMatchObject({ reason: 'invalid_time', receivedAt: NOW });
  expect(letters[0]).not.toHaveProperty('siteKey');
  clock.now += 2 * DAY;
  expect((await alerts()).map(([code]) => code)).toEqual(['silent', 'loss']);
});

test('pages and events that no signal tells apart are listed, the others are not', async () => {
  const { get, site, send } = await start();
  const view = (path: string) => makeEvent('page_view', { url: `https://www.example.com${path}` });
  await send(newId(), [view('/about'), view('/about'), view('/pricing'), makeEvent('quiz_done'), makeEvent('scroll')]);
  await send(newId(), [view('/about'), view('/%E5%85%B3%E4%BA%8E'), makeEvent('purchase')]);
  // What is refused for its amount is known for what it is.
  await send(newId(), [makeEvent('purchase', { props: { value: -1 } })]);
  await send(newId(), [view('/about')], {}, { 'User-Agent': 'AhrefsBot/7.0' });
  const { rows } = await get<{ rows: object[] }>(`sites/${site.siteKey}/reports/unclassified`);
  expect(rows).toEqual([
    { event: 'page_view', path: '/about', people: 2, times: 3 },
    { event: 'page_view', path: '/关于', people: 1, times: 1 },
    { event: 'quiz_done', path: null, people: 1, times: 1 },
  ]);
});
