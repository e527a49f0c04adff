/** What channels cost, as it is said in tables, in Chinese, and of sources that were given another channel. */
import { expect, test } from 'vitest';
import { addUp, nameChannels, readCosts } from '../../collector/jobs/costs.js';
import type { AttributionReport } from '../../collector/reports/attribution.js';
import { ADMIN, makeCollector, makeEvent, newId, ORIGIN, type TestCollector } from '../helpers/collector.js';

const site = { channels: { partnerx: '合作伙伴' } };

test('a Chinese table is read: its columns, channels, days and amounts', () => {
  const costs = readCosts('日期,渠道,花费,活动\n2026/1/5,付费搜索,"¥1,200.50",双十一\n2026/11/30,合作伙伴,￥3,\n');
  expect(nameChannels(site, costs as never)).toEqual({
    costs: [
      { day: '2026-01-05', channel: 'Paid Search', campaign: '双十一', cost: 1200.5 },
      { day: '2026-11-30', channel: '合作伙伴', cost: 3 },
    ],
    unknown: [],
  });
});

test.each(['1,20', '12,3456', '-5', '¥', '1.2.3', '"1,2,3"'])('%s is no amount', (amount) => {
  expect(readCosts(`day,channel,cost\n2026-01-05,Email,${amount}\n`)).toMatch(/cost: expected an amount|as many cells/);
});

test('a name behind the mark that keeps spreadsheets from taking it for a formula is the name', () => {
  expect(readCosts("day,channel,source,campaign,cost\n2026-01-05,Email,'@news,'+spring,10\n")).toEqual([
    { day: '2026-01-05', channel: 'Email', source: '@news', campaign: '+spring', cost: 10 },
  ]);
});

test('of one day and the same names costs add up, until they are taken back', () => {
  const cost = (amount: number | null) => ({ day: '2026-01-05', channel: 'Email', cost: amount });
  expect(addUp([cost(10), cost(5)])).toEqual([cost(15)]);
  expect(addUp([cost(10), cost(null)])).toEqual([cost(null)]);
  expect(addUp([cost(null), cost(5)])).toEqual([cost(5)]);
});

const ask = async ({ app, site: { siteKey } }: TestCollector, method: string, path: string, body?: object) => {
  const headers = { Authorization: `Bearer ${ADMIN}` };
  const response = await app.request(`/api/sites/${siteKey}${path}`, {
    method,
    headers,
    ...(body && { body: JSON.stringify(body) }),
  });
  return [response.status, await response.json()];
};

test('what a source cost goes with it into the channel that it is given', async () => {
  const collector = await makeCollector();
  const { send, get, site: own } = collector;
  const source = { utm_source: 'partnerx' };
  for (let index = 0; index < 3; index++) await send(newId(), [makeEvent('page_view', { source })]);
  const cost = { day: '2026-11-22', channel: 'Unassigned', source: 'partnerx', cost: 20 };
  expect(await ask(collector, 'PUT', '/costs', { costs: [cost, { ...cost, cost: 10 }] })).toMatchObject([
    200,
    { costs: 1 },
  ]);
  const rows = async () => {
    const report = await get<AttributionReport>(`sites/${own.siteKey}/reports/attribution?stage=awareness`);
    return report.channels.map((row) => [row.channel, row.sessions, row.cost, row.cac?.linear ?? null]);
  };
  expect(await rows()).toEqual([['Unassigned', 3, 30, 10]]);
  await ask(collector, 'PATCH', '', { channels: { partnerx: 'Affiliates' } });
  expect(await rows()).toEqual([['Affiliates', 3, 30, 10]]);
  // Whatever the letter case.
  expect(await ask(collector, 'DELETE', '/costs/unassigned?source=partnerx')).toEqual([200, { removed: 1 }]);
});

test('the loss is told of the channel that a source was given', async () => {
  const collector = await makeCollector();
  const { send, get, site: own } = collector;
  await send(newId(), [makeEvent('page_view', { source: { utm_source: 'partnerx' }, url: `${ORIGIN}/a` })]);
  const channels = async () => {
    const { byChannel } = await get<{ byChannel: Array<{ channel: string }> }>(`sites/${own.siteKey}/reports/loss`);
    return byChannel.map(({ channel }) => channel);
  };
  expect(await channels()).toEqual(['Unassigned']);
  await ask(collector, 'PATCH', '', { channels: { partnerx: 'Affiliates' } });
  expect(await channels()).toEqual(['Affiliates']);
  const { count } = await get<{ count: number }>(
    `sites/${own.siteKey}/visitors?counted=loss:channel:Affiliates&from=2026-11-22&to=2026-11-22`,
  );
  expect(count).toBe(1);
});
