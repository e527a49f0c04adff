import { expect, test } from 'vitest';
import { botReason } from '../../collector/ingest/bot.js';
import { makeCollector, makeEvent, newId } from '../helpers/collector.js';

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
