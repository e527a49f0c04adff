/** The JSON Schema of rules, for editors that complete and check while one writes. What hangs together across a document (names of signals) parseRules says. */
import { DISTINCT_CAP, MAX_NAMES, RFM_MEASURES, STAGES, TAG_DIMENSIONS } from '../sdk/core/index.js';
import type { Schema } from './schema.js';

const text: Schema = { type: 'string', minLength: 1 };
const oneOrMore: Schema = { anyOf: [text, { type: 'array', items: text, minItems: 1 }] };
const scalar: Schema = { type: ['string', 'number', 'boolean'] };
const number: Schema = { type: 'number' };
const label: Schema = {
  anyOf: [text, { type: 'object', properties: { en: text, zh: text }, additionalProperties: text }],
  description: 'what people call it: a text, or one by the code of each language',
};

/** An object that has no other members than these. */
const only = (properties: Record<string, Schema>, required: string[] = [], more: Schema = {}): Schema => ({
  type: 'object',
  properties,
  required,
  additionalProperties: false,
  ...more,
});

const range = (bound: Schema): Schema => only({ gte: bound, lte: bound }, [], { minProperties: 1 });
/** Of what only so many are told apart of: that there are more, or at most as many, nobody can know. */
const told: Schema = only(
  {
    gte: { type: 'integer', minimum: 0, maximum: DISTINCT_CAP },
    lte: { type: 'integer', minimum: 0, maximum: DISTINCT_CAP - 1 },
  },
  [],
  { minProperties: 1 },
);
const whole: Schema = { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER };
const MATCHERS: Record<string, Schema> = {
  eq: scalar,
  in: { type: 'array', items: scalar, minItems: 1 },
  glob: oneOrMore,
  gte: number,
  lte: number,
  exists: { type: 'boolean' },
};
const condition: Schema = { $ref: '#/$defs/condition' };
const conditions: Schema = { type: 'array', items: condition, minItems: 1 };
/** What every object has is no name: it would be found where nobody put it. */
const NO_OBJECTS = `(?!(${Object.getOwnPropertyNames(Object.prototype).join('|')})$)`;
const OTHER = `^${NO_OBJECTS}`;
const matchers: Schema = {
  type: 'object',
  propertyNames: { pattern: OTHER },
  additionalProperties: only(MATCHERS, [], { minProperties: 1 }),
};
const NAME = `^${NO_OBJECTS}[\\p{L}\\p{N}_.-]{1,64}$`;
const named = (what: Schema): Schema => ({
  type: 'object',
  maxProperties: MAX_NAMES,
  propertyNames: { pattern: NAME },
  additionalProperties: what,
});
const fromProp: Schema = { type: 'string', pattern: `^props\\.${NO_OBJECTS}.+` };

const limits: Schema = {
  type: 'array',
  items: { type: 'number', minimum: 0 },
  minItems: 4,
  maxItems: 4,
  uniqueItems: true,
};

export const RULES_SCHEMA: Schema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  title: 'Stagetag rules',
  description: 'What events mean to a site, and which stage, tags and score follow.',
  ...only(
    {
      $schema: {},
      version: { description: 'given by the collector when the rules are published' },
      name: text,
      currency: { type: 'string', pattern: '^[A-Z]{3}$' },
      signals: named(
        only({
          event: { ...oneOrMore, description: 'names of events, such as page_view' },
          path: { ...oneOrMore, description: 'globs on the path; * stands for any run of characters' },
          host: oneOrMore,
          props: matchers,
          source: { ...matchers, description: 'campaign labels and click ids of the landing' },
          distinct: {
            anyOf: [{ const: 'path' }, fromProp],
            description: 'count different values too: path or props.KEY',
          },
          value: { ...fromProp, description: 'add a number up too: props.KEY' },
          label,
        }),
      ),
      stages: only(
        Object.fromEntries(
          STAGES.map((stage) => [
            stage,
            only(
              {
                when: condition,
                sticky: { type: 'boolean' },
                keep: { ...condition, description: 'holds a stage that was entered for as long as this is met' },
                label,
              },
              ['when'],
              // One that is kept for good needs nothing that keeps it.
              { not: { properties: { sticky: { const: true } }, required: ['sticky', 'keep'] } },
            ),
          ]),
        ),
      ),
      tags: named(
        only(
          {
            when: condition,
            dimension: { enum: TAG_DIMENSIONS },
            ttlDays: {
              type: 'integer',
              minimum: 1,
              maximum: 3660,
              description: 'days from the last on which it was met',
            },
            label,
          },
          ['when', 'dimension'],
        ),
      ),
      score: only(
        {
          weights: {
            type: 'object',
            additionalProperties: { type: 'number', minimum: -1_000_000, maximum: 1_000_000 },
          },
          halfLifeDays: { type: 'number', minimum: 0.01, maximum: 3660 },
          intent: {
            type: 'array',
            items: text,
            minItems: 1,
            description: 'signals whose weights tell of intent; all others tell of behaviour',
          },
          fit: {
            type: 'array',
            items: only(
              { when: condition, points: { type: 'number', minimum: -1_000_000, maximum: 1_000_000 }, label },
              ['when', 'points'],
            ),
            minItems: 1,
            description: 'points for who somebody is; no part of the score',
          },
        },
        ['weights'],
      ),
      rfm: {
        ...only(Object.fromEntries(RFM_MEASURES.map((measure) => [measure, limits]))),
        description: 'four ascending limits of each measure; quintiles where absent',
      },
      exclude: {
        ...named(only({ when: condition, label }, ['when'])),
        description: 'whom reports, counts and audiences leave out: staff, job seekers, competitors',
      },
    },
    ['signals', 'stages'],
  ),
  $defs: {
    condition: {
      anyOf: [
        only({ all: conditions }, ['all']),
        only({ any: conditions }, ['any']),
        only({ not: condition }, ['not']),
        only({ trait: { ...text, pattern: OTHER }, ...MATCHERS }, ['trait'], { minProperties: 2 }),
        only(
          {
            signal: text,
            count: range(whole),
            distinct: told,
            value: range({ type: 'number', minimum: 0 }),
            days: range(whole),
            perSession: { ...told, description: 'most different values in one session' },
            sessions: { ...told, description: 'most sessions that had the same value' },
            within: { type: 'integer', minimum: 1, maximum: 3660, description: 'days: today and those before' },
          },
          ['signal'],
        ),
      ],
    },
  },
};
