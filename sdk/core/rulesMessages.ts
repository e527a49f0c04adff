/** What can be wrong with rules, by a code that other languages say it by too. `{{name}}` stands for a value that comes with the error. */
export const RULES_MESSAGES = {
  too_deep: 'expected at most {{max}} levels of nesting',
  too_many: 'expected at most {{max}} conditions',
  too_many_names: 'expected at most {{max}} of them',
  not_text: 'expected a text that is not empty, got {{got}}',
  not_number: 'expected a number, got {{got}}',
  not_within: 'expected a number from {{min}} to {{max}}, got {{got}}',
  not_whole: 'expected a whole number from {{min}}, got {{got}}',
  not_from: 'expected a number from {{min}}, got {{got}}',
  not_days: 'expected a number of days from {{min}} to {{max}}, got {{got}}',
  not_whole_days: 'expected a whole number of days from {{min}} to {{max}}, got {{got}}',
  not_boolean: 'expected true or false, got {{got}}',
  not_scalar: 'expected a text, a number, true or false, got {{got}}',
  not_list: 'expected a list that is not empty, got {{got}}',
  not_names: 'expected a list of {{names}}',
  not_one_of: 'expected one of {{names}}, got {{got}}',
  not_object: 'expected an object, got {{got}}',
  not_condition: 'expected a condition with one of {{names}}, got {{got}}',
  not_source: 'expected "path" or "props.KEY", got {{got}}',
  not_prop: 'expected "props.KEY", got {{got}}',
  not_limits: 'expected four ascending numbers from 0, got {{got}}',
  not_currency: 'expected the code of a currency, three capital letters such as "EUR", got {{got}}',
  bad_name: 'expected a name of 1 to 64 letters, digits, "_", "-" or "."',
  common_name: 'this name belongs to every object; choose another',
  missing: 'is missing',
  unknown: 'is not known here; known are {{names}}',
  no_bound: 'expected gte, lte or both',
  no_range: 'nothing is from {{min}} up to {{max}}',
  no_test: 'expected one of {{names}}',
  no_trait_test: 'expected one of {{names}} beside trait',
  no_signal: 'no signal is called {{got}}; signals are {{names}}',
  no_signal_but: 'no signal is called {{got}}',
  no_distinct: 'signal {{signal}} has no "distinct" to count',
  no_value: 'signal {{signal}} has no "value" to add up',
  no_sessions: 'facts say nothing of sessions of {{signal}}, since no condition of the rules asks for them',
  values_cap: 'at most {{max}} different values are told apart: gte up to {{max}}, lte below it',
  sessions_cap: 'at most {{max}} values of sessions are told apart: gte up to {{max}}, lte below it',
  sticky_keep: 'cannot go with "sticky", which keeps the stage for good',
  sticky_falls: 'cannot go with "not" or "lte": what once was not would be kept for good',
  did_you_mean: '; did you mean "{{nearest}}"?',
} as const;

export type RulesErrorCode = Exclude<keyof typeof RULES_MESSAGES, 'did_you_mean'>;

export interface RulesError {
  /** Where, such as `stages.interest.when.any[2].count.gte`; empty for the whole document. */
  path: string;
  /** What was expected, what came, and the likely fix. */
  message: string;
  code: RulesErrorCode;
  /** What the message speaks of, by the names in it; `nearest` is the known name that is most like the one that came. */
  values?: Record<string, string | number>;
}

/** Says what is wrong in the words of one language. */
export function sayError(
  messages: Record<keyof typeof RULES_MESSAGES, string>,
  code: RulesErrorCode,
  values: RulesError['values'] = {},
): string {
  const text = messages[code] + (values.nearest === undefined ? '' : messages.did_you_mean);
  return text.replace(/\{\{(\w+)\}\}/g, (_, name: string) => `${values[name]}`);
}

/** An error with its words in English. */
export const rulesError = (path: string, code: RulesErrorCode, values?: RulesError['values']): RulesError => ({
  path,
  message: sayError(RULES_MESSAGES, code, values),
  code,
  ...(values && { values }),
});
