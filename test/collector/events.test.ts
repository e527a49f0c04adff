import { describe, expect, test } from 'vitest';
import { DAY_MS } from '../../sdk/core/index.js';
import { makeCollector, makeEvent, newId, NOW, ORIGIN } from '../helpers/collector.js';
import { randomEvents, seeded, shuffle } from '../helpers/random.js';

interface Answer {
  accepted: number;
  duplicates: number;
  rejected: Array<{ id: unknown; reason: string }>;
  visitor: { stage: string | null; rules: number; rev: number; have: number[][]; facts: object; asOf: number };
  ruleSet?: { version: number };
}

const read = async (response: Response) => (await response.json()) as Answer & { error: string; reason: string };

test('stores a batch, and answers with the state that follows', async () => {
  const { send, site, visitor, ndjson } = await makeCollector();
  const id = newId();
  const event = makeEvent('page_view', { seq: 1, title: 'Home' });
  const response = await send(id, [event]);
  expect(response.status).toBe(200);
  expect(response.headers.get('Access-Control-Allow-Origin')).toBe(ORIGIN);
  expect(response.headers.get('Access-Control-Expose-Headers')).toBe('Retry-After');
  const answer = await read(response);
  expect(answer).toMatchObject({
    accepted: 1,
    duplicates: 0,
    rejected: [],
    visitor: { stage: 'awareness', peak: 'awareness', rules: 1, rev: 1, have: [[1, 1]], asOf: NOW, facts: { v: 1 } },
  });
  expect(answer.ruleSet).toBeUndefined();
  expect(await ndjson()).toEqual([{ ...event, visitorId: id, receivedAt: NOW, bot: null }]);
  expect(await visitor(id)).toMatchObject({
    visitorId: id,
    stage: 'awareness',
    facts: { signals: { visit: { '2026-11-22': 1 } } },
    transitions: [
      {
        from: null,
        to: 'awareness',
        at: NOW,
        cause: { kind: 'event', rule: 'awareness', rules: 1, event: event.id, eventName: 'page_view' },
      },
    ],
    events: [event],
  });
  expect(site.rulesVersion).toBe(1);
});

test('counts an event once, however often and by whomever it is sent', async () => {
  const { send, ndjson, visitor } = await makeCollector();
  const [id, other] = [newId(), newId()];
  const event = makeEvent('page_view');
  await send(id, [event]);
  const upper = { ...event, id: event.id.toUpperCase() };
  expect(await read(await send(id, [event, event, upper]))).toMatchObject({ accepted: 0, duplicates: 3 });
  expect(await read(await send(other, [event]))).toMatchObject({
    accepted: 0,
    duplicates: 1,
    visitor: { stage: null },
  });
  expect(await ndjson()).toHaveLength(1);
  expect((await visitor(id)).facts.signals).toEqual({ visit: { '2026-11-22': 1 } });
});

test('1,000 seeded streams in random order with duplicates end as in order', async () => {
  const { send, visitor } = await makeCollector();
  const strip = ({ stage, peak, tags, score, facts }: Awaited<ReturnType<typeof visitor>>) => ({
    stage,
    peak,
    tags,
    score,
    facts,
  });
  for (let seed = 1; seed <= 1000; seed++) {
    const random = seeded(seed);
    const inOrder = randomEvents(random, 3 + Math.floor(random() * 20), { days: 45, until: NOW }).sort(
      (a, b) => a.time - b.time,
    );
    // The same events for a second visitor: other ids in the same order, since an id is unique within its site.
    const again = inOrder.map((event) => ({
      ...event,
      id: event.id.replace(/.$/, (digit) => (digit === 'f' ? 'e' : 'f')),
    }));
    const disturbed = shuffle([...again, ...again.filter(() => random() < 0.3)], random);
    const [first, second] = [newId(), newId()];
    await send(first, inOrder);
    for (let at = 0; at < disturbed.length;) {
      const size = 1 + Math.floor(random() * 6);
      await send(second, disturbed.slice(at, at + size));
      at += size;
    }
    const [expected, got] = [strip(await visitor(first)), strip(await visitor(second))];
    const withoutIds = (value: unknown) => JSON.stringify(value).replace(/[0-9a-f-]{36}/g, 'id');
    expect(withoutIds(got), `seed ${seed}`).toBe(withoutIds(expected));
  }
});

