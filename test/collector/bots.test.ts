import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import {
  addressList,
  botReason,
  isInternal,
  isSpam,
  MAX_PER_MINUTE,
  openSpamList,
} from '../../collector/ingest/bot.js';
import { appOf } from '../../collector/ingest/client.js';
import { classifyChannel } from '../../sdk/core/index.js';
import { ADMIN, makeCollector, makeEvent, newId, NOW, temporaryFolder } from '../helpers/collector.js';

const { version } = JSON.parse(fs.readFileSync('package.json', 'utf8')) as { version: string };

const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0';
const WECHAT =
  'Mozilla/5.0 (Linux; Android 12; M2012K11AC) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/86.0.4240.99 XWEB/4317 MMWEBSDK/20220903 Mobile Safari/537.36 MMWEBID/68 MicroMessenger/8.0.28.2240(0x28001C35) WeChat/arm64 NetType/WIFI Language/zh_CN ABI/arm64';
const GOOGLE = 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)';
const CHATGPT =
  'Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible; ChatGPT-User/1.0; +https://openai.com/bot';
const HEADLESS =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/131.0 Safari/537.36';

test.each([
  [FIREFOX, null, null],
  [WECHAT, null, null],
  [GOOGLE, 'crawler', 'crawler'],
  [CHATGPT, 'ai_assistant', 'ai_assistant'],
  [HEADLESS, 'headless', null],
  ['curl/8.5.0', 'script', null],
  ['AhrefsBot/7.0', 'crawler', 'crawler'],
  ['', 'script', null],
])('%s from outside is %s, from the machine itself %s', (userAgent, outside, inside) => {
  const client = { userAgent, brands: undefined, address: undefined };
  expect(botReason({ ...client, isLocal: false })).toBe(outside);
  expect(botReason({ ...client, isLocal: true })).toBe(inside);
});

test('a browser whose brands say that nobody looks at it is headless', () => {
  const client = { userAgent: FIREFOX, brands: '"HeadlessChrome";v="131"', address: undefined, isLocal: false };
  expect(botReason(client)).toBe('headless');
});

test('a bot is stored with the reason and has a stage, and reports leave it out', async () => {
  const { send, visitor, ndjson, get, site, store } = await makeCollector();
  const [bot, person, server] = [newId(), newId(), newId()];
  const answer = await send(bot, [makeEvent('purchase')], {}, { 'User-Agent': GOOGLE });
  expect(await answer.json()).toMatchObject({ accepted: 1, visitor: { stage: 'action' } });
  await send(person, [makeEvent('page_view')], {}, { 'User-Agent': FIREFOX });
  const secret = { 'User-Agent': GOOGLE, Authorization: `Bearer ${site.secretKey}` };
  await send(server, [makeEvent('page_view')], {}, secret);

  expect((await ndjson(`?visitor=${bot}`)).map((event) => event.bot)).toEqual(['crawler']);
  expect((await ndjson(`?visitor=${person}`)).map((event) => event.bot)).toEqual([null]);
  expect(await visitor(bot)).toMatchObject({ stage: 'action', bot: 'crawler' });
  const { stages } = await get<{ stages: Array<{ stage: string; current: number; entered: number }> }>(
    `sites/${site.siteKey}/reports/stages`,
  );
  expect(stages.find(({ stage }) => stage === 'action')).toMatchObject({ current: 0, entered: 0, peak: 0 });
  expect(stages.find(({ stage }) => stage === 'awareness')).toMatchObject({ current: 2 });

  // What was decided stays so when everything is made anew.
  await store.markStale(site.siteKey);
  expect(await visitor(bot)).toMatchObject({ stage: 'action', bot: 'crawler' });
});

test('no address and no user agent is on disk', async () => {
  const { send, folder } = await makeCollector({ trustProxy: 1 });
  const { bytesIn } = await import('../helpers/collector.js');
  await send(newId(), [makeEvent('page_view')], {}, { 'User-Agent': 'Planted/7', 'X-Forwarded-For': '203.0.113.77' });
  const bytes = bytesIn(folder);
  expect(bytes).toContain('page_view');
  for (const planted of ['203.0.113.77', 'Planted/7']) expect(bytes).not.toContain(planted);
});

