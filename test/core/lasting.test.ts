/** Stages that are held by less than it takes to enter them, and tags that last: against a count of every single day. */
import { describe, expect, test } from 'vitest';
import {
  compactFacts,
  compileRules,
  DAY_MS,
  dayOf,
  emptyFacts,
  eventFacts,
  explainStage,
  FACTS_VERSION,
  inferState,
  FULL_VERSION,
  mergeFacts,
  nextChange,
  parseRules,
  placeOf,
  stageMoves,
  type CompiledRules,
  type Condition,
  type Facts,
  type StagetagEvent,
} from '../../sdk/core/index.js';
import { seeded } from '../helpers/random.js';

const NOW = Date.UTC(2026, 10, 22, 12);
const SIGNALS = { visit: { event: 'page_view' }, deal: { event: 'deal', distinct: 'props.key' } };
const ENTER: Condition = { signal: 'visit', count: { gte: 4 }, within: 7 };
const KEEP: Condition = { signal: 'visit', count: { gte: 2 }, within: 14 };
const BUSY: Condition = {
  all: [{ signal: 'visit', count: { gte: 3 }, within: 5 }, { not: { signal: 'deal', within: 3 } }],
};
const TTL_DAYS = 10;

const compiled = (document: object): CompiledRules => {
  const parsed = parseRules(document);
  if ('errors' in parsed) throw new Error(JSON.stringify(parsed.errors));
  return compileRules({ ...parsed.rules, version: 1 });
};
const stages = { awareness: { when: { signal: 'visit' }, sticky: true }, interest: { when: ENTER, keep: KEEP } };
const tag = { when: BUSY, dimension: 'behaviour' };
const RULES = compiled({ signals: SIGNALS, stages, tags: { busy: { ...tag, ttlDays: TTL_DAYS } } });
/** What holds on a day by itself. */
const SINGLE = compiled({
  signals: SIGNALS,
  stages: { interest: { when: ENTER } },
  tags: { busy: tag, kept: { when: KEEP, dimension: 'behaviour' } },
});

let made = 0;
const events = (random: () => number): StagetagEvent[] =>
  Array.from({ length: 3 + Math.floor(random() * 25) }, () => ({
    id: `00000000-0000-7000-8000-${String(++made).padStart(12, '0')}`,
    name: random() < 0.85 ? 'page_view' : 'deal',
    time: NOW - Math.floor(random() * 60) * DAY_MS - Math.floor(random() * 3_600_000),
    url: 'https://www.example.com/',
    props: { key: `${Math.floor(random() * 3)}` },
  }));
const factsOf = (given: StagetagEvent[]): Facts =>
  given.map((event) => eventFacts(RULES, event, placeOf(new URL(event.url!)))).reduce(mergeFacts, emptyFacts());

/** Follows every day from the first: nothing of turning days, windows or bases in it. */
function counted(given: StagetagEvent[], now: number): { stage: string | null; busy: boolean } {
  let isIn = false;
  let lastBusy = -Infinity;
  const first = Math.min(...given.map(({ time }) => dayOf(time)));
  for (let day = first; day <= dayOf(now); day++) {
    const { stage, tags } = inferState(SINGLE, factsOf(given.filter(({ time }) => dayOf(time) <= day)), day * DAY_MS);
    isIn = stage === 'interest' || (isIn && tags.includes('kept'));
    if (tags.includes('busy')) lastBusy = day;
  }
  return { stage: isIn ? 'interest' : 'awareness', busy: dayOf(now) - lastBusy < TTL_DAYS };
}

test.each(Array.from({ length: 60 }, (_, seed) => seed))(
  'are what a count of every day says, now and later (seed %s)',
  (seed) => {
    const given = events(seeded(seed));
    const facts = factsOf(given);
    for (const days of [0, 1, 3, 6, 9, 13, 20, 30]) {
      const now = NOW + days * DAY_MS;
      const { stage, tags } = inferState(RULES, facts, now);
      expect({ days, stage, busy: tags.includes('busy') }).toEqual({ days, ...counted(given, now) });
      expect(stageMoves(RULES, facts, now).at(-1)!.to).toBe(stage);
    }
  },
);

