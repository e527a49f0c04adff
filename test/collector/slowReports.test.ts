import { expect, test } from 'vitest';
import { SlowReports } from '../../collector/reports/slowReports.js';
import type { Site } from '../../collector/store/store.js';
import { makeCollector, makeEvent, newId, ADMIN } from '../helpers/collector.js';

const site = (siteKey: string, more: object = {}) =>
  ({ siteKey, rulesVersion: 1, timeZone: 'UTC', channels: {}, ...more }) as Site;

/** Reports that take as long as is said, by a clock of their own; each tells how many were made before it. */
function start(tookMs: number) {
  const clock = { now: 1_000_000, tookMs, made: 0, fails: false };
  const reports = new SlowReports(
    async (name, _, query, now) => {
      const count = ++clock.made;
      if (clock.fails) throw new Error('gone');
      clock.now += clock.tookMs;
      return { name, query, count, asOf: now };
    },
    () => clock.now,
  );
  return { reports, clock };
}

test('what is quick is made anew each time', async () => {
  const { reports } = start(500);
  for (const count of [1, 2, 3]) expect(await reports.get('flow', site('a'), {})).toMatchObject({ count });
});

test('what is slow is given out as it was, once it is not new any more, while the next is made', async () => {
  const { reports, clock } = start(10_000);
  const ask = () => reports.get('flow', site('a'), { from: '2026-01-01' });
  const first = await ask();
  expect(first).toEqual({ name: 'flow', query: { from: '2026-01-01' }, count: 1, asOf: 1_000_000 });
  // It took ten seconds: twenty after it was begun it is as good as new.
  clock.now += 5000;
  expect(await ask()).toEqual(first);
  clock.now += 10_000;
  const [second, same] = await Promise.all([ask(), ask()]);
  expect([second, same]).toEqual([
    { ...(first as object), updating: true },
    { ...(first as object), updating: true },
  ]);
  await new Promise(setImmediate);
  // Made once for both.
  expect(clock.made).toBe(2);
  expect(await ask()).toMatchObject({ count: 2, asOf: 1_025_000 });
  expect(await ask()).not.toHaveProperty('updating');
});

test('what is asked otherwise, of another site, or under other rules, is another report', async () => {
  const { reports, clock } = start(10_000);
  await reports.get('flow', site('a'), {});
  await reports.get('flow', site('b'), {});
  await reports.get('flow', site('a', { rulesVersion: 2 }), {});
  await reports.get('flow', site('a', { channels: { x: 'Email' } }), {});
  await reports.get('funnel', site('a'), {});
  await reports.get('flow', site('a'), { to: '2026-01-01' });
  expect(clock.made).toBe(6);
});

test('a day later nobody is shown what was, and one that fails leaves what was', async () => {
  const { reports, clock } = start(10_000);
  const ask = () => reports.get('flow', site('a'), {});
  await ask();
  clock.now += 86_400_001;
  expect(await ask()).toMatchObject({ count: 2 });
  clock.now += 60_000;
  clock.fails = true;
  expect(await ask()).toMatchObject({ count: 2, updating: true });
  await new Promise(setImmediate);
  expect(await ask()).toMatchObject({ count: 2, updating: true });
});

test('what was made of somebody who is erased is given out to nobody any more', async () => {
  const { reports, clock } = start(10_000);
  await reports.get('content', site('a'), {});
  await reports.get('content', site('b'), {});
  reports.drop('a');
  clock.now += 60_000;
  expect(await reports.get('content', site('a'), {})).not.toHaveProperty('updating');
  expect(await reports.get('content', site('b'), {})).toHaveProperty('updating', true);
});

test('through the API an erasure is seen at once', async () => {
  const { app, site: here, send, clock } = await makeCollector();
  const visitorId = newId();
  await send(visitorId, [makeEvent('search', { props: { search_term: 'a secret' } })]);
  const headers = { Authorization: `Bearer ${ADMIN}` };
  const ask = async () => (await app.request(`/api/sites/${here.siteKey}/reports/content`, { headers })).text();
  expect(await ask()).toContain('a secret');
  await app.request(`/api/sites/${here.siteKey}/people/${visitorId}`, { method: 'DELETE', headers });
  clock.now += 60_000;
  expect(await ask()).not.toContain('a secret');
});
