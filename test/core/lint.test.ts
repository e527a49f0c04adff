import { describe, expect, test } from 'vitest';
import { compileExclusions, compileRules, compileScores, lintRules, type Condition } from '../../sdk/core/index.js';
import { inferState, eventFacts, mergeFacts, emptyFacts, placeOf } from '../../sdk/core/index.js';
import { randomEvents, seeded } from '../helpers/random.js';
import { documentOf, general, rulesOf } from '../helpers/rules.js';

const NOON = Date.UTC(2026, 10, 22, 12);
const visit = { signal: 'visit' };
const signals = {
  visit: { event: 'page_view' },
  seen: { event: 'page_view', distinct: 'path' },
  order: { event: 'purchase', value: 'props.value' },
  spend: { event: 'purchase', distinct: 'props.transaction_id', value: 'props.value' },
};
const codes = (when: Condition) =>
  lintRules(rulesOf({ signals, stages: { interest: { when }, action: { when: { signal: 'order' } } } }))
    .filter(({ path }) => path === 'stages.interest.when')
    .map(({ code }) => code);

describe('lint', () => {
  test.each<[string, Condition]>([
    ['a part and its opposite', { all: [visit, { not: visit }] }],
    [
      'parts, and not both of them',
      { all: [visit, { signal: 'order' }, { not: { all: [visit, { signal: 'order' }] } }] },
    ],
    ['a part that implies what another excludes', { all: [{ ...visit, count: { gte: 3 } }, { not: visit }] }],
    [
      'more in a window than ever',
      {
        all: [
          { ...visit, count: { gte: 5 }, within: 7 },
          { ...visit, count: { lte: 4 } },
        ],
      },
    ],
    ['more days than events', { ...visit, days: { gte: 3 }, count: { lte: 2 } }],
    ['more values in a session than in all', { signal: 'seen', perSession: { gte: 5 }, distinct: { lte: 3 } }],
    [
      'more values in a session than in all, said apart',
      {
        all: [
          { signal: 'seen', perSession: { gte: 5 }, within: 7 },
          { signal: 'seen', distinct: { lte: 3 } },
        ],
      },
    ],
    ['more sessions than events', { ...visit, sessions: { gte: 5 }, count: { lte: 4 } }],
    [
      'many values in a session, and few',
      {
        all: [
          { signal: 'seen', perSession: { gte: 5 } },
          { signal: 'seen', perSession: { lte: 2 } },
        ],
      },
    ],
    [
      'what contradicts every alternative beside it',
      { all: [{ ...visit, count: { gte: 5 } }, { any: [{ ...visit, count: { lte: 2 } }, { not: visit }] }] },
    ],
    ['more days than the window has', { ...visit, days: { gte: 9 }, within: 7 }],
    ['a range of a trait that is empty', { trait: 'age', gte: 5, lte: 1 }],
    [
      'two ranges of a trait apart',
      {
        all: [
          { trait: 'age', gte: 50 },
          { trait: 'age', lte: 10 },
        ],
      },
    ],
    ['a value outside its range', { trait: 'age', eq: 3, gte: 10 }],
    ['a value unlike its pattern', { trait: 'plan', eq: 'pro', glob: 'free*' }],
    [
      'a trait that is and is not',
      {
        all: [
          { trait: 'p', exists: true },
          { trait: 'p', exists: false },
        ],
      },
    ],
    [
      'a value of what is not',
      {
        all: [
          { trait: 'p', eq: 1 },
          { trait: 'p', exists: false },
        ],
      },
    ],
    [
      'amounts apart',
      {
        all: [
          { signal: 'spend', value: { gte: 50 } },
          { signal: 'spend', value: { lte: 10 } },
        ],
      },
    ],
    [
      'an amount without events',
      {
        all: [
          { signal: 'spend', count: { lte: 0 } },
          { signal: 'spend', value: { gte: 5 } },
        ],
      },
    ],
    [
      'a trait of two values',
      {
        all: [
          { trait: 'plan', eq: 'a' },
          { trait: 'plan', in: ['b', 'c'] },
        ],
      },
    ],
    ['a group of such', { any: [{ all: [visit, { not: visit }] }, { ...visit, days: { gte: 9 }, within: 7 }] }],
    ['no part of what always holds', { not: { any: [visit, { not: visit }] } }],
    ['inside a group of a group', { all: [{ all: [visit, { signal: 'order' }] }, { not: { signal: 'order' } }] }],
  ])('warns of what nobody can meet: %s', (_, when) => {
    expect(codes(when)).toEqual(['never_met']);
  });

  test.each<[string, Condition]>([
    ['at least nothing', { ...visit, count: { gte: 0 } }],
    ['a part or its opposite', { any: [visit, { not: { ...visit, count: { gte: 2 } } }] }],
  ])('warns of what everybody meets: %s', (_, when) => {
    expect(codes(when)).toEqual(['always_met']);
  });

  test.each<[string, Condition]>([
    [
      'less lately than ever',
      {
        all: [
          { ...visit, count: { lte: 4 }, within: 7 },
          { ...visit, count: { gte: 5 } },
        ],
      },
    ],
    [
      'what contradicts one alternative alone',
      { all: [{ ...visit, count: { gte: 5 } }, { any: [{ ...visit, count: { lte: 2 } }, { signal: 'order' }] }] },
    ],
    [
      'many values in a session lately, and few ever, of which sessions are left out beyond the cap',
      {
        all: [
          { signal: 'seen', perSession: { gte: 5 }, within: 7 },
          { signal: 'seen', perSession: { lte: 2 } },
        ],
      },
    ],
    ['gone for a while', { all: [visit, { not: { ...visit, within: 30 } }] }],
    ['another signal', { all: [visit, { not: { signal: 'order', within: 7 } }] }],
    ['not often, or very often', { any: [{ not: visit }, { ...visit, count: { gte: 5 } }] }],
    [
      'an amount whose first was less',
      { all: [{ signal: 'spend', value: { gte: 50 }, within: 7 }, { not: { signal: 'spend', value: { gte: 50 } } }] },
    ],
    [
      'a trait that is not there',
      {
        all: [
          { trait: 'p', exists: false, eq: 'a' },
          { trait: 'p', exists: false, eq: 'b' },
        ],
      },
    ],
    ['the same said at once', { trait: 'p', exists: false, eq: 'a', in: ['b'] }],
    ['numbers in a range', { trait: 'age', in: [4, 12], gte: 5, lte: 20 }],
    [
      'an amount in a wider window',
      {
        all: [
          { signal: 'spend', value: { gte: 50 }, within: 9 },
          { signal: 'spend', value: { lte: 10 }, within: 7 },
        ],
      },
    ],
    [
      'one value of two',
      {
        all: [
          { trait: 'plan', in: ['a', 'b'] },
          { trait: 'plan', in: ['b', 'c'] },
        ],
      },
    ],
  ])('says nothing of what some meet: %s', (_, when) => {
    expect(codes(when)).toEqual([]);
  });

  test('warns of a stage that a higher one always hides, unless it is kept and the higher one is not', () => {
    const order = { signal: 'order' };
    const of = (low: object, high: object) =>
      lintRules(
        rulesOf({ signals, stages: { action: { when: order, ...low }, loyalty: { when: order, ...high } } }),
      ).map(({ code, path }) => `${code} ${path}`);
    const hidden = ['hidden_stage stages.action.when', 'unused_signal signals.visit', 'unused_signal signals.seen'];
    expect(of({}, {})).toEqual(hidden);
    expect(of({ sticky: true }, { sticky: true })).toEqual(hidden);
    expect(of({ sticky: true }, {})).toEqual(hidden.slice(1));
  });

  test('warns of a stage that two higher ones hide together', () => {
    const [order, visit] = [{ signal: 'order' }, { signal: 'visit' }];
    const stages = {
      interest: { when: { any: [order, visit] } },
      action: { when: visit },
      loyalty: { when: order },
    };
    expect(lintRules(rulesOf({ signals, stages }))).toContainEqual(
      expect.objectContaining({
        code: 'hidden_stage',
        path: 'stages.interest.when',
        names: ['consideration', 'action', 'loyalty'].filter((each) => each in stages),
      }),
    );
  });

  test('warns of a stage that is kept by what it takes to enter it', () => {
    const when = { signal: 'visit', count: { gte: 3 } };
    const of = (keep: object) =>
      lintRules(rulesOf({ signals, stages: { interest: { when, keep } } })).flatMap(({ code, path }) =>
        code === 'idle_keep' ? [path] : [],
      );
    expect(of(when)).toEqual(['stages.interest.keep']);
    expect(of({ signal: 'visit', count: { gte: 4 } })).toEqual(['stages.interest.keep']);
    expect(of({ signal: 'visit', count: { gte: 2 } })).toEqual([]);
  });

  test('warns of addresses that no page has', () => {
    const of = (signal: object) =>
      lintRules(rulesOf({ signals: { a: signal }, stages: { interest: { when: { signal: 'a' } } } })).flatMap(
        ({ code, names }) => (code === 'impossible_address' ? [names] : []),
      );
    for (const path of ['pricing', '/a?x=1', '/a#b', '/%E4%BA%A7%E5%93%81/*'])
      expect(of({ path: ['/ok', path] })).toEqual([[path]]);
    for (const host of ['shop.example:8080', 'https://a.example', 'A.example']) expect(of({ host })).toEqual([[host]]);
    expect(of({ path: ['*', '/a/*', '/', '/产品/*'], host: ['*.example', 'a.example'] })).toEqual([]);
  });

  test('warns of tags and signals that say the same, and of signals that nobody asks for', () => {
    const rules = rulesOf({
      signals: { a: { event: 'x' }, b: { event: 'x' }, c: { event: 'y' } },
      stages: { interest: { when: { signal: 'a' } } },
      tags: {
        one: { when: { signal: 'b' }, dimension: 'intent' },
        two: { when: { signal: 'b' }, dimension: 'profile' },
      },
    });
    expect(lintRules(rules)).toMatchObject([
      { code: 'same_tags', message: 'these tags have the same condition: one, two' },
      { code: 'same_signals', message: 'these signals mean the same events: a, b' },
      { code: 'unused_signal', path: 'signals.c' },
    ]);
  });

  test('is never wrong about who meets a condition, for random conditions and visitors', () => {
    const random = seeded(11);
    const upTo = (most: number) => Math.floor(random() * most);
    const some = (depth: number): Condition => {
      const kind = upTo(depth ? 6 : 3);
      if (kind > 3) return { [kind === 4 ? 'all' : 'any']: [some(depth - 1), some(depth - 1)] } as unknown as Condition;
      if (kind === 3) return { not: some(depth - 1) };
      if (upTo(4) === 0) {
        const [trait, value] = [
          ['plan', ['free', 'pro'][upTo(2)]!],
          ['seats', upTo(9)],
        ][upTo(2)] as [string, string | number];
        const tests = [
          { eq: value },
          { in: [value, 'x'] },
          { gte: upTo(9) },
          { lte: upTo(9) },
          { glob: 'p*' },
          { exists: !upTo(2) },
        ];
        return { trait, ...tests[upTo(6)], ...(upTo(2) && tests[upTo(6)]) } as Condition;
      }
      const [measure, bound] = [
        ['count', 'days', 'distinct', 'perSession', 'sessions', 'value'][upTo(6)]!,
        ['gte', 'lte'][upTo(2)]!,
      ];
      const within = [undefined, 2, 5][upTo(3)];
      const signal = measure === 'value' ? 'order' : ['visit', 'order'][upTo(2)]!;
      return { signal, [measure]: { [bound]: upTo(4) * (measure === 'value' ? 60 : 1) }, ...(within && { within }) };
    };
    const visitors = Array.from({ length: 40 }, () => randomEvents(random, upTo(12), { days: 8, until: NOON }));
    const verdicts = { never_met: 0, always_met: 0 };
    for (let round = 0; round < 1500; round++) {
      const when = some(3);
      const rules = rulesOf({
        signals: {
          visit: { event: 'page_view', distinct: 'path' },
          order: { event: 'purchase', distinct: 'path', value: 'props.value' },
        },
        stages: { interest: { when } },
      });
      const code = lintRules(rules).find(({ path }) => path === 'stages.interest.when')?.code as keyof typeof verdicts;
      if (!code) continue;
      verdicts[code]++;
      for (const events of visitors) {
        const facts = events
          .map((event) => eventFacts(rules, event, placeOf(new URL(event.url!))))
          .reduce(mergeFacts, emptyFacts());
        const stage = inferState(rules, facts, NOON).stage;
        expect([JSON.stringify(when), stage]).toEqual([
          JSON.stringify(when),
          code === 'always_met' ? 'interest' : null,
        ]);
      }
    }
    expect(verdicts.never_met).toBeGreaterThan(50);
    expect(verdicts.always_met).toBeGreaterThan(50);
  });

  test('warns of a signal that no event can carry, and of who can never fit', () => {
    const document = documentOf({
      signals: {
        a: { event: 'x', props: { n: { gte: 5, lte: 1 } } },
        b: { event: 'y', source: { s: { eq: 1, in: [2] } } },
      },
      stages: { interest: { when: { any: [{ signal: 'a' }, { signal: 'b' }] } } },
      score: { weights: {}, fit: [{ when: { trait: 'age', gte: 5, lte: 1 }, points: 1 }] },
    });
    const warnings = lintRules(compileRules(document), compileExclusions(document), compileScores(document).fit);
    expect(warnings.map(({ code, path }) => `${code} ${path}`)).toEqual([
      'never_met score.fit[0].when',
      'never_met signals.a',
      'never_met signals.b',
    ]);
  });

  test('has nothing to say of the general template', () => {
    expect(lintRules(general)).toEqual([]);
  });
});
