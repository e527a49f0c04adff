/** Every worked number that the model must meet, to the digits given; and what the formulas must hold for any numbers. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  creditByRemoval,
  creditByShapley,
  creditBySets,
  creditTouches,
  TOUCH_MODELS,
  type Path,
  type TouchModel,
} from '../../collector/model/attribution.js';
import {
  medianStay,
  salesVelocity,
  splitSessions,
  transitionShares,
  withDormancy,
} from '../../collector/model/flow.js';
import {
  bitsOf,
  followFunnel,
  funnelRates,
  planFunnel,
  stepsReached,
  type Made,
} from '../../collector/model/funnel.js';
import { lifecycleOf } from '../../collector/model/lifecycle.js';
import { expectedOrders, expectedOrderValue, pAlive, retentionLtv, simpleLtv } from '../../collector/model/ltv.js';
import { RFM_GROUPS, rfmGroup, scoreRfm, type Score } from '../../collector/model/rfm.js';
import { flywheel, netPromoterScore, npsOf } from '../../collector/model/satisfaction.js';
import {
  adjustPValues,
  associate,
  chanceToBeat,
  compareAnyTime,
  compareShares,
  ratioMismatch,
  sampleSize,
  wilson,
} from '../../collector/model/statistics.js';
import { classifyChannel, decay } from '../../sdk/core/index.js';
import { seeded } from '../helpers/random.js';
import vectors from '../vectors/model.json' with { type: 'json' };

type Numbers = Record<string, number>;
const made = (text: string, gap = 10): Made[] => [...text].map((name, index) => [[name], index * gap]);
/** As the vectors write them. */
const each = (events: Array<[string, number]>): Made[] => events.map(([name, time]) => [[name], time]);

