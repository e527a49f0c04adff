/** What reasons say, in both languages. */
import { expect, test } from 'vitest';
import {
  DAY_MS,
  emptyFacts,
  eventFacts,
  explainStage,
  explainTag,
  mergeFacts,
  placeOf,
  sayWhy,
  type StagetagEvent,
} from '../../sdk/core/index.js';
import { rulesOf } from '../helpers/rules.js';

const NOW = Date.UTC(2026, 10, 22, 12);
const rules = rulesOf({
  signals: {
    visit: { event: 'page_view', distinct: 'path' },
    order: { event: 'purchase', value: 'props.value' },
  },
  stages: {
    awareness: { when: { signal: 'visit' }, sticky: true },
    interest: {
      when: {
        any: [
          { signal: 'visit', distinct: { gte: 2, lte: 9 }, within: 7 },
          { all: [{ trait: 'plan', in: ['pro', 'team'] }, { not: { trait: 'age', gte: 5, lte: 9 } }] },
        ],
      },
    },
    action: {
      when: {
        all: [
          { signal: 'order', value: { gte: 50.5 } },
          { trait: 'staff', exists: false },
        ],
      },
    },
  },
  tags: { star: { when: { trait: 'name', glob: 'A*' }, dimension: 'profile' } },
});
const at = (daysAgo: number, path: string): StagetagEvent => ({
  id: `00000000-0000-7000-8000-00000000000${daysAgo}`,
  name: 'page_view',
  time: NOW - daysAgo * DAY_MS,
  url: `https://www.example.com${path}`,
});
const facts = [at(0, '/a'), at(2, '/b')]
  .map((event) => eventFacts(rules, event, placeOf(new URL(event.url!))))
  .reduce(mergeFacts, emptyFacts());

test('a stage is explained in lines, with what is met, until when, and what the next one takes', () => {
  expect(sayWhy(explainStage(rules, facts, NOW))).toBe(
    [
      '✓ interest',
      '  ✓ one of · until 2026-11-27',
      '    ✓ visit: at least 2 · at most 9 different (2 so far), in the last 7 days · until 2026-11-27',
      '    ○ all of',
      '      ○ plan: is one of pro, team (not known)',
      '      ✓ not',
      '        ○ age: at least 5 · at most 9 (not known)',
      'Next, action, takes:',
      '  ○ order: at least 50.5 in value (0 so far), ever',
    ].join('\n'),
  );
});

test('so it is in Chinese, by the names that signals are given', () => {
  const called = (signal: string) => (signal === 'visit' ? '浏览页面' : signal);
  expect(sayWhy(explainStage(rules, facts, NOW, 'awareness'), 'zh', called)).toBe(
    [
      '✓ 认知 · 永久保留',
      '  ✓ 浏览页面：至少 1 次（目前 2），任何时候',
      '下一阶段（行动）还需要：',
      '  ○ order：金额至少 50.5（目前 0），任何时候',
    ].join('\n'),
  );
});

test('a tag is explained, and nobody who stands at no stage is left without words', () => {
  expect(sayWhy(explainTag(rules, facts, NOW, 'star')!)).toBe('○ star\n  ○ name: is like A* (not known)');
  expect(sayWhy(explainStage(rules, emptyFacts(), NOW))).toBe(
    '○ no stage\nNext, awareness, takes:\n  ○ visit: at least 1 × (0 so far), ever',
  );
});

test('of a tag that lasts it is said how long, and until when', () => {
  const lasting = rulesOf({
    signals: { visit: { event: 'page_view' } },
    stages: { awareness: { when: { signal: 'visit' } } },
    tags: { busy: { when: { signal: 'visit', within: 1 }, dimension: 'behaviour', ttlDays: 10 } },
  });
  const visit = at(3, '/');
  const seen = eventFacts(lasting, visit, placeOf(new URL(visit.url!)));
  const because = (language: 'en' | 'zh') => sayWhy(explainTag(lasting, seen, NOW, 'busy')!, language);
  expect(because('en')).toBe(
    '✓ busy\n  ✓ lasts 10 days once met · until 2026-11-29\n    ○ visit: at least 1 × (0 so far), in the last 1 days',
  );
  expect(because('zh')).toContain('✓ 满足后保持 10 天 · 2026-11-29 前有效');
});
