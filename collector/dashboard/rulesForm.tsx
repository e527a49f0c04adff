/** The rules as a form: signals, stages and tags without a brace. What it has no field for stays as it stands in the document. */
import type { JSX } from 'preact';
import {
  isRecord,
  RFM_MEASURES,
  STAGES,
  TAG_DIMENSIONS,
  type Matcher,
  type RfmMeasure,
  type Rules,
  type Signal,
} from '../../sdk/core/index.js';
import { ConditionForm, firstOf, inWords, MatcherForm } from './conditionForm.js';
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
  const putLimits = (measure: RfmMeasure, text: string) => {
    const limits = text
      .split(/[\s,]+/)
      .filter(Boolean)
      .map(Number);
    const rfm = having(rules.rfm ?? {}, measure, limits);
    onChange(having(rules, 'rfm', Object.keys(rfm).length ? rfm : undefined));
  };
  const exclude = rules.exclude ?? {};
  const putExclusion = (name: string, next: (typeof exclude)[string] | undefined) => {
    const left = having(exclude, name, next);
    // None of them is as if nobody had thought of it.
    onChange(having(rules, 'exclude', Object.keys(left).length ? left : undefined));
  };
  const putTag = (name: string, next: Tag) => onChange({ ...rules, tags: { ...tags, [name]: next } });
  return (
    <div class="rulesForm">
      <div class="form">
        <label>
          {t('currency')}
          <input
            class="short"
            value={rules.currency ?? ''}
            placeholder="—"
            onChange={({ currentTarget }) =>
              onChange(having(rules, 'currency', currentTarget.value.trim().toUpperCase()))
            }
          />
        </label>
        <span class="soft">{t('currencyHint')}</span>
      </div>
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
      <FitForm rules={rules} onChange={onChange} />
      <h4>RFM</h4>
      <p class="soft">{t('rfmLimitsHint')}</p>
      <div class="form">
        {RFM_MEASURES.map((measure) => (
          <label key={measure}>
            {t(`rfmMeasures.${measure}`)}
            <input
              value={[rules.rfm?.[measure] ?? []].flat().join(', ')}
              placeholder="—"
              onChange={({ currentTarget }) => putLimits(measure, currentTarget.value)}
            />
          </label>
        ))}
      </div>
      <h3>{t('excludeTitle')}</h3>
      <p class="soft">{t('excludeHint')}</p>
      {Object.entries(exclude).map(([name, exclusion]) => (
        <details key={name} class="rule">
          <summary>
            <strong>{inLanguage(exclusion.label) ?? name}</strong> <span class="soft">{inWords(exclusion.when)}</span>
          </summary>
          <div class="form">
            <NameField
              name={name}
              taken={exclude}
              onRename={(to) => onChange({ ...rules, exclude: renamed(exclude, name, to) })}
            />
          </div>
          <ConditionForm
            condition={exclusion.when}
            names={names}
            onChange={(when) => putExclusion(name, { ...exclusion, when })}
          />
          <button type="button" class="plain small" onClick={() => putExclusion(name, undefined)}>
            {t('remove')}
          </button>
        </details>
      ))}
      <button
        type="button"
        class="plain small"
        onClick={() => putExclusion(freeName('staff', exclude), { when: { trait: 'role', eq: 'staff' } })}
      >
        + {t('addExclusion')}
      </button>
    </div>
  );
}

/** Points for who somebody is. */
function FitForm({ rules, onChange }: { rules: Rules; onChange: Put<Rules> }): JSX.Element {
  const names = Object.keys(rules.signals);
  const fit = rules.score?.fit ?? [];
  const put = (next: typeof fit) => onChange({ ...rules, score: having(rules.score ?? { weights: {} }, 'fit', next) });
  return (
    <>
      <h4>{t('fitTitle')}</h4>
      <p class="soft">{t('fitHint')}</p>
      {fit.map((each, at) => {
        const change = (changes: Partial<typeof each>) =>
          put(fit.map((other, index) => (index === at ? { ...other, ...changes } : other)));
        return (
          <details key={at} class="rule">
            <summary>
              <strong>{inLanguage(each.label) ?? inWords(each.when)}</strong> <span class="soft">{each.points}</span>
            </summary>
            <div class="form">
              <NumberField label={t('points')} value={each.points} onChange={(points = 0) => change({ points })} />
            </div>
            <ConditionForm condition={each.when} names={names} onChange={(when) => change({ when })} />
            <button type="button" class="plain small" onClick={() => put(fit.filter((_, index) => index !== at))}>
              {t('remove')}
            </button>
          </details>
        );
      })}
      <button
        type="button"
        class="plain small"
        onClick={() => put([...fit, { when: { trait: 'company_size', gte: 50 }, points: 10 }])}
      >
        + {t('addFit')}
      </button>
    </>
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
    </details>
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
