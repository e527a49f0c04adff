import type { RulesNames } from './api.js';
import { inLanguage, joinPair, showChannel, t } from './texts.js';

/** Beyond this a difference could as well be chance. */
export const LEVEL = 0.05;

/** What somebody did or came by, as the report `common` names it, in words. */
export function sayFeature(feature: string, rules: RulesNames | undefined): string {
  const [kind, ...rest] = feature.split(':');
  const own = rest.join(':');
  return kind === 'signal'
    ? (inLanguage(rules?.signals?.[own]?.label) ?? own)
    : joinPair(t('channel'), showChannel(own));
}
