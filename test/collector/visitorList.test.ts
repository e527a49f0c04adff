/** Visitors listed by where they stand: the same as reading all and leaving out the others. */
import { expect, test } from 'vitest';
import { inventVisitors } from '../../collector/jobs/demoData.js';
import type { CoverageReport } from '../../collector/reports/coverage.js';
import type { FlowReport } from '../../collector/reports/flow.js';
import type { FunnelReport } from '../../collector/reports/funnel.js';
import { readTemplate } from '../../collector/templates.js';
import { STAGES } from '../../sdk/core/index.js';
import { ADMIN, makeCollector, makeEvent, newId, NOW, ORIGIN, type TestCollector } from '../helpers/collector.js';
import { randomEvents, seeded } from '../helpers/random.js';

const HOUR_MS = 3_600_000;

interface Listed {
  visitorId: string;
  userId: string | null;
  stage: string | null;
  tags: string[];
  lastSeen: number;
  bot: string | null;
  firstTouch: { channel: string } | null;
}

const asking = ({ app, site }: TestCollector) =>
  async function ask(query: object) {
    const text = new URLSearchParams(query as Record<string, string>).toString();
    const response = await app.request(`/api/sites/${site.siteKey}/visitors?${text}`, {
      headers: { Authorization: `Bearer ${ADMIN}` },
    });
    return { status: response.status, body: (await response.json()) as { visitors: Listed[]; count?: number } };
  };

/** Visitors of all kinds: some are a user's, some bots, and they came from here and there. */
async function populate(collector: TestCollector): Promise<void> {
  const random = seeded(5);
  const secret = { Authorization: `Bearer ${collector.site.secretKey}` };
  for (let index = 0; index < 120; index++) {
    // Some are seen in the same moment.
    collector.clock.now = NOW + (index >> 2) * 1000;
    const events = randomEvents(random, 1 + Math.floor(random() * 9), { days: 40, until: NOW });
    const source = [
      { utm_source: 'newsletter', utm_medium: 'email' },
      undefined,
      { utm_source: 'google', utm_medium: 'cpc' },
    ][index % 3];
    if (source) for (const event of events) event.source = source;
    const [more, headers] =
      index % 4 === 0
        ? [{ userId: `u${index % 12}` }, secret]
        : [{}, index % 10 === 1 ? { 'User-Agent': 'Googlebot/2.1' } : {}];
    expect((await collector.send(newId(NOW - index), events, more, headers as Record<string, string>)).status).toBe(
      200,
    );
  }
}

test('visitors are found by stage, tag, channel and user among all there are', async () => {
  const collector = await makeCollector();
  await populate(collector);
  const ask = asking(collector);
  const { visitors: all } = (await ask({ limit: 200 })).body;
  expect(all).toHaveLength(120);
  const channels = new Set(all.flatMap(({ firstTouch }) => firstTouch?.channel ?? []));
  expect(channels).toContain('Email');
  const tags = new Set(all.flatMap((each) => each.tags));
  const cases: Array<[object, (each: Listed) => boolean]> = [
    ...[...STAGES, 'none'].map((stage): (typeof cases)[number] => [
      { stage },
      (each) => (each.stage ?? 'none') === stage,
    ]),
    ...[...tags].map((tag): (typeof cases)[number] => [{ tag }, (each) => each.tags.includes(tag)]),
    ...[...channels].map((channel): (typeof cases)[number] => [
      { channel },
      (each) => each.firstTouch?.channel === channel,
    ]),
    [{ user: 'u4' }, (each) => each.userId === 'u4'],
    [
      { stage: 'interest', channel: 'Email' },
      (each) => each.stage === 'interest' && each.firstTouch?.channel === 'Email',
    ],
    [{ tag: 'constructor' }, () => false],
    [{ user: 'nobody' }, () => false],
    [{ find: 'u1' }, (each) => !!each.userId?.startsWith('u1')],
    [{ find: all[3]!.visitorId.slice(-8).toUpperCase() }, (each) => each.visitorId === all[3]!.visitorId],
    [{ find: all[3]!.visitorId.slice(-3) }, () => false],
    [{ find: 'U1%' }, () => false],
  ];
  let found = 0;
  // So is everybody, read without asking for anything.
  const read: Listed[] = [];
  for (;;) {
    const last = read.at(-1);
    const { visitors } = (await ask({ limit: 7, ...(last && { seenBefore: last.lastSeen, after: last.visitorId }) }))
      .body;
    if (!visitors.length) break;
    read.push(...visitors);
  }
  expect(read).toEqual(all);
  for (const [query, fits] of cases) {
    const expected = all.filter(fits);
    const { body } = await ask({ limit: 200, ...query });
    expect([query, body]).toEqual([query, { visitors: expected, count: expected.length }]);
    found += expected.length;
    // Page by page it is the same.
    const pages: Listed[] = [];
    for (;;) {
      const last = pages.at(-1);
      const from = last && { seenBefore: last.lastSeen, after: last.visitorId.toUpperCase() };
      const { visitors, count } = (await ask({ limit: 7, ...query, ...from })).body;
      expect(count).toBe(expected.length);
      if (!visitors.length) break;
      pages.push(...visitors);
    }
    expect(pages).toEqual(expected);
  }
  expect(found).toBeGreaterThan(300);
  expect(all.some(({ bot }) => bot)).toBe(true);
  for (const wrong of [{ stage: 'nowhere' }, { tag: '' }, { limit: 0 }]) expect((await ask(wrong)).status).toBe(400);
});

