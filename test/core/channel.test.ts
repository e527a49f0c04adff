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

const touch = (url: string, referrer?: string, source?: Record<string, string>) =>
  touchOf(
    { id: 'a', name: 'page_view', time: 1, url, referrer, source },
    new URL(url),
    referrer ? new URL(referrer) : undefined,
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

test("an event's own source goes before its address", () => {
  expect(touch('https://a.example/?utm_source=b', undefined, { utm_source: 'c', utm_medium: 'cpc' }).source).toBe('c');
});
