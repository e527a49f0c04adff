/** Whose sessions are credited with what a user did, where it turned out later that several visitors are one. */
import { createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import { makeCollector, makeEvent, newId, NOW, ORIGIN, type TestCollector } from '../helpers/collector.js';

const DAY = 86_400_000;
const MINUTE = 60_000;

const RULES = {
  signals: {
    visit: { event: 'page_view' },
    order: { event: 'purchase', once: 'transaction_id', sum: 'value' },
  },
  stages: { awareness: { when: { signal: 'visit' } }, action: { when: { signal: 'order' } } },
};

interface Row {
  channel: string;
  sessions: number;
  linear: number;
}

/** Each channel with its credit, of those that have some. @param of a stage or a signal */
async function creditsOf({ get, site, clock }: TestCollector, of: string): Promise<Record<string, number>> {
  clock.now = NOW;
  const path = `sites/${site.siteKey}/reports/attribution?${of}&from=2020-01-01`;
  const { channels } = await get<{ channels: Row[] }>(path);
  return Object.fromEntries(channels.filter(({ linear }) => linear).map(({ channel, linear }) => [channel, linear]));
}

/** A site to which visitors come, and where some turn out to be a user. */
async function openShop() {
  const collector = await makeCollector();
  const { send, clock, site, putRules } = collector;
  await putRules(RULES);
  const proof = createHmac('sha256', site.secretKey).update('u1').digest('hex');
  const come = async (
    visitorId: string,
    daysAgo: number,
    { query = '', order, isUser }: { query?: string; order?: string; isUser?: boolean },
  ) => {
    const at = NOW - daysAgo * DAY;
    clock.now = at + MINUTE;
    const sessionId = newId();
    const event = (name: string, time: number, props?: Record<string, string | number>) =>
      makeEvent(name, { time, sessionId, url: `${ORIGIN}/${query}`, ...(props && { props }) });
    await send(visitorId, [
      event('page_view', at),
      ...(order ? [event('purchase', at + 1000, { transaction_id: order, value: 10, currency: 'EUR' })] : []),
    ]);
    if (!isUser) return;
    clock.now = at + 3 * MINUTE;
    await send(visitorId, [event('identify', at + 2 * MINUTE)], { userId: 'u1', proof });
  };
  return { collector, come };
}

test('that two visitors are one, as it turns out later, changes nothing of what was credited', async () => {
  const { collector, come } = await openShop();
  const [phone, tablet, laptop] = [newId(), newId(), newId()];
  await come(tablet, 12, { query: '?utm_source=news&utm_medium=email', isUser: true });
  await come(phone, 10, { query: '?gclid=1' });
  // It becomes known whose the laptop is in the visit in which it orders.
  await come(laptop, 5, { query: '?fbclid=1', order: 'one', isUser: true });
  const first = { Email: 0.5, 'Organic Social': 0.5 };
  expect(await creditsOf(collector, 'stage=action')).toEqual(first);
  expect(await creditsOf(collector, 'signal=order')).toEqual(first);

  await come(phone, 2, { isUser: true });
  expect(await creditsOf(collector, 'stage=action')).toEqual(first);
  expect(await creditsOf(collector, 'signal=order')).toEqual(first);

  // What comes after that is the work of all.
  await come(laptop, 1, { order: 'two' });
  const all = await creditsOf(collector, 'signal=order');
  expect(all['Paid Search']).toBeGreaterThan(0);
  expect(Object.values(all).reduce((sum, each) => sum + each, 0)).toBeCloseTo(2);
});

test('a proof that arrives late holds from when it was said', async () => {
  const { collector, come } = await openShop();
  const [phone, laptop] = [newId(), newId()];
  await come(phone, 10, { query: '?gclid=1' });
  await come(laptop, 5, { query: '?fbclid=1', order: 'one', isUser: true });
  await come(phone, 2, { isUser: true });
  expect(await creditsOf(collector, 'stage=action')).toEqual({ 'Organic Social': 1 });
  await come(phone, 9, { isUser: true });
  const both = await creditsOf(collector, 'stage=action');
  expect(Object.keys(both).sort()).toEqual(['Direct', 'Organic Social', 'Paid Search']);
});
