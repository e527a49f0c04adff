import type { JSX } from 'preact';
import type { Stage } from '../../sdk/core/index.js';
import { COLORS } from './board.js';
import type { Live } from './live.js';
import { t } from './texts.js';

export function StageDot({ stage }: { stage: Stage | null }): JSX.Element {
  return (
    <svg width="10" height="10" aria-hidden="true">
      <circle cx="5" cy="5" r="5" fill={stage ? COLORS[stage] : '#8888'} />
    </svg>
  );
}

/** A stage as a word in its colour. */
export function StageName({ stage }: { stage: Stage | null }): JSX.Element {
  return (
    <span class="stage" data-stage={stage ?? ''}>
      <StageDot stage={stage} /> {t(`stages.${stage ?? 'none'}`)}
    </span>
  );
}

/** Says that something is still to come, is out of date, or could not be had. */
export function Problem({ live: { data, problem, asOf } }: { live: Live<unknown> }): JSX.Element | null {
  if (!problem) return data ? null : <p class="soft">{t('loading')}</p>;
  const text = data ? t('offline', { time: new Date(asOf).toLocaleTimeString() }) : t('failed', { message: problem });
  return (
    <p class="problem" role="alert">
      {text}
    </p>
  );
}