test('who was seen since, or was erased, is found so', async () => {
  const collector = await makeCollector();
  const ask = asking(collector);
  const ids = [newId(), newId()];
  for (const id of ids) await collector.send(id, [makeEvent('page_view')]);
  expect((await ask({ stage: 'awareness' })).body.count).toBe(2);
  await collector.send(ids[0]!, [makeEvent('purchase', { props: { transaction_id: 't', value: 5 } })]);
  expect((await ask({ stage: 'action' })).body.visitors.map(({ visitorId }) => visitorId)).toEqual([ids[0]]);
  const url = `/api/sites/${collector.site.siteKey}/people/${ids[0]}`;
  await collector.app.request(url, { method: 'DELETE', headers: { Authorization: `Bearer ${ADMIN}` } });
  expect((await ask({ stage: 'action' })).body).toEqual({ visitors: [], count: 0 });
});

test('who is behind each number of the flow is listed, each person once', async () => {
  const { site, store, get } = await makeCollector();
  await inventVisitors(store, site, readTemplate('general')!, { days: 60, visitors: 300, seed: 5, now: NOW });
  const days = 'from=2026-09-24&to=2026-11-20';
  const { steps } = await get<FlowReport>(`sites/${site.siteKey}/reports/flow?${days}`);
  const listed = (query: string) =>
    get<{ visitors: Array<{ visitorId: string; stage: string }>; count: number }>(
      `sites/${site.siteKey}/visitors?limit=200&${days}&${query}`,
    );
  for (const { from, reached, wentOn, stillThere, lost } of steps) {
    for (const [fate, count] of Object.entries({ wentOn, stillThere, lost })) {
      const found = await listed(`reached=${from}&fate=${fate}`);
      expect([from, fate, found.count]).toEqual([from, fate, count]);
      expect(found.visitors).toHaveLength(Math.min(count, 200));
      if (fate === 'stillThere') expect(found.visitors.every(({ stage }) => stage === from)).toBe(true);
    }
    expect((await listed(`reached=${from}`)).count).toBe(reached);
  }
  expect(steps.some(({ lost }) => lost > 10)).toBe(true);
  expect(await listed('reached=interest&fate=gone')).toMatchObject({
    error: expect.stringContaining('fate') as string,
  });
  expect(await get(`sites/${site.siteKey}/visitors?reached=interest&from=2026-11-02&to=2026-11-01`)).toMatchObject({
    error: 'from: expected a day not after to',
  });
});

