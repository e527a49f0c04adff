import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  compactFacts,
  countedFacts,
  DAY_MS,
  DISTINCT_CAP,
  emptyFacts,
  eventFacts,
  inferState,
  mergeFacts,
  nextChange,
  placeOf,
  type Facts,
  type CompiledRules,
  type StagetagEvent,
  sentRules,
} from '../../sdk/core/index.js';
import { randomEvents, seeded, shuffle } from '../helpers/random.js';
import { everything, general, rulesOf } from '../helpers/rules.js';

const NOW = Date.UTC(2026, 10, 22, 12);

const factsOf = (rules: CompiledRules, events: StagetagEvent[], into = emptyFacts()): Facts =>
  events.reduce((facts, event) => mergeFacts(facts, eventFacts(rules, event, placeOf(new URL(event.url!)))), into);

const streams = fc.record({
  seed: fc.integer(),
  count: fc.integer({ min: 0, max: 60 }),
  days: fc.integer({ min: 1, max: 40 }),
});

describe.each([
  ['general', general],
  ['every part of the grammar', everything],
])('with the rules %s', (_, rules) => {
  test('any order and any split into batches gives equal facts', () => {
    fc.assert(
      fc.property(streams, fc.integer({ min: 1, max: 9 }), ({ seed, count, days }, batches) => {
        const random = seeded(seed);
        const events = randomEvents(random, count, { days, until: NOW });
        const inOrder = factsOf(rules, events);
        const split = Array.from({ length: batches }, () => [] as StagetagEvent[]);
        for (const event of shuffle(events, random)) split[Math.floor(random() * batches)]!.push(event);
        const merged = split
          .map((batch) => factsOf(rules, batch))
          .reduce((sum, facts) => mergeFacts(sum, facts), emptyFacts());
        expect(merged).toEqual(inOrder);
        expect(inferState(rules, merged, NOW)).toEqual(inferState(rules, inOrder, NOW));
      }),
      { numRuns: 300 },
    );
  });

  test('facts that travel give the same state with later events and at later moments', () => {
    fc.assert(
      fc.property(
        streams,
        fc.integer({ min: 1, max: 400 }),
        fc.integer({ min: 0, max: 20 }),
        fc.integer({ min: 0, max: 100 }),
        ({ seed, count }, days, more, laterDays) => {
          const random = seeded(seed);
          const stored = randomEvents(random, count, { days, until: NOW });
          const lastTime = Math.max(0, ...stored.map(({ time }) => time));
          // What a browser kept for up to seven days before the last stored event, traits apart: see "past days use today's traits".
          const kept = randomEvents(random, more, { days: 7, until: lastTime + DAY_MS / 2 }).filter(
            ({ name }) => name !== 'identify',
          );
          const all = factsOf(rules, [...stored, ...kept]);
          const travelled = JSON.parse(JSON.stringify(compactFacts(rules, factsOf(rules, stored), lastTime))) as Facts;
          const later = NOW + laterDays * DAY_MS;
          const inBrowser = inferState(rules, factsOf(rules, kept, travelled), later);
          expect(inBrowser).toEqual(inferState(rules, all, later));
        },
      ),
      { numRuns: 300 },
    );
  });

  test('nothing changes before the moment that is named as the next', () => {
    fc.assert(
      fc.property(streams, ({ seed, count, days }) => {
        const facts = factsOf(rules, randomEvents(seeded(seed), count, { days, until: NOW }));
        const { score: _, ...before } = inferState(rules, facts, NOW);
        const next = nextChange(rules, facts, NOW);
        const { score: __, ...until } = inferState(rules, facts, next === undefined ? NOW + 1000 * DAY_MS : next - 1);
        expect(until).toEqual(before);
      }),
      { numRuns: 200 },
    );
  });
});

const event = (
  name: string,
  time: number,
  props?: StagetagEvent['props'],
  id = crypto.randomUUID(),
): StagetagEvent => ({
  id,
  name,
  time,
  seq: 1,
  sessionId: 's',
  url: 'https://www.example.com/',
  ...(props && { props }),
});

test('facts that travel do not grow with the years', () => {
  const daily = (days: number) =>
    factsOf(
      general,
      Array.from({ length: days }, (_, day) => event('page_view', NOW - day * DAY_MS)),
    );
  const size = (days: number) => JSON.stringify(compactFacts(general, daily(days), NOW)).length;
  expect(size(1500)).toBeLessThan(size(150) + 100);
});

