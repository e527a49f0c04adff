import fs from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { openSqliteStore } from '../../collector/app.js';
import { countPages } from '../../collector/jobs/accessLog.js';
import { inventVisitors } from '../../collector/jobs/demoData.js';
import type { Site, Store } from '../../collector/store/store.js';
import { readTemplate } from '../../collector/templates.js';
import { ADMIN, makeCollector, makeEvent, newId, NOW, temporaryFolder } from '../helpers/collector.js';
import { runCommand, startServe } from '../helpers/process.js';
import { seeded } from '../helpers/random.js';

const AGENT = 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0';

/** In another order. */
const shuffled = <T>(items: T[], random: () => number): T[] =>
  items
    .map((item) => [random(), item] as const)
    .sort(([a], [b]) => a - b)
    .map(([, item]) => item);

/** A folder with a site, and a file of lines. */
function makeImport(lines: string[]) {
  const folder = temporaryFolder();
  const added = runCommand(['site', 'add', '--name', 'S', '--origin', 'https://www.example.com', '--data', folder]);
  const { siteKey, secretKey } = JSON.parse(added.stdout) as { siteKey: string; secretKey: string };
  const file = path.join(folder, 'file');
  fs.writeFileSync(file, lines.join('\n'));
  const run = (...more: string[]) => runCommand(['import', file, '--data', folder, '--json', ...more]);
  return { folder, siteKey, secretKey, file, run };
}

test('what one collector gives out another takes in: the same visitors stand where they stood', async () => {
  const from = await makeCollector();
  const visitors = Array.from({ length: 20 }, () => newId());
  for (const [index, visitorId] of visitors.entries()) {
    const names = ['page_view', 'view_item', 'sign_up', 'purchase'].slice(0, 1 + (index % 4));
    const events = names.map((name, step) => makeEvent(name, { time: NOW - 86_400_000 * index + step }));
    await from.send(visitorId, events, {}, index === 3 ? { 'User-Agent': 'AhrefsBot/7.0' } : {});
  }
  const lines = (await from.ndjson()).map((event) => JSON.stringify(event));
  const { folder, siteKey, run } = makeImport(lines);
  const { url } = await startServe(folder, ['--admin-token', ADMIN]);

  expect(JSON.parse(run().stdout)).toEqual({ lines: 50, stored: 50, duplicates: 0, refused: 0, reasons: {} });
  expect(JSON.parse(run('--site', siteKey).stdout)).toMatchObject({ stored: 0, duplicates: 50 });
  for (const visitorId of visitors) {
    const response = await fetch(`${url}/api/sites/${siteKey}/visitors/${visitorId}`, {
      headers: { Authorization: `Bearer ${ADMIN}` },
    });
    const { stage, peak, bot, facts, firstSeen, lastSeen } = (await from.visitor(visitorId)) as unknown as Record<
      string,
      unknown
    >;
    expect(await response.json()).toMatchObject({ stage, peak, bot, facts, firstSeen, lastSeen });
  }
});

test('in whatever order lines stand, the history is the same', { timeout: 120_000 }, async () => {
  const from = await makeCollector();
  const random = seeded(3);
  const { store, site } = from;
  await inventVisitors(store, site as Site, readTemplate('general')!, { days: 90, visitors: 500, seed: 5, now: NOW });
  const lines = (await from.ndjson()).map((event) => JSON.stringify(event));
  // More than are stored in one go.
  expect(lines.length).toBeGreaterThan(5000);
  const { folder, siteKey, run } = makeImport(shuffled(lines, random));
  expect(JSON.parse(run().stdout)).toMatchObject({ stored: lines.length });
  const other = openSqliteStore(folder);
  const movesOf = async (all: Store, key: string) =>
    (await all.everyTransition(key, 0, 100_000))
      .filter(({ at }) => at < NOW - 1)
      .map(({ visitorId, from: left, to, at, kind }) => [visitorId, left, to, at, kind].join(' '))
      .sort();
  expect(await movesOf(other, siteKey)).toEqual(await movesOf(store, site.siteKey));
  await other.close();
});