test('who is behind a row of a breakdown by tags is listed, and who meets a condition', async () => {
  const { site, store, get } = await makeCollector();
  await inventVisitors(store, site, readTemplate('general')!, { days: 60, visitors: 200, seed: 6, now: NOW });
  const asked = 'from=2026-09-24&to=2026-11-22&steps=event:page_view,event:form_submit';
  const listed = (query: string) =>
    get<{ visitors: Array<{ visitorId: string; tags: string[] }>; count: number; error?: string }>(
      `sites/${site.siteKey}/visitors?limit=200&${query}`,
    );
  const { breakdown, steps } = await get<FunnelReport>(`sites/${site.siteKey}/reports/funnel?${asked}&by=tag`);
  expect(breakdown.length).toBeGreaterThan(3);
  // Who has several tags stands in several rows.
  expect(breakdown.reduce((sum, { visitors }) => sum + visitors[0]!, 0)).toBeGreaterThan(steps[0]!.visitors);
  for (const { value, visitors } of breakdown)
    for (const [place, count] of visitors.entries()) {
      const found = await listed(`${asked}&by=tag&value=${value ?? ''}&step=${place + 1}`);
      expect([value, place, found.count]).toEqual([value, place, count]);
      for (const { tags } of found.visitors) expect(value === null ? !tags.length : tags.includes(value)).toBe(true);
    }
  const tag = breakdown.find(({ value }) => value)!.value!;
  const tagged = await listed(`when=${JSON.stringify({ tag })}`);
  expect(tagged.count).toBeGreaterThan(0);
  expect(tagged.visitors.every(({ tags }) => tags.includes(tag))).toBe(true);
  // With the other filters it is who meets both.
  expect((await listed(`when=${JSON.stringify({ tag })}&stage=none`)).count).toBe(0);
  for (const [query, error] of [
    ['did=nothing', 'did: expected'],
    ['did=constructor:x', 'did: expected'],
    ['when=%7B', 'when: '],
    ['when={"tag":"no"}', 'when.tag: '],
    [`${asked}&step=3`, 'step: expected one of the 2'],
    ['steps=event:page_view', 'steps: expected 2'],
    ['did=event:page_view&from=2026-11-02&to=2026-11-01', 'from: expected'],
  ] as const)
    expect((await listed(query)).error).toContain(error);
});

test('a page that is seen no more is told from one that few look at', async () => {
  const { send, site, get } = await makeCollector();
  const DAY = 86_400_000;
  const at = (path: string, days: number) =>
    makeEvent('page_view', { time: NOW - days * DAY, url: `https://demo.example${path}` });
  const events = [
    ...Array.from({ length: 20 }, (_, index) => at('/busy', index)),
    // Twice a day until ten days ago.
    ...Array.from({ length: 20 }, (_, index) => at('/gone', 10 + index / 2)),
    // Every other day until ten days ago: that it was not seen since happens by chance, to one of 26.
    ...Array.from({ length: 5 }, (_, index) => at('/rare', 10 + index * 2)),
    // Three times within an hour, two days ago: that is no sooner than in a day.
    ...Array.from({ length: 3 }, (_, index) => at('/once', 2 + index / 100)),
  ];
  await send(newId(), events);
  const { rows, pages } = await get<CoverageReport>(`sites/${site.siteKey}/reports/coverage`);
  expect(pages).toBe(4);
  expect(rows.map(({ path, views, isSilent }) => [path, views, isSilent])).toEqual([
    ['/gone', 20, true],
    ['/busy', 20, false],
    ['/rare', 5, false],
    ['/once', 3, false],
  ]);
});

test('what somebody did before going on is told by when that was, whoever asks first', async () => {
  const { app, send, site, putRules, clock } = await makeCollector();
  const who = newId();
  clock.now = NOW - 24 * HOUR_MS;
  const begin = clock.now - 6 * HOUR_MS;
  const events = ['asked', 'bought', 'after'].map((name, index) => makeEvent(name, { time: begin + index * HOUR_MS }));
  await send(who, events);
  clock.now = NOW;
  // No move tells when the stages of these rules were reached.
  const signals = Object.fromEntries(['asked', 'bought', 'after'].map((name) => [name, { event: name }]));
  const stages = { consideration: { when: { signal: 'asked' } }, action: { when: { signal: 'bought' } } };
  await putRules({ signals, stages }, '?wait=true&confirm=true&apply=all');
  const count = async (signal: string) => {
    const path = `/api/sites/${site.siteKey}/visitors?counted=common:action:signal:${signal}`;
    const response = await app.request(path, { headers: { Authorization: `Bearer ${ADMIN}` } });
    return ((await response.json()) as { count: number }).count;
  };
  expect(await count('after')).toBe(0);
  expect(await count('asked')).toBe(1);
});

