/** What came together in a session: against a count that knows every event. */
import { expect, test } from 'vitest';
import {
  compactFacts,
  compileRules,
  DAY_MS,
  dayOf,
  emptyFacts,
  eventFacts,
  explainStage,
  FULL_VERSION,
  hashKey,
  inferState,
  lintRules,
  matchSignals,
  mergeFacts,
  parseRules,
  placeOf,
  type CompiledRules,
  type Facts,
  type StagetagEvent,
} from '../../sdk/core/index.js';
import { seeded } from '../helpers/random.js';

const NOW = Date.UTC(2026, 10, 22, 12);
const SIGNALS = {
  view: { event: 'page_view', path: '/p/*', distinct: 'path' },
  visit: { event: 'page_view' },
};
const errorsOf = (document: object) => {
  const parsed = parseRules(document);
  return 'errors' in parsed ? parsed.errors.map(({ path }) => path) : [];
};
const compiled = (document: object): CompiledRules => {
  const parsed = parseRules(document);
  if ('errors' in parsed) throw new Error(JSON.stringify(parsed.errors));
  return compileRules({ ...parsed.rules, version: 1 });
};
const RULES = compiled({
  signals: SIGNALS,
  stages: {
    awareness: { when: { signal: 'visit', sessions: { gte: 3 } } },
    interest: { when: { signal: 'view', perSession: { gte: 3 }, within: 30 } },
    consideration: { when: { signal: 'view', sessions: { gte: 2 }, within: 30 } },
  },
});

let made = 0;
const view = (session: string | undefined, page: number, daysAgo: number): StagetagEvent => ({
  id: `00000000-0000-7000-8000-${String(++made).padStart(12, '0')}`,
  name: 'page_view',
  time: NOW - daysAgo * DAY_MS,
  url: `https://www.example.com/p/${page}`,
  ...(session && { sessionId: session }),
});
const factsOf = (events: StagetagEvent[], rules = RULES): Facts =>
  events.map((event) => eventFacts(rules, event, placeOf(new URL(event.url!)))).reduce(mergeFacts, emptyFacts());
const most = (events: StagetagEvent[], by: (event: StagetagEvent) => string, of: (event: StagetagEvent) => string) => {
  const sets = new Map<string, Set<string>>();
  for (const event of events) sets.set(by(event), (sets.get(by(event)) ?? new Set()).add(of(event)));
  return Math.max(0, ...[...sets.values()].map(({ size }) => size));
};
const measured = (facts: Facts | Facts[], now: number, stage: 'interest' | 'awareness') =>
  (explainStage(RULES, facts, now, stage).because as { have: Record<string, number> }).have;

const random = (seed: number) => {
  const next = seeded(seed);
  return Array.from({ length: Math.floor(next() * 30) }, () =>
    view(next() < 0.1 ? undefined : `s${Math.floor(next() * 6)}`, Math.floor(next() * 6), Math.floor(next() * 60)),
  );
};

test.each(Array.from({ length: 80 }, (_, seed) => seed))('is what was seen, whatever comes first (seed %s)', (seed) => {
  const events = random(seed);
  const told = events.filter(({ sessionId }) => sessionId);
  const lately = told.filter(({ time }) => dayOf(time) > dayOf(NOW) - 30);
  const session = ({ sessionId }: StagetagEvent) => sessionId!;
  const page = ({ url }: StagetagEvent) => url!;
  const facts = factsOf(events);
  expect(measured(facts, NOW, 'interest')).toMatchObject({
    perSession: most(lately, session, page),
    sessions: most(lately, page, session),
  });
  expect(measured(facts, NOW, 'awareness')).toMatchObject({
    perSession: told.length ? 1 : 0,
    sessions: new Set(told.map(session)).size,
  });
  expect(factsOf([...events].reverse())).toEqual(facts);
  const sent = compactFacts(RULES, facts, Math.max(0, ...events.map(({ time }) => time)));
  expect(sent.v).toBe(FULL_VERSION);
  for (const days of [0, 5, 29, 31]) {
    const now = NOW + days * DAY_MS;
    expect(inferState(RULES, sent, now)).toEqual(inferState(RULES, facts, now));
  }
});

test('beyond the cap is the same in every order, and leaves out whole sessions', () => {
  const events = Array.from({ length: 200 }, (_, index) => view(`s${index % 20}`, index % 10, index % 7));
  const facts = factsOf(events);
  const next = seeded(1);
  const shuffled = [...events].sort(() => next() - 0.5);
  expect(factsOf(shuffled)).toEqual(facts);
  expect(measured(facts, NOW, 'interest').perSession).toBeLessThanOrEqual(10);
  const half = [factsOf(events.slice(0, 90)), factsOf(events.slice(90))];
  expect(measured(half, NOW, 'interest')).toEqual(measured(facts, NOW, 'interest'));
});

