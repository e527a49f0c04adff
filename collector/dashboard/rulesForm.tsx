/** The rules as a form: signals, stages and tags without a brace. What it has no field for stays as it stands in the document. */
import type { JSX } from 'preact';
import { STAGES, TAG_DIMENSIONS, type Rules, type Signal } from '../../sdk/core/index.js';
import { ConditionForm, firstOf, inWords } from './conditionForm.js';
import { freeName, having, readList, renamed, renameSignal, showList, timesAsked, without } from './rulesEdits.js';
import { inLanguage, t } from './texts.js';

type Tag = NonNullable<Rules['tags']>[string];
type StageRule = NonNullable<Rules['stages'][(typeof STAGES)[number]]>;
type Put<T> = (next: T) => void;

export function RulesForm({ rules, onChange }: { rules: Rules; onChange: Put<Rules> }): JSX.Element {
  const names = Object.keys(rules.signals);
  const tags = rules.tags ?? {};
  const putStage = (stage: string, next: StageRule | undefined) =>
    onChange({ ...rules, stages: having(rules.stages, stage, next) });
  const putTag = (name: string, next: Tag) => onChange({ ...rules, tags: { ...tags, [name]: next } });
  return (
    <div class="rulesForm">
      <h3>{t('signals')}</h3>
      <p class="soft">{t('signalsHint')}</p>
      {names.map((name) => (
        <SignalForm key={name} name={name} rules={rules} onChange={onChange} />
      ))}
      <button
        type="button"
        class="plain small"
        onClick={() =>
          onChange({
            ...rules,
            signals: { ...rules.signals, [freeName('signal', rules.signals)]: { event: 'page_view' } },
          })
        }
      >
        + {t('addSignal')}
      </button>
      <h3>{t('stagesTitle')}</h3>
      <p class="soft">{t('stagesHint')}</p>
      {STAGES.map((stage) => {
        const rule = rules.stages[stage];
        return (
          <details key={stage} class="rule">
            <summary>
              <strong>{t(`stages.${stage}`)}</strong>{' '}
              <span class="soft">{rule ? inWords(rule.when) : t('noRule')}</span>
            </summary>
            {rule ? (
              <>
                <ConditionForm
                  condition={rule.when}
                  names={names}
                  onChange={(when) => putStage(stage, { ...rule, when })}
                />
                <p>
                  <label>
                    <input
                      type="checkbox"
                      checked={!!rule.sticky}
                      onChange={({ currentTarget }) =>
                        putStage(stage, having(rule, 'sticky', currentTarget.checked || undefined))
                      }
                    />{' '}
                    {t('keptForGood')}
                  </label>
                </p>
                {rule.keep ? (
                  <>
                    <p class="soft">{t('keptWhile')}</p>
                    <ConditionForm
                      condition={rule.keep}
                      names={names}
                      onChange={(keep) => putStage(stage, { ...rule, keep })}
                      onRemove={() => putStage(stage, having(rule, 'keep', undefined))}
                    />
                  </>
                ) : (
                  !rule.sticky && (
                    <button
                      type="button"
                      class="plain small"
                      onClick={() => putStage(stage, { ...rule, keep: firstOf(names) })}
                    >
                      + {t('addKeep')}
                    </button>
                  )
                )}{' '}
                <button type="button" class="plain small" onClick={() => putStage(stage, undefined)}>
                  {t('removeStage')}
                </button>
              </>
            ) : (
              <button
                type="button"
                class="plain small"
                disabled={!names.length}
                onClick={() => putStage(stage, { when: firstOf(names) })}
              >
                + {t('addCondition')}
              </button>
            )}
          </details>
        );
      })}
      <h3>{t('tags')}</h3>
      {Object.entries(tags).map(([name, tag]) => (
        <details key={name} class="rule">
          <summary>
            <strong>{inLanguage(tag.label) ?? name}</strong> <span class="soft">{inWords(tag.when)}</span>
          </summary>
          <div class="form">
            <NameField
              name={name}
              taken={tags}
              onRename={(to) => onChange({ ...rules, tags: renamed(tags, name, to) })}
            />
            <label>
              {t('dimension')}
              <select
                value={tag.dimension}
                onChange={({ currentTarget }) =>
                  putTag(name, { ...tag, dimension: currentTarget.value as Tag['dimension'] })
                }
              >
                {TAG_DIMENSIONS.map((each) => (
                  <option key={each} value={each}>
                    {t(`dimensions.${each}`)}
                  </option>
                ))}
              </select>
            </label>
            <NumberField
              label={t('ttlDays')}
              value={tag.ttlDays}
              onChange={(value) => putTag(name, having(tag, 'ttlDays', value))}
            />
          </div>
          <ConditionForm condition={tag.when} names={names} onChange={(when) => putTag(name, { ...tag, when })} />
          <button type="button" class="plain small" onClick={() => onChange({ ...rules, tags: without(tags, name) })}>
            {t('remove')}
          </button>
        </details>
      ))}
      <button
        type="button"
        class="plain small"
        disabled={!names.length}
        onClick={() => putTag(freeName('tag', tags), { when: firstOf(names), dimension: 'behaviour' })}
      >
        + {t('addTag')}
      </button>
      <h3>{t('score')}</h3>
      <div class="form">
        <NumberField
          label={t('halfLifeDays')}
          value={rules.score?.halfLifeDays}
          onChange={(value) =>
            onChange({ ...rules, score: having(rules.score ?? { weights: {} }, 'halfLifeDays', value) })
          }
        />
      </div>
      {rules.exclude && <p class="soft">{t('excludeHint')}</p>}
    </div>
  );
}

