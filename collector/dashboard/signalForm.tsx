/** A signal as a form. */
import type { JSX } from 'preact';
import { isRecord, type Matcher, type Rules, type Signal } from '../../sdk/core/index.js';
import { MatcherForm } from './conditionForm.js';
import { Fold, LabelField, NameField, NumberField, type Put } from './fields.js';
import { freeName, having, readList, renamed, renameSignal, showList, timesAsked, without } from './rulesEdits.js';
import { inLanguage, t } from './texts.js';

const TEXT_FIELDS = ['event', 'path', 'host'] as const;

export function SignalForm({
  name,
  rules,
  isNew,
  onChange,
}: {
  name: string;
  rules: Rules;
  isNew: boolean;
  onChange: Put<Rules>;
}): JSX.Element {
  const signal = rules.signals[name]!;
  const put = (member: string, value: unknown) =>
    onChange({ ...rules, signals: { ...rules.signals, [name]: having(signal, member, value) } });
  const weights = rules.score?.weights ?? {};
  const asked = timesAsked([rules.stages, rules.tags, rules.exclude, rules.score?.fit], name);
  const putIntent = (isIntent: boolean) => {
    const others = (rules.score?.intent ?? []).filter((each) => each !== name);
    const intent = isIntent ? [...others, name] : others;
    onChange({ ...rules, score: having(rules.score ?? { weights: {} }, 'intent', intent) });
  };
  const remove = () => {
    if (asked && !confirm(t('confirmSignal', { name, count: asked }))) return;
    const { score } = rules;
    onChange({
      ...rules,
      signals: without(rules.signals, name),
      ...(score && {
        score: {
          ...having(
            score,
            'intent',
            score.intent?.filter((each) => each !== name),
          ),
          weights: without(weights, name),
        },
      }),
    });
  };
  return (
    <Fold
      title={inLanguage(signal.label) ?? name}
      note={[signal.label && name, meaningOf(signal)].filter(Boolean).join(' · ')}
      isOpen={isNew}
    >
      <div class="form">
        <NameField name={name} taken={rules.signals} onRename={(to) => onChange(renameSignal(rules, name, to))} />
        <LabelField label={signal.label} onChange={(label) => put('label', label)} />
        {TEXT_FIELDS.map((field) => (
          <label key={field}>
            {t(`signalFields.${field}`)}
            <input
              value={showList(signal[field])}
              onChange={({ currentTarget }) => put(field, readList(currentTarget.value, signal[field]))}
            />
          </label>
        ))}
        {(['distinct', 'value'] as const).map((field) => (
          <label key={field}>
            {t(`signalFields.${field}`)}
            <input
              value={signal[field] ?? ''}
              placeholder={field === 'value' ? 'props.value' : 'path'}
              onChange={({ currentTarget }) => put(field, currentTarget.value.trim())}
            />
          </label>
        ))}
        <NumberField
          label={t('weight')}
          value={weights[name]}
          onChange={(value) => onChange({ ...rules, score: { ...rules.score, weights: having(weights, name, value) } })}
        />
      </div>
      <p>
        <label>
          <input
            type="checkbox"
            checked={!!rules.score?.intent?.includes(name)}
            onChange={({ currentTarget }) => putIntent(currentTarget.checked)}
          />{' '}
          {t('tellsIntent')}
        </label>
      </p>
      {(['props', 'source'] as const).map((group) => (
        <Matchers key={group} group={group} matchers={signal[group]} onChange={(next) => put(group, next)} />
      ))}
      <p class="soft">{asked ? t('askedBy', { count: asked }) : t('askedByNone')}</p>
      <button type="button" class="plain small" onClick={remove}>
        {t('remove')}
      </button>
    </Fold>
  );
}

/** What an event's properties, or the campaign labels it came with, must be like. */
function Matchers({
  group,
  matchers = {},
  onChange,
}: {
  group: 'props' | 'source';
  matchers: Record<string, Matcher> | undefined;
  onChange: Put<Record<string, Matcher> | undefined>;
}): JSX.Element {
  if (!isRecord(matchers) || !Object.values(matchers).every(isRecord))
    return <code>{JSON.stringify({ [group]: matchers })}</code>;
  const put = (next: Record<string, Matcher>) => onChange(Object.keys(next).length ? next : undefined);
  return (
    <>
      {Object.entries(matchers).map(([name, matcher]) => (
        <div key={name} class="condition">
          <span class="soft">{t(`matched.${group}`)}</span>{' '}
          <MatcherForm
            label={t(`matched.${group}`)}
            name={name}
            matcher={matcher}
            onRename={(to) => to && !Object.hasOwn(matchers, to) && put(renamed(matchers, name, to))}
            onChange={(next) => put({ ...matchers, [name]: next })}
          />{' '}
          <button type="button" class="plain small" onClick={() => put(without(matchers, name))}>
            {t('remove')}
          </button>
        </div>
      ))}
      <button
        type="button"
        class="plain small"
        onClick={() =>
          put({ ...matchers, [freeName(group === 'props' ? 'plan' : 'utm_medium', matchers)]: { exists: true } })
        }
      >
        + {t(`matched.${group}`)}
      </button>{' '}
    </>
  );
}

/** A signal in one line. */
const meaningOf = ({ event, path, host, props, source }: Signal): string =>
  [showList(event), showList(path), showList(host), ...Object.keys({ ...props, ...source })]
    .filter(Boolean)
    .join(' · ');
