import { expect, test } from 'vitest';
import { describeClient } from '../../collector/ingest/client.js';
import { bytesIn, makeCollector, makeEvent, newId, NOW, ORIGIN } from '../helpers/collector.js';

const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0';
const IPHONE =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1';

test('a client is told by its device, browser and system, and by its country where the owner knows places', () => {
  const client = { userAgent: IPHONE, brands: undefined, address: '203.0.113.7', isLocal: false };
  expect(describeClient(client, () => ({ country: 'DE', region: 'BE' }))).toEqual({
    device: 'mobile',
    browser: 'Safari',
    os: 'iOS',
    country: 'DE',
    region: 'BE',
  });
  expect(describeClient({ ...client, userAgent: undefined }, undefined)).toEqual({
    device: null,
    browser: null,
    os: null,
    country: null,
    region: null,
  });
});

test('a browser that has the user agent of another is told by its brand', () => {
  const userAgent =
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36';
  const told = (brands: string | undefined) =>
    describeClient({ userAgent, brands, address: undefined, isLocal: false }, undefined).browser;
  expect(told('"Brave";v="131", "Chromium";v="131", "Not_A Brand";v="24"')).toBe('Brave');
  expect(told('"Chromium";v="131", "Vivaldi";v="7.0"')).toBe('Vivaldi');
  for (const other of [undefined, '', 'no list', '"Google Chrome";v="131"', '"<b>Mine</b>";v="1"'])
    expect(told(other)).toBe('Chrome');
});

test('a session is its events, in whatever order and however often they come', async () => {
  const { send, get, site, app } = await makeCollector();
  const id = newId();
  const landing = makeEvent('page_view', {
    time: NOW - 5000,
    url: `${ORIGIN}/?utm_source=news&utm_medium=email&utm_campaign=may`,
  });
  const later = makeEvent('page_view', { time: NOW - 1000 });
  const other = makeEvent('page_view', { time: NOW, sessionId: 'second' });
  const headers = { 'User-Agent': FIREFOX };
  await send(id, [later, other], {}, headers);
  await send(id, [landing, later], {}, headers);
  await send(id, [landing, later], {}, headers);
  const { sessions } = await get<{ sessions: object[] }>(`sites/${site.siteKey}/visitors/${id}`);
  const client = { device: 'desktop', browser: 'Firefox', os: 'Linux', country: null, region: null, bot: null };
  expect(sessions).toEqual([
    {
      ...client,
      sessionId: 'second',
      startedAt: NOW,
      endedAt: NOW,
      arrivedAt: NOW,
      events: 1,
      channel: 'Direct',
      source: null,
      medium: null,
      campaign: null,
    },
    {
      ...client,
      sessionId: 'session',
      startedAt: NOW - 5000,
      endedAt: NOW - 1000,
      arrivedAt: NOW - 5000,
      events: 2,
      channel: 'Email',
      source: 'news',
      medium: 'email',
      campaign: 'may',
    },
  ]);
  await app.request(`/api/sites/${site.siteKey}/people/${id}`, {
    method: 'DELETE',
    headers: { Authorization: 'Bearer admin-token' },
  });
  expect((await get<{ visitors: object[] }>(`sites/${site.siteKey}/visitors`)).visitors).toEqual([]);
});

test('a session that began with no source has that of the first arrival in it, whatever comes first, and none begins in the future', async () => {
  const { send, get, site } = await makeCollector();
  const at = (minutes: number, query = '') =>
    makeEvent('page_view', { time: NOW + minutes * 60_000, url: `${ORIGIN}/${query}` });
  const [direct, paid, mail] = [at(-9), at(-5, '?gclid=1'), at(-2, '?utm_source=news&utm_medium=email')];
  const orders = [
    [[direct, paid, mail]],
    [[direct], [mail], [paid]],
    [[mail], [direct, paid]],
    [[paid], [mail], [direct]],
  ];
  for (const batches of orders) {
    const id = newId();
    for (const events of batches)
      await send(
        id,
        events.map((event) => ({ ...event, id: newId() })),
      );
    const { sessions } = await get<{ sessions: object[] }>(`sites/${site.siteKey}/visitors/${id}`);
    expect(sessions).toMatchObject([{ channel: 'Paid Search', source: 'google', startedAt: direct.time, events: 3 }]);
  }
  const ahead = newId();
  await send(ahead, [makeEvent('page_view', { time: NOW + 5 * 60_000 })]);
  expect((await get<{ sessions: object[] }>(`sites/${site.siteKey}/visitors/${ahead}`)).sessions).toMatchObject([
    { startedAt: NOW, endedAt: NOW },
  ]);
});

