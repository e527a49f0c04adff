/** Orders that count for less than they say: stored, shown with the reason, and never counted or counted twice. */
import { expect, test } from 'vitest';
import type { FunnelReport } from '../../collector/reports/funnel.js';
import type { ValueReport } from '../../collector/reports/value.js';
import { makeCollector, makeEvent, newId, NOW } from '../helpers/collector.js';
import { generalDocument, rulesOf } from '../helpers/rules.js';

test('amounts below zero, other currencies and repeated orders are shown with the reason', async () => {
  const { send, get, putRules, site, visitor } = await makeCollector();
  await putRules({ ...generalDocument, currency: 'EUR' });
  const id = newId();
  const buy = (minute: number, props: object) =>
    makeEvent('purchase', { time: NOW - 3_600_000 + minute * 60_000, props: props as never });
  await send(id, [
    buy(0, { transaction_id: 'a', value: 10, currency: 'EUR' }),
    buy(1, { transaction_id: 'a', value: 10, currency: 'EUR' }),
    buy(2, { transaction_id: 'b', value: 1000, currency: 'JPY' }),
    buy(3, { transaction_id: 'c', value: -3, currency: 'EUR' }),
    buy(4, { transaction_id: 'd', value: [7] }),
    buy(5, { transaction_id: 'e', value: 5, currency: 'eur' }),
    buy(6, { transaction_id: 'f', value: 2 }),
    buy(7, { transaction_id: 'g', value: 4, currency: 'XXX_UNKNOWN' }),
    buy(8, {}),
    // What somebody made up to break it.
    buy(9, { value: 8, currency: { toString: 1, valueOf: 1 } }),
    buy(10, { transaction_id: { toString: 1, valueOf: 1 }, value: -1 }),
    buy(11, { value: 3, currency: '' }),
  ]);
  const { events } = (await visitor(id)) as unknown as {
    events: Array<{ time: number; name: string; uncounted?: string }>;
  };
  const reasons = events
    .filter(({ name }) => name === 'purchase')
    .sort((a, b) => a.time - b.time)
    .map(({ uncounted }) => uncounted);
  expect(reasons).toEqual([
    undefined,
    'repeated',
    'currency',
    'amount',
    'amount',
    undefined,
    undefined,
    'currency',
    undefined,
    'currency',
    'amount',
    undefined,
  ]);
  const value = await get<ValueReport>(`sites/${site.siteKey}/reports/value`);
  expect(value).toMatchObject({ revenue: 20, orders: 5 });
});

test('an amount that one signal counts is not said not to count, and an order without an id repeats none', async () => {
  const { send, putRules, visitor } = await makeCollector();
  await putRules({
    signals: {
      order: { event: 'purchase', value: 'props.value' },
      subscription: { event: 'purchase', value: 'props.fee', props: { kind: { eq: 'subscription' } } },
      tip: { event: 'purchase', value: 'props.tip' },
    },
    stages: { action: { when: { signal: 'order' } } },
  });
  const id = newId();
  await send(id, [
    makeEvent('purchase', { props: { transaction_id: 'undefined', value: 5 } }),
    makeEvent('purchase', { time: NOW + 1, props: { value: 9, tip: 'none', fee: 'free' } }),
  ]);
  const { events } = (await visitor(id)) as unknown as { events: Array<{ uncounted?: string }> };
  expect(events.map(({ uncounted }) => uncounted)).toEqual([undefined, undefined]);
});

test('an amount of null is none that counts, as a page that was given NaN has it', async () => {
  const { send, visitor } = await makeCollector();
  const id = newId();
  await send(id, [makeEvent('page_view'), makeEvent('purchase', { time: NOW + 1, props: { value: null } as never })]);
  const seen = (await visitor(id)) as unknown as { stage: string; events: Array<{ uncounted?: string }> };
  expect(seen.stage).toBe('awareness');
  expect(seen.events.map(({ uncounted }) => uncounted)).toEqual([undefined, 'amount']);
});

test('rules with a currency are for the full build of the tag, where an amount adds up; others are not', () => {
  expect(rulesOf({ ...generalDocument, currency: 'EUR' }).full).toBe(true);
  expect(rulesOf(generalDocument).full).toBeUndefined();
  expect(
    rulesOf({
      currency: 'EUR',
      signals: { visit: { event: 'page_view' } },
      stages: { interest: { when: { signal: 'visit' } } },
    }).full,
  ).toBeUndefined();
});

test('what is refused for its amount or its currency does not stand for its transaction', async () => {
  const { send, visitor, putRules } = await makeCollector();
  await putRules({
    currency: 'EUR',
    signals: { buys: { event: 'purchase' }, order: { event: 'purchase', value: 'props.value' } },
    stages: { action: { when: { signal: 'order', value: { gte: 100 } } } },
  });
  const order = (value: unknown, currency: string, minute: number) =>
    makeEvent('purchase', {
      time: NOW - 3_600_000 + minute * 60_000,
      props: { transaction_id: 't', value, currency } as never,
    });
  for (const refused of [order(-1, 'EUR', 1), order('n/a', 'EUR', 1), order(100, 'USD', 1)]) {
    const id = newId();
    await send(id, [refused]);
    await send(id, [order(100, 'EUR', 2), order(100, 'EUR', 3)]);
    const { stage, facts } = await visitor(id);
    expect(stage).toBe('action');
    const sum = (of: object) => Object.values(of).reduce((all: number, each) => all + (each as number), 0);
    expect([sum(facts.signals.order!), sum(facts.signals.buys!)]).toEqual([1, 1]);
  }
});

