import { expect, test } from 'vitest';
import { parseRules } from '../../sdk/core/index.js';

const base = { signals: { view: { event: 'page_view', distinct: 'path' }, buy: { event: 'purchase' } }, stages: {} };
const errorsOf = (change: object) => {
  const parsed = parseRules({ ...base, ...change });
  return 'errors' in parsed ? parsed.errors : [];
};
const stage = (when: unknown, more: object = {}) => ({ stages: { interest: { when, ...more } } });

test.each<[path: string, message: RegExp, change: object]>([
  ['stages.intrest', /did you mean "interest"/, { stages: { intrest: { when: { signal: 'view' } } } }],
  ['signals.view.event', /text/, { signals: { view: { event: 7 } } }],
  ['signals.view.props.a.equals', /known are eq/, { signals: { view: { props: { a: { equals: 1 } } } } }],
  ['signals.a b', /name/, { signals: { 'a b': { event: 'x' } } }],
  ['signals.constructor', /every object/, { signals: { constructor: { event: 'x' } } }],
  ['signals.view.distinct', /props\.KEY/, { signals: { view: { distinct: 'url' } } }],
  ['stages.interest.when.signal', /did you mean "view"/, stage({ signal: 'veiw' })],
  [
    'stages.interest.when.any[1].count.gte',
    /whole number/,
    stage({ any: [{ signal: 'view' }, { signal: 'view', count: { gte: 'two' } }] }),
  ],
  ['stages.interest.when.count', /nothing is from 3 up to 2/, stage({ signal: 'view', count: { gte: 3, lte: 2 } })],
  ['stages.interest.when.within', /from 1/, stage({ signal: 'view', within: 0 })],
  ['stages.interest.when.within', /to 3660/, stage({ signal: 'view', within: 1e9 })],
  ['stages.interest.when.count.gte', /whole number/, stage({ signal: 'view', count: { gte: Infinity } })],
  ['score.weights.view', /from -1000000 to 1000000/, { score: { weights: { view: 1e308 } } }],
  ['', /levels of nesting/, { name: JSON.parse('['.repeat(999) + ']'.repeat(999)) as object }],
  ['stages.interest.when.distinct', /at most 64/, stage({ signal: 'view', distinct: { gte: 65 } })],
  ['stages.interest.when.distinct', /no "distinct"/, stage({ signal: 'buy', distinct: { gte: 1 } })],
  ['stages.interest.when.value', /no "value"/, stage({ signal: 'buy', value: { gte: 1 } })],
  ['stages.interest.when', /one of all, any, not, trait, signal/, stage({ sginal: 'view' })],
  ['stages.interest.when.all', /not empty/, stage({ all: [] })],
  ['stages.interest.sticky', /"not" or "lte"/, stage({ not: { signal: 'view' } }, { sticky: true })],
  [
    'stages.interest.sticky',
    /"not" or "lte"/,
    stage({ any: [{ signal: 'view', days: { lte: 3 } }] }, { sticky: true }),
  ],
  ['stages.interest.when', /is missing/, { stages: { interest: {} } }],
  ['tags.x.dimension', /one of behaviour/, { tags: { x: { when: { signal: 'view' }, dimension: 'mood' } } }],
  ['score.weights.clicks', /no signal/, { score: { weights: { clicks: 1 } } }],
  ['signals', /object/, { signals: [] }],
])('refuses %s: %s', (path, message, change) => {
  const errors = errorsOf(change);
  expect(errors.map((error) => error.path)).toContain(path);
  expect(errors.find((error) => error.path === path)!.message).toMatch(message);
});

test('lists every mistake at once', () => {
  expect(errorsOf({ signals: { view: { event: 1, path: 2, host: 3 } } })).toHaveLength(3);
});

test.each([null, 'rules', 3, []])('refuses %j as a whole', (input) => {
  expect(parseRules(input)).toMatchObject({ errors: [{ path: '' }] });
});