test('the loss report says what never came, by browser and channel, and leaves out bots', async () => {
  const { send, get, site } = await makeCollector();
  const numbered = (...numbers: number[]) => numbers.map((seq) => makeEvent('page_view', { seq }));
  await send(newId(), numbered(1, 2, 5, 6), { lost: 1 }, { 'User-Agent': FIREFOX });
  await send(newId(), numbered(1, 2, 3, 4), {}, { 'User-Agent': IPHONE });
  const late = newId();
  await send(late, numbered(4), {}, { 'User-Agent': IPHONE });
  await send(late, numbered(1, 2, 3), {}, { 'User-Agent': IPHONE });
  await send(newId(), numbered(9), {}, { 'User-Agent': 'Googlebot/2.1' });
  const report = await get<object>(`sites/${site.siteKey}/reports/loss`);
  expect(report).toMatchObject({
    visitors: 3,
    stored: 12,
    missing: 2,
    ownedUp: 1,
    rate: 2 / 14,
    byBrowser: [
      { browser: 'Firefox', visitors: 1, stored: 4, missing: 2, ownedUp: 1, rate: 2 / 6 },
      { browser: 'Safari', visitors: 2, stored: 8, missing: 0, ownedUp: 0, rate: 0 },
    ],
    byChannel: [{ channel: 'Direct', visitors: 3, stored: 12, missing: 2 }],
  });
  expect(await get(`sites/${site.siteKey}/reports/loss?from=2026-01-01&to=2026-01-02`)).toMatchObject({ rate: null });
  expect(await get(`sites/${site.siteKey}/reports/loss?from=x`)).toMatchObject({
    error: expect.stringMatching(/from/),
  });
});

test('the clock of who sends is reported, and moves no event', async () => {
  const { send, visitor, ndjson, clock } = await makeCollector();
  const id = newId();
  await send(id, [makeEvent('page_view', { time: NOW - 3_600_000 })], { sentAt: clock.now - 3_600_000 });
  expect(await visitor(id)).toMatchObject({ clockSkew: 3_600_000 });
  expect((await ndjson()).map(({ time, receivedAt }) => [time, receivedAt])).toEqual([[NOW - 3_600_000, NOW]]);
});

test('of a browser that nobody knows nothing is kept', async () => {
  const { send, folder } = await makeCollector();
  for (const userAgent of ['Mozilla/5.0 Planted-555-1234 device-A1 /x (y)', 'Planted secret/1.0 (z)'])
    await send(newId(), [makeEvent('page_view')], {}, { 'User-Agent': userAgent });
  expect(bytesIn(folder)).not.toMatch(/planted/i);
});

test('one sender of absurd numbers neither breaks the loss report nor makes it', async () => {
  const { send, get, site } = await makeCollector();
  const most = Number.MAX_SAFE_INTEGER;
  for (let n = 0; n < 3; n++)
    await send(newId(), [makeEvent('page_view', { seq: most })], { lost: most }, { 'User-Agent': FIREFOX });
  expect(await get(`sites/${site.siteKey}/reports/loss`)).toMatchObject({ stored: 3, missing: 300_000 });
});

