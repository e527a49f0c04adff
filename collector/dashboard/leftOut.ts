import { t, type Key } from './texts.js';

/** Reasons that have words of their own; others stand as somebody wrote them. */
const REASONS = new Map<string, Key>(
  Object.entries({
    crawler: 'leftOut.crawler',
    headless: 'leftOut.headless',
    script: 'leftOut.script',
    ai_assistant: 'leftOut.ai_assistant',
    internal: 'leftOut.internal',
    referrer_spam: 'leftOut.referrer_spam',
    impossible_rate: 'leftOut.impossible_rate',
    by_hand: 'leftOut.by_hand',
  } as const),
);

/** Why reports leave somebody out. @param bot as the API says it, such as `crawler` or `excluded:staff` */
export function leftOut(bot: string): string {
  const [kind, name] = bot.split(':') as [string, string | undefined];
  if (name) return t('leftOut.excluded', { name });
  const words = REASONS.get(kind);
  return words ? t(words) : kind;
}
