/** What was given back is no revenue. */
import { expect, test } from 'vitest';
import type { RfmReport } from '../../collector/reports/customers.js';
import type { ValueReport } from '../../collector/reports/value.js';
import { makeCollector, makeEvent, newId, NOW } from '../helpers/collector.js';
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
