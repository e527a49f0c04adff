/** What the schema for editors takes, parseRules takes, and the other way round, save what hangs together across a document. */
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect, test } from 'vitest';
import { RULES_SCHEMA } from '../../collector/rulesSchema.js';
import { parseRules } from '../../sdk/core/index.js';
import { readTemplate, templateNames } from '../../collector/templates.js';
import { seeded } from '../helpers/random.js';

const isValid = new Ajv2020({ strict: false }).compile(RULES_SCHEMA);

/** Mistakes of the document as a whole, which no schema sees. */
const ACROSS =
  /no signal is called|unknown signal|is not one of|has no "distinct"|has no "value"|different values are told apart|cannot go with|nothing is from/;

test('takes every template', () => {
  for (const name of templateNames())
    expect(isValid(readTemplate(name)!.rules), JSON.stringify(isValid.errors)).toBe(true);
});

test('agrees with the validator on documents that went wrong anywhere', () => {
  const random = seeded(4);
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)]!;
  const WRONG = [
    null,
    0,
    -1,
    1.5,
    'x',
    '',
    [],
    {},
    true,
    ['x'],
    [1],
    { gte: 1 },
    { gte: -1 },
    { lte: 'x' },
    { signal: 'visit' },
    { en: 'x' },
    { en: 1 },
  ];
  let invalid = 0;
  for (let round = 0; round < 4000; round++) {
    const rules = structuredClone(readTemplate(pick(templateNames()))!.rules) as unknown as Record<string, unknown>;
    // One place of it, chosen at random, becomes something else, goes, or gets a neighbour.
    let place: Record<string, unknown> = rules;
    for (let depth = Math.floor(random() * 9); depth > 0; depth--) {
      const inner = Object.values(place).filter((value) => typeof value === 'object' && value !== null);
      if (!inner.length) break;
      place = pick(inner) as Record<string, unknown>;
    }
    const name = pick(Object.keys(place));
    const act = random();
    if (act < 0.7) place[name] = structuredClone(pick(WRONG));
    else if (act < 0.85 && !Array.isArray(place)) delete place[name];
    else if (!Array.isArray(place))
      place[pick(['when', 'signal', 'label', 'within', 'any', 'eq', 'evnt'])] = structuredClone(pick(WRONG));
    const parsed = parseRules(rules);
    const errors = 'errors' in parsed ? parsed.errors.filter(({ message }) => !ACROSS.test(message)) : [];
    const isTaken = isValid(rules);
    if (!isTaken) invalid++;
    expect([isTaken, JSON.stringify(rules)], JSON.stringify([errors, isValid.errors])).toEqual([
      !errors.length,
      JSON.stringify(rules),
    ]);
  }
  expect(invalid).toBeGreaterThan(1000);
});