test.each([
  ['203.0.113.7', true],
  ['203.0.113.8', false],
  ['198.51.100.200', true],
  ['::ffff:198.51.100.1', true],
  ['2001:db8:1::9', true],
  ['2001:db9::1', false],
  ['no address', false],
  [undefined, false],
])("%s is one of the site's own addresses: %s", (address, expected) => {
  expect(isInternal(['203.0.113.7', '198.51.100.0/24', '2001:db8::/32'], address)).toBe(expected);
});

test.each([
  [['203.0.113.7', '2001:db8::/32'], true],
  [[], true],
  [['203.0.113.7/33'], false],
  [['203.0.113.7/'], false],
  [['203.0.113.0/24/8'], false],
  [['office'], false],
])('%j is a list of addresses: %s', (texts, expected) => {
  expect(!!addressList(texts)).toBe(expected);
});

test('spam comes from the domains of a list, from those below them, and as a campaign source', () => {
  const file = path.join(temporaryFolder(), 'spam.txt');
  fs.writeFileSync(file, '# a comment\n\nSpam.example \r\nother.example # why\n');
  const spam = openSpamList(file);
  expect(spam.size).toBe(2);
  const by = (referrer?: string, utm_source?: string) =>
    isSpam(makeEvent('page_view', { referrer, ...(utm_source && { source: { utm_source } }) }), spam);
  expect(['https://spam.example/x', 'http://www.OTHER.example:8080/'].map((each) => by(each))).toEqual([true, true]);
  expect(by(undefined, 'spam.example')).toBe(true);
  expect(['https://notspam.example/', 'https://example/', 'nonsense', ''].map((each) => by(each))).toEqual([
    false,
    false,
    false,
    false,
  ]);
  expect(by(undefined, 'newsletter')).toBe(false);
});

type Stages = { stages: Array<{ stage: string; current: number }> };

test("spam and the site's own people are stored, stand at a stage, and are not counted", async () => {
  const collector = await makeCollector({ trustProxy: 1, lookups: { spam: new Set(['spam.example']) } });
  const { send, site, get, app, visitor, ndjson } = collector;
  const change = (internal: unknown) =>
    app.request(`/api/sites/${site.siteKey}`, {
      method: 'PATCH',
      headers: { Authorization: `Bearer ${ADMIN}` },
      body: JSON.stringify({ internal }),
    });
  const refused = await change(['203.0.113.0/99']);
  expect([refused.status, await refused.text()]).toEqual([400, expect.stringContaining('internal: expected a list')]);
  expect(await (await change(['203.0.113.0/24'])).json()).toMatchObject({ internal: ['203.0.113.0/24'] });

  const [own, spam, other] = [newId(), newId(), newId()];
  const from = (address: string) => ({ 'User-Agent': FIREFOX, 'X-Forwarded-For': address });
  await send(own, [makeEvent('purchase')], {}, from('203.0.113.9'));
  const visit = makeEvent('page_view', { referrer: 'https://www.spam.example/' });
  await send(spam, [visit, makeEvent('page_view')], {}, from('198.51.100.1'));
  await send(other, [makeEvent('page_view')], {}, from('198.51.100.1'));
  expect(await visitor(own)).toMatchObject({ stage: 'action', bot: 'internal' });
  expect(await visitor(spam)).toMatchObject({ stage: 'awareness', bot: 'referrer_spam' });
  expect((await ndjson(`?visitor=${spam}`)).map(({ bot }) => bot).sort()).toEqual(['referrer_spam', null].sort());
  const { stages } = await get<Stages>(`sites/${site.siteKey}/reports/stages`);
  expect(stages.map(({ stage, current }) => [stage, current]).slice(0, 4)).toEqual([
    ['awareness', 1],
    ['interest', 0],
    ['consideration', 0],
    ['action', 0],
  ]);
});

