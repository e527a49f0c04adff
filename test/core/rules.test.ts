import { expect, test } from 'vitest';
import { isShown } from '../../collector/dashboard/rulesEdits.js';
import { RULES_MESSAGES_ZH } from '../../collector/dashboard/rulesMessagesZh.js';
import { parseAudience } from '../../collector/reports/audience.js';
import { parseRules, RULES_MESSAGES, sayError, type RulesErrorCode } from '../../sdk/core/index.js';
import { documentOf } from '../helpers/rules.js';

const base = { signals: { view: { event: 'page_view', distinct: 'path' }, buy: { event: 'purchase' } }, stages: {} };
const errorsOf = (change: object) => {
  const parsed = parseRules({ ...base, ...change });
  return 'errors' in parsed ? parsed.errors : [];
};
const stage = (when: unknown, more: object = {}) => ({ stages: { interest: { when, ...more } } });

const WRONG: Array<[path: string, message: RegExp, change: object]> = [
  [
    'stages.interest.when.al[0].signal',
    /no signal is called "zzz"/,
    stage({ al: [{ signal: 'zzz' }, { signal: 'view' }] }),
  ],
  ['stages.interest.when', /did you mean "signal"/, stage({ signl: 'veiw' })],
  ['score.weight.zz', /no signal is called "zz"/, { score: { weight: { zz: 1 } } }],
  ['tag.q.when.signal', /no signal is called "zz"/, { tag: { q: { when: { signal: 'zz' }, dimension: 'intent' } } }],
  ['stages.interest.when', /did you mean "all"/, stage({ and: [{ signal: 'view' }] })],
  ['stages.interest.when', /did you mean "any"/, stage({ or: [{ signal: 'view' }] })],
  ['stages.interest.when.ne', /^(?!.*did you mean)/, stage({ trait: 'plan', ne: 'pro' })],
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
  ['rfm.monetary', /four ascending/, { rfm: { monetary: [1, 2, 2, 3] } }],
  ['currency', /three capital letters/, { currency: 'euro' }],
  ['signals.view.value', /expected "props.KEY"/, { signals: { view: { value: 'path' } } }],
  ['signals.view.props.a', /one of eq, in/, { signals: { view: { props: { a: {} } } } }],
  ['signals.view.props.a.gte', /a number, got "3"/, { signals: { view: { props: { a: { gte: '3' } } } } }],
  ['signals.view.props.a.eq', /a text, a number, true or false/, { signals: { view: { props: { a: { eq: [] } } } } }],
  ['signals.view.props.a.exists', /true or false/, { signals: { view: { props: { a: { exists: 1 } } } } }],
  ['stages.interest.when', /beside trait/, stage({ trait: 'plan' })],
  ['stages.interest.when.count', /gte, lte or both/, stage({ signal: 'view', count: {} })],
  ['stages.interest.when.value.gte', /a number from 0, got -1/, stage({ signal: 'view', value: { gte: -1 } })],
  ['stages.interest.when.sessions', /values of sessions/, stage({ signal: 'view', sessions: { gte: 65 } })],
  ['score.halfLifeDays', /a number of days from 0.01 to 3660/, { score: { weights: {}, halfLifeDays: 0 } }],
  ['stages.interest.keep', /"sticky", which/, stage({ signal: 'view' }, { sticky: true, keep: { signal: 'view' } })],
];

test.each(WRONG)('refuses %s: %s', (path, message, change) => {
  const errors = errorsOf(change);
  expect(errors.map((error) => error.path)).toContain(path);
  expect(errors.find((error) => error.path === path)!.message).toMatch(message);
});

test('never throws, whatever stands where numbers are expected, and lists few names', () => {
  const odd = { toString: 1, valueOf: 1 };
  for (const bound of [odd, [65], '65', null, Number.NaN])
    expect(errorsOf(stage({ signal: 'view', distinct: { gte: bound } }))).toHaveLength(1);
  const signals = Object.fromEntries(Array.from({ length: 2000 }, (_, at) => [`signal_${at}`, { event: 'x' }]));
  const [error] = errorsOf({ signals, stages: { interest: { when: { signal: 'something else' } } } });
  expect(error!.message.length).toBeLessThan(600);
});

test('the form is shown of what it can show alone', () => {
  const whole = { signals: {}, stages: {} };
  expect(isShown(whole)).toBe(true);
  for (const score of [{ intent: {} }, { intent: 5 }, { fit: {} }, { fit: [3] }, { weights: [] }, 7])
    expect(isShown({ ...whole, score })).toBe(false);
});

