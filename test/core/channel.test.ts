import { SOURCE_NAMES } from '../../sdk/core/sourceNames.js';
import { expect, test } from 'vitest';
import { classifyChannel, touchOf } from '../../sdk/core/index.js';
import vectors from '../vectors/model.json' with { type: 'json' };

const { input, expected } = vectors.vectors.find(({ name }) => name === 'channel.ga4') as unknown as {
  input: Array<[source: string, medium: string, campaign: string]>;
  expected: string[];
};

test.each(input.map((labels, index) => [...labels, expected[index]!] as const))(
  'source %j, medium %j, campaign %j is %s',
  (source, medium, campaign, channel) => {
    expect(classifyChannel(source, medium, campaign)).toBe(channel);
  },
);

const touch = (url: string, referrer?: string, source?: Record<string, string>, app?: string, name = 'page_view') =>
  touchOf(
    { id: 'a', name, time: 1, url, referrer, source },
    new URL(url),
    referrer ? new URL(referrer) : undefined,
    app,
  );

test.each([
  [
    'https://a.example/?utm_source=news&utm_medium=email&utm_campaign=may',
    undefined,
    ['Email', 'news', 'email', 'may', null],
  ],
  [
    'https://a.example/',
    'https://www.google.com/',
    ['Organic Search', 'google.com', 'organic', null, 'https://www.google.com/'],
  ],
  [
    'https://a.example/',
    'https://www.baidu.com/',
    ['Organic Search', 'baidu.com', 'organic', null, 'https://www.baidu.com/'],
  ],
  ['https://a.example/', 'https://blog.other/', ['Referral', 'blog.other', 'referral', null, 'https://blog.other/']],
  [
    'https://a.example/?gclid=x',
    'https://www.google.com/',
    ['Paid Search', 'google', 'cpc', null, 'https://www.google.com/'],
  ],
  ['https://a.example/b', 'https://a.example/', ['Direct', null, null, null, null]],
  ['https://a.example/', undefined, ['Direct', null, null, null, null]],
])('a landing on %s from %s', (url, referrer, [channel, source, medium, campaign, from]) => {
  expect(touch(url, referrer)).toEqual({ channel, source, medium, campaign, referrer: from, at: 1 });
});

test.each([
  ['https://www.so.com/s?q=x', 'Organic Search'],
  ['https://m.sm.cn/s?q=x', 'Organic Search'],
  ['https://cn.bing.com/search?q=x', 'Organic Search'],
  ['https://wap.sogou.com/', 'Organic Search'],
  ['https://mp.weixin.qq.com/s/abc', 'Organic Social'],
  ['https://servicewechat.com/wx1/2/page-frame.html', 'Organic Social'],
  ['https://m.weibo.cn/', 'Organic Social'],
  ['https://t.cn/A6', 'Organic Social'],
  ['https://www.xiaohongshu.com/explore/1', 'Organic Social'],
  ['https://xhslink.com/a', 'Organic Social'],
  ['https://www.douyin.com/', 'Organic Social'],
  ['https://zhuanlan.zhihu.com/p/1', 'Organic Social'],
  ['https://www.toutiao.com/', 'Organic Social'],
  ['https://tieba.baidu.com/p/1', 'Organic Social'],
  ['https://www.bilibili.com/video/1', 'Organic Video'],
  ['https://b23.tv/a', 'Organic Video'],
  ['https://www.kuaishou.com/', 'Organic Video'],
  ['https://item.taobao.com/', 'Organic Shopping'],
  ['https://chatgpt.com/', 'AI Assistants'],
  ['https://www.perplexity.ai/', 'AI Assistants'],
  ['https://gemini.google.com/', 'AI Assistants'],
  ['https://copilot.microsoft.com/', 'AI Assistants'],
  ['https://www.kimi.com/', 'AI Assistants'],
  ['https://kimi.moonshot.cn/', 'AI Assistants'],
  ['https://www.doubao.com/', 'AI Assistants'],
  ['https://chat.deepseek.com/', 'AI Assistants'],
  ['https://m365.cloud.microsoft/chat', 'AI Assistants'],
  ['https://so.360.cn/s?q=x', 'Organic Search'],
  ['https://www.google.co.uk/', 'Organic Search'],
  ['https://search.yahoo.co.jp/search', 'Organic Search'],
  ['android-app://com.google.android.googlequicksearchbox/', 'Organic Search'],
  ['https://m.gifshow.com/fw/photo/1', 'Organic Video'],
  ['android-app://com.tencent.mm/', 'Organic Social'],
  ['android-app://com.reddit.frontpage/', 'Organic Social'],
  ['android-app://com.facebook.orca/', 'Organic Social'],
  ['android-app://org.mastodon.android/', 'Organic Social'],
  ['android-app://com.baidu.searchbox/', 'Organic Search'],
  ['android-app://com.duckduckgo.mobile.android/', 'Organic Search'],
  ['android-app://tv.twitch.android.app/', 'Organic Video'],
  ['android-app://com.google.android.youtube/', 'Organic Video'],
  ['android-app://com.google.android.gm/', 'Email'],
  ['android-app://com.jd.jdlite/', 'Organic Shopping'],
  ['android-app://ai.perplexity.app.android/', 'AI Assistants'],
  ['https://bsky.social/', 'Organic Social'],
  ['https://com.example.org/', 'Referral'],
  ['https://mail.google.com/', 'Email'],
  ['https://mail.qq.com/', 'Email'],
  ['https://outlook.live.com/', 'Email'],
  ['https://docs.google.com/document/d/1', 'Referral'],
  ['https://pan.baidu.com/s/1', 'Referral'],
  ['https://baike.baidu.com/item/1', 'Referral'],
  ['https://support.google.com/', 'Referral'],
  ['https://m.baidu.com/', 'Organic Search'],
  ['https://news.google.com/', 'Organic Search'],
  ['https://aws.amazon.com/', 'Referral'],
  ['https://google.github.io/', 'Referral'],
  ['https://baidu.evil.example/', 'Referral'],
  ['https://accounts.google.com/', 'Direct'],
  ['https://www.a.example/', 'Direct'],
  ['https://www.paypal.com/checkoutnow', 'Direct'],
  ['https://blog.baiduish.example/', 'Referral'],
  ['https://notgoogle.example/', 'Referral'],
  ['https://box.com/', 'Referral'],
])('a link from %s is %s', (referrer, channel) => {
  expect(touch('https://a.example/', referrer).channel).toBe(channel);
});

