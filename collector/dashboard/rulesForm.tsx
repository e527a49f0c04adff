/** The rules as a form: signals, stages and tags without a brace. What it has no field for stays as it stands in the document. */
import type { JSX } from 'preact';
import {
  MEASURES,
  STAGES,
  TAG_DIMENSIONS,
  type Condition,
  type Measure,
  type Range,
  type Rules,
  type Scalar,
  type Signal,
  type SignalCondition,
  type TraitCondition,
} from '../../sdk/core/index.js';
import { inLanguage, t } from './texts.js';

type Tag = NonNullable<Rules['tags']>[string];
type StageRule = NonNullable<Rules['stages'][(typeof STAGES)[number]]>;
type Put<T> = (next: T) => void;

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Without a member where it is empty: what was taken back stands nowhere. */
function having<T extends object>(given: T, name: string, value: unknown): T {
  // Somebody may have written anything in its place.
  const whole = (isObject(given) ? given : {}) as T;
  const { [name]: _, ...rest } = whole as Record<string, unknown>;
  const isEmpty = value === undefined || value === '' || (Array.isArray(value) && !value.length);
  // In its place where it was there: the document is to be read beside the form.
  if (!isEmpty && name in whole) return { ...whole, [name]: value };
  return (isEmpty ? rest : { ...whole, [name]: value }) as T;
}

/** The same object with a member called otherwise, in its place. */
const renamed = <T,>(whole: Record<string, T>, from: string, to: string): Record<string, T> =>
  Object.fromEntries(Object.entries(whole).map(([name, value]) => [name === from ? to : name, value]));

const without = <T,>(whole: Record<string, T>, name: string): Record<string, T> =>
  Object.fromEntries(Object.entries(whole).filter(([each]) => each !== name));

/** A name that nothing has yet. */
function freeName(wanted: string, taken: object): string {
  for (let at = 1; ; at++) {
    const name = at === 1 ? wanted : `${wanted}_${at}`;
    if (!Object.hasOwn(taken, name)) return name;
  }
}

/** Everything below a value with one name of a signal for another, where conditions ask for it. */
function askingFor(value: unknown, from: string, to: string): unknown {
  if (Array.isArray(value)) return value.map((each) => askingFor(each, from, to));
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [
      name,
      name === 'signal' && each === from ? to : askingFor(each, from, to),
    ]),
  );
}

/** How many conditions ask for a signal. */
function timesAsked(value: unknown, signal: string): number {
  if (!isObject(value) && !Array.isArray(value)) return 0;
  const own = isObject(value) && value.signal === signal ? 1 : 0;
  return Object.values(value).reduce<number>((sum, each) => sum + timesAsked(each, signal), own);
}

/** Renames a signal wherever the rules name it. */
function renameSignal(rules: Rules, from: string, to: string): Rules {
  const { signals, score, ...rest } = rules;
  const asked = askingFor(rest, from, to) as Omit<Rules, 'signals' | 'score'>;
  return {
    // First of all for the order in which the document has them.
    ...rules,
    ...asked,
    signals: renamed(signals, from, to),
    ...(score && {
      score: {
        ...(askingFor(score, from, to) as typeof score),
        weights: renamed(score.weights ?? {}, from, to),
        ...(score.intent && { intent: score.intent.map((each) => (each === from ? to : each)) }),
      },
    }),
  };
}

/** Whether the form can show a document at all: what else is wrong with it the check says. */
export const isShown = (rules: unknown): rules is Rules =>
  isObject(rules) &&
  isObject(rules.signals) &&
  isObject(rules.stages) &&
  [rules.tags ?? {}, rules.score ?? {}].every(isObject) &&
  [rules.signals, rules.stages, rules.tags ?? {}].flatMap((named) => Object.values(named as object)).every(isObject);

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

const firstOf = (names: string[]): SignalCondition => ({ signal: names[0]! });

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

/** Texts between commas; one alone stands as a text. */
const readList = (text: string, before?: string | string[]): string | string[] | undefined => {
  // What has a comma in it cannot be told from two: it stays one for as long as nothing else is said.
  if (text === showList(before)) return before;
  const all = text
    .split(',')
    .map((each) => each.trim())
    .filter(Boolean);
  return all.length > 1 ? all : all[0];
};

const showList = (value: string | string[] | undefined): string => [value ?? []].flat().join(', ');

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

const GROUPS = ['all', 'any', 'not'] as const;
const KINDS = ['signal', 'trait', ...GROUPS] as const;
type Kind = (typeof KINDS)[number];

const kindOf = (condition: unknown): Kind | undefined =>
  isObject(condition) ? KINDS.find((kind) => kind in condition) : undefined;

/** The parts of a group; none of anything else. */
const partsOf = (condition: Condition): Condition[] =>
  'not' in condition
    ? [condition.not]
    : ([('all' in condition && condition.all) || ('any' in condition && condition.any) || []]
        .flat()
        .filter(isObject) as Condition[]);