/** By the name of a vector: computes what is expected from what is given. */
const COMPUTED: Record<string, (input: never) => unknown> = {
  'rfm.quintiles': (buyers: Parameters<typeof scoreRfm>[0]) =>
    Object.fromEntries(scoreRfm(buyers).map(({ id, r, f, m }) => [id, `${r}${f}${m}`])),
  'rfm.total': () => {
    const scores = [1, 2, 3, 4, 5] as const;
    const groups = scores.flatMap((r) => scores.flatMap((f) => scores.map((m) => rfmGroup(r, f, m))));
    expect(groups.length).toBe(125);
    expect(new Set(groups)).toEqual(new Set(Object.keys(RFM_GROUPS)));
    return 'total mapping, no unreachable group';
  },
  'lifecycle.daily': (active: Record<string, number[]>) => {
    const days: Record<string, Numbers> = {};
    for (const each of Object.values(active))
      for (const [day, state] of lifecycleOf(each, 4)) {
        const counts = (days[`d${day}`] ??= {});
        counts[state] = (counts[state] ?? 0) + 1;
      }
    return days;
  },
  'ltv.simple': ({ aov, perYear, margin, years }: Record<'aov' | 'perYear' | 'margin' | 'years', number>) =>
    simpleLtv(aov, perYear, margin, years),
  'ltv.retention': ({ m, r, d }: Record<'m' | 'r' | 'd', number>) => retentionLtv(m, r, d),
  'ltv.bgnbd': ({
    cases,
    ...model
  }: { cases: Array<Record<'x' | 'tx' | 'T' | 'horizon', number>> } & Record<'r' | 'alpha' | 'a' | 'b', number>) =>
    cases.map((each) => ({ pAlive: pAlive(model, each), expected: expectedOrders(model, each, each.horizon) })),
  'ltv.gammagamma': ({
    cases,
    ...model
  }: { cases: Array<{ x: number; mean: number }> } & Record<'p' | 'q' | 'gamma', number>) =>
    cases.map(({ x, mean }) => expectedOrderValue(model, x, mean)),
  nps: ([{ scores }, counts]: [{ scores: number[] }, Parameters<typeof npsOf>[0]]) => [
    netPromoterScore(scores),
    npsOf(counts),
  ],
  'funnel.rates': (counts: number[]) => ({ ...funnelRates(counts), wilson81of270: wilson(81, 270) }),
  'funnel.order': (texts: string[]) =>
    Object.fromEntries(
      (['ordered', 'strict'] as const).map((order) => [
        order,
        texts.map((text) => stepsReached(made(text), ['A', 'B', 'C'], { order })),
      ]),
    ),
  'funnel.window': ({ events, windowSeconds: window }: { events: Array<[string, number]>; windowSeconds: number }) => ({
    fromFirstStep: stepsReached(each(events), ['A', 'B', 'C'], { window }),
    perStep: stepsReached(each(events), ['A', 'B', 'C'], { window, isPerStep: true }),
  }),
  'funnel.reentry': ({ events, windowSeconds: window }: { events: Array<[string, number]>; windowSeconds: number }) =>
    stepsReached(each(events), ['A', 'B', 'C'], { window }),
  'funnel.sameStepTwice': ({ events, steps }: { events: Array<[string, number]>; steps: string[] }) =>
    stepsReached(each(events), steps),
  'score.decay': ({ halfLifeDays, points }: { halfLifeDays: number; points: Array<[number, number]> }) => {
    const at = (day: number) =>
      points.reduce((sum, [when, weight]) => sum + weight * decay(when, day, halfLifeDays), 0);
    return { day14: at(14), day28: at(28) };
  },
  'attribution.five': ({
    value,
    daysBefore,
    channels,
  }: {
    value: number;
    daysBefore: number[];
    channels: string[];
  }) => {
    const touches = channels.map((channel, index) => ({ channel, daysBefore: daysBefore[index]! }));
    return Object.fromEntries(TOUCH_MODELS.map((model) => [model, creditTouches(model, value, touches)]));
  },
  'attribution.markov': ({ paths }: { paths: Path[] }) => creditByRemoval(paths),
  'attribution.shapley': (games: Numbers[]) =>
    games.map((game) => {
      const channels = Object.keys(game).filter((name) => name.length === 1);
      const worth = (coalition: string[]) =>
        Object.entries(game).find(([name]) => [...name].sort().join() === [...coalition].sort().join())?.[1] ?? 0;
      return creditByShapley(channels, worth);
    }),
  'channel.ga4': (rows: Array<[string, string, string]>) => rows.map((row) => classifyChannel(...row)),
  'session.gap': (times: string[]) =>
    splitSessions(times.map((time) => Date.parse(`2026-01-01T${time}:00Z`))).map((session) =>
      session.map((time) => new Date(time).toISOString().slice(11, 16)),
    ),
  'abtest.ztest': (rows: Array<[number, number, number, number]>) =>
    rows.map(([a, ofA, b, ofB]) => compareShares([a, ofA], [b, ofB])),
  'abtest.sequential': ({ a, b, N, alpha }: { a: [number, number]; b: [number, number]; N: number; alpha: number }) =>
    compareAnyTime(a, b, N, alpha),
  'abtest.bayes': (rows: Array<[number, number, number, number]>) =>
    rows.map(([a, ofA, b, ofB]) => chanceToBeat([a, ofA], [b, ofB])),
  'abtest.sampleSize': ({ p1, p2, alpha, power }: Record<'p1' | 'p2' | 'alpha' | 'power', number>) =>
    sampleSize(p1, p2, alpha, power),
  'abtest.srm': (counts: number[]) => ratioMismatch(counts),
  'stats.bh': (values: number[]) => adjustPValues(values),
  association: ({ a, b, c, d }: Record<'a' | 'b' | 'c' | 'd', number>) => associate([a, b], [c, d]),
  'flow.velocity': ({ n, value, win, days }: Record<'n' | 'value' | 'win' | 'days', number>) =>
    salesVelocity(n, value, win, days),
  'flow.matrix': () => {
    const shares = transitionShares([
      { from: 'A', to: 'I', count: 2 },
      { from: 'A', to: null, count: 1 },
      { from: 'I', to: 'C', count: 1 },
      { from: 'I', to: 'A', count: 1 },
    ]);
    return { 'A>I': shares[0]!.share, 'I>A': shares[3]!.share };
  },
  flywheel: ({ invites, acceptance }: { invites: number; acceptance: number }) => flywheel(invites, acceptance),
};