test.each(Array.from({ length: 40 }, (_, seed) => seed))('change on no day that is not foreseen (seed %s)', (seed) => {
  const facts = factsOf(events(seeded(seed)));
  let due = nextChange(RULES, facts, NOW) ?? Infinity;
  let last = JSON.stringify(inferState(RULES, facts, NOW).tags) + inferState(RULES, facts, NOW).stage;
  for (let day = 1; day < 60; day++) {
    const now = (dayOf(NOW) + day) * DAY_MS;
    const next = JSON.stringify(inferState(RULES, facts, now).tags) + inferState(RULES, facts, now).stage;
    if (next !== last) expect(due).toBeLessThanOrEqual(now);
    if (due <= now) due = nextChange(RULES, facts, now) ?? Infinity;
    last = next;
  }
});

test.each(Array.from({ length: 60 }, (_, seed) => seed))(
  'are the same of facts as they travel, with news added (seed %s)',
  (seed) => {
    const random = seeded(1000 + seed);
    const given = events(random).sort((a, b) => a.time - b.time);
    const news = given.splice(-Math.ceil(random() * 3));
    const sent = compactFacts(RULES, factsOf(given), given.at(-1)!.time);
    expect(sent.v).toBe(FULL_VERSION);
    for (const days of [0, 2, 8, 15]) {
      const now = NOW + days * DAY_MS;
      const [all, parts] = [factsOf([...given, ...news]), [sent, factsOf(news)]];
      const of = (facts: Facts | Facts[]) => {
        const { stage, peak, tags } = inferState(RULES, facts, now);
        return { stage, peak, tags };
      };
      expect(of(parts)).toEqual(of(all));
    }
  },
);

describe('rules without either', () => {
  test('travel in the format that every browser knows', () => {
    const [one] = events(seeded(1));
    expect(compactFacts(SINGLE, factsOf([one!]), one!.time).v).toBe(FACTS_VERSION);
  });
});

test('why names what holds a stage that could not be entered any more', () => {
  const at = (daysAgo: number) => ({
    ...events(seeded(3))[0]!,
    id: `a${++made}`,
    name: 'page_view',
    time: NOW - daysAgo * DAY_MS,
  });
  const facts = factsOf([at(9), at(9), at(8), at(8)]);
  expect(explainStage(RULES, facts, NOW)).toMatchObject({
    stage: 'interest',
    met: true,
    because: {
      met: true,
      any: [
        { signal: 'visit', met: false, need: { count: { gte: 4 } }, within: 7 },
        { signal: 'visit', met: true, need: { count: { gte: 2 } }, within: 14 },
      ],
    },
  });
  // What it takes to enter is all that counts for who is not in it.
  expect(explainStage(RULES, factsOf([at(8)]), NOW, 'interest').because).toMatchObject({ met: false, within: 7 });
});

test('why says when a stage that is kept will be left, whatever holds it today', () => {
  let ends = 0;
  for (let seed = 0; seed < 200; seed++) {
    const facts = factsOf(events(seeded(seed)));
    const { stage, because } = explainStage(RULES, facts, NOW);
    if (stage !== 'interest') continue;
    let day = dayOf(NOW);
    while (inferState(RULES, facts, ++day * DAY_MS).stage === 'interest');
    expect(because!.expires).toBe(new Date(day * DAY_MS).toISOString().slice(0, 10));
    ends++;
  }
  expect(ends).toBeGreaterThan(40);
});

test('a stage is not both sticky and kept, and a tag lasts whole days', () => {
  const { errors } = parseRules({
    signals: SIGNALS,
    stages: { action: { when: { signal: 'deal' }, sticky: true, keep: { signal: 'dael' } } },
    tags: { busy: { ...tag, ttlDays: 0.5 } },
  }) as { errors: Array<{ path: string }> };
  expect(errors.map(({ path }) => path)).toEqual([
    'tags.busy.ttlDays',
    'stages.action.keep.signal',
    'stages.action.keep',
  ]);
  const wrong = parseRules({
    signals: SIGNALS,
    stages: { action: { when: { signal: 'deal' }, sticky: true, keep: { signal: 'dael' } } },
  }) as { errors: Array<{ path: string }> };
  expect(wrong.errors.map(({ path }) => path)).toEqual(['stages.action.keep.signal', 'stages.action.keep']);
});