test('who makes more events in a minute than anybody does is left out, with all its facts', async () => {
  const { send, visitor, ndjson, app, site } = await makeCollector();
  const [fast, busy] = [newId(), newId()];
  // As many as a page may send at once.
  const BATCH = 250;
  const sendMany = async (visitorId: string, times: number[]) => {
    for (let first = 0; first < times.length; first += BATCH) {
      const events = times.slice(first, first + BATCH).map((time) => makeEvent('page_view', { time }));
      expect((await send(visitorId, events)).status).toBe(200);
      // Sent once more, nothing is counted once more.
      expect((await send(visitorId, events)).status).toBe(200);
    }
  };
  const start = Math.floor(Date.UTC(2026, 10, 22, 10) / 60_000) * 60_000;
  await sendMany(
    fast,
    Array.from({ length: MAX_PER_MINUTE + 1 }, () => start + 1),
  );
  await sendMany(
    busy,
    Array.from({ length: MAX_PER_MINUTE + 1 }, (_, index) => start + index * 1000),
  );
  expect(await visitor(busy)).toMatchObject({ bot: null, eventCount: MAX_PER_MINUTE + 1 });
  expect(await visitor(fast)).toMatchObject({ bot: 'impossible_rate', eventCount: MAX_PER_MINUTE + 1 });
  const counted = async (visitorId: string) => (await visitor(visitorId)).facts.signals;
  expect(await counted(fast)).toEqual(await counted(busy));
  expect((await ndjson(`?visitor=${fast}`)).every(({ bot }) => bot === null)).toBe(true);
  // Whoever says otherwise can take it back: then it is what its events say again.
  const judge = async (method: string) =>
    (
      await app.request(`/api/sites/${site.siteKey}/visitors/${fast}/bot`, {
        method,
        headers: { Authorization: `Bearer ${ADMIN}` },
        ...(method === 'PUT' && { body: '{"bot":null}' }),
      })
    ).json();
  expect(await judge('PUT')).toMatchObject({ bot: null, isJudged: true });
  expect(await judge('DELETE')).toMatchObject({ bot: 'impossible_rate', isJudged: false });
});

test('a verdict by hand holds whatever comes, survives a replay, and can be taken back', async () => {
  const { send, site, app, get, visitor, store, clock } = await makeCollector();
  const [bot, person] = [newId(), newId()];
  await send(bot, [makeEvent('purchase')], {}, { 'User-Agent': GOOGLE });
  await send(person, [makeEvent('page_view')], {}, { 'User-Agent': FIREFOX });
  const before = await visitor(bot);
  const judge = async (visitorId: string, method: string, body?: object) => {
    const response = await app.request(`/api/sites/${site.siteKey}/visitors/${visitorId}/bot`, {
      method,
      headers: { Authorization: `Bearer ${ADMIN}` },
      body: JSON.stringify(body),
    });
    return [response.status, await response.json()];
  };
  const counts = async () => {
    const { stages } = await get<Stages>(`sites/${site.siteKey}/reports/stages`);
    return Object.fromEntries(stages.filter(({ current }) => current).map(({ stage, current }) => [stage, current]));
  };
  expect(await counts()).toEqual({ awareness: 1 });
  expect(await judge(bot, 'PUT', { bot: null })).toEqual([200, { visitorId: bot, bot: null, isJudged: true }]);
  expect(await judge(person, 'PUT', { bot: 'competitor' })).toMatchObject([200, { bot: 'competitor' }]);
  expect(await counts()).toEqual({ action: 1 });
  expect((await visitor(bot)).facts).toEqual(before.facts);

  clock.now += 1000;
  await send(bot, [makeEvent('page_view')], {}, { 'User-Agent': GOOGLE });
  await store.markStale(site.siteKey);
  expect(await visitor(bot)).toMatchObject({ bot: null, isJudged: true });
  expect(await visitor(person)).toMatchObject({ bot: 'competitor', isJudged: true });

  expect(await judge(bot, 'DELETE')).toMatchObject([200, { bot: 'crawler', isJudged: false }]);
  expect(await judge(person, 'DELETE')).toMatchObject([200, { bot: null, isJudged: false }]);
  expect(await counts()).toEqual({ awareness: 1 });
  for (const wrong of [{}, { bot: 5 }, { bot: 'a b' }, []])
    expect(await judge(bot, 'PUT', wrong)).toMatchObject([400, { error: expect.stringContaining('bot: expected') }]);
  expect(await judge(newId(), 'PUT', { bot: null })).toMatchObject([404, {}]);
});

test("a bot that is no bot after all counts with its person's others", async () => {
  const { send, site, app, visitor } = await makeCollector();
  const [phone, bot] = [newId(), newId()];
  const secret = { Authorization: `Bearer ${site.secretKey}` };
  for (const visitorId of [phone, bot]) await send(visitorId, [], { userId: 'ada' }, secret);
  await send(phone, [makeEvent('page_view')], { userId: 'ada' }, secret);
  await send(bot, [makeEvent('purchase')], {}, { 'User-Agent': GOOGLE });
  await send(bot, [makeEvent('identify')], { userId: 'ada' }, secret);
  expect((await visitor(phone)).stage).toBe('awareness');
  await app.request(`/api/sites/${site.siteKey}/visitors/${bot}/bot`, {
    method: 'PUT',
    headers: { Authorization: `Bearer ${ADMIN}` },
    body: '{"bot":null}',
  });
  expect((await visitor(phone)).stage).toBe('action');
});

