/** The rules as a form: signals, stages and tags without a brace. What it has no field for stays as it stands in the document. */
import type { ComponentChildren, JSX } from 'preact';
import { useContext, useState } from 'preact/hooks';
import {
  RFM_MEASURES,
  STAGES,
  TAG_DIMENSIONS,
  type Condition,
  type RfmMeasure,
  type Rules,
} from '../../sdk/core/index.js';
import { Called, ConditionForm, firstOf, inWords } from './conditionForm.js';
import { Fold, LabelField, NameField, NumberField, type Put } from './fields.js';
import { freeName, having, renamed, without } from './rulesEdits.js';
import { SignalForm } from './signalForm.js';
import { inLanguage, t } from './texts.js';

type Tag = NonNullable<Rules['tags']>[string];
type StageRule = NonNullable<Rules['stages'][(typeof STAGES)[number]]>;

export function RulesForm({ rules, onChange }: { rules: Rules; onChange: Put<Rules> }): JSX.Element {
  const names = Object.keys(rules.signals);
  const tags = rules.tags ?? {};
  const putStage = (stage: string, next: StageRule | undefined) =>
    onChange({ ...rules, stages: having(rules.stages, stage, next) });
  const putLimits = (measure: RfmMeasure, text: string) => {
    const limits = text
      .split(/[\s,，、]+/)
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
  /** What was added last is open. */
  const [added, setAdded] = useState('');
  const called = (name: string) => inLanguage(rules.signals[name]?.label) ?? name;
  const words = (condition: Condition) => inWords(condition, called);
  /** By its place, so that what is renamed stays open; all are closed where one comes or goes. */
  const keyOf = (at: number, all: object) => `${at} of ${Object.keys(all).length}`;
  return (
    <Called.Provider value={called}>
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
        {names.map((name, at) => (
          <SignalForm key={keyOf(at, names)} name={name} rules={rules} isNew={name === added} onChange={onChange} />
        ))}
        <button
          type="button"
          class="plain small"
          onClick={() => {
            const name = freeName('signal', rules.signals);
            setAdded(name);
            onChange({ ...rules, signals: { ...rules.signals, [name]: { event: 'page_view' } } });
          }}
        >
          + {t('addSignal')}
        </button>
        <h3>{t('stagesTitle')}</h3>
        <p class="soft">{t('stagesHint')}</p>
        {STAGES.map((stage) => {
          const rule = rules.stages[stage];
          return (
            <Fold key={stage} title={t(`stages.${stage}`)} note={rule ? words(rule.when) : t('noRule')}>
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
            </Fold>
          );
        })}
        <h3>{t('tags')}</h3>
        {Object.entries(tags).map(([name, tag], at) => (
          <ConditionRule
            key={keyOf(at, tags)}
            isNew={name === added}
            title={inLanguage(tag.label) ?? name}
            note={words(tag.when)}
            when={tag.when}
            names={names}
            onChange={(when) => putTag(name, { ...tag, when })}
            onRemove={() => onChange({ ...rules, tags: without(tags, name) })}
          >
            <NameField
              name={name}
              taken={tags}
              onRename={(to) => onChange({ ...rules, tags: renamed(tags, name, to) })}
            />
            <LabelField label={tag.label} onChange={(label) => putTag(name, having(tag, 'label', label as never))} />
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
          </ConditionRule>
        ))}
        <button
          type="button"
          class="plain small"
          disabled={!names.length}
          onClick={() => {
            const name = freeName('tag', tags);
            setAdded(name);
            putTag(name, { when: firstOf(names), dimension: 'behaviour' });
          }}
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
        {Object.entries(exclude).map(([name, exclusion], at) => (
          <ConditionRule
            key={keyOf(at, exclude)}
            isNew={name === added}
            title={inLanguage(exclusion.label) ?? name}
            note={words(exclusion.when)}
            when={exclusion.when}
            names={names}
            onChange={(when) => putExclusion(name, { ...exclusion, when })}
            onRemove={() => putExclusion(name, undefined)}
          >
            <NameField
              name={name}
              taken={exclude}
              onRename={(to) => onChange({ ...rules, exclude: renamed(exclude, name, to) })}
            />
          </ConditionRule>
        ))}
        <button
          type="button"
          class="plain small"
          onClick={() => {
            const name = freeName('staff', exclude);
            setAdded(name);
            putExclusion(name, { when: { trait: 'role', eq: 'staff' } });
          }}
        >
          + {t('addExclusion')}
        </button>
      </div>
    </Called.Provider>
  );
}

/** A condition with what goes with it, to be opened. */
function ConditionRule({
  title,
  isNew,
  note,
  when,
  names,
  onChange,
  onRemove,
  children,
}: {
  title: string;
  isNew?: boolean;
  note: string | number;
  when: Condition;
  names: string[];
  onChange: Put<Condition>;
  onRemove: () => void;
  children: ComponentChildren;
}): JSX.Element {
  return (
    <Fold title={title} note={note} isOpen={isNew}>
      <div class="form">{children}</div>
      <ConditionForm condition={when} names={names} onChange={onChange} />
      <button type="button" class="plain small" onClick={onRemove}>
        {t('remove')}
      </button>
    </Fold>
  );
}

/** Points for who somebody is. */
function FitForm({ rules, onChange }: { rules: Rules; onChange: Put<Rules> }): JSX.Element {
  const names = Object.keys(rules.signals);
  const called = useContext(Called);
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
          <ConditionRule
            key={at}
            title={inLanguage(each.label) ?? inWords(each.when, called)}
            note={each.points}
            when={each.when}
            names={names}
            onChange={(when) => change({ when })}
            onRemove={() => put(fit.filter((_, index) => index !== at))}
          >
            <NumberField label={t('points')} value={each.points} onChange={(points = 0) => change({ points })} />
          </ConditionRule>
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