function NameField({
  name,
  taken,
  onRename,
}: {
  name: string;
  taken: object;
  onRename: (to: string) => void;
}): JSX.Element {
  return (
    <label>
      {t('name')}
      <input
        value={name}
        onChange={({ currentTarget }) => {
          const to = currentTarget.value.trim();
          // A name that is taken, or none, would swallow another rule.
          if (to && to !== name && !Object.hasOwn(taken, to)) onRename(to);
          else currentTarget.value = name;
        }}
      />
    </label>
  );
}

function NumberField({
  label,
  value,
  onChange,
}: {
  label: string;
  value: number | undefined;
  onChange: Put<number | undefined>;
}): JSX.Element {
  return (
    <label>
      {label}
      <input
        type="number"
        step="any"
        value={value ?? ''}
        onChange={({ currentTarget }) => onChange(currentTarget.value === '' ? undefined : Number(currentTarget.value))}
      />
    </label>
  );
}

const TEXT_FIELDS = ['event', 'path', 'host'] as const;

function SignalForm({ name, rules, onChange }: { name: string; rules: Rules; onChange: Put<Rules> }): JSX.Element {
  const signal = rules.signals[name]!;
  const put = (member: string, value: unknown) =>
    onChange({ ...rules, signals: { ...rules.signals, [name]: having(signal, member, value) } });
  const weights = rules.score?.weights ?? {};
  const asked = timesAsked([rules.stages, rules.tags, rules.exclude, rules.score?.fit], name);
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
    <details class="rule">
      <summary>
        <strong>{inLanguage(signal.label) ?? name}</strong> <span class="soft">{meaningOf(signal)}</span>
      </summary>
      <div class="form">
        <NameField name={name} taken={rules.signals} onRename={(to) => onChange(renameSignal(rules, name, to))} />
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
      {(['props', 'source'] as const).map(
        (group) =>
          signal[group] && (
            <p key={group} class="soft">
              {t('alsoAsks')} <code>{JSON.stringify({ [group]: signal[group] })}</code>
            </p>
          ),
      )}
      <p class="soft">{asked ? t('askedBy', { count: asked }) : t('askedByNone')}</p>
      <button type="button" class="plain small" onClick={remove}>
        {t('remove')}
      </button>
    </details>
  );
}

/** A signal in one line. */
const meaningOf = ({ event, path, host, props, source }: Signal): string =>
  [showList(event), showList(path), showList(host), ...Object.keys({ ...props, ...source })]
    .filter(Boolean)
    .join(' · ');