test('while newer rules are being applied, a list shows everybody under those alone', async () => {
  const collector = await makeCollector();
  await populate(collector);
  const { store, site } = collector;
  const { rules } = (await store.rules(site.siteKey)).at(-1)!;
  // Interest is what awareness was: whoever stands at awareness moves on.
  const newer = { ...rules, stages: { ...rules.stages, interest: rules.stages.awareness! } };
  const before = (await asking(collector)({ limit: '200' })).body.visitors;
  expect(before.some(({ stage }) => stage === 'awareness')).toBe(true);
  const version = await store.publishRules(site.siteKey, newer, {
    publishedAt: collector.clock.now,
    since: 0,
    author: null,
    note: null,
    after: rules.version,
  });
  expect(version).toBe(rules.version + 1);
  expect((await store.staleVisitors(site.siteKey, version!, 1000)).length).toBeGreaterThan(100);
  for (const query of [{}, { channel: 'Email' }, { stage: 'interest' }]) {
    const { body } = await asking(collector)({ limit: '200', ...query });
    expect(body.visitors.length).toBeGreaterThan(3);
    for (const each of body.visitors as Array<Listed & { rules: number }>) {
      expect(each.rules).toBe(version);
      if ('stage' in query) expect(each.stage).toBe(query.stage);
      expect(each.stage).not.toBe('awareness');
    }
  }
});

test('an audience that there is not is said not to be there', async () => {
  const collector = await makeCollector();
  const { status, body } = await asking(collector)({ audience: '999' });
  expect([status, body]).toEqual([400, { error: 'this site has no such audience; it may have been deleted' }]);
});

test('people behind a number of an older version of the rules are those of that version', async () => {
  const { send, putRules, get, site } = await makeCollector();
  for (let index = 0; index < 6; index++) await send(newId(), [makeEvent('page_view', { url: `${ORIGIN}/pricing` })]);
  const signals = { visit: { event: 'page_view' }, cart: { event: 'add_to_cart' } };
  await putRules({
    signals,
    stages: { awareness: { when: { signal: 'visit' } }, interest: { when: { signal: 'cart' } } },
  });
  const range = 'from=2026-11-22&to=2026-11-22';
  const count = async (rules: string) =>
    (await get<{ count: number }>(`sites/${site.siteKey}/visitors?reached=interest&${range}${rules}`)).count;
  expect([await count('&rules=1'), await count('&rules=2'), await count('')]).toEqual([6, 0, 0]);
});

test('what measures the stages goes along with a signal that is renamed, and comes with another template', async () => {
  const { send, putRules, get, site } = await makeCollector();
  await send(newId(), [
    makeEvent('page_view', { url: `${ORIGIN}/products/a` }),
    makeEvent('purchase', { props: { value: 5 } }),
  ]);
  const kpis = async () => {
    const report = await get<{ template: string; kpis: Array<{ signal: string; value: number | null }> }>(
      `sites/${site.siteKey}/reports/kpis`,
    );
    return [report.template, ...report.kpis.map(({ signal, value }) => `${signal} ${value}`)];
  };
  const before = await kpis();
  expect(before[0]).toBe('general');
  const text = JSON.stringify(readTemplate('general')!.rules).replaceAll('"order"', '"bought"');
  expect((await putRules(JSON.parse(text))).status).toBe(200);
  expect(await kpis()).toEqual(before.map((line) => line.replace('order ', 'bought ')));
  expect((await putRules(readTemplate('saas')!.rules)).status).toBe(200);
  const [template, ...after] = await kpis();
  expect(template).toBe('saas');
  expect(after.some((line) => line.endsWith('null'))).toBe(false);
});