describe('bodies that cannot be read', () => {
  const id = newId();
  test.each<[reason: string, body: (siteKey: string) => string]>([
    ['not_json', () => '{"siteKey":'],
    ['not_json', () => ''],
    ['not_an_object', () => '[]'],
    ['not_an_object', () => 'null'],
    ['invalid_site_key', () => '{}'],
    ['invalid_visitor_id', (siteKey) => JSON.stringify({ siteKey, events: [] })],
    ['invalid_visitor_id', (siteKey) => JSON.stringify({ siteKey, visitorId: 'me', events: [] })],
    ['invalid_visitor_id', (siteKey) => JSON.stringify({ siteKey, visitorId: crypto.randomUUID(), events: [] })],
    ['invalid_events', (siteKey) => JSON.stringify({ siteKey, visitorId: id })],
    ['invalid_events', (siteKey) => JSON.stringify({ siteKey, visitorId: id, events: {} })],
    ['invalid_sent_at', (siteKey) => JSON.stringify({ siteKey, visitorId: id, sentAt: 'now', events: [] })],
    ['invalid_traits', (siteKey) => JSON.stringify({ siteKey, visitorId: id, traits: [], events: [] })],
    ['invalid_user_id', (siteKey) => JSON.stringify({ siteKey, visitorId: id, userId: 7, events: [] })],
    ['invalid_rules', (siteKey) => JSON.stringify({ siteKey, visitorId: id, rules: 'one', events: [] })],
  ])('are answered 400 %s and kept, and the next batch is stored', async (reason, makeBody) => {
    const { app, send, site, store } = await makeCollector();
    const body = makeBody(site.siteKey);
    const response = await app.request('/v1/events', { method: 'POST', headers: { Origin: ORIGIN }, body });
    expect(response.status).toBe(400);
    expect(response.headers.get('Access-Control-Allow-Origin')).toBe(ORIGIN);
    const answer = await read(response);
    expect(answer.reason).toBe(reason);
    expect(answer.error).toMatch(/must be|expected/);
    expect(await store.deadLetters(site.siteKey, 10)).toMatchObject([
      { reason, detail: answer.error, body, receivedAt: NOW },
    ]);
    expect((await send(id, [makeEvent('page_view')])).status).toBe(200);
  });

  test('are kept to 4 KiB', async () => {
    const { app, site, store } = await makeCollector();
    await app.request('/v1/events', { method: 'POST', headers: { Origin: ORIGIN }, body: 'é'.repeat(5000) });
    const [letter] = await store.deadLetters(site.siteKey, 1);
    expect(Buffer.byteLength(letter!.body)).toBe(4096);
  });
});

test.each<[reason: string, change: object]>([
  ['invalid_id', { id: 'x' }],
  ['invalid_name', { name: '' }],
  ['invalid_time', { time: 'now' }],
  ['invalid_time', { time: 1e18 }],
  ['invalid_time', { time: 1.5 }],
  ['invalid_seq', { seq: 0 }],
  ['invalid_seq', { seq: undefined }],
  ['invalid_session_id', { sessionId: 'x'.repeat(65) }],
  ['invalid_url', { url: '/relative' }],
  ['invalid_title', { title: 7 }],
  ['invalid_referrer', { referrer: null }],
  ['invalid_source', { source: { utm_source: 1 } }],
  ['invalid_props', { props: 'x' }],
  ['too_deep', { props: JSON.parse('{"a":'.repeat(3000) + '1' + '}'.repeat(3000)) as object }],
])('one event that is %s is rejected alone, and kept', async (reason, change) => {
  const { send, store, site, ndjson } = await makeCollector();
  const [good, bad] = [makeEvent('page_view'), { ...makeEvent('page_view'), ...change }];
  const answer = await read(await send(newId(), [good, bad]));
  expect(answer).toMatchObject({ accepted: 1, duplicates: 0, rejected: [{ id: bad.id, reason }] });
  expect((await ndjson()).map(({ id }) => id)).toEqual([good.id]);
  expect(await store.deadLetters(site.siteKey, 10)).toMatchObject([{ reason }]);
});

