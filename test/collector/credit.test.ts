/** Whose sessions are credited with what a user did, where it turned out later that several visitors are one. */
import { createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import { tend } from '../../collector/app.js';
import { ADMIN, makeCollector, makeEvent, newId, NOW, ORIGIN, type TestCollector } from '../helpers/collector.js';

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
    { query = '', order, isUser, aheadMs = 0 }: { query?: string; order?: string; isUser?: boolean; aheadMs?: number },
  ) => {
    const at = NOW - daysAgo * DAY;
    clock.now = aheadMs ? at + 1000 - aheadMs : at + MINUTE;
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

test.each([300, 2000])('credit stays where the clock of the browser was %s ms ahead as it ordered', async (aheadMs) => {
  const { collector, come } = await openShop();
  const [phone, laptop] = [newId(), newId()];
  await come(laptop, 6, { isUser: true });
  await come(phone, 5.5, { query: '?gclid=1' });
  await come(laptop, 5, { query: '?fbclid=1', order: 'one', aheadMs });
  const first = await creditsOf(collector, 'stage=action');
  expect(Object.keys(first).sort()).toEqual(['Direct', 'Organic Social']);
  await come(phone, 2, { isUser: true });
  expect(await creditsOf(collector, 'stage=action')).toEqual(first);
  // Steps come in their order too.
  const { steps } = await collector.get<{ steps: Array<{ visitors: number }> }>(
    `sites/${collector.site.siteKey}/reports/funnel?steps=signal:order,stage:action&from=2020-01-01`,
  );
  expect(steps.map(({ visitors }) => visitors)).toEqual([1, 1]);
});

test('credit stays once the events of that day are not kept any more', async () => {
  const { collector, come } = await openShop();
  const { app, site, store } = collector;
  const [phone, laptop] = [newId(), newId()];
  await come(phone, 60, { query: '?gclid=1' });
  await come(laptop, 55, { query: '?fbclid=1', order: 'one', isUser: true });
  await come(phone, 40, { isUser: true });
  expect(await creditsOf(collector, 'stage=action')).toEqual({ 'Organic Social': 1 });
  const body = JSON.stringify({ retentionDays: 30 });
  const headers = { Authorization: `Bearer ${ADMIN}` };
  expect((await app.request(`/api/sites/${site.siteKey}`, { method: 'PATCH', headers, body })).status).toBe(200);
  await tend({ store, now: () => NOW });
  expect(await collector.ndjson()).toEqual([]);
  expect(await creditsOf(collector, 'stage=action')).toEqual({ 'Organic Social': 1 });
  expect(await creditsOf(collector, 'signal=order')).toEqual({ 'Organic Social': 1 });
});

test('credit stays where a batch of the server without events links a visitor', async () => {
  const { collector, come } = await openShop();
  const [phone, laptop] = [newId(), newId()];
  await come(phone, 10, { query: '?gclid=1' });
  await come(laptop, 5, { query: '?fbclid=1', order: 'one', isUser: true });
  collector.clock.now = NOW - DAY;
  const { secretKey } = collector.site;
  await collector.send(phone, [], { userId: 'u1' }, { Authorization: `Bearer ${secretKey}`, Origin: '' });
  await come(phone, 0.5, {});
  expect(((await collector.visitor(phone)) as unknown as { others: object[] }).others).toHaveLength(1);
  expect(await creditsOf(collector, 'stage=action')).toEqual({ 'Organic Social': 1 });
});

test('the list tells the score that is left by now, and who reached a stage is whom the number counts', async () => {
  const { collector, come } = await openShop();
  const { app, site, get, putRules } = collector;
  await putRules({ ...RULES, score: { weights: { order: 40 }, halfLife: 7 } });
  const [phone, laptop] = [newId(), newId()];
  await come(laptop, 9, { isUser: true });
  await come(phone, 8, { order: 'one', isUser: true });
  collector.clock.now = NOW;
  const listed = async (query = '') =>
    await get<{ visitors: Array<{ visitorId: string; score: number }>; count: number }>(
      `sites/${site.siteKey}/visitors${query}`,
    );
  const { score } = (await collector.visitor(phone)) as unknown as { score: number };
  expect(score).toBeLessThan(40);
  expect((await listed()).visitors.map((each) => each.score)).toEqual([score, score]);
  expect((await listed('?stage=action')).visitors.map((each) => each.score)).toEqual([score, score]);

  const headers = { Authorization: `Bearer ${ADMIN}` };
  await app.request(`/api/sites/${site.siteKey}/visitors/${phone}/link`, { method: 'DELETE', headers });
  const { funnel } = await get<{ funnel: Array<{ stage: string; visitors: number }> }>(
    `sites/${site.siteKey}/reports/stages`,
  );
  const reached = funnel.find(({ stage }) => stage === 'action')!.visitors;
  expect(reached).toBe(1);
  expect((await listed('?counted=stages:reached:action')).count).toBe(reached);
});
