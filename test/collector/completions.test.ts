/** What the editor of rules offers where the caret stands. */
import { expect, test } from 'vitest';
import { completionsAt } from '../../collector/dashboard/completions.js';
import { RULES_SCHEMA } from '../../collector/rulesSchema.js';
import { KNOWN_EVENTS, parseRules } from '../../sdk/core/index.js';
import { generalDocument } from '../helpers/rules.js';

const NAMES = { signals: ['visit', 'order'], events: KNOWN_EVENTS };
/** The caret stands where the bar is. */
const at = (marked: string) => {
  const offset = marked.indexOf('|');
  return completionsAt(RULES_SCHEMA, marked.replace('|', ''), offset, NAMES);
};
const labels = (marked: string) => at(marked).map(({ label }) => label);
/** The document with one of them, the caret marked again. */
const chosen = (marked: string, label: string) => {
  const { text, caret } = at(marked).find((each) => each.label === label)!;
  return `${text.slice(0, caret)}|${text.slice(caret)}`;
};

test.each<[marked: string, expected: string[]]>([
  ['{"signals": {}, "stages": {"|"}}', ['awareness', 'interest', 'consideration', 'action', 'loyalty']],
  ['{"stages": {"interest": {"when": {"signal": "|"}}}}', ['visit', 'order']],
  [
    '{"stages": {"interest": {"when": {"signal": "visit", |}}}}',
    ['count', 'distinct', 'value', 'days', 'perSession', 'sessions', 'within'],
  ],
  ['{"stages": {"interest": {"when": {"any": [{"signal": "visit", "count": {|}}]}}}}', ['gte', 'lte']],
  ['{"tags": {"a": {"dimension": |}}}', ['behaviour', 'profile', 'intent', 'lifecycle']],
  ['{"stages": {"action": {"sticky": |}}}', ['true', 'false']],
  ['{"score": {"weights": {"visit": 1, |}}}', ['order']],
  ['{"score": {"intent": [|]}}', ['visit', 'order']],
  ['{"signals": {"a": {"event": "|"}}}', [...KNOWN_EVENTS]],
  ['{"stages": {"interest": {"when": {"trait": "plan", |}}}}', ['eq', 'in', 'glob', 'gte', 'lte', 'exists']],
])('offers what fits: %s', (marked, expected) => {
  expect(labels(marked)).toEqual(expected);
});

test('puts what is chosen where it belongs, with what it takes around it', () => {
  expect(chosen('{"stages": {"|"}}', 'interest')).toBe('{"stages": {"interest": {|}}}');
  expect(chosen('{"stages": {"interest": {|}}}', 'when')).toBe('{"stages": {"interest": {"when": {|}}}}');
  expect(chosen('{"stages": {"interest": {"when": {|}}}}', 'signal')).toBe(
    '{"stages": {"interest": {"when": {"signal": "|"}}}}',
  );
  expect(chosen('{"stages": {"interest": {"when": {"signal": "vi|s"}}}}', 'visit')).toBe(
    '{"stages": {"interest": {"when": {"signal": "visit"|}}}}',
  );
  expect(chosen('{"stages": {"interest": {"when": {"signal": "visit", |}}}}', 'within')).toBe(
    '{"stages": {"interest": {"when": {"signal": "visit", "within": 1|}}}}',
  );
  expect(labels('{"stages": {"interest": {"when": {"signal": "visit"|}}}}')).toEqual([]);
  expect(chosen('{"tags": {"a": {|"when": {}}}}', 'dimension')).toBe('{"tags": {"a": {"dimension": "|", "when": {}}}}');
});

test('what was begun and not closed is replaced, and nothing behind it', () => {
  expect(chosen('{"signals": {"a": {"event": "|}}}', 'sign_up')).toBe('{"signals": {"a": {"event": "sign_up"|}}}');
  expect(chosen('{"stages": {"in|}}', 'interest')).toBe('{"stages": {"interest": {|}}}');
  expect(chosen('{"stages": {in|}}', 'interest')).toBe('{"stages": {"interest": {|}}}');
  expect(chosen('{\n  "stages": {\n    "in|\n  }\n}', 'interest')).toBe(
    '{\n  "stages": {\n    "interest": {|}\n  }\n}',
  );
  expect(chosen('{"signals": {"a": {"event": "|}, "b": {"event": "x"}}}', 'login')).toBe(
    '{"signals": {"a": {"event": "login"|}, "b": {"event": "x"}}}',
  );
  expect(labels('{|}')).not.toContain('$schema');
});

test('never throws, wherever the caret stands in whatever is written, and a whole document stays one', () => {
  const text = JSON.stringify(generalDocument, null, 1).slice(0, 6000);
  for (const given of [text, '', '{', '[1,', '"', '{"signals"', 'null', '{"stages": [}'])
    for (let offset = 0; offset <= given.length; offset += given.length > 100 ? 7 : 1)
      expect(Array.isArray(completionsAt(RULES_SCHEMA, given, offset, NAMES))).toBe(true);
  const whole = JSON.stringify(generalDocument, null, 1);
  let offered = 0;
  for (let offset = 1; offset < whole.length - 1; offset += 97)
    for (const { text: next } of completionsAt(RULES_SCHEMA, whole, offset, NAMES).slice(0, 2)) {
      // What is offered fits: it may be unfinished, and is never broken.
      expect(() => void parseRules(JSON.parse(next)), next.slice(offset - 60, offset + 60)).not.toThrow();
      offered++;
    }
  expect(offered).toBeGreaterThan(20);
});
