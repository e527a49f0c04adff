import fs from 'node:fs';
import { compileRules, parseRules, type CompiledRules, type Rules } from '../../sdk/core/index.js';

/** Parses rules that are known to be good. */
export function documentOf(input: unknown): Rules {
  const parsed = parseRules(input);
  if ('errors' in parsed) throw new Error(JSON.stringify(parsed.errors, null, 2));
  return { ...parsed.rules, version: 1 };
}

/** Parses and compiles rules that are known to be good. */
export const rulesOf = (input: unknown): CompiledRules => compileRules(documentOf(input));

/** The rules of a template that ships. */
export const templateDocument = (name: string): Rules =>
  documentOf((JSON.parse(fs.readFileSync(`sdk/core/templates/${name}.json`, 'utf8')) as { rules: object }).rules);

export const generalDocument = templateDocument('general');
export const general = compileRules(generalDocument);

/** Every part of the grammar at once. */
export const everythingDocument = documentOf({
  currency: 'USD',
  signals: {
    view: { event: 'page_view', distinct: 'path' },
    product: { event: 'page_view', path: ['/products/*', '/产品/*'], host: '*.example.com', distinct: 'path' },
    file: { event: ['file_download'], distinct: 'props.file_name' },
    order: { event: 'purchase', value: 'props.value' },
    spend: { event: 'purchase', distinct: 'props.transaction_id', value: 'props.value' },
    promoter: { event: 'nps', props: { score: { gte: 9, lte: 10 } } },
    signup: { event: 'sign_up' },
  },
  stages: {
    awareness: { when: { signal: 'view' } },
    interest: {
      when: {
        any: [
          { signal: 'product', distinct: { gte: 2 }, within: 7 },
          { signal: 'view', days: { gte: 3 }, within: 14 },
        ],
      },
    },
    consideration: {
      when: {
        all: [
          { signal: 'file', within: 30 },
          { not: { signal: 'signup', within: 3 } },
          { signal: 'view', count: { lte: 12 }, within: 5 },
        ],
      },
    },
    action: {
      when: {
        any: [
          { signal: 'order', value: { gte: 150 } },
          { signal: 'spend', value: { gte: 300 }, within: 20 },
        ],
      },
      sticky: true,
    },
    loyalty: {
      when: {
        all: [
          { signal: 'order', count: { gte: 2 }, within: 30 },
          { trait: 'plan', in: ['pro'] },
        ],
      },
      sticky: true,
    },
  },
  tags: {
    quiet: { when: { not: { signal: 'view', within: 10 } }, dimension: 'lifecycle' },
    big: { when: { trait: 'seats', gte: 5 }, dimension: 'profile' },
    fan: { when: { signal: 'promoter', days: { gte: 1 } }, dimension: 'behaviour' },
    unknown_plan: { when: { trait: 'plan', exists: false }, dimension: 'profile' },
  },
  score: { weights: { view: 1, product: 2.5, order: 40 }, halfLifeDays: 7 },
});
export const everything = compileRules(everythingDocument);