test('an order that is told twice in the same moment is one, and another at that time is another', async () => {
  const { send, putRules, get, site } = await makeCollector();
  await putRules({
    signals: {
      visit: { event: 'page_view' },
      order: { event: ['purchase', 'thanks', 'page_view'], props: { transaction_id: { exists: true } } },
    },
    stages: { action: { when: { signal: 'order' } } },
  });
  const order = (name: string, transaction_id: string, time = NOW - 1000) =>
    makeEvent(name, { time, props: { transaction_id } });
  const first = makeEvent('page_view', { time: NOW - 5000 });
  await send(newId(), [first, order('purchase', 'a'), order('thanks', 'a')]);
  await send(newId(), [
    { ...first, id: newId() },
    order('purchase', 'b'),
    order('thanks', 'b'),
    order('purchase', 'c'),
  ]);
  // A page that is told by hand, and anew.
  await send(newId(), [{ ...first, id: newId() }, order('page_view', 'd'), order('page_view', 'd', NOW - 500)]);
  const steps = async (query: string) =>
    (await get<FunnelReport>(`sites/${site.siteKey}/reports/funnel?${query}`)).steps.map(({ visitors }) => visitors);
  expect(await steps('steps=signal:visit,signal:order,signal:order')).toEqual([3, 3, 1]);
  expect(await steps('steps=signal:visit,signal:order&hold=props.transaction_id')).toEqual([1, 0]);
  const did = `sites/${site.siteKey}/visitors?did=signal:order&from=2026-01-01&to=2026-12-31`;
  expect((await get<{ count: number }>(did)).count).toBe(3);
});

test('a repeated order is no step of a funnel, and nothing that anybody did', async () => {
  const { send, putRules, get, site } = await makeCollector();
  await putRules({
    signals: { visit: { event: 'page_view' }, order: { event: ['purchase', 'order_paid'], value: 'props.value' } },
    stages: { action: { when: { signal: 'order' } } },
  });
  const day = 86_400_000;
  const order = (name: string, time: number, transaction_id?: string) =>
    makeEvent(name, { time, props: { value: 5, ...(transaction_id !== undefined && { transaction_id }) } });
  // One who loaded the page anew, one who bought twice, one who bought twice without a name for it.
  await send(newId(), [order('purchase', NOW - 2 * day, 'a'), order('order_paid', NOW - 60_000, 'a')]);
  await send(newId(), [order('purchase', NOW - 2 * day, 'b'), order('purchase', NOW - 60_000, 'c')]);
  await send(newId(), [order('purchase', NOW - 2 * day, ''), order('purchase', NOW - 60_000, '')]);
  const steps = async (query: string) =>
    (await get<FunnelReport>(`sites/${site.siteKey}/reports/funnel?${query}`)).steps.map(({ visitors }) => visitors);
  expect(await steps('steps=signal:order,signal:order')).toEqual([3, 2]);
  expect(await steps('steps=signal:order,signal:order&order=strict')).toEqual([3, 2]);
  expect(await steps('steps=signal:order,event:order_paid')).toEqual([3, 1]);
  const today = new Date(NOW).toISOString().slice(0, 10);
  expect(await steps(`steps=signal:order,signal:visit&from=${today}&to=${today}`)).toEqual([2, 0]);
  const did = async (query: string) =>
    (await get<{ count: number }>(`sites/${site.siteKey}/visitors?did=${query}&from=${today}&to=${today}`)).count;
  expect(await did('signal:order')).toBe(2);
  expect(await did('event:order_paid')).toBe(1);
});

test('an order that the shop’s server tells again under another name is shown as repeated', async () => {
  const { send, visitor, putRules } = await makeCollector();
  await putRules({
    signals: {
      order: { event: ['purchase', 'order_paid'], value: 'props.value' },
      thanks: { event: 'order_paid' },
    },
    stages: { action: { when: { signal: 'order' } } },
  });
  const id = newId();
  const order = (name: string, minute: number) =>
    makeEvent(name, { time: NOW - 3_600_000 + minute * 60_000, props: { transaction_id: 't', value: 5 } });
  await send(id, [order('order_paid', 1)]);
  await send(id, [order('purchase', 0)]);
  const { events, facts } = (await visitor(id)) as unknown as {
    events: Array<{ name: string; uncounted?: string }>;
    facts: { values: Record<string, Record<string, number>> };
  };
  expect(Object.fromEntries(events.map(({ name, uncounted }) => [name, uncounted]))).toEqual({
    order_paid: 'repeated',
    purchase: undefined,
  });
  expect(Object.values(facts.values.order!)).toEqual([50_000]);
});