test('an element that is no object is rejected without an id', async () => {
  const { send } = await makeCollector();
  expect(await read(await send(newId(), [7, null]))).toMatchObject({
    accepted: 0,
    rejected: [{ id: null }, { id: null }],
  });
});

describe('who may send', () => {
  test.each<[string, number, Record<string, string>]>([
    ['an origin of the site', 200, { Origin: ORIGIN }],
    ['another origin', 403, { Origin: 'https://evil.example' }],
    ['the origin null', 403, { Origin: 'null' }],
    ['no origin', 403, {}],
    ['a wrong secret', 403, { Authorization: 'Bearer sk_wrong' }],
  ])('%s is answered %i', async (_, status, headers) => {
    const { app, site, ndjson, store } = await makeCollector();
    const body = JSON.stringify({ siteKey: site.siteKey, visitorId: newId(), events: [makeEvent('page_view')] });
    const response = await app.request('/v1/events', { method: 'POST', headers, body });
    expect(response.status).toBe(status);
    expect(await ndjson()).toHaveLength(status === 200 ? 1 : 0);
    if (headers.Origin !== ORIGIN) expect(response.headers.get('Access-Control-Allow-Origin')).toBeNull();
    expect(await store.deadLetters(site.siteKey, 1)).toEqual([]);
  });

  test('an unknown site key is answered 403', async () => {
    const { send } = await makeCollector();
    expect((await send(newId(), [], { siteKey: 'st_nobody' })).status).toBe(403);
  });

  test('the secret key needs no origin, and its events may lack seq, session and address', async () => {
    const { app, site, visitor } = await makeCollector();
    const id = newId();
    const event = { id: crypto.randomUUID(), name: 'purchase', time: NOW, props: { value: 20, transaction_id: 7 } };
    const response = await app.request('/v1/events', {
      method: 'POST',
      headers: { Authorization: `Bearer ${site.secretKey}` },
      body: JSON.stringify({ siteKey: site.siteKey, visitorId: id, events: [event] }),
    });
    expect(response.status).toBe(200);
    expect(await visitor(id)).toMatchObject({ stage: 'action', firstTouch: null });
  });

  test('a preflight is answered for known origins alone', async () => {
    const { app } = await makeCollector();
    const ask = (Origin: string) => app.request('/v1/events', { method: 'OPTIONS', headers: { Origin } });
    expect((await ask(ORIGIN)).headers.get('Access-Control-Allow-Origin')).toBe(ORIGIN);
    expect((await ask('https://evil.example')).headers.get('Access-Control-Allow-Origin')).toBeNull();
  });
});

describe('how much may be sent', () => {
  const big = (bytes: number) => [makeEvent('page_view', { props: { text: 'x'.repeat(bytes) } })];

  test('more than 64 KiB is answered 413 to a page and taken from a server', async () => {
    const { send, site, ndjson } = await makeCollector();
    expect((await send(newId(), big(64 * 1024))).status).toBe(413);
    expect(await ndjson()).toEqual([]);
    expect((await send(newId(), big(64 * 1024), {}, { Authorization: `Bearer ${site.secretKey}` })).status).toBe(200);
  });

  test('more than 500 events are answered 413', async () => {
    const { send } = await makeCollector();
    const events = Array.from({ length: 501 }, () => ({}));
    expect((await send(newId(), events)).status).toBe(413);
    expect((await send(newId(), events.slice(1))).status).toBe(200);
  });

  test('more batches than the limit are answered 429 with Retry-After', async () => {
    const { send } = await makeCollector({ rateLimit: 2 });
    const statuses = [];
    for (let i = 0; i < 4; i++) statuses.push((await send(newId(), [])).status);
    expect(statuses).toEqual([200, 200, 429, 429]);
    const refused = await send(newId(), []);
    expect(refused.headers.get('Retry-After')).toBe('1');
    expect(refused.headers.get('Access-Control-Allow-Origin')).toBe(ORIGIN);
  });

  test('whoever has a network of IPv6, or another port each time, is one address; and a site is limited as a whole', async () => {
    const { send, site } = await makeCollector({ rateLimit: 2, siteRateLimit: 9, trustProxy: 1 });
    const from = async (address: string, more = {}) =>
      (await send(newId(), [], {}, { 'X-Forwarded-For': address, ...more })).status;
    const statuses = [];
    for (const address of ['2001:db8:1:2::1', '2001:db8:1:2:ffff::9', '[2001:db8:1:2::3]:443'])
      statuses.push(await from(address));
    for (const port of [1, 2, 3]) statuses.push(await from(`203.0.113.8:${port}`));
    expect(statuses).toEqual([200, 200, 429, 200, 200, 429]);
    const others = [];
    for (let last = 1; last <= 7; last++) others.push(await from(`198.51.100.${last}`));
    expect(others).toEqual([200, 200, 200, 200, 200, 429, 429]);
    // The site's own server counts by itself.
    expect(await from('198.51.100.9', { Authorization: `Bearer ${site.secretKey}` })).toBe(200);
  });
});