test('lists every mistake at once', () => {
  expect(errorsOf({ signals: { view: { event: 1, path: 2, host: 3 } } })).toHaveLength(3);
  const stages = { awareness: { when: { signal: 'vist' } }, interest: { when: { signal: 'view' }, stcky: true } };
  expect(
    errorsOf({
      stages,
      score: { weights: 7, intent: ['bye'], fit: [null, { when: { any: [{ signal: 'x' }, 3] } }] },
    }).map(({ path }) => path),
  ).toEqual([
    'stages.interest.stcky',
    'score.weights',
    'score.fit[0]',
    'score.fit[1].points',
    'score.fit[1].when.any[1]',
    'stages.awareness.when.signal',
    'score.intent[0]',
    'score.fit[1].when.any[0].signal',
  ]);
});

test.each([null, 'rules', 3, []])('refuses %j as a whole', (input) => {
  expect(parseRules(input)).toMatchObject({ errors: [{ path: '' }] });
});

test('everything that can be wrong is said in both languages, with the same values', () => {
  const values = (text: string) => (text.match(/\{\{\w+\}\}/g) ?? []).map(String);
  const codes = Object.keys(RULES_MESSAGES) as Array<keyof typeof RULES_MESSAGES>;
  for (const code of codes)
    expect([code, [...new Set(values(RULES_MESSAGES_ZH[code]))].sort()]).toEqual([
      code,
      [...new Set(values(RULES_MESSAGES[code]))].sort(),
    ]);
  const published = [{ rules: documentOf(base), since: 0 }] as Parameters<typeof parseAudience>[0];
  const conditions = [
    { rfm: ['nobody'] },
    { any: Array.from({ length: 1000 }, () => ({ signal: 'view' })) },
    { signal: 'view', perSession: { gte: 2 } },
  ];
  const errors = [
    ...WRONG.flatMap(([, , change]) => errorsOf(change)),
    ...errorsOf({ signals: Object.fromEntries(Array.from({ length: 1001 }, (_, at) => [`s${at}`, { event: 'x' }])) }),
    ...conditions.flatMap((when) => (parseAudience(published, when) as { errors: ReturnType<typeof errorsOf> }).errors),
  ];
  const seen = new Set<string>(errors.map(({ code }) => code));
  expect(codes.filter((code) => code !== 'did_you_mean' && !seen.has(code))).toEqual([]);
  for (const { code, values: given, message } of errors)
    for (const said of [message, sayError(RULES_MESSAGES_ZH, code as RulesErrorCode, given)])
      expect(said).not.toMatch(/\{\{|undefined/);
  const [error] = errorsOf(stage({ signal: 'veiw' }));
  expect(sayError(RULES_MESSAGES_ZH, error!.code, error!.values)).toBe('没有名为 "veiw" 的信号；是否想写 "view"？');
});

test('what is only misspelled is looked into all the same', () => {
  const parsed = parseRules({
    signals: { view: { event: 'page_view' } },
    stages: { intrest: { wen: { signal: 'veiw' } }, action: { when: { signal: 'view' } } },
    score: { weights: {}, halfLife: -3 },
  });
  expect('errors' in parsed && parsed.errors.map(({ path, code }) => `${code} ${path}`).sort()).toEqual([
    'no_signal_but stages.intrest.wen.signal',
    'not_days score.halfLife',
    'unknown score.halfLife',
    'unknown stages.intrest',
    'unknown stages.intrest.wen',
  ]);
});

test('of very many wrong names the first are compared with the known ones, and more names than a site has are refused', () => {
  const signals = (start: string, count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`${start}_${index}`, { event: 'x' }]));
  const any = Array.from({ length: 300 }, (_, index) => ({ signal: `signals_${index}` }));
  const wrong = parseRules({ signals: signals('signal', 300), stages: { awareness: { when: { any } } } });
  const errors = 'errors' in wrong ? wrong.errors : [];
  expect(errors).toHaveLength(300);
  expect(errors.filter(({ values }) => values?.nearest)).toHaveLength(20);
  expect(errors[0]!.message).toContain('did you mean "signal_0"');
  const many = parseRules({ signals: signals('s', 1001), stages: {} });
  expect('errors' in many && many.errors.map(({ path, code }) => [path, code])).toEqual([
    ['signals', 'too_many_names'],
  ]);
});
