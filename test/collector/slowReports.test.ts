import { expect, test, vi } from 'vitest';
import { SlowReports } from '../../collector/reports/slowReports.js';
import type { Site } from '../../collector/store/store.js';
import { makeCollector, makeEvent, newId, ADMIN } from '../helpers/collector.js';

const site = (siteKey: string, more: object = {}) =>
  ({ siteKey, rulesVersion: 1, timeZone: 'UTC', channels: {}, ...more }) as Site;

/** Reports that take as long as is said, by a clock of their own; each tells how many were made before it. */
function start(tookMs: number) {
  const clock = { now: 1_000_000, tookMs, made: 0, fails: false, erased: 0, gate: Promise.resolve() };
  const reports = new SlowReports(
    async (name, _, query, now) => {
      const count = ++clock.made;
      await clock.gate;
      if (clock.fails) throw new Error('gone');
      clock.now += clock.tookMs;
      return { name, query, count, asOf: now };
    },
    { erasures: async () => clock.erased },
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

test('what was made of somebody who is erased, by whatever process, is given out to nobody any more', async () => {
  const { reports, clock } = start(10_000);
  await reports.get('content', site('a'), {});
  clock.now += 60_000;
  clock.erased++;
  expect(await reports.get('content', site('a'), {})).not.toHaveProperty('updating');
  // So is what was made of days that are kept no longer.
  clock.now += 60_000;
  expect(await reports.get('content', site('a', { keptFrom: 20_000 }), {})).not.toHaveProperty('updating');
});

test('what was changed by hand makes the reports of that site what they are: of before', async () => {
  const { reports, clock } = start(10_000);
  await reports.get('flow', site('a'), {});
  await reports.get('flow', site('b'), {});
  clock.tookMs = 3000;
  reports.outdate('a');
  expect(await reports.get('flow', site('a'), {})).toMatchObject({ count: 1, updating: true });
  await new Promise(setImmediate);
  expect(await reports.get('flow', site('a'), {})).toEqual(expect.not.objectContaining({ updating: true }));
  // One that is being made meanwhile is of before too.
  clock.now += 60_000;
  let finish = () => {};
  clock.gate = new Promise((resolve) => (finish = resolve));
  const before = clock.made;
  const making = reports.get('funnel', site('a'), {});
  await vi.waitUntil(() => clock.made > before);
  reports.outdate('a');
  finish();
  await making;
  expect(await reports.get('funnel', site('a'), {})).toHaveProperty('updating', true);
});

test('one that was begun earlier does not take the place of a later one, and a clock that is set back makes nothing new', async () => {
  const clock = { now: 1_000_000 };
  const ends: Array<() => void> = [];
  const reports = new SlowReports(
    async (_, __, ___, now) => {
      await new Promise<void>((resolve) => ends.push(resolve));
      return { asOf: now };
    },
    { erasures: async () => 0 },
    () => clock.now,
  );
  const ask = () => reports.get('flow', site('a'), {});
  const turn = () => new Promise(setImmediate);
  const first = ask();
  await turn();
  clock.now += 5000;
  const second = ask();
  await turn();
  clock.now += 5000;
  ends[1]!();
  await second;
  ends[0]!();
  await first;
  expect(await ask()).toMatchObject({ asOf: 1_005_000 });
  clock.now = 500_000;
  const third = ask();
  await turn();
  ends[2]!();
  expect(await third).toMatchObject({ asOf: 500_000 });
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