test('an empty batch reads the state, and makes no visitor', async () => {
  const { send, get, site } = await makeCollector();
  expect(await read(await send(newId(), []))).toMatchObject({
    accepted: 0,
    visitor: { stage: null, rev: 0, have: [] },
  });
  expect(await get(`sites/${site.siteKey}/visitors`)).toEqual({ visitors: [] });
});

test('a sender with other rules is given those in force', async () => {
  const { send } = await makeCollector();
  expect((await read(await send(newId(), [], { rules: 0 }))).ruleSet).toMatchObject({ version: 1 });
});

test('`have` lists the stored numbers as ranges, in whatever order they came', async () => {
  const { send } = await makeCollector();
  const id = newId();
  let answer: Answer | undefined;
  for (const seq of [5, 1, 2, 9, 4, 3]) answer = await read(await send(id, [makeEvent('page_view', { seq })]));
  expect(answer!.visitor).toMatchObject({
    have: [
      [1, 5],
      [9, 9],
    ],
    rev: 6,
  });
});

test('traits of the envelope count as set by the greatest event, and survive a replay', async () => {
  const { send, visitor, putRules } = await makeCollector();
  const rules = {
    signals: { view: { event: 'page_view' } },
    stages: { interest: { when: { trait: 'plan', eq: 'pro' } } },
  };
  await putRules(rules);
  const id = newId();
  await send(id, [makeEvent('identify', { time: NOW - 1000, props: { plan: 'free', secret: 'x' } })]);
  await send(id, [makeEvent('page_view', { time: NOW - 2000 }), makeEvent('page_view', { time: NOW })], {
    traits: { plan: 'pro' },
    userId: 'u1',
  });
  expect(await visitor(id)).toMatchObject({
    stage: 'interest',
    userId: 'u1',
    facts: { traits: { plan: [NOW, expect.any(String), 'pro'] } },
  });
  expect(Object.keys((await visitor(id)).facts.traits)).toEqual(['plan']);
  await putRules(rules);
  expect(await visitor(id)).toMatchObject({ stage: 'interest', rules: 3 });
});

test('traits that come with an event stored before change the stage, and the log says so', async () => {
  const { send, visitor, putRules } = await makeCollector();
  await putRules({ signals: {}, stages: { interest: { when: { trait: 'plan', eq: 'pro' } } } });
  const id = newId();
  const event = makeEvent('page_view');
  await send(id, [event]);
  await send(id, [event], { traits: { plan: 'pro' } });
  const { stage, transitions } = await visitor(id);
  expect(stage).toBe('interest');
  expect(transitions.map(({ from, to }) => [from, to])).toEqual([[null, 'interest']]);
});

test('touches: the first by time, and the last that is not direct', async () => {
  const { send, visitor } = await makeCollector();
  const id = newId();
  const at = (time: number, url: string, referrer?: string) =>
    makeEvent('page_view', { time, url: `${ORIGIN}${url}`, referrer });
  await send(id, [at(NOW, '/')]);
  expect(await visitor(id)).toMatchObject({ firstTouch: { channel: 'Direct' }, lastTouch: { channel: 'Direct' } });
  await send(id, [at(NOW - 5000, '/?utm_source=news&utm_medium=email'), at(NOW - 9000, '/', 'https://www.baidu.com/')]);
  expect(await visitor(id)).toMatchObject({
    firstTouch: { channel: 'Organic Search', source: 'baidu.com', at: NOW - 9000 },
    lastTouch: { channel: 'Email', source: 'news', medium: 'email', campaign: null, at: NOW - 5000 },
  });
});

