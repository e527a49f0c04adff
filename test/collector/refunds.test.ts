/** What was given back is no revenue. */
import { expect, test } from 'vitest';
import type { AttributionReport } from '../../collector/reports/attribution.js';
import type { RfmReport } from '../../collector/reports/customers.js';
import type { ValueReport } from '../../collector/reports/value.js';
import { ADMIN, makeCollector, makeEvent, newId, NOW } from '../helpers/collector.js';
import { templateDocument } from '../helpers/rules.js';

const DAY = 86_400_000;

test('refunds are taken off what was bought, the latest orders before them first, and no more than was paid', async () => {
  const { send, get, putRules, site } = await makeCollector();
  await putRules(templateDocument('retail'));
  const buy = (daysAgo: number, value: number, id: string) =>
    makeEvent('purchase', { time: NOW - daysAgo * DAY, props: { transaction_id: id, value } });
  const back = (daysAgo: number, value: unknown) =>
    makeEvent('refund', { time: NOW - daysAgo * DAY, props: { value } as never });
  // Of 150 and a later 40, 120 came back before that; an amount below zero counts for nothing.
  await send(newId(), [buy(9, 100, 'a'), buy(7, 50, 'b'), buy(2, 40, 'c'), back(5, 120), back(4, -7)]);
  // More came back than was ever paid.
  await send(newId(), [buy(3, 20, 'd'), back(1, 500)]);
  const report = <T>(name: string) => get<T>(`sites/${site.siteKey}/reports/${name}`);
  const value = await report<ValueReport>('value');
  expect(value).toMatchObject({ buyers: 2, orders: 4, revenue: 30 + 40, refunded: 120 + 20, averageOrder: 70 / 4 });
  const rfm = await report<RfmReport>('rfm');
  expect(rfm).toMatchObject({ buyers: 2, revenue: 70 });
  expect(rfm.groups.reduce((sum, { revenue }) => sum + revenue, 0)).toBe(70);
});

test('a refund is taken off once, and off purchases alone', async () => {
  const { send, get, putRules, site } = await makeCollector();
  const retail = templateDocument('retail');
  await putRules({
    ...retail,
    signals: {
      ...retail.signals,
      big_refund: { event: 'refund', value: 'props.value', props: { value: { gte: 10 } } },
      lead: { event: 'generate_lead', value: 'props.value' },
    },
  });
  const at = (name: string, minute: number, value: number) =>
    makeEvent(name, { time: NOW - DAY + minute * 60_000, props: { value } });
  await send(newId(), [at('generate_lead', 0, 50), at('purchase', 1, 100), at('refund', 2, 20)]);
  const value = (signal: string) => get<ValueReport>(`sites/${site.siteKey}/reports/value?signal=${signal}`);
  expect(await value('order')).toMatchObject({ revenue: 80, refunded: 20 });
  expect(await value('lead')).toMatchObject({ revenue: 50, refunded: 0 });
  expect(await value('refund')).toMatchObject({ revenue: 20, refunded: 0 });
});

test('an order without an id is credited to its own session, not to that in which another was told again', async () => {
  const { send, get, putRules, site } = await makeCollector();
  await putRules(templateDocument('retail'));
  const day = NOW - (NOW % DAY) - 2 * DAY;
  const at = (name: string, time: number, sessionId: string, more: object = {}) =>
    makeEvent(name, { time, sessionId, ...more });
  const HOUR = DAY / 24;
  await send(newId(), [
    at('purchase', day - 3 * DAY, 's1', { props: { transaction_id: 'T1', value: 10 } }),
    at('page_view', day + 8 * HOUR, 's2', { source: { utm_source: 'letter', utm_medium: 'email' } }),
    at('purchase', day + 8 * HOUR + 1, 's2', { props: { transaction_id: 'T1', value: 10 } }),
    at('page_view', day + 20 * HOUR, 's3', { source: { gclid: 'x' } }),
    at('purchase', day + 20 * HOUR + 1, 's3', { props: { value: 99 } }),
  ]);
  const on = new Date(day).toISOString().slice(0, 10);
  const { entries, channels } = await get<AttributionReport>(
    `sites/${site.siteKey}/reports/attribution?signal=order&from=${on}&to=${on}`,
  );
  const credited = channels
    .filter(({ last }) => last)
    .map(({ channel, last, revenue }) => [channel, last, revenue!.last]);
  expect([entries, credited]).toEqual([1, [['Paid Search', 1, 99]]]);
});

test('a refund that names its order is taken off that one where orders are credited', async () => {
  const { send, get, putRules, site } = await makeCollector();
  await putRules(templateDocument('retail'));
  const at = (name: string, daysAgo: number, id: string, value: number) =>
    makeEvent(name, { time: NOW - daysAgo * DAY, props: { transaction_id: id, value } });
  await send(newId(), [
    makeEvent('page_view', { time: NOW - 9 * DAY }),
    at('purchase', 8, 'a', 100),
    at('purchase', 2, 'b', 40),
    at('refund', 1, 'a', 90),
  ]);
  const day = (ago: number) => new Date(NOW - ago * DAY).toISOString().slice(0, 10);
  const revenueOf = async (ago: number) => {
    const range = `from=${day(ago)}&to=${day(ago)}`;
    const path = `sites/${site.siteKey}/reports/attribution?signal=order&${range}`;
    const { channels } = await get<AttributionReport>(path);
    return channels.map(({ revenue }) => revenue!.linear);
  };
  expect([await revenueOf(8), await revenueOf(2)]).toEqual([[10], [40]]);
});

test('of a site that sells nothing the reports on buyers are empty, and only a signal that is named is refused', async () => {
  const { app, get, site, putRules } = await makeCollector();
  await putRules({ signals: { visit: { event: 'page_view' } }, stages: { awareness: { when: { signal: 'visit' } } } });
  for (const name of ['rfm', 'value']) {
    const path = `sites/${site.siteKey}/reports/${name}`;
    expect(await get(path)).toMatchObject({ signal: null, buyers: 0 });
    const headers = { Authorization: `Bearer ${ADMIN}` };
    expect((await app.request(`/api/${path}?signal=visit`, { headers })).status).toBe(400);
  }
});
