import { createContext, type JSX } from 'preact';
import { useContext } from 'preact/hooks';
import type { Reason, SignalReason, TraitReason } from '../../sdk/core/index.js';
import type { RulesNames } from './api.js';
import { inLanguage, showNumber, t } from './texts.js';

/** The rules whose words are used for signals. */
export const Words = createContext<RulesNames | undefined>(undefined);

/** A condition as a tree: what was asked, what there is, and until when it holds. */
export function Why({ reason }: { reason: Reason }): JSX.Element {
  const words = useContext(Words);
  const mark = <span class={reason.met ? 'met' : 'missing'}>{reason.met ? '✓' : '○'}</span>;
  if (!('trait' in reason || 'signal' in reason)) {
    const name = reason.all ? 'all' : reason.any ? 'any' : 'not';
    return (
      <li>
        {mark} {t(name)}
        {reason.expires && <span class="soft"> · {t('until', { day: reason.expires })}</span>}
        <ul class="why">
          {reason[name]!.map((part, index) => (
            <Why key={index} reason={part} />
          ))}
        </ul>
      </li>
    );
  }
  return (
    <li>
      {mark} {'trait' in reason ? describeTrait(reason) : describe(reason, words)}
      {reason.expires && <span class="soft"> · {t('until', { day: reason.expires })}</span>}
    </li>
  );
}

function describe({ signal, need, have, within }: SignalReason, words: RulesNames | undefined): string {
  const asked = (Object.keys(need) as Array<keyof typeof need>).map((measure) => {
    const { gte, lte } = need[measure]!;
    const bounds = [
      gte !== undefined && t('atLeast', { value: gte }),
      lte !== undefined && t('atMost', { value: lte }),
    ];
    return `${bounds.filter(Boolean).join(' · ')} ${t(measure === 'sessions' ? 'sessionsOfSame' : measure)} (${t('have', { value: showNumber(have[measure] ?? 0) })})`;
  });
  const called = inLanguage(words?.signals?.[signal]?.label) ?? signal;
  return `${called}: ${asked.join(' · ')}, ${within ? t('within', { count: within }) : t('ever')}`;
}

function describeTrait({
  trait,
  need: { exists, in: list, glob, range: { gte, lte } = {} },
  have,
}: TraitReason): string {
  const asked = [
    exists === false && `${t('tests.exists')}: ${t('no')}`,
    list && `${t('tests.in')} ${list.join(', ')}`,
    glob && `${t('tests.glob')} ${glob.join(', ')}`,
    gte !== undefined && `${t('tests.gte')} ${gte}`,
    lte !== undefined && `${t('tests.lte')} ${lte}`,
  ].filter(Boolean);
  return `${trait}: ${asked.join(' · ') || t('tests.exists')} (${have === null ? t('unknown') : String(have)})`;
}
