/** A condition as a form, nested as deep as it is, and in one line. */
import { createContext, type JSX } from 'preact';
import { useContext } from 'preact/hooks';
import {
  isRecord,
  MEASURES,
  type Condition,
  type Matcher,
  type Measure,
  type Range,
  type Scalar,
  type SignalCondition,
  type TraitCondition,
} from '../../sdk/core/index.js';
import { having, readList, without } from './rulesEdits.js';
import { t } from './texts.js';

type Put<T> = (next: T) => void;

/** What people call a signal. */
export const Called = createContext<(signal: string) => string>((signal) => signal);

/** The simplest condition there is. */
export const firstOf = (names: string[]): SignalCondition => ({ signal: names[0]! });

const GROUPS = ['all', 'any', 'not'] as const;
const KINDS = ['signal', 'trait', ...GROUPS] as const;
type Kind = (typeof KINDS)[number];

const kindOf = (condition: unknown): Kind | undefined =>
  isRecord(condition) ? KINDS.find((kind) => kind in condition) : undefined;

/** The parts of a group; none of anything else. */
const partsOf = (condition: Condition): Condition[] =>
  'not' in condition
    ? [condition.not]
    : ([('all' in condition && condition.all) || ('any' in condition && condition.any) || []]
        .flat()
        .filter(isRecord) as Condition[]);

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

export function ConditionForm({
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
  if (!isWhole || !parts.every(isRecord))
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
  const called = useContext(Called);
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
            {called(name)}
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
  if (test === 'eq') return read(text);
  const number = Number(text);
  // What is no number changes nothing.
  return text.trim() && Number.isFinite(number) ? number : Number(before) || 0;
}

function TraitPart({ condition, onChange }: { condition: TraitCondition; onChange: Put<Condition> }): JSX.Element {
  const { trait, ...matcher } = condition;
  return (
    <MatcherForm
      label={t('traitName')}
      name={trait}
      matcher={matcher}
      onRename={(to) => onChange({ ...condition, trait: to })}
      onChange={(next) => onChange({ trait, ...next } as TraitCondition)}
    />
  );
}

/** What a named value must be like. @param label what the name is a name of */
export function MatcherForm({
  label,
  name,
  matcher,
  onRename,
  onChange,
}: {
  label: string;
  name: string;
  matcher: Matcher;
  onRename: (to: string) => void;
  onChange: Put<Matcher>;
}): JSX.Element {
  const tests = TESTS.filter((test) => matcher[test] !== undefined);
  const [test = 'exists', ...others] = tests;
  const value = matcher[test];
  const put = (next: Test, text: string) =>
    onChange({
      ...without(matcher as never, test),
      [next]: readTest(next, text, next === test ? value : undefined),
    } as Matcher);
  const text = Array.isArray(value) ? value.join(', ') : String(value ?? true);
  return (
    <>
      <input
        class="short"
        aria-label={label}
        value={name}
        onChange={({ currentTarget }) => onRename(currentTarget.value.trim())}
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
        <input
          aria-label={t('value')}
          value={text}
          onChange={({ currentTarget }) => {
            put(test, currentTarget.value);
            if (/[gl]te/.test(test) && !Number.isFinite(Number(currentTarget.value))) currentTarget.value = text;
          }}
        />
      )}
      {!!others.length && (
        <code> {JSON.stringify(Object.fromEntries(others.map((other) => [other, matcher[other]])))}</code>
      )}
    </>
  );
}

/** A condition in one line. */
export function inWords(condition: Condition, called: (signal: string) => string): string {
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
    return [called(signal), ...asked, ...(within ? [t('within', { count: within })] : [])].join(' ');
  }
  const parts = partsOf(condition).map((part) => inWords(part, called));
  return kind === 'not'
    ? `${t('not')} (${parts.join()})`
    : `(${parts.join(kind === 'all' ? ` ${t('and')} ` : ` ${t('or')} `)})`;
}