/** The same on every day, of all facts and of those that travel with nothing new. */
function expectSameEveryDay(rules: CompiledRules, events: StagetagEvent[]): string[] {
  const facts = factsOf(events, rules);
  const last = Math.max(...events.map(({ time }) => time));
  const sent = compactFacts(rules, facts, last);
  const peaks = [];
  for (let day = 0; day < 40; day++) {
    const { stage, peak } = inferState(rules, facts, last + day * DAY_MS);
    expect([day, inferState(rules, sent, last + day * DAY_MS)]).toMatchObject([day, { stage, peak }]);
    peaks.push(`${peak}`);
  }
  return peaks;
}

test('what the cap left out may come in as an older day leaves: where that leads to is kept', () => {
  const rules = compiled({
    signals: SIGNALS,
    stages: { interest: { when: { signal: 'view', perSession: { gte: 5 }, within: 30 } } },
  });
  const names = Array.from({ length: 500 }, (_, at) => `s${at}`).sort((a, b) => (hashKey(a) < hashKey(b) ? -1 : 1));
  const events = [
    ...names.slice(0, 64).map((name) => view(name, 1, 60)),
    ...Array.from({ length: 5 }, (_, page) => view(names[499], page, 40)),
    view(names[1], 1, 8),
  ];
  expect(new Set(expectSameEveryDay(rules, events))).toEqual(new Set(['interest']));
});

test('so it is of a value that counts with its first amount in the window', () => {
  const rules = compiled({
    signals: { buy: { event: 'buy', distinct: 'props.k', value: 'props.v' } },
    stages: { interest: { when: { signal: 'buy', value: { gte: 50 }, within: 30 } } },
  });
  const buy = (k: string, v: number, daysAgo: number) => ({ ...view('a', 1, daysAgo), name: 'buy', props: { k, v } });
  const peaks = expectSameEveryDay(rules, [buy('k', 1, 60), buy('k', 100, 40), buy('z', 1, 8)]);
  expect(new Set(peaks)).toEqual(new Set(['interest']));
});

test('costs nothing where no condition asks for it', () => {
  const plain = compiled({ signals: SIGNALS, stages: { awareness: { when: { signal: 'view' } } } });
  const facts = factsOf([view('a', 1, 0)], plain);
  expect(Object.keys(facts.keys)).toEqual(['view']);
  expect(explainStage(plain, facts, NOW).because).toMatchObject({ have: { count: 1, days: 1, distinct: 1, value: 0 } });
  expect((explainStage(plain, facts, NOW).because as { have: object }).have).not.toHaveProperty('sessions');
  expect(matchSignals(plain, view('a', 1, 0), { host: 'x', path: '/p/1' })).toEqual([
    ['view', 0, expect.any(String)],
    ['visit', 0, undefined],
  ]);
});

test('is asked for by exclusions and scores too', () => {
  const asking = (more: object) => compiled({ signals: SIGNALS, stages: {}, ...more }).signals.view!.pairs;
  const when = { signal: 'view', perSession: { gte: 5 } };
  expect(asking({})).toBeUndefined();
  expect(asking({ exclude: { robot: { when } } })).toBe(true);
  expect(asking({ score: { weights: {}, fit: [{ when, points: 1 }] } })).toBe(true);
  expect(asking({ tags: { keen: { when, dimension: 'intent', ttlDays: 5 } } })).toBe(true);
  expect(asking({ stages: { interest: { when: { not: { any: [when] } } } } })).toBe(true);
});

test('is refused where it cannot be counted', () => {
  const stages = (when: object) => ({ signals: SIGNALS, stages: { interest: { when } } });
  expect(errorsOf(stages({ signal: 'visit', perSession: { gte: 2 } }))).toEqual(['stages.interest.when.perSession']);
  expect(errorsOf(stages({ signal: 'view', sessions: { gte: 65 } }))).toEqual(['stages.interest.when.sessions']);
  expect(errorsOf(stages({ signal: 'view', perSession: { gte: 2, lte: 1 } }))).toEqual([
    'stages.interest.when.perSession',
  ]);
  expect(errorsOf(stages({ signal: 'visit', sessions: { gte: 2 } }))).toEqual([]);
});

test('is linted as what needs as many events, and as nothing else', () => {
  const codes = (interest: object, consideration: object) =>
    lintRules(
      compiled({
        signals: { view: SIGNALS.view },
        stages: { interest: { when: interest }, consideration: { when: consideration } },
      }),
    ).map(({ code }) => code);
  const three = { signal: 'view', perSession: { gte: 3 }, within: 7 };
  expect(codes({ signal: 'view', count: { lte: 2 }, perSession: { gte: 3 } }, three)).toEqual(['never_met']);
  expect(codes(three, { signal: 'view', count: { gte: 3 }, within: 7 })).toEqual(['hidden_stage']);
  expect(codes(three, { signal: 'view', perSession: { gte: 2 }, within: 7 })).toEqual(['hidden_stage']);
  expect(codes(three, { signal: 'view', perSession: { gte: 2 }, within: 30 })).toEqual([]);
});