test('from one of the site’s own hosts to another, and back from paying, is no arrival', async () => {
  const collector = await makeCollector();
  const { send, visitor, store, site } = collector;
  const shop = 'https://shop.example';
  await store.updateSite(site.siteKey, { origins: [ORIGIN, shop] });
  const id = newId();
  const day = 86_400_000;
  const land = (daysAgo: number, sessionId: string, referrer: string, query = '') =>
    makeEvent('page_view', { time: NOW - daysAgo * day, sessionId, url: `${ORIGIN}/${query}`, referrer });
  await send(id, [
    land(9, 'a', 'https://www.google.com/', '?gclid=x'),
    land(5, 'b', `${shop}/cart`),
    land(3, 'c', 'https://www.paypal.com/checkout'),
  ]);
  await send(id, [land(1, 'd', `${shop}/cart`)]);
  const { firstTouch, lastTouch, sessions } = (await visitor(id)) as unknown as {
    firstTouch: { channel: string };
    lastTouch: { channel: string };
    sessions: Array<{ sessionId: string; channel: string; source: string | null }>;
  };
  expect([firstTouch.channel, lastTouch.channel]).toEqual(['Paid Search', 'Paid Search']);
  expect(sessions.map(({ sessionId, channel, source }) => [sessionId, channel, source]).sort()).toEqual([
    ['a', 'Paid Search', 'google'],
    ['b', 'Direct', null],
    ['c', 'Direct', null],
    ['d', 'Direct', null],
  ]);
});

test('where a session came from does not hang on how its events were sent', async () => {
  const { send, get, site } = await makeCollector();
  const view = (minute: number, more: object) =>
    makeEvent('page_view', { time: NOW - 3_600_000 + minute * 60_000, ...more });
  const labelled = { url: `${ORIGIN}/?utm_source=news&utm_medium=email` };
  const referred = { referrer: 'https://www.google.com/' };
  for (const [ways, channel] of [
    [[{}, referred], 'Direct'],
    [[{}, referred, labelled], 'Email'],
    [[referred, {}, labelled], 'Organic Search'],
    [[labelled, referred], 'Email'],
    [[{}, {}], 'Direct'],
  ] as const) {
    // Of three that come backwards the labels would have to be remembered beside what the second says.
    for (const order of ['together', 'one by one', ...(ways.length > 2 ? [] : ['backwards'])]) {
      const id = newId();
      const events = ways.map((way, minute) => view(minute, { ...way, sessionId: 'one' }));
      const batches = order === 'together' ? [events] : events.map((event) => [event]);
      for (const batch of order === 'backwards' ? batches.reverse() : batches) await send(id, batch);
      const { sessions } = await get<{ sessions: Array<{ channel: string }> }>(`sites/${site.siteKey}/visitors/${id}`);
      expect([order, ways, sessions.map((each) => each.channel)]).toEqual([order, ways, [channel]]);
    }
  }
});

test('where a visitor came from does not hang on who was on the same page before', async () => {
  const { send, visitor } = await makeCollector();
  const url = `${ORIGIN}/?utm_source=news&utm_medium=email`;
  const touchOf = async (more: object) => {
    const id = newId();
    await send(id, [makeEvent('page_view', { url, referrer: '', ...more })]);
    return ((await visitor(id)) as { firstTouch: { source: string | null } }).firstTouch.source;
  };
  // Without labels on purpose, as after a payment.
  expect(await touchOf({ source: {} })).toBeNull();
  expect(await touchOf({})).toBe('news');
  expect(await touchOf({ source: {} })).toBeNull();
});

test('an advertisement that was clicked after an entry has no part in it, though its session is told by it', async () => {
  const { send, get, site } = await makeCollector();
  const at = (minutes: number, name = 'page_view', query = '') =>
    makeEvent(name, {
      time: NOW + minutes * 60_000,
      url: `${ORIGIN}/${query}`,
      ...(name === 'purchase' && { props: { transaction_id: 't', value: 10 } }),
    });
  const credited = async (by: string) => {
    const path = `sites/${site.siteKey}/reports/attribution?stage=action&by=${by}`;
    const { channels } = await get<{ channels: Array<{ channel: string; linear: number; sessions: number }> }>(path);
    return channels.map(({ channel, linear, sessions }) => [channel, linear, sessions]);
  };
  const id = newId();
  await send(id, [at(-9), at(-5, 'purchase')]);
  expect(await credited('channel')).toEqual([['Direct', 1, 1]]);
  await send(id, [at(-2, 'page_view', '?gclid=1')]);
  expect(await credited('channel')).toEqual([
    ['Direct', 1, 0],
    ['Paid Search', 0, 1],
  ]);
  expect(await credited('source')).toEqual([
    ['(direct)', 1, 0],
    ['google', 0, 1],
  ]);
});