/** Compares as the vector asks: every number that is expected, within the tolerance. */
function fits(computed: unknown, expected: unknown, tolerance: number, path = ''): void {
  if (typeof expected === 'number') {
    expect(typeof computed, path).toBe('number');
    expect(Math.abs((computed as number) - expected), `${path}: ${String(computed)}`).toBeLessThanOrEqual(tolerance);
  } else if (typeof expected === 'object' && expected !== null) {
    if (Array.isArray(expected)) expect((computed as unknown[]).length, path).toBe(expected.length);
    for (const [name, value] of Object.entries(expected))
      fits((computed as Record<string, unknown>)[name], value, tolerance, `${path}.${name}`);
  } else expect(computed, path).toEqual(expected);
}

describe('meets the worked numbers of', () => {
  test.each(vectors.vectors)('$name', ({ name, input, expected, tolerance }) => {
    fits(COMPUTED[name]!(input as never), expected, tolerance);
  });

  test('all of them', () => {
    expect(Object.keys(COMPUTED).sort()).toEqual(vectors.vectors.map(({ name }) => name).sort());
  });

  test('lifecycle, and says no more than they do', () => {
    const { input, expected } = vectors.vectors.find(({ name }) => name === 'lifecycle.daily')!;
    expect(COMPUTED['lifecycle.daily']!(input as never)).toEqual(expected);
  });
});

const touches = fc.array(
  fc.record({ channel: fc.constantFrom('Direct', 'Email', 'Organic Search'), daysBefore: fc.nat(90) }),
  { minLength: 1, maxLength: 8 },
);

test('no model of attribution gives out more or less than the value', () => {
  fc.assert(
    fc.property(touches, fc.constantFrom<TouchModel>(...TOUCH_MODELS), fc.nat(10_000), (given, model, value) => {
      const credit = creditTouches(model, value, given);
      expect(credit.reduce((sum, each) => sum + each, 0)).toBeCloseTo(value, 6);
      expect(credit.every((each) => each >= 0)).toBe(true);
    }),
  );
  expect(
    creditTouches('position', 10, [
      { channel: 'a', daysBefore: 1 },
      { channel: 'b', daysBefore: 0 },
    ]),
  ).toEqual([5, 5]);
  expect(creditTouches('lastNonDirect', 10, [{ channel: 'Direct', daysBefore: 1 }])).toEqual([10]);
});

test('Markov credit adds up to the conversions, with journeys that return to a channel too', () => {
  const path = fc.record({
    path: fc.array(fc.constantFrom('A', 'B', 'C'), { minLength: 1, maxLength: 5 }),
    converted: fc.nat(5),
    lost: fc.nat(5),
  });
  fc.assert(
    fc.property(fc.array(path, { minLength: 1, maxLength: 8 }), (paths) => {
      const { credit } = creditByRemoval(paths);
      const conversions = paths.reduce((sum, { converted }) => sum + converted, 0);
      expect(Object.values(credit).reduce((sum, each) => sum + each, 0)).toBeCloseTo(conversions, 6);
    }),
  );
  expect(creditByRemoval([{ path: ['B'] }, { path: ['A'], converted: 1 }]).credit).toEqual({ A: 1, B: 0 });
  expect(creditByRemoval([{ path: ['A'], lost: 3 }])).toEqual({ base: 0, removal: { A: 0 }, credit: { A: 0 } });
});

test('Shapley by draws comes near what it is exactly, and asks for the random function it needs', () => {
  const channels = Array.from({ length: 13 }, (_, index) => `c${index}`);
  const worth = (coalition: string[]) =>
    coalition.reduce((sum, name) => sum + Number(name.slice(1)), 0) +
    (coalition.includes('c0') && coalition.includes('c1') ? 10 : 0);
  expect(() => creditByShapley(channels, worth)).toThrow('random');
  const credit = creditByShapley(channels, worth, seeded(3));
  expect(Object.values(credit).reduce((sum, each) => sum + each, 0)).toBeCloseTo(worth(channels), 6);
  expect(credit.c12).toBeCloseTo(12, 9);
  expect(Math.abs(credit.c0! - 5)).toBeLessThan(0.2);
});

test('Shapley of sets is what going through all coalitions gives', () => {
  const sets = fc.array(fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { minLength: 1 }), {
    minLength: 1,
    maxLength: 9,
  });
  fc.assert(
    fc.property(sets, (given) => {
      const worth = (coalition: string[]) =>
        given.filter((set) => set.every((name) => coalition.includes(name))).length;
      const exact = creditByShapley(['a', 'b', 'c', 'd', 'e'], worth);
      const quick = creditBySets(given.map((channels) => ({ channels, value: 1 })));
      for (const [name, credit] of Object.entries(exact)) expect(quick[name] ?? 0).toBeCloseTo(credit, 9);
    }),
  );
});

