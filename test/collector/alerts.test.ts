import { expect, test } from 'vitest';
import type { AlertsReport } from '../../collector/reports/alerts.js';
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