test.each([
  ['twclid=1', 'Paid Social'],
  ['utm_source=360&utm_medium=cpc', 'Paid Search'],
  ['utm_source=shenma&utm_medium=cpc', 'Paid Search'],
  ['utm_source=gemini', 'AI Assistants'],
  ['utm_source=copilot', 'AI Assistants'],
  ['utm_source=微信&utm_medium=social', 'Organic Social'],
  ['utm_source=小红书', 'Organic Social'],
  ['utm_source=抖音&utm_medium=cpc', 'Paid Social'],
  ['utm_source=百度&utm_medium=cpc', 'Paid Search'],
  ['utm_source=豆包', 'AI Assistants'],
  ['utm_source=快手', 'Organic Video'],
  ['utm_source=淘宝', 'Organic Shopping'],
  ['utm_medium=email&gclid=1', 'Email'],
  ['utm_medium=email&fbclid=1', 'Email'],
  ['utm_medium=cpc&gclid=1', 'Paid Search'],
  // It stands for the medium that is missing.
  ['utm_source=google&gclid=1', 'Paid Search'],
  ['utm_source=bing&msclkid=1', 'Paid Search'],
  ['utm_source=baidu&bd_vid=1', 'Paid Search'],
  ['utm_source=facebook&fbclid=1', 'Organic Social'],
  ['fbclid=1', 'Organic Social'],
  ['qhclickid=1', 'Paid Search'],
  ['yclid=1', 'Paid Search'],
])('a landing with %s is %s', (query, channel) => {
  expect(touch(`https://a.example/?${query}`).channel).toBe(channel);
});

test('an assistant that labels its links is one as well, and a paid link of it is not', () => {
  expect(classifyChannel('chatgpt.com', '', '')).toBe('AI Assistants');
  expect(classifyChannel('chatgpt.com', 'cpc', '')).toBe('Paid Other');
});

test.each(['singlemessage', 'groupmessage', 'timeline'])(
  'a page passed on in WeChat (%s) is known without a referrer',
  (from) => {
    expect(touch(`https://a.example/?from=${from}&isappinstalled=0`)).toMatchObject({
      channel: 'Organic Social',
      source: 'weixin',
      referrer: null,
    });
    expect(touch(`https://a.example/?from=${from}`, 'https://www.google.com/').channel).toBe('Organic Search');
    expect(touch('https://a.example/?from=home').channel).toBe('Direct');
  },
);

test("an event's own source goes before its address", () => {
  expect(touch('https://a.example/?utm_source=b', undefined, { utm_source: 'c', utm_medium: 'cpc' }).source).toBe('c');
});

test.each([
  ['session_start', 'https://a.example/', '', ['Organic Social', 'weixin']],
  ['session_start', 'https://a.example/?utm_source=news&utm_medium=email', '', ['Email', 'news']],
  ['session_start', 'https://a.example/?gclid=x', '', ['Paid Search', 'google']],
  ['session_start', 'https://a.example/', 'https://www.baidu.com/', ['Organic Search', 'baidu.com']],
  ['session_start', 'https://a.example/b', 'https://a.example/', ['Direct', null]],
  // A session that begins on a page that stood open, and what happens within one: coming back from a payment too.
  ['session_start', 'https://a.example/', undefined, ['Direct', null]],
  ['page_view', 'https://a.example/', '', ['Direct', null]],
  ['scroll', 'https://a.example/', undefined, ['Direct', null]],
])(
  'in the browser of an app %s on %s from %j came from what is known better, else from the app',
  (name, url, referrer, expected) => {
    const { channel, source } = touch(url, referrer, undefined, 'weixin', name);
    expect([channel, source]).toEqual(expected);
  },
);

test('every name of a source says where it stands, and is of the channel that its kind is', () => {
  const channels = {
    search: 'Organic Search',
    social: 'Organic Social',
    video: 'Organic Video',
    shopping: 'Organic Shopping',
    assistant: 'AI Assistants',
  };
  for (const [kind, names, from] of SOURCE_NAMES) {
    expect(new URL(from).protocol).toBe('https:');
    for (const name of names.split(' ')) expect([name, classifyChannel(name, '', '')]).toEqual([name, channels[kind]]);
  }
  const names = SOURCE_NAMES.flatMap(([, listed]) => listed.split(' '));
  expect(new Set(names).size).toBe(names.length);
});