test('an RFM score does not hang on the order, and equal customers score alike', () => {
  const buyer = fc.record({ recencyDays: fc.nat(9), frequency: fc.nat(5), monetary: fc.nat(5) });
  fc.assert(
    fc.property(fc.array(buyer, { minLength: 1, maxLength: 30 }), (buyers) => {
      const named = buyers.map((each, index) => ({ ...each, id: String(index) }));
      const scores = scoreRfm(named);
      const again = new Map(scoreRfm([...named].reverse()).map((each) => [each.id, each]));
      for (const score of scores) {
        expect(again.get(score.id)).toEqual(score);
        for (const each of [score.r, score.f, score.m]) expect([1, 2, 3, 4, 5]).toContain(each);
        const twin = named.find(
          ({ id, ...rest }) =>
            id !== score.id && JSON.stringify(rest) === JSON.stringify({ ...named[Number(score.id)], id: undefined }),
        );
        if (twin) expect(again.get(twin.id)).toMatchObject({ r: score.r, f: score.f, m: score.m });
      }
    }),
  );
  const cuts = { recencyDays: [7, 30, 60, 90], frequency: [2, 3, 5, 10], monetary: [50, 100, 500, 1000] };
  const fixed = (recencyDays: number, frequency: number, monetary: number) => {
    const { r, f, m } = scoreRfm([{ id: 'x', recencyDays, frequency, monetary }], cuts)[0]!;
    return [r, f, m] as Score[];
  };
  expect(fixed(7, 10, 1000)).toEqual([5, 5, 5]);
  expect(fixed(8, 9, 999)).toEqual([4, 4, 4]);
  expect(fixed(91, 1, 49)).toEqual([1, 1, 1]);
});

test('somebody who stays away is churned when that was agreed, and resurrected after', () => {
  expect([...lifecycleOf([1, 9], 9, 4)]).toEqual([
    [1, 'new'],
    [2, 'dormant'],
    [5, 'churned'],
    [9, 'resurrected'],
  ]);
  expect([...lifecycleOf([3, 3, 4], 4)]).toEqual([
    [3, 'new'],
    [4, 'returning'],
  ]);
  expect([...lifecycleOf([], 4)]).toEqual([]);
});