test('each event keeps the moment at which it was received', async () => {
  const visitorId = newId();
  const lines = [20, 15, 10].map((daysAgo) => {
    const event = makeEvent('page_view', { time: NOW - daysAgo * 86_400_000 });
    return JSON.stringify({ ...event, visitorId, receivedAt: event.time + daysAgo });
  });
  const { folder, siteKey, run } = makeImport(lines);
  expect(JSON.parse(run().stdout)).toMatchObject({ stored: 3 });
  const store = openSqliteStore(folder);
  const received: number[] = [];
  for await (const { event, receivedAt } of store.events(siteKey, { visitorId }))
    received.push(receivedAt - event.time);
  await store.close();
  expect(received.sort((a, b) => a - b)).toEqual([10, 15, 20]);
});

test('a line that is no event is refused with its number, and the others are stored', () => {
  const good = { ...makeEvent('page_view'), visitorId: newId() };
  const { run } = makeImport([
    JSON.stringify(good),
    '',
    'not JSON',
    JSON.stringify({ ...good, visitorId: 'x' }),
    JSON.stringify({ ...good, id: newId(), time: 'yesterday' }),
    JSON.stringify({ ...good, id: newId(), receivedAt: 'x', bot: '<b>' }),
  ]);
  const { status, stdout, stderr } = run();
  expect(JSON.parse(stdout)).toEqual({
    lines: 5,
    stored: 2,
    duplicates: 0,
    refused: 3,
    reasons: { not_json: 1, invalid_visitor_id: 1, invalid_time: 1 },
  });
  expect([status, stderr]).toEqual([
    1,
    'stagetag: 3 of 5 lines were not stored; line 3: expected a JSON object in each line\n',
  ]);
});

test('a file that is not there, and a site that is not named', () => {
  const { folder, run } = makeImport([]);
  expect(JSON.parse(run().stdout)).toMatchObject({ lines: 0, stored: 0 });
  expect(runCommand(['import', path.join(folder, 'missing'), '--data', folder]).stderr).toMatch(/there is no file/);
  expect(runCommand(['import', folder, '--data', folder]).stderr).toMatch(/there is no file/);
  runCommand(['site', 'add', '--name', 'T', '--origin', 'https://t.example', '--data', folder]);
  expect(run().stderr).toMatch(/choose one with --site/);
  expect(run('--site', 'st_x').stderr).toMatch(/no site has the key st_x/);
});

const LOG = [
  `203.0.113.7 - - [22/Nov/2026:10:00:00 +0000] "GET /pricing?a=1 HTTP/1.1" 200 512 "-" "${AGENT}"`,
  `203.0.113.7 - - [22/Nov/2026:23:30:00 +0000] "GET / HTTP/2.0" 304 0 "https://a.example/\\"x" "${AGENT}"`,
  `2001:db8::1 - ada b [22/Nov/2026:10:00:01 +0100] "GET /a.html HTTP/1.1" 200 512`,
  `203.0.113.7 - - [22/Nov/2026:10:00:02 +0000] "GET /logo.svg HTTP/1.1" 200 512 "-" "${AGENT}"`,
  `203.0.113.7 - - [22/Nov/2026:10:00:03 +0000] "POST / HTTP/1.1" 200 512 "-" "${AGENT}"`,
  `203.0.113.7 - - [22/Nov/2026:10:00:04 +0000] "GET /gone HTTP/1.1" 404 512 "-" "${AGENT}"`,
  `203.0.113.7 - - [22/Nov/2026:10:00:05 +0000] "GET / HTTP/1.1" 200 512 "-" "Googlebot/2.1"`,
  'nonsense',
  '203.0.113.7 - - [yesterday] "GET / HTTP/1.1" 200 512 "-" "-"',
];

test.each([
  ['UTC', [{ day: '2026-11-22', pages: 3 }]],
  [
    'Asia/Shanghai',
    [
      { day: '2026-11-22', pages: 2 },
      { day: '2026-11-23', pages: 1 },
    ],
  ],
])('an access log has the pages of each day in %s', async (timeZone, days) => {
  expect(await countPages(Readable.from(LOG), timeZone)).toEqual({ lines: 9, unread: 2, days });
});

