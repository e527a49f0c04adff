/** What is wrong with rules and conditions, in the page's language. */
import { sayError, type RulesError } from '../../sdk/core/index.js';
import type { Refused } from './api.js';
import { RULES_MESSAGES_ZH as ZH } from './rulesMessagesZh.js';
import { language, t } from './texts.js';

/** One thing that is wrong; what was no JSON at all has no code. */
export const explainError = ({ code, values, message }: { message: string } & Partial<RulesError>): string =>
  language.value === 'zh' && code ? sayError(ZH, code, values) : message;

/** Why the collector did not take a condition; with more than one reason the first. */
export function explainRefusal(error: Error): string {
  const { errors } = ((error as Refused).body ?? {}) as { errors?: RulesError[] };
  return errors?.[0] ? `${errors[0].path} ${explainError(errors[0])}` : error.message;
}

/** The same of rules, which are listed with everything that is wrong with them. */
export function explainRefusedRules(error: Error): string {
  const { body, status } = error as Refused;
  const { errors = [] } = (body ?? {}) as { errors?: RulesError[] };
  if (status === 409) return t('contradictory');
  return errors.length ? t('rulesWrong', { count: errors.length }) : error.message;
}