test('of two orders with one transaction_id the first by time counts, whichever came first', () => {
  const early = event('purchase', NOW - DAY_MS, { transaction_id: 't1', value: 100 });
  const late = event('purchase', NOW, { transaction_id: 't1', value: 999 });
  const day = '2026-11-21';
  for (const events of [
    [early, late],
    [late, early],
  ]) {
    const facts = countedFacts(factsOf(general, events));
    expect(facts.signals.order).toEqual({ [day]: 1 });
    expect(facts.values.order).toEqual({ [day]: 1_000_000 });
  }
});

test('a transaction counts once for a signal, whatever its events are called, and for each signal', () => {
  const rules = rulesOf({
    signals: {
      order: { event: ['purchase', 'order_paid'], value: 'props.value' },
      checkout: { event: 'begin_checkout' },
      refund: { event: 'refund', value: 'props.value' },
    },
    stages: {},
  });
  const [earlier, later] = [NOW - 60_000, NOW];
  const events = [
    event('begin_checkout', earlier - 1, { transaction_id: 7 }),
    event('order_paid', later, { transaction_id: '7', value: 9 }),
    event('purchase', earlier, { transaction_id: '7', value: 10 }),
    event('refund', later, { transaction_id: '7', value: 4 }),
  ];
  for (const each of [events, [...events].reverse()]) {
    const { signals, values } = countedFacts(factsOf(rules, each));
    const day = '2026-11-22';
    expect(signals).toEqual({ checkout: { [day]: 1 }, order: { [day]: 1 }, refund: { [day]: 1 } });
    expect(values).toEqual({ order: { [day]: 100_000 }, refund: { [day]: 40_000 } });
  }
});

test.each([
  ['negative', -1],
  ['not a number', 'ten'],
  ['infinite', Infinity],
  ['an object', { amount: 3 }],
])('an order whose amount is %s does not count', (_, value) => {
  const facts = factsOf(general, [event('purchase', NOW, { value: value as number })]);
  expect(facts.signals).toEqual({});
  expect(inferState(general, facts, NOW).stage).toBeNull();
});

test('amounts are added exactly', () => {
  const facts = factsOf(
    general,
    Array.from({ length: 10 }, () => event('purchase', NOW, { value: 0.1 })),
  );
  expect(facts.values.order).toEqual({ '2026-11-22': 10_000 });
});

test('different values are told apart up to the cap, and the same ones are kept in any order', () => {
  const rules = rulesOf({ signals: { view: { event: 'v', distinct: 'props.key' } }, stages: {} });
  const events = Array.from({ length: 500 }, (_, index) => event('v', NOW, { key: `k${index}` }));
  const facts = factsOf(rules, events);
  expect(Object.keys(facts.keys.view!['2026-11-22']!)).toHaveLength(DISTINCT_CAP);
  expect(factsOf(rules, shuffle(events, seeded(7)))).toEqual(facts);
});

test('of two values of a trait the later holds, and null takes it back', () => {
  const set = (time: number, plan: string | null) => event('identify', time, { plan });
  const state = (events: StagetagEvent[]) => inferState(everything, factsOf(everything, events), NOW).tags;
  expect(state([set(NOW - 1, 'pro'), set(NOW - 2, 'free')])).not.toContain('unknown_plan');
  expect(state([set(NOW, null), set(NOW - 1, 'pro')])).toContain('unknown_plan');
});

test('names that every object has are no traits, and harm nothing', () => {
  const hostile = JSON.parse(
    '{"__proto__": {"x": 1}, "constructor": "c", "toString": 1, "plan": "pro"}',
  ) as StagetagEvent['props'];
  expect(Object.keys(factsOf(everything, [event('identify', NOW, hostile)]).traits)).toEqual(['plan']);
});

describe('rules as they travel', () => {
  const visit = { event: 'page_view' };
  const sentOf = (document: object) => Object.keys(sentRules(rulesOf(document)).signals);

  test('leave out what only the collector asks for', () => {
    const signals = { visit, refund: { event: 'refund', value: 'props.value' } };
    expect(sentOf({ signals, stages: { awareness: { when: { signal: 'visit' } } } })).toEqual(['visit']);
    expect(sentOf({ signals, stages: {}, score: { weights: { refund: -1, visit: 1 } } })).toEqual(['visit', 'refund']);
  });

  test('leave out what only shares the transactions of something that is asked for', () => {
    const signals = { visit, any: { event: 'purchase' }, vip: { event: 'purchase', props: { plan: { eq: 'vip' } } } };
    const stages = { awareness: { when: { signal: 'visit' } }, action: { when: { signal: 'vip' } } };
    expect(sentOf({ signals, stages })).toEqual(['visit', 'vip']);
  });

  test('keep what makes a day active, where a stage may begin with time alone', () => {
    const signals = { visit, search: { event: 'search' } };
    expect(sentOf({ signals, stages: { interest: { when: { not: { signal: 'visit' } } } } })).toEqual([
      'visit',
      'search',
    ]);
  });
});
