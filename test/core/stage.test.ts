import { describe, expect, test } from 'vitest';
import {
  compactFacts,
  DAY_MS,
  dayOf,
  decay,
  emptyFacts,
  eventFacts,
  explainStage,
  inferState,
  mergeFacts,
  placeOf,
  rank,
  reachedDays,
  stageMoves,
  STAGES,
  type CompiledRules,
  type Condition,
  type SignalReason,
  type Stage,
  type StageMove,
  type StagetagEvent,
} from '../../sdk/core/index.js';
import vectors from '../vectors/model.json' with { type: 'json' };
import { randomEvents, seeded } from '../helpers/random.js';
import { general, rulesOf } from '../helpers/rules.js';

const NOW = Date.UTC(2026, 10, 22, 12);
let made = 0;

const at = (daysAgo: number, name: string, path = '/', props?: StagetagEvent['props']): StagetagEvent => ({
  id: `00000000-0000-7000-8000-${String(++made).padStart(12, '0')}`,
  name,
  time: NOW - daysAgo * DAY_MS,
  seq: 1,
  sessionId: 's',
  url: `https://www.example.com${path}`,
  ...(props && { props }),
});

const factsOf = (rules: CompiledRules, events: StagetagEvent[]) =>
  events.reduce(
    (facts, event) => mergeFacts(facts, eventFacts(rules, event, placeOf(new URL(event.url!)))),
    emptyFacts(),
  );
const stateOf = (rules: CompiledRules, events: StagetagEvent[], now = NOW) =>
  inferState(rules, factsOf(rules, events), now);

describe('the template general', () => {
  test.each<[string | null, string, StagetagEvent[]]>([
    [null, 'nothing', []],
    ['awareness', 'one page', [at(0, 'page_view')]],
    ['interest', 'a product page', [at(0, 'page_view', '/products/flow')]],
    ['interest', 'two articles', [at(0, 'page_view', '/blog/a'), at(0, 'page_view', '/blog/b')]],
    ['awareness', 'one article twice', [at(0, 'page_view', '/blog/a'), at(0, 'page_view', '/blog/a')]],
    ['interest', 'a visit on a second day', [at(3, 'page_view'), at(0, 'page_view')]],
    ['interest', 'a download', [at(0, 'file_download', '/', { file_name: 'a.pdf' })]],
    ['interest', 'a price list with its slash', [at(0, 'page_view', '/pricing/')]],
    ['consideration', 'a product and its price', [at(0, 'page_view', '/products/x'), at(0, 'page_view', '/pricing')]],
    ['consideration', 'a registration', [at(0, 'sign_up')]],
    ['action', 'an order', [at(0, 'purchase', '/', { value: 10 })]],
    ['action', 'an order long ago: a buyer stays a buyer', [at(2000, 'purchase', '/', { value: 10 })]],
    ['loyalty', 'a second order', [at(0, 'purchase', '/', { value: 1 }), at(0, 'purchase', '/', { value: 2 })]],
    ['loyalty', 'a promoter', [at(0, 'nps', '/', { score: 9 })]],
    ['awareness', 'a detractor who looks around', [at(0, 'page_view'), at(0, 'nps', '/', { score: 3 })]],
    ['interest', 'a Chinese product page', [at(0, 'page_view', '/zh/产品/流程')]],
  ])('says %s for %s', (stage, _, events) => {
    expect(stateOf(general, events).stage).toBe(stage);
  });
});

test('a window of N days covers today and the N−1 days before', () => {
  const rules = rulesOf({ signals: { v: { event: 'v' } }, stages: { interest: { when: { signal: 'v', within: 7 } } } });
  expect(stateOf(rules, [at(6, 'v')]).stage).toBe('interest');
  expect(stateOf(rules, [at(7, 'v')])).toMatchObject({ stage: null, peak: 'interest' });
});