test('pages that the server served are held against the views that came', async () => {
  const { app, site, send, get } = await makeCollector();
  const add = async (body: unknown, key = site.secretKey) => {
    const headers = { Authorization: `Bearer ${key}` };
    const response = await app.request('/v1/pages', { method: 'POST', headers, body: JSON.stringify(body) });
    return [response.status, await response.json()];
  };
  const { siteKey } = site;
  const report = () => get<{ pages: object | null }>(`sites/${siteKey}/reports/loss`);
  expect(await report()).toMatchObject({ pages: null });
  expect(await add({ siteKey })).toEqual([200, { day: '2026-11-22', pages: 1 }]);
  expect(await add({ siteKey, pages: 4 })).toMatchObject([200, {}]);
  await send(newId(), [makeEvent('page_view'), makeEvent('scroll'), makeEvent('page_view')]);
  await send(newId(), [makeEvent('page_view', { time: NOW - 86_400_000 })]);
  await send(newId(), [makeEvent('page_view')], {}, { 'User-Agent': 'AhrefsBot/7.0' });
  expect(await report()).toMatchObject({ pages: { days: 1, served: 5, viewed: 2, missing: 3, rate: 0.6 } });

  for (const [body, key, status] of [
    [{ siteKey }, 'sk_wrong', 403],
    [{ siteKey: 'st_x' }, site.secretKey, 403],
    [{ siteKey, pages: 0 }, site.secretKey, 400],
    [{ siteKey, pages: '7' }, site.secretKey, 400],
    [[], site.secretKey, 400],
    [{ siteKey, pages: 'x'.repeat(5000) }, site.secretKey, 413],
  ] as const)
    expect(await add(body, key)).toMatchObject([status, { error: expect.any(String) }]);
});

test('an access log is imported as often as one likes', () => {
  const { run } = makeImport(LOG.slice(0, 7));
  for (let times = 2; times--;) {
    expect(run('--format', 'access-log')).toMatchObject({
      status: 0,
      stdout: '{"lines":7,"unread":0,"days":1,"pages":3}\n',
    });
  }
});

test('an event that came late, or before it happened, is flagged', async () => {
  const { send, visitor } = await makeCollector();
  const visitorId = newId();
  const times = [NOW - 86_400_001, NOW - 86_400_000, NOW + 600_000, NOW + 600_001];
  await send(
    visitorId,
    times.map((time) => makeEvent('page_view', { time })),
  );
  const { events } = (await visitor(visitorId)) as unknown as { events: Array<{ timing?: string }> };
  expect(events.map(({ timing }) => timing)).toEqual(['late', undefined, undefined, 'future']);
});

test('what channels cost is imported from a table, as often as one likes', async () => {
  const { folder, siteKey, file, run } = makeImport([
    '\uFEFFDay,Note,Channel,Campaign,Cost',
    '2026-11-10,x,Email,may,1',
    '2026-11-10,y,Email,may,0.5',
    '2026-11-10,"a, b",Email,,2',
    '',
    '2026-11-11,z,"Paid Search",, 30 ',
  ]);
  for (let times = 2; times--;)
    expect(run('--format', 'costs')).toMatchObject({ status: 0, stdout: '{"costs":3,"sum":33.5}\n' });
  const store = openSqliteStore(folder);
  const costs = await store.costs(siteKey, '2026-11-01', '2026-11-30');
  await store.close();
  expect(costs).toEqual([
    { day: '2026-11-10', channel: 'Email', cost: 2 },
    { day: '2026-11-10', channel: 'Email', campaign: 'may', cost: 1.5 },
    { day: '2026-11-11', channel: 'Paid Search', cost: 30 },
  ]);
  // Of one day and name, however it is written.
  fs.writeFileSync(file, 'day,channel,cost\n2026-11-12,email,10\n2026-11-12,Email,5\n');
  expect(JSON.parse(run('--format', 'costs').stdout)).toMatchObject({ costs: 1, sum: 15 });
  for (const [lines, error] of [
    [['day,channel,cost', '2026-11-10,Email,4', '2026-11-10,Email,-3'], /line 3: cost: expected an amount/],
    [
      ['day,channel,cost', '2026-11-10,Email,x', '2026-11-10,Email,3', '2026-11-10,Email,-1'],
      /line 2, 4: cost: expected an amount/,
    ],
    [['day,channel,cost', '10.11.2026,Email,4'], /line 2: day: expected one such as/],
    [
      ['day,cost', '2026-11-10,4'],
      /line 1: expected the columns day, channel, cost with commas between, got day, cost/,
    ],
    [['day,channel,cost', '2026-11-10,"Email,4'], /line 2: a quote is opened and not closed/],
    [[''], /got nothing/],
  ] as const) {
    fs.writeFileSync(file, lines.join('\n'));
    const { status, stderr } = run('--format', 'costs');
    expect(status).toBe(1);
    expect(stderr).toMatch(error);
    expect(stderr).toContain('nothing was stored');
  }
});