/** How many parts a group names; none where it is no list. */
function countOf(condition: Condition): number {
  const [given] = Object.values(condition) as unknown[];
  return 'not' in condition ? 1 : Array.isArray(given) ? given.length : -1;
}

/** A condition of another kind that keeps what the old one says, as far as the new kind can. */
function turned(condition: Condition, kind: Kind, names: string[]): Condition {
  const parts = partsOf(condition);
  const inner = parts.length ? parts : [condition];
  if (kind === 'all') return { all: inner };
  if (kind === 'any') return { any: inner };
  if (kind === 'not') return { not: inner.length > 1 ? condition : inner[0]! };
  const found = inner.find((part) => kind in part);
  return found ?? (kind === 'signal' ? firstOf(names) : { trait: 'plan', exists: true });
}

function ConditionForm({
  condition,
  names,
  onChange,
  onRemove,
}: {
  condition: Condition;
  names: string[];
  onChange: Put<Condition>;
  onRemove?: () => void;
}): JSX.Element {
  const kind = kindOf(condition);
  const parts = kind ? partsOf(condition) : [];
  const remove = onRemove && (
    <button type="button" class="plain small" onClick={onRemove}>
      {t('remove')}
    </button>
  );
  const isWhole = !!kind && (kind === 'signal' || kind === 'trait' || countOf(condition) === parts.length);
  if (!isWhole || !parts.every(isObject))
    return (
      <div class="condition">
        <code>{JSON.stringify(condition)}</code> {remove}
      </div>
    );
  const putParts = (next: Condition[]) =>
    onChange({ ...condition, [kind]: kind === 'not' ? next[0]! : next } as Condition);
  return (
    <div class="condition">
      <select
        aria-label={t('kindOfCondition')}
        value={kind}
        onChange={({ currentTarget }) => onChange(turned(condition, currentTarget.value as Kind, names))}
      >
        {KINDS.map((each) => (
          <option key={each} value={each}>
            {each === 'signal' || each === 'trait' ? t(`conditions.${each}`) : t(each)}
          </option>
        ))}
      </select>{' '}
      {kind === 'signal' && <SignalPart condition={condition as SignalCondition} names={names} onChange={onChange} />}
      {kind === 'trait' && <TraitPart condition={condition as TraitCondition} onChange={onChange} />} {remove}
      {parts.map((part, at) => (
        <ConditionForm
          key={at}
          condition={part}
          names={names}
          onChange={(next) => putParts(parts.map((each, index) => (index === at ? next : each)))}
          {...(parts.length > 1 && { onRemove: () => putParts(parts.filter((_, index) => index !== at)) })}
        />
      ))}
      {(kind === 'all' || kind === 'any') && (
        <button type="button" class="plain small" onClick={() => putParts([...parts, firstOf(names)])}>
          + {t('addCondition')}
        </button>
      )}
    </div>
  );
}

const measureName = (measure: Measure): string =>
  measure === 'count' ? t('timesName') : t(measure === 'sessions' ? 'sessionsOfSame' : measure);