test('a day after today counts as today', () => {
  const rules = rulesOf({ signals: { v: { event: 'v' } }, stages: { interest: { when: { signal: 'v', within: 1 } } } });
  expect(stateOf(rules, [at(-3, 'v')]).stage).toBe('interest');
});

test('sticky holds for what was met on any past day, and a rule without it falls back', () => {
  const condition = { signal: 'v', count: { gte: 2 }, within: 2 };
  const rules = (sticky: boolean) =>
    rulesOf({ signals: { v: { event: 'v' } }, stages: { action: { when: condition, sticky } } });
  const events = [at(90, 'v'), at(89, 'v')];
  expect(stateOf(rules(true), events).stage).toBe('action');
  expect(stateOf(rules(false), events)).toMatchObject({ stage: null, peak: 'action' });
});

test('a glob star crosses slashes, and everything else stands for itself', () => {
  const matches = (glob: string, path: string) => {
    const rules = rulesOf({ signals: { v: { path: glob } }, stages: {} });
    return 'v' in factsOf(rules, [at(0, 'page_view', path)]).signals;
  };
  expect(matches('/a/*', '/a/b/c')).toBe(true);
  expect(matches('/a/*', '/a/')).toBe(true);
  expect(matches('/a/*', '/a')).toBe(false);
  expect(matches('/a', '/a/')).toBe(true);
  expect(matches('/a.b', '/axb')).toBe(false);
  expect(matches('*/b/*/d', '/a/b/c/d')).toBe(true);
  expect(matches('*/b/*/d', '/b/d')).toBe(false);
  expect(matches('/aa*a', '/aa')).toBe(false);
  expect(matches('/产品/*', '/%E4%BA%A7%E5%93%81/x')).toBe(true);
  expect(matches('/pricing', '/x#/pricing?plan=a')).toBe(true);
  expect(matches(`${'*a'.repeat(30)}*b`, `/${'a'.repeat(8000)}`)).toBe(false);
});

test('the score halves with each half-life', () => {
  const { input, expected, tolerance } = vectors.vectors.find(({ name }) => name === 'score.decay') as unknown as {
    input: { halfLifeDays: number; points: Array<[day: number, weight: number]> };
    expected: { day14: number; day28: number };
    tolerance: number;
  };
  const { points, halfLifeDays } = input;
  const sum = (day: number) => points.reduce((all, [past, weight]) => all + weight * decay(past, day, halfLifeDays), 0);
  expect(Math.abs(sum(14) - expected.day14)).toBeLessThanOrEqual(tolerance);
  expect(Math.abs(sum(28) - expected.day28)).toBeLessThanOrEqual(tolerance);

  const signals = Object.fromEntries(points.map(([day]) => [`s${day}`, { event: `e${day}` }]));
  const weights = Object.fromEntries(points.map(([day, weight]) => [`s${day}`, weight]));
  const rules = rulesOf({ signals, stages: {}, score: { weights, halfLifeDays } });
  const events = points.map(([day]) => at(14 - day, `e${day}`));
  expect(stateOf(rules, events).score).toBe(expected.day14);
  expect(stateOf(rules, events, NOW + 14 * DAY_MS).score).toBe(expected.day28);
});

test('why names the condition that was met, its facts and the day it ends', () => {
  const why = explainStage(general, factsOf(general, [at(0, 'page_view', '/products/x')]), NOW);
  expect(why).toMatchObject({ stage: 'interest', met: true, sticky: false, rules: 1 });
  const met = (why.because as { any: SignalReason[] }).any.filter((reason) => reason.met);
  expect(met).toEqual([
    {
      signal: 'product_view',
      met: true,
      within: 30,
      need: { count: { gte: 1 } },
      have: { count: 1, days: 1, value: 0, distinct: 0 },
      expires: '2026-12-22',
    },
  ]);
});