test('a window that expires changes the stage with no event', async () => {
  const { send, visitor, clock, get, site } = await makeCollector();
  const id = newId();
  await send(id, [makeEvent('page_view', { url: `${ORIGIN}/products/x` })]);
  expect((await visitor(id)).stage).toBe('interest');
  clock.now = NOW + 30 * DAY_MS;
  const report = await get<{ stages: Array<{ stage: string; current: number }> }>(
    `sites/${site.siteKey}/reports/stages`,
  );
  expect(report.stages.filter(({ current }) => current)).toMatchObject([{ stage: 'awareness', current: 1 }]);
  const { transitions, stage, peak } = await visitor(id);
  expect({ stage, peak }).toEqual({ stage: 'awareness', peak: 'interest' });
  expect(transitions.at(-1)).toMatchObject({
    from: 'interest',
    to: 'awareness',
    at: Date.UTC(2026, 11, 22),
    cause: { kind: 'expiry', rule: 'interest', rules: 1 },
  });
});

test('each step of one batch is a transition of its own, with the event that caused it', async () => {
  const { send, visitor } = await makeCollector();
  const id = newId();
  const steps = [
    makeEvent('page_view', { time: NOW - 4000 }),
    makeEvent('page_view', { time: NOW - 3000, url: `${ORIGIN}/products/a` }),
    makeEvent('purchase', { time: NOW - 1000, props: { value: 5 } }),
  ];
  await send(id, shuffle(steps, seeded(3)));
  expect((await visitor(id)).transitions.map(({ from, to, at, cause }) => [from, to, at, cause.event])).toEqual([
    [null, 'awareness', NOW - 4000, steps[0]!.id],
    ['awareness', 'interest', NOW - 3000, steps[1]!.id],
    ['interest', 'action', NOW - 1000, steps[2]!.id],
  ]);
});

describe('hostile values', () => {
  const hostile = { toString: 1, valueOf: 1 };

  test('that cannot be made a text or a number are stored, and count nothing', async () => {
    const { send, visitor, ndjson, putRules } = await makeCollector();
    const id = newId();
    const events = [
      makeEvent('purchase', { props: { value: hostile, transaction_id: 'a' } }),
      makeEvent('page_view', { props: { sku: hostile } }),
    ];
    expect(await read(await send(id, events))).toMatchObject({ accepted: 2, visitor: { stage: 'awareness' } });
    const rules = {
      signals: {
        view: { event: 'page_view', distinct: 'props.sku', props: { sku: { exists: true } } },
        glob: { event: 'page_view', props: { sku: { glob: '*a*' } } },
      },
      stages: { interest: { when: { signal: 'view' } } },
    };
    expect((await putRules(rules)).status).toBe(200);
    expect((await visitor(id)).stage).toBe('interest');
    expect(await ndjson()).toHaveLength(2);
  });

  test.each([
    ['an id', (nested: unknown) => ({ ...makeEvent('page_view'), id: nested })],
    ['an event', (nested: unknown) => nested],
  ])('nested too deep as %s are rejected alone', async (_, make) => {
    const { send, store, site } = await makeCollector();
    // Written by hand: JSON.stringify itself cannot write what is so deep.
    const good = makeEvent('page_view');
    const bad = JSON.stringify(make('NESTED')).replace('"NESTED"', '['.repeat(20_000) + ']'.repeat(20_000));
    const response = await send(newId(), [good, 'BAD'], {}, {}, (text) => text.replace('"BAD"', bad));
    expect(await read(response)).toMatchObject({ accepted: 1, rejected: [{ id: null, reason: 'too_deep' }] });
    expect(await store.deadLetters(site.siteKey, 9)).toMatchObject([{ reason: 'too_deep' }]);
  });
});

test('what a browser had to give up is kept as the greatest number it said, and nonsense is not', async () => {
  const collector = await makeCollector();
  const visitorId = newId();
  for (const lost of [7, 3, 'many', -1, null]) expect((await collector.send(visitorId, [], { lost })).status).toBe(200);
  await collector.send(visitorId, [makeEvent('page_view')], { lost: 9 });
  expect(await collector.visitor(visitorId)).toMatchObject({ lost: 9 });
  await collector.send(visitorId, [], { lost: 12 });
  expect(await collector.visitor(visitorId)).toMatchObject({ lost: 12 });
});