describe('a funnel', () => {
  test('in any order takes the steps as they come, within its window', () => {
    const any = (text: string, window?: number) =>
      stepsReached(made(text), ['A', 'B', 'C'], { order: 'any', ...(window !== undefined && { window }) });
    expect([any('CBA'), any('CXA'), any('BBB'), any('')]).toEqual([3, 2, 1, 0]);
    expect(any('CXXBA', 15)).toBe(2);
  });

  test('in any order with a window a step, the step made later may be the one that leads on', () => {
    const followed = (days: number[]) =>
      followFunnel(
        ['A', 'B', 'B', 'C'].map((name, at): Made => [[name], days[at]!]),
        ['A', 'B', 'C'],
        { order: 'any', window: 5, isPerStep: true },
      );
    expect(followed([0, 2, 4, 8])).toEqual({ reached: 3, openUntil: -Infinity });
    // A step holds the window open once, and not each time that it is made again.
    expect(followed([0, 4, 8, 12])).toEqual({ reached: 2, openUntil: 17 });
    const text = fc.array(fc.tuple(fc.constantFrom('A', 'B', 'C', 'D', 'X'), fc.nat(9)), { maxLength: 9 });
    fc.assert(
      fc.property(text, fc.integer({ min: 1, max: 12 }), (given, window) => {
        let now = 0;
        const events = given.map(([name, after]): Made => [[name], (now += after)]);
        /** Every way to choose an event for each of some steps. */
        const best = (from: number, last: number | undefined, left: string[]): number => {
          let most = 0;
          for (let at = from; at < events.length; at++) {
            const [[name], time] = events[at]!;
            if (left.includes(name!) && (last === undefined || time - last <= window))
              most = Math.max(
                most,
                1 +
                  best(
                    at + 1,
                    time,
                    left.filter((each) => each !== name),
                  ),
              );
          }
          return most;
        };
        const steps = ['A', 'B', 'C', 'D'];
        expect(stepsReached(events, steps, { order: 'any', window, isPerStep: true })).toBe(best(0, undefined, steps));
      }),
      { numRuns: 500 },
    );
  });

  test('a strict order is not broken by a step that may be left out, and by nothing else', () => {
    const reached = (text: string, steps: string[]) => {
      const names = steps.map((step) => step.replace('?', ''));
      const done = made(text).map(([each]) => bitsOf(each, names));
      return planFunnel(steps, { order: 'strict' })({ steps: done, times: done.map((_, index) => index) }).reached;
    };
    expect([reached('ABC', ['A', 'B?', 'C']), reached('AC', ['A', 'B?', 'C'])]).toEqual([2, 2]);
    expect(reached('ABXC', ['A', 'B?', 'C'])).toBe(1);
    expect(reached('ACBD', ['A', 'B?', 'C', 'D'])).toBe(3);
    // What comes later in the order is not on the way.
    expect(reached('ADBC', ['A', 'B', 'C', 'D?'])).toBe(1);
  });

  test('in any order as many steps are made as can be, however they are listed', () => {
    expect(
      stepsReached(
        [
          [['all', 'pricing'], 1],
          [['all'], 2],
        ],
        ['all', 'pricing'],
        { order: 'any' },
      ),
    ).toBe(2);
    const random = seeded(3);
    const steps = ['a', 'b', 'c', 'd'];
    /** Every way of giving what was done to steps. */
    const best = (all: Made[], left: string[]): number => {
      const [first, ...others] = all;
      if (!first || !left.length) return 0;
      const ways = first[0].filter((name) => left.includes(name));
      const used = ways.map(
        (name) =>
          1 +
          best(
            others,
            left.filter((each) => each !== name),
          ),
      );
      return Math.max(best(others, left), ...used);
    };
    for (let round = 0; round < 300; round++) {
      const all = Array.from({ length: 5 }, (_, time): Made => [steps.filter(() => random() < 0.4), time]);
      expect(stepsReached(all, steps, { order: 'any' })).toBe(best(all, steps));
      expect(stepsReached(all, [...steps].reverse(), { order: 'any' })).toBe(best(all, steps));
    }
  });

  test('takes each thing done for one step, and says until when it can go on', () => {
    const both: Made[] = [[['view', 'price'], 0]];
    expect(stepsReached(both, ['view', 'price'])).toBe(1);
    expect(stepsReached(both, ['view', 'price'], { order: 'any' })).toBe(1);
    expect(stepsReached([...both, [['view', 'price'], 1]], ['view', 'price'])).toBe(2);
    const steps = ['A', 'B', 'C'];
    expect(followFunnel(made('AB', 2), steps, { window: 4 })).toEqual({ reached: 2, openUntil: 4 });
    expect(followFunnel(made('AB', 2), steps, { window: 4, isPerStep: true })).toEqual({ reached: 2, openUntil: 6 });
    expect(followFunnel(made('BA', 2), steps, { window: 4, order: 'any' })).toEqual({ reached: 2, openUntil: 6 });
    expect(followFunnel(made('ABC', 1), steps, { window: 4 })).toEqual({ reached: 3, openUntil: -Infinity });
    expect(followFunnel([], steps)).toEqual({ reached: 0, openUntil: -Infinity });
  });

  test('in order is what trying from every entry gives', () => {
    /** Every choice of things done, as the definition says it. */
    const byHand = (
      events: Made[],
      steps: readonly string[],
      { order = 'ordered', window = Infinity, isPerStep = false },
    ): number => {
      const names = steps.map((step) => step.replace('?', ''));
      const isRequired = steps.map((step) => !step.endsWith('?'));
      /** Required steps made, by the last step that was. */
      const worth = (last: number) => isRequired.slice(0, last + 1).filter(Boolean).length;
      const goOn = (index: number, last: number, from: number): number => {
        if (last === steps.length - 1 || index === events.length) return worth(last);
        const [[name], time] = events[index]!;
        if (time - from > window) return worth(last);
        const required = isRequired.findIndex((is, at) => is && at > last);
        const end = required < 0 ? steps.length - 1 : required;
        const taken = names.flatMap((each, at) =>
          at > last && at <= end && each === name ? [goOn(index + 1, at, isPerStep ? time : from)] : [],
        );
        const isBroken = order === 'strict' && required >= 0 && !names.slice(0, end + 1).includes(name!);
        return Math.max(worth(last), ...taken, isBroken ? 0 : goOn(index + 1, last, from));
      };
      const tries = events.map(([[name], time], index) => (name === names[0] ? goOn(index + 1, 0, time) : 0));
      return Math.max(0, ...tries);
    };
    const letters = fc.array(fc.constantFrom('A', 'B', 'C', 'D'), { maxLength: 14 });
    const options = fc.record({
      order: fc.constantFrom<'ordered' | 'strict'>('ordered', 'strict'),
      window: fc.constantFrom(5, 10, 20, 50, Infinity),
      isPerStep: fc.boolean(),
    });
    const stepLists = fc.constantFrom<string[]>(
      ['A', 'B', 'C'],
      ['A', 'A', 'B'],
      ['A', 'B', 'A', 'C'],
      ['B', 'C'],
      ['A', 'B?', 'C'],
      ['A', 'B?', 'D?', 'C'],
      ['A', 'B?', 'C', 'D?'],
      ['A', 'C', 'B?', 'A'],
    );
    fc.assert(
      fc.property(letters, options, stepLists, (names, given, steps) => {
        const events = made(names.join(''), 5);
        const places = steps.map((step) => step.replace('?', ''));
        const done = { steps: events.map(([each]) => bitsOf(each, places)), times: events.map(([, time]) => time) };
        expect(planFunnel(steps, given)(done).reached).toBe(byHand(events, steps, given));
      }),
      { numRuns: 3000 },
    );
  });

  test('reaches no more with a narrower window, and no more strictly than in order', () => {
    const text = fc
      .array(fc.constantFrom('A', 'B', 'C', 'D'), { maxLength: 12 })
      .map((names) => made(names.join(''), 7));
    fc.assert(
      fc.property(text, fc.nat(60), (events, window) => {
        const reached = (options: object) => stepsReached(events, ['A', 'B', 'C'], options);
        expect(reached({ window })).toBeLessThanOrEqual(reached({}));
        expect(reached({ order: 'strict', window })).toBeLessThanOrEqual(reached({ window }));
        expect(reached({ window })).toBeLessThanOrEqual(reached({ window, isPerStep: true }));
        expect(reached({})).toBeLessThanOrEqual(reached({ order: 'any' }));
      }),
    );
  });
});