test('why names the nearest step to the next stage', () => {
  const why = explainStage(general, factsOf(general, [at(0, 'page_view', '/products/x')]), NOW);
  expect(why.next!.stage).toBe('consideration');
  expect(why.next!.missing).toMatchObject([
    { signal: 'pricing_view', met: false, need: { count: { gte: 1 } }, have: { count: 0 } },
  ]);
  const buyer = explainStage(general, factsOf(general, [at(0, 'purchase', '/', { value: 1 })]), NOW);
  expect(buyer).toMatchObject({
    stage: 'action',
    sticky: true,
    next: { stage: 'loyalty', missing: [{ have: { count: 1 } }] },
  });
});

test('what no visitor does, a trait, is the nearest step only where there is no other', () => {
  const ask = (any: object[]) => {
    const rules = rulesOf({ signals: { a: { event: 'page_view' } }, stages: { interest: { when: { any } } } });
    return explainStage(rules, factsOf(rules, []), NOW).next!.missing;
  };
  for (const test of [{ exists: true }, { eq: 1 }, { gte: 2 }]) {
    expect(
      ask([
        { signal: 'a', count: { gte: 2 } },
        { trait: 'p', ...test },
      ]),
    ).toMatchObject([{ signal: 'a' }]);
    expect(ask([{ trait: 'p', ...test }])).toMatchObject([{ trait: 'p' }]);
  }
});

test('why explains a stage that does not hold, and one that nobody stands at', () => {
  const facts = factsOf(general, [at(0, 'page_view')]);
  expect(explainStage(general, facts, NOW, 'action')).toMatchObject({
    stage: 'action',
    met: false,
    because: { met: false },
  });
  expect(explainStage(general, emptyFacts(), NOW)).toMatchObject({
    stage: null,
    because: null,
    next: { stage: 'awareness' },
  });
});

test('stage, peak and the days of reaching are what a walk over every day says, for random rules and visitors', () => {
  const random = seeded(29);
  const upTo = (most: number) => Math.floor(random() * most);
  const some = (depth: number, isRising: boolean): Condition => {
    const kind = upTo(depth ? 6 : 3);
    if (kind > 3)
      return {
        [['all', 'any'][kind - 4]!]: [some(depth - 1, isRising), some(depth - 1, isRising)],
      } as unknown as Condition;
    if (kind === 3 && !isRising) return { not: some(depth - 1, isRising) };
    const measure = ['count', 'days', 'distinct'][upTo(3)]!;
    const bound = isRising ? 'gte' : ['gte', 'lte'][upTo(2)]!;
    const within = [undefined, 2, 5, 9][upTo(4)];
    return { signal: ['view', 'order'][upTo(2)]!, [measure]: { [bound]: 1 + upTo(5) }, ...(within && { within }) };
  };
  const signals = { view: { event: 'page_view', distinct: 'path' }, order: { event: 'purchase', distinct: 'path' } };
  const seen = { pruned: 0, fallen: 0, sticky: 0 };
  for (let round = 0; round < 600; round++) {
    const isRising = round % 3 > 0;
    const stages = Object.fromEntries(
      STAGES.filter(() => random() < 0.8).map((stage) => [
        stage,
        { when: some(2, isRising), ...(isRising && random() < 0.4 && { sticky: true }) },
      ]),
    );
    const rules = rulesOf({ signals, stages });
    expect(!rules.turns || !isRising).toBe(true);
    // The same conditions as tags, which nothing of the past decides.
    const tags = Object.fromEntries(
      Object.entries(stages).map(([name, { when }]) => [name, { when, dimension: 'behaviour' }]),
    );
    const single = rulesOf({ signals, stages: {}, tags });
    const events = randomEvents(random, upTo(25), { days: 14, until: NOW }).filter(
      ({ name, props }) => name === 'page_view' || (name === 'purchase' && !(Number(props!.value) < 0)),
    );
    const facts = factsOf(rules, events);
    const now = NOW + upTo(8) * DAY_MS;
    let peak = -1;
    const kept = new Set<Stage>();
    const reached = new Map<Stage, number>();
    const moves: StageMove[] = [];
    let held: Stage[] = [];
    for (let day = dayOf(NOW) - 20; day <= dayOf(now); day++) {
      const past = factsOf(
        rules,
        events.filter(({ time }) => dayOf(time) <= day),
      );
      // Where nobody did anything yet, nothing is there to be judged.
      if (!events.some(({ time }) => dayOf(time) <= day)) continue;
      held = inferState(single, past, day * DAY_MS).tags as Stage[];
      for (const stage of held) if (stages[stage]!.sticky) kept.add(stage);
      peak = Math.max(peak, ...held.map(rank));
      for (const stage of STAGES.slice(0, peak + 1)) if (!reached.has(stage)) reached.set(stage, day);
      const from = moves.at(-1)?.to ?? null;
      const to = STAGES.findLast((each) => held.includes(each) || kept.has(each)) ?? null;
      if (from !== to) moves.push({ day, from, to });
    }
    if (!events.length) held = inferState(single, facts, now).tags as Stage[];
    const stage = STAGES.findLast((each) => held.includes(each) || kept.has(each)) ?? null;
    if (!events.length) {
      peak = rank(stage);
      for (const each of STAGES.slice(0, peak + 1)) reached.set(each, dayOf(now));
      if (stage) moves.push({ day: dayOf(now), from: null, to: stage });
    }
    const state = inferState(rules, facts, now);
    const message = JSON.stringify({ round, stages, events: events.map(({ name, time }) => [name, dayOf(time)]) });
    expect({ stage: state.stage, peak: state.peak }, message).toEqual({ stage, peak: STAGES[peak] ?? null });
    expect([...reachedDays(rules, facts, now)].sort(), message).toEqual([...reached].sort());
    expect(stageMoves(rules, facts, now), message).toEqual(moves);
    const compact = inferState(rules, compactFacts(rules, facts, Math.max(0, ...events.map(({ time }) => time))), now);
    expect({ stage: compact.stage, peak: compact.peak }, message).toEqual({ stage, peak: STAGES[peak] ?? null });
    if (!rules.turns && peak < 4) seen.pruned++;
    if (peak > rank(stage)) seen.fallen++;
    if (kept.size > 0 && held.length < kept.size) seen.sticky++;
  }
  for (const times of Object.values(seen)) expect(times).toBeGreaterThan(40);
});

