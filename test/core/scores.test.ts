/** A score told apart: what somebody does, what they are about to do, who they are. */
import { describe, expect, test } from 'vitest';
import { readTemplate, templateNames } from '../../collector/templates.js';
import {
  compileRules,
  emptyFacts,
  eventFacts,
  inferFrom,
  mergeFacts,
  parseRules,
  placeOf,
  scoresOf,
  viewFacts,
  type Rules,
} from '../../sdk/core/index.js';
import { randomEvents, seeded } from '../helpers/random.js';
import { generalDocument } from '../helpers/rules.js';
import { NOW } from '../helpers/collector.js';

const RULES = {
  ...generalDocument,
  score: {
    ...generalDocument.score,
    intent: ['pricing_view'],
    fit: [
      { when: { trait: 'size', gte: 50 }, points: 20 },
      { when: { trait: 'country', eq: 'CN' }, points: 5 },
      { when: { signal: 'pricing_view' }, points: -1 },
    ],
  },
};

test('behaviour and intent make the score, and who somebody is stands beside it', () => {
  const { rules } = parseRules(RULES) as { rules: Rules };
  const compiled = compileRules(rules);
  const event = (name: string, url: string, props?: Record<string, number | string>) =>
    eventFacts(compiled, { id: `${name}${url}`, name, time: NOW, url, props }, placeOf(new URL(url)));
  const facts = [
    event('page_view', 'https://a.example/'),
    event('page_view', 'https://a.example/pricing'),
    event('identify', 'https://a.example/', { size: 80, country: 'DE' }),
  ].reduce(mergeFacts, emptyFacts());
  const view = viewFacts(compiled, facts, NOW);
  // Two page views at 1; the one of prices is worth 5 more.
  expect(inferFrom(view).score).toBe(7);
  expect(scoresOf(rules, view)).toEqual({ behaviour: 2, intent: 5, profile: 19 });
});

test('what is wrong is said with its path', () => {
  const { errors } = parseRules({
    ...RULES,
    score: { weights: {}, intent: ['pricing_vew'], fit: [{ when: { signal: 'nobody' }, points: 1 }] },
  }) as { errors: Array<{ path: string }> };
  expect(errors.map(({ path }) => path)).toEqual(['score.intent[0]', 'score.fit[0].when.signal']);
});

describe.each(templateNames())('the template %s', (name) => {
  const { rules } = readTemplate(name)!;

  test('tells behaviour from intent, and both make the score of whoever comes', () => {
    const compiled = compileRules({ ...rules, version: 1 });
    const random = seeded(7);
    expect(rules.score!.intent!.every((signal) => rules.score!.weights[signal] !== undefined)).toBe(true);
    for (let visitor = 0; visitor < 50; visitor++) {
      const facts = randomEvents(random, 12, { days: 60, until: NOW })
        .map((event) => eventFacts(compiled, event, placeOf(new URL(event.url!))))
        .reduce(mergeFacts, emptyFacts());
      const view = viewFacts(compiled, facts, NOW);
      const { behaviour, intent } = scoresOf(rules, view);
      expect(behaviour + intent).toBeCloseTo(inferFrom(view).score, 3);
    }
  });
});