test('somebody sleeps from when nothing was heard for so long to the next sign of life', () => {
  const kinds = fc.constantFrom<'a' | 'b' | null>('a', 'b', null);
  const times = fc.integer({ min: 0, max: 60 });
  fc.assert(
    fc.property(
      fc.array(fc.record({ at: times, to: kinds, isSilent: fc.boolean() }), { maxLength: 6 }),
      fc.uniqueArray(times, { minLength: 1, maxLength: 6 }),
      fc.integer({ min: 2, max: 20 }),
      (unsorted, seen, after) => {
        const signs = [...seen].sort((a, b) => a - b);
        let from: 'a' | 'b' | null = null;
        const changes = [...unsorted]
          .sort((a, b) => a.at - b.at)
          .flatMap(({ at, to, isSilent }) => {
            const change = { at, from, to, isSilent };
            if (to === from) return [];
            from = to;
            return [change];
          });
        // Told moment by moment: who stands where, and who was heard of last.
        const expected: string[] = [];
        let [place, standing, hasStood] = [null as 'a' | 'b' | null, null as string | null, false];
        const look = (at: number, isTold: boolean) => {
          const last = signs.findLast((sign) => sign <= at);
          const sleeps = last !== undefined && at - last >= after && at < 61;
          const next = hasStood && (sleeps || !place) ? 'dormant' : place;
          if (next !== standing && isTold) expected.push(`${at} ${standing} ${next}`);
          standing = next;
        };
        for (let at = 0; at < 61; at++) {
          const here = changes.filter((each) => each.at === at);
          // Who comes back with an event that leads elsewhere comes back there.
          const isReturn = standing === 'dormant' && signs.includes(at) && here[0] && !here[0].isSilent;
          if (!isReturn) look(at, true);
          for (const change of here) {
            place = change.to;
            hasStood ||= place !== null;
            look(at, !change.isSilent);
          }
        }
        // Ten milliseconds each: of two that follow each other in the next one is the other's.
        const journey = withDormancy(
          changes.map((change) => ({ ...change, at: change.at * 10 })),
          signs.map((sign) => sign * 10),
          after * 10,
          610,
        );
        expect(journey.map((move) => `${move.at / 10} ${move.from} ${move.to}`)).toEqual(expected);
      },
    ),
    { numRuns: 2000 },
  );
});