function SignalPart({
  condition,
  names,
  onChange,
}: {
  condition: SignalCondition;
  names: string[];
  onChange: Put<Condition>;
}): JSX.Element {
  const present = MEASURES.filter((measure) => condition[measure]);
  // Where nothing is asked, once is enough.
  const shown: Measure[] = present.length ? present : ['count'];
  const rangeOf = (measure: Measure): Range => condition[measure] ?? { gte: 1 };
  const put = (measure: Measure, range: Range) =>
    onChange(having(condition, measure, Object.keys(range).length ? range : undefined));
  const free = MEASURES.filter((measure) => !shown.includes(measure));
  return (
    <>
      <select
        aria-label={t('signalName')}
        value={condition.signal}
        onChange={({ currentTarget }) => onChange({ ...condition, signal: currentTarget.value })}
      >
        {!names.includes(condition.signal) && <option value={condition.signal}>{condition.signal} ?</option>}
        {names.map((name) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>{' '}
      {shown.map((measure) => (
        <span key={measure} class="measure">
          {measureName(measure)}{' '}
          {(['gte', 'lte'] as const).map((bound) => (
            <label key={bound}>
              {bound === 'gte' ? '≥' : '≤'}{' '}
              <input
                class="short"
                type="number"
                step="any"
                min="0"
                aria-label={`${measureName(measure)} ${bound === 'gte' ? '≥' : '≤'}`}
                value={rangeOf(measure)[bound] ?? ''}
                onChange={({ currentTarget }) =>
                  put(
                    measure,
                    having(
                      rangeOf(measure),
                      bound,
                      currentTarget.value === '' ? undefined : Number(currentTarget.value),
                    ),
                  )
                }
              />{' '}
            </label>
          ))}
        </span>
      ))}
      {!!free.length && (
        <select
          aria-label={t('addMeasure')}
          value=""
          onChange={({ currentTarget }) => {
            const measure = currentTarget.value as Measure;
            currentTarget.value = '';
            onChange({ ...(present.length ? condition : { ...condition, count: { gte: 1 } }), [measure]: { gte: 1 } });
          }}
        >
          <option value="">+ {t('addMeasure')}</option>
          {free.map((measure) => (
            <option key={measure} value={measure}>
              {measureName(measure)}
            </option>
          ))}
        </select>
      )}{' '}
      <label>
        {t('inLastDays')}{' '}
        <input
          class="short"
          type="number"
          min="1"
          placeholder="∞"
          value={condition.within ?? ''}
          onChange={({ currentTarget }) =>
            onChange(having(condition, 'within', currentTarget.value === '' ? undefined : Number(currentTarget.value)))
          }
        />
      </label>
    </>
  );
}

const TESTS = ['eq', 'in', 'glob', 'gte', 'lte', 'exists'] as const;
type Test = (typeof TESTS)[number];

/** A value as somebody writes it: a number and a truth are what they look like. */
function readScalar(text: string): Scalar {
  const trimmed = text.trim();
  if (/^-?\d+(\.\d+)?$/.test(trimmed)) return Number(trimmed);
  return trimmed === 'true' ? true : trimmed === 'false' ? false : trimmed;
}

/** @param before what stood there: what was a text stays one, though it looks like a number */
function readTest(test: Test, text: string, before: unknown): unknown {
  const read = [before].flat().some((each) => typeof each === 'string') ? (each: string) => each.trim() : readScalar;
  if (test === 'in') return [readList(text) ?? ''].flat().map(read);
  if (test === 'glob') return readList(text) ?? '*';
  if (test === 'exists') return text !== 'false';
  return test === 'eq' ? read(text) : Number(text) || 0;
}

function TraitPart({ condition, onChange }: { condition: TraitCondition; onChange: Put<Condition> }): JSX.Element {
  const { trait } = condition;
  const tests = TESTS.filter((test) => condition[test] !== undefined);
  const [test = 'exists', ...others] = tests;
  const value = condition[test];
  const put = (next: Test, text: string) =>
    onChange({
      ...without(condition as never, test),
      [next]: readTest(next, text, next === test ? value : undefined),
    } as unknown as TraitCondition);
  const text = Array.isArray(value) ? value.join(', ') : String(value ?? true);
  return (
    <>
      <input
        class="short"
        aria-label={t('traitName')}
        value={trait}
        onChange={({ currentTarget }) => onChange({ ...condition, trait: currentTarget.value.trim() })}
      />{' '}
      <select
        aria-label={t('test')}
        value={test}
        onChange={({ currentTarget }) =>
          put(currentTarget.value as Test, currentTarget.value === 'exists' ? 'true' : text)
        }
      >
        {TESTS.filter((each) => !others.includes(each)).map((each) => (
          <option key={each} value={each}>
            {t(`tests.${each}`)}
          </option>
        ))}
      </select>{' '}
      {test === 'exists' ? (
        <select aria-label={t('value')} value={text} onChange={({ currentTarget }) => put(test, currentTarget.value)}>
          <option value="true">{t('yes')}</option>
          <option value="false">{t('no')}</option>
        </select>
      ) : (
        <input aria-label={t('value')} value={text} onChange={({ currentTarget }) => put(test, currentTarget.value)} />
      )}
      {!!others.length && (
        <code> {JSON.stringify(Object.fromEntries(others.map((other) => [other, condition[other]])))}</code>
      )}
    </>
  );
}

/** A condition in one line. */
function inWords(condition: Condition): string {
  const kind = kindOf(condition);
  if (!kind) return '…';
  if (kind === 'trait') {
    const { trait, ...tests } = condition as TraitCondition;
    const said = Object.entries(tests).map(
      ([test, value]) => `${t(`tests.${test as Test}`)} ${[value].flat().join(', ')}`,
    );
    return `${trait} ${said.join(' · ')}`;
  }
  if (kind === 'signal') {
    const { signal, within } = condition as SignalCondition;
    const asked = MEASURES.flatMap((measure) => {
      const { gte, lte } = (condition as SignalCondition)[measure] ?? {};
      return [gte !== undefined && `≥ ${gte}`, lte !== undefined && `≤ ${lte}`]
        .filter(Boolean)
        .map((bound) => `${measureName(measure)} ${bound}`);
    });
    return [signal, ...asked, ...(within ? [t('within', { count: within })] : [])].join(' ');
  }
  const parts = partsOf(condition).map(inWords);
  return kind === 'not'
    ? `${t('not')} (${parts.join()})`
    : `(${parts.join(kind === 'all' ? ` ${t('and')} ` : ` ${t('or')} `)})`;
}