const IPHONE =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148';

test.each([
  [FIREFOX, undefined],
  [IPHONE, undefined],
  [WECHAT, 'weixin'],
  [`${IPHONE} Weibo (iPhone15,2__weibo__14.5.0__iphone__os17.5)`, 'weibo'],
  [`${IPHONE} discover/8.40 NetType/WiFi`, 'xiaohongshu'],
  [`${IPHONE} aweme_30.1.0 Region/CN AppTheme/light NetType/WIFI JsSdk/2.0 Channel/App`, 'douyin'],
  [`${IPHONE} NewsArticle/9.9.5 JsSdk/2.0`, 'toutiao'],
  [`${IPHONE} Kwai/12.4.30`, 'kuaishou'],
  [`${IPHONE} BiliApp/77900100`, 'bilibili'],
  [`${IPHONE} ZhihuHybrid osee2unifiedRelease/10.4.0`, 'zhihu'],
  [`${IPHONE} QQ/9.0.60 V1_IPH_SQ_9.0.60`, 'qzone.qq'],
  [`${IPHONE} Instagram 330.0.0.40.92`, 'instagram'],
  [`${IPHONE} [FBAN/FBIOS;FBAV/465.0.0.40.70]`, 'facebook'],
  [`${IPHONE} musical_ly_34.5.0 BytedanceWebview/d8a21c6`, 'tiktok'],
  [`${IPHONE} [LinkedInApp]/9.29`, 'linkedin'],
])('%s is the browser of %s, which is social', (userAgent, app) => {
  expect(appOf({ userAgent })).toBe(app);
  if (app) expect(classifyChannel(app, '', '')).toMatch(/^Organic (Social|Video)$/);
});

test('a visit in WeChat without a referrer came from WeChat, and each event keeps that', async () => {
  const { send, visitor, ndjson, store, site } = await makeCollector();
  const id = newId();
  const landing = { time: NOW - 5000, referrer: '' };
  await send(
    id,
    [makeEvent('session_start', landing), makeEvent('page_view', landing), makeEvent('scroll'), makeEvent('page_view')],
    {},
    { 'User-Agent': WECHAT },
  );
  const touch = { channel: 'Organic Social', source: 'weixin', medium: 'social', referrer: null };
  const at = NOW - 5000;
  expect(await visitor(id)).toMatchObject({ firstTouch: { ...touch, at }, lastTouch: { ...touch, at } });
  expect((await ndjson(`?visitor=${id}`)).map((event) => (event as { inApp?: string }).inApp)).toEqual(
    Array.from({ length: 4 }, () => 'weixin'),
  );
  for await (const stored of store.events(site.siteKey, { visitorId: id })) expect(stored.inApp).toBe('weixin');
  const { sessions } = (await visitor(id)) as unknown as { sessions: Array<{ channel: string }> };
  expect(sessions.map(({ channel }) => channel)).toEqual(['Organic Social']);
});

test('apps and browsers whose names have words of crawlers are people’s', () => {
  const of = (rest: string) =>
    botReason({
      userAgent: `Mozilla/5.0 (Linux; Android 11; wv) AppleWebKit/537.36 Chrome/88.0 Mobile Safari/537.36 ${rest}`,
      brands: '',
      address: undefined,
      isLocal: false,
    });
  for (const app of [
    'JsSdk/2 NewsArticle/8.3.0 NetType/wifi',
    'NetType/WIFI (NewsLite 8.5.1 15.0)',
    'qqnews/6.2',
    'NewsApp/80.1',
    'SohuNews/6.3.2',
    'SmartNews 8.5.0',
    'SogouMobileBrowser/5.22',
    'SogouSearch Android1.0',
  ])
    expect([app, of(app)]).toEqual([app, null]);
  for (const bot of ['(compatible; Googlebot-News)', '(compatible; Sogou web spider/4.0)', '(Newsbot/1.0)'])
    expect([bot, of(bot)]).toEqual([bot, 'crawler']);
});