test('of alternatives the one is named of which least is to do, and none that no deed helps to', () => {
  const signals = { a: { event: 'a' }, b: { event: 'b' }, c: { event: 'c' } };
  const missing = (any: Condition[], done: string[]) => {
    const rules = rulesOf({ signals, stages: { awareness: { when: { signal: 'a' } }, interest: { when: { any } } } });
    const facts = factsOf(
      rules,
      done.map((name) => at(0, name)),
    );
    return explainStage(rules, facts, NOW).next!.missing.map((each) => (each as SignalReason).signal);
  };
  const often = { signal: 'b', count: { gte: 100 } };
  const both = { all: [{ signal: 'b' }, { signal: 'c' }] };
  expect(missing([often, { signal: 'a', count: { gte: 3 } }, both], ['a', 'a'])).toEqual(['a']);
  expect(missing([often, both], ['a'])).toEqual(['b', 'c']);
  expect(missing([{ not: { signal: 'a' } }, { trait: 'plan', eq: 'pro' }, often], ['a'])).toEqual(['b']);
  expect(missing([{ signal: 'a', days: { lte: 0 } }, often], ['a'])).toEqual(['b']);
  // What is there already makes what is missing no less, and is not missing itself.
  const many = { signal: 'a', count: { gte: 3 }, days: { gte: 5 } };
  expect(missing([{ signal: 'b' }, many], Array<string>(20).fill('a'))).toEqual(['b']);
  expect(missing([{ signal: 'b', count: { gte: 30 } }, many], ['a', 'a', 'a'])).toEqual(['a']);
  // Of equals the first.
  expect(missing([{ signal: 'b' }, { signal: 'c' }], ['a'])).toEqual(['b']);
});