test('what was no request, what a server of another kind writes, and what is left out, by day', async () => {
  const at = '22/Nov/2026:10:00:00 +0000';
  const caddy = (uri: string, agent = AGENT) =>
    JSON.stringify({
      ts: 1795341600.5,
      request: { method: 'GET', uri, headers: { 'User-Agent': [agent] } },
      status: 200,
    });
  const lines = [
    `203.0.113.7 - - [${at}] "" 400 0 "-" "-"`,
    `203.0.113.7 - - [${at}] "-" 408 0 "-" "-"`,
    `203.0.113.7 - - [${at}] "\\x16\\x03\\x01" 400 226 "-" "-"`,
    `203.0.113.7 - - [${at}] "GET /st/api/session HTTP/1.1" 200 10 "-" "${AGENT}"`,
    caddy('/pricing?x=1'),
    caddy('/st/t/st_x.js'),
    caddy('/', 'curl/8.0'),
    '{"no":"request"}',
    '{"ts":1795341600.5,"request":{"method":"GET","uri":5},"status":200}',
    caddy('/docs/v2.0').replace('1795341600.5', '1795341600500.5'),
    caddy('/people/john.smith').replace('1795341600.5', '1795341600500500500'),
    caddy('/logo.svg'),
  ];
  expect(await countPages(Readable.from(lines), 'UTC', undefined, ['/st/*'])).toEqual({
    lines: 12,
    unread: 2,
    days: [{ day: '2026-11-22', pages: 3 }],
  });
});

test('a day that is in two files has the pages of both', () => {
  const { file, folder } = makeImport(LOG.slice(0, 7));
  const second = `${file}.1`;
  fs.copyFileSync(file, second);
  const { stdout } = runCommand(['import', second, file, '--format', 'access-log', '--data', folder, '--json']);
  expect(JSON.parse(stdout)).toMatchObject({ lines: 14, days: 1, pages: 6 });
  expect(runCommand(['import', second, file, '--data', folder]).stderr).toContain('expected one file');
});

test('what is zipped is read as what it was; where it is cut off nothing is stored', async () => {
  const lines = [1, 2].map((at) =>
    JSON.stringify({ visitorId: newId(), ...makeEvent('page_view', { time: NOW + at }) }),
  );
  const { file, folder, siteKey } = makeImport([]);
  const zipped = gzipSync(lines.join('\n'));
  fs.writeFileSync(file, zipped.subarray(0, -9));
  const run = (...more: string[]) => runCommand(['import', file, '--data', folder, '--json', ...more]);
  expect(run().stderr).toMatch(/^stagetag: .*cannot be read to its end: .*; nothing was stored\n$/);
  const store = openSqliteStore(folder);
  expect(await store.visitorIds(siteKey)).toEqual([]);
  await store.close();
  fs.writeFileSync(file, zipped);
  expect(JSON.parse(run().stdout)).toMatchObject({ lines: 2, stored: 2 });
  fs.writeFileSync(file, gzipSync(LOG.slice(0, 7).join('\n')));
  expect(JSON.parse(run('--format', 'access-log').stdout)).toMatchObject({ lines: 7, pages: 3 });
});

test('the traits of a batch come along', async () => {
  const from = await makeCollector();
  const id = newId();
  await from.send(id, [makeEvent('page_view')], { traits: { company_size: 900 } });
  const lines = (await from.ndjson()).map((event) => JSON.stringify(event));
  const { folder, siteKey, run } = makeImport(lines);
  expect(JSON.parse(run().stdout)).toMatchObject({ stored: 1 });
  const store = openSqliteStore(folder);
  for await (const { event, traits } of store.events(siteKey, { visitorId: id })) {
    expect(traits).toEqual({ company_size: 900 });
    expect(event).not.toHaveProperty('traits');
  }
  await store.close();
});
