/** What is wrong with rules and conditions, in the page's language. */
import { sayError, type RulesError } from '../../sdk/core/index.js';
import type { Refused, Site } from './api.js';
import { RULES_MESSAGES_ZH as ZH } from './rulesMessagesZh.js';
import { language, showTime, t } from './texts.js';

/** One thing that is wrong; what was no JSON at all has no code. */
export const explainError = ({ code, values, message }: { message: string } & Partial<RulesError>): string =>
  language.value === 'zh' && code ? sayError(ZH, code, values) : message;

/** What a field of a condition is called in the builder of audiences. */
const FIELDS: Record<string, () => string> = {
  within: () => t('inLastDays'),
  gte: () => t('timesAtLeast'),
  count: () => t('timesAtLeast'),
  tag: () => t('conditions.tag'),
  signal: () => t('conditions.signal'),
  trait: () => t('conditions.trait'),
};

/** Where in the builder it is what a path such as `when.all[0].any[1].within` names: 1.2. */
function sayPlace(path: string): string {
  const line = [...path.matchAll(/\[(\d+)\]/g)].map(([, at]) => Number(at) + 1).join('.');
  const field = FIELDS[/\w+$/.exec(path)?.[0] ?? '']?.();
  return [line && t('conditionLine', { line }), field].filter(Boolean).join(' · ');
}

/** Why the collector did not take a condition; with more than one reason the first. */
export function explainRefusal(error: Error): string {
  const { errors } = ((error as Refused).body ?? {}) as { errors?: RulesError[] };
  if (!errors?.[0]) return error.message;
  return [sayPlace(errors[0].path), explainError(errors[0])].filter(Boolean).join(': ');
}

/** The same of rules, which are listed with everything that is wrong with them. */
export function explainRefusedRules(error: Error): string {
  const { body, status } = error as Refused;
  const { errors = [] } = (body ?? {}) as { errors?: RulesError[] };
  if (status === 409) return t('contradictory');
  return errors.length ? t('rulesWrong', { count: errors.length }) : error.message;
}

/** What somebody else saved or published since, where that is why something was refused. */
export const meanwhileOf = (error: unknown) =>
  ((error as Refused).body as { meanwhile?: { author: string | null; at: number } } | undefined)?.meanwhile;

/** Does something that takes the place of what others did only where that is wanted. @returns undefined where it is not */
export async function unlessMeanwhile<T>(
  site: Pick<Site, 'timeZone'>,
  act: (isSure: boolean) => Promise<T>,
): Promise<T | undefined> {
  try {
    return await act(false);
  } catch (error) {
    const other = meanwhileOf(error);
    if (!other) throw error;
    const words = { author: other.author ?? '?', time: showTime(other.at, site.timeZone) };
    return confirm(t('confirmMeanwhile', words)) ? act(true) : undefined;
  }
}