test('a browser of which somebody says so at /internal is left out until they take it back', async () => {
  const { app, site, send, visitor } = await makeCollector({ mount: '/st' });
  const press = (internal: string, origin = 'http://localhost', cookie = '') =>
    app.request('/st/internal', {
      method: 'POST',
      headers: { Origin: origin, Cookie: cookie, 'Content-Type': 'application/x-www-form-urlencoded' },
      body: `internal=${internal}`,
    });
  const tag = async (cookie?: string) => {
    const response = await app.request(`/st/t/${site.siteKey}.js`, { headers: cookie ? { Cookie: cookie } : {} });
    const text = await response.text();
    const late = /late-[\w-]+\.js/.exec(text)![0];
    const sdk = /js\/\d[^"]*/.exec(await (await app.request(`/st/t/${late}`)).text())![0];
    return { caching: response.headers.get('Cache-Control'), vary: response.headers.get('Vary'), sdk, text };
  };

  const yes = await press('yes');
  expect([yes.status, yes.headers.get('Location')]).toEqual([303, '/st/internal']);
  const set = yes.headers.get('Set-Cookie')!;
  expect(set).toBe('stagetag_internal=1; Max-Age=34560000; Path=/st/; HttpOnly; SameSite=Lax');
  const cookie = set.split(';')[0]!;
  const everybody = await tag();
  expect(everybody).toMatchObject({ caching: 'public, max-age=300', vary: 'Accept-Encoding', sdk: `js/${version}` });
  const own = await tag(cookie);
  expect(own).toMatchObject({ caching: 'private, max-age=300', vary: 'Cookie, Accept-Encoding' });
  expect(own.sdk).toBe(`js/${version}+internal`);
  expect((await tag()).text).toBe(everybody.text);
  // Nothing else is another: the same parts, the same rules.
  expect(own.text.replace('-internal.js', '.js')).toBe(everybody.text);

  const id = newId();
  await send(id, [makeEvent('page_view')], { sdk: own.sdk });
  expect(await visitor(id)).toMatchObject({ stage: 'awareness', bot: 'internal' });

  const page = async (language: string, given = cookie) =>
    (await app.request('/st/internal', { headers: { Cookie: given, 'Accept-Language': language } })).text();
  expect(await page('en')).toContain('Count this browser again');
  expect(await page('zh-CN,zh;q=0.9', '')).toContain('不再统计这个浏览器');
  expect((await press('no', undefined, cookie)).headers.get('Set-Cookie')).toContain('Max-Age=0');
  // Another site's form, or a program that names no origin, flags nobody.
  expect((await press('yes', 'https://elsewhere.example')).status).toBe(403);
  expect((await press('perhaps')).status).toBe(400);
});

test('over TLS the cookie goes along from pages of other sites', async () => {
  const { app } = await makeCollector({ trustProxy: 1 });
  const response = await app.request('/internal', {
    method: 'POST',
    headers: {
      Origin: 'https://stagetag.example',
      'X-Forwarded-Proto': 'https',
      'X-Forwarded-Host': 'stagetag.example',
      'Content-Type': 'application/x-www-form-urlencoded',
    },
    body: 'internal=yes',
  });
  expect(response.headers.get('Set-Cookie')).toBe(
    'stagetag_internal=1; Max-Age=34560000; Path=/; HttpOnly; Secure; SameSite=None',
  );
});

test('what a client writes that no address can be made of is not believed', async () => {
  const { app } = await makeCollector({ trustProxy: 1 });
  for (const [name, value] of [
    ['X-Forwarded-Host', 'a b'],
    ['X-Forwarded-Proto', 'ht tp'],
  ] as const)
    for (const path of ['/internal', '/api/session']) {
      const headers = { Origin: 'http://x', [name]: value, 'Content-Type': 'application/x-www-form-urlencoded' };
      const { status } = await app.request(path, { method: 'POST', headers, body: '{}' });
      expect([path, name, status]).toEqual([path, name, 403]);
    }
});

test('what is sent to sign in or to /internal is small', async () => {
  const { app } = await makeCollector();
  for (const [path, bytes] of [
    ['/internal', 2000],
    ['/api/session', 9000],
  ] as const) {
    const body = 'x'.repeat(bytes);
    const headers = { Origin: 'http://localhost', 'Content-Length': `${bytes}` };
    expect((await app.request(path, { method: 'POST', body, headers })).status).toBe(413);
  }
});