test('a median stay counts those who have not left yet as far as they were seen', () => {
  const ended = (...durations: number[]) => durations.map((duration) => ({ duration, hasEnded: true }));
  expect(medianStay(ended(1, 2, 3, 4))).toBe(2);
  expect(medianStay([...ended(1, 2), { duration: 9, hasEnded: false }, { duration: 9, hasEnded: false }])).toBe(2);
  expect(medianStay([...ended(1), { duration: 9, hasEnded: false }, { duration: 9, hasEnded: false }])).toBeNull();
  expect(medianStay([])).toBeNull();
});

test('statistics of nothing and of everything stay numbers', () => {
  expect(wilson(0, 0)).toBeNull();
  expect(wilson(0, 10)![0]).toBe(0);
  expect(wilson(10, 10)![1]).toBe(1);
  const { oddsRatio, ci, p } = associate([10, 0], [0, 10]);
  for (const each of [oddsRatio, ...ci, p]) expect(Number.isFinite(each)).toBe(true);
  expect(netPromoterScore([])).toBeNull();
  expect(flywheel(4, 0.5).amplification).toBe(Infinity);
});

test('customers who bought lately and often are likelier to be there', () => {
  const model = { r: 0.243, alpha: 4.414, a: 0.793, b: 2.426 };
  const customers = [
    { x: 2, tx: 30.43, T: 38.86 },
    { x: 0, tx: 0, T: 38.86 },
    { x: 1, tx: 1.71, T: 38.86 },
  ];
  expect(pAlive(model, customers[0]!)).toBeGreaterThan(pAlive(model, customers[2]!));
});

test('nobody is thought more away than who bought last, however many bought on that day', () => {
  for (const [lately, before] of [
    [50, 10],
    [24, 16],
    [30, 0],
  ] as const) {
    const buyers = Array.from({ length: lately + before }, (_, index) => ({
      id: `${index}`,
      recencyDays: index < lately ? 1 : 60,
      frequency: 1 + (index % 4),
      monetary: 10,
    }));
    for (const { id, r } of scoreRfm(buyers)) expect([id, r]).toEqual([id, Number(id) < lately ? 5 : r]);
    // Of one more who came today they are not the least for it.
    const more = scoreRfm([...buyers, { id: 'x', recencyDays: 0, frequency: 1, monetary: 10 }]);
    expect(more.find(({ id }) => id === 'x')!.r).toBe(5);
    expect(more.find(({ id }) => id === '0')!.r).toBeGreaterThan(2);
  }
});

test('a buyer with several orders is not new, where everybody has as many', () => {
  const buyers = Array.from({ length: 40 }, (_, index) => ({
    id: `${index}`,
    recencyDays: index < 10 ? 1 : 90,
    frequency: 5,
    monetary: 10,
  }));
  expect(new Set(scoreRfm(buyers).map(({ group }) => group)).has('new')).toBe(false);
  const first = buyers.map((buyer) => ({ ...buyer, frequency: 1 }));
  expect(scoreRfm(first).filter(({ group }) => group === 'new')).toHaveLength(10);
});

test('who comes back is where the visit leads at once', () => {
  const changes = [
    { from: null, to: 'a', at: 0 },
    { from: 'a', to: 'b', at: 50 },
    { from: 'b', to: 'c', at: 52 },
  ];
  for (const wake of [49, 50])
    expect(withDormancy(changes, [0, wake], 30, 60)).toEqual([
      { from: null, to: 'a', at: 0 },
      { from: 'a', to: 'dormant', at: 30 },
      { from: 'dormant', to: 'b', at: 50 },
      { from: 'b', to: 'c', at: 52 },
    ]);
});
