/** What the log of a visitor says of a batch, against inferring anew after each of its events. */
import { expect, test } from 'vitest';
import { factsOf, foldInto, isEarlier } from '../../collector/ingest/fold.js';
import { timelineOf } from '../../collector/ingest/timeline.js';
import type { StoredEvent, VisitorRecord } from '../../collector/store/store.js';
import {
  compileRules,
  DAY_MS,
  dayOf,
  reasonFor,
  stageOf,
  viewFacts,
  type Rules,
  type Stage,
} from '../../sdk/core/index.js';
import { newId } from '../helpers/collector.js';
import { documentOf, everythingDocument, templateDocument } from '../helpers/rules.js';
import { randomEvents, seeded, shuffle } from '../helpers/random.js';
import { eventsFor } from '../helpers/templateEvents.js';

const NOW = Date.UTC(2026, 10, 22, 12);
const TEMPLATES = 'b2b-manufacturing education general healthcare media regulated-retail retail saas travel'.split(' ');

/** Events as they come from one visitor's browser: one may set traits, some have ids in upper case, some a time that is ahead. */
const stored = (events: ReturnType<typeof eventsFor>, random: () => number): StoredEvent[] =>
  shuffle(events, random).map((event) => ({
    event: {
      ...event,
      id: random() < 0.2 ? event.id.toUpperCase() : event.id,
      time: random() < 0.05 ? NOW + 86_400_000 : event.time,
    },
    receivedAt: NOW,
    bot: null,
    isProven: false,
    ...(random() < 0.05 && { traits: { plan: 'pro', seats: 7 } }),
  }));

function check(document: Rules, events: StoredEvent[], batchOf: () => number): number {
  const timeline = timelineOf([{ rules: document, publishedAt: 0, since: 0 }]);
  const rules = compileRules(document);
  let before: VisitorRecord | undefined;
  let known: StoredEvent[] = [];
  let moves = 0;
  for (let from = 0; from < events.length;) {
    const added = events.slice(from, (from += batchOf()));
    const { record, transitions } = foldInto('visitor', timeline, NOW)({ before, added });
    const inOrder = [...added].sort((a, b) => (isEarlier(a, b) ? -1 : 1));
    // What came later than it happened, and after all that is known, is looked at as of its day.
    const told = before?.stageSince ?? 0;
    const isLate = inOrder[0]!.event.time > Math.max(told, ...known.map(({ event }) => event.time));
    const asOf = (time: number) => (isLate ? Math.min(NOW, (dayOf(time) + 1) * DAY_MS - 1) : NOW);
    const viewAfter = (count: number, time = Infinity) =>
      viewFacts(rules, factsOf(timeline, [...known, ...inOrder.slice(0, count)]), asOf(time));
    let stage: Stage | null = before?.stage ?? null;
    for (const { from: left, to, at, cause } of transitions) {
      expect(left).toBe(stage);
      stage = to;
      if (cause.kind === 'expiry') {
        const count = inOrder.filter(({ event }) => event.time < at).length;
        expect([
          isLate,
          stageOf(viewFacts(rules, factsOf(timeline, [...known, ...inOrder.slice(0, count)]), at)),
        ]).toEqual([true, to]);
        continue;
      }
      const index = inOrder.findIndex(({ event }) => event.id === cause.event);
      const { time } = inOrder[index]!.event;
      expect(stageOf(viewAfter(index + 1, time))).toBe(to);
      expect(cause.because).toEqual(reasonFor(viewAfter(index + 1, time), cause.rule!));
      // Nothing between this move and the one before it.
      expect(stageOf(viewAfter(index, time))).toBe(left);
    }
    expect(stage).toBe(record.stage);
    // Where nothing that happens takes a stage away, no change is passed over.
    const changes = inOrder.filter((_, at) => stageOf(viewAfter(at + 1)) !== stageOf(viewAfter(at))).length;
    if (!rules.turns && !isLate) expect(transitions).toHaveLength(changes);
    moves += transitions.length;
    known = [...known, ...added];
    before = record;
  }
  return moves;
}

test.each(TEMPLATES)('each move of the log is one that happened, in the rules of %s', (name) => {
  const document = templateDocument(name);
  let moves = 0;
  for (let seed = 0; seed < 60; seed++) {
    const random = seeded(seed);
    const events = stored(eventsFor(document, random, { days: 40, until: NOW }), random);
    moves += check(document, events, () => 1 + Math.floor(random() * 12));
  }
  expect(moves).toBeGreaterThan(50);
});

test('who is new enters by the first event, whatever it says: nothing may be asked of them', () => {
  const document = documentOf({
    signals: { order: { event: 'purchase' } },
    stages: { awareness: { when: { not: { signal: 'order' } } }, action: { when: { signal: 'order' } } },
  });
  const timeline = timelineOf([{ rules: document, publishedAt: 0, since: 0 }]);
  const day = (index: number) => NOW - (9 - index) * 86_400_000;
  const added = ['page_view', 'page_view', 'purchase'].map((name, index) => ({
    event: { id: newId(day(index)), name, time: day(index), url: 'https://www.example.com/' },
    receivedAt: NOW,
    bot: null,
    isProven: false,
  })) as StoredEvent[];
  const { record, transitions } = foldInto('visitor', timeline, NOW)({ before: undefined, added });
  const [first, , order] = added.map(({ event }) => event.id);
  expect(transitions).toMatchObject([
    { from: null, to: 'awareness', at: day(0), cause: { kind: 'event', event: first } },
    { from: 'awareness', to: 'action', at: day(2), cause: { kind: 'event', event: order } },
  ]);
  expect(record.stageSince).toBe(day(2));
});

test('and in rules with everything in them, of long batches too', () => {
  let moves = 0;
  for (let seed = 0; seed < 150; seed++) {
    const random = seeded(seed);
    const events = stored(randomEvents(random, 5 + Math.floor(random() * 60), { days: 30, until: NOW }), random);
    moves += check(everythingDocument, events, () => 1 + Math.floor(random() * 16));
  }
  expect(moves).toBeGreaterThan(300);
  for (let seed = 0; seed < 40; seed++) {
    const random = seeded(seed);
    const document = templateDocument('retail');
    const events = [0, 1, 2, 3, 4].flatMap(() => eventsFor(document, random, { days: 40, until: NOW }));
    check(document, stored(events, random), () => 200);
  }
});
