import type { JSX } from 'preact';
import { STAGES } from '../../sdk/core/index.js';
import type { FunnelReport, RulesNames, Site } from './api.js';
import { EVENTS, showEvent } from './events.js';
import { useOnce, useReport } from './live.js';
import { Loaded, People, RangePicker, rangeOf, Select, showRow, Table, WithBar } from './parts.js';
import { choose, chosen } from './state.js';
import { inLanguage, showDays, showShare, t } from './texts.js';

const KINDS = ['stage', 'signal', 'event', 'page'] as const;
type Kind = (typeof KINDS)[number];

interface Step {
  kind: Kind;
  name: string;
  isOptional: boolean;
}

const readStep = (text: string): Step => {
  const [kind = '', ...rest] = text.replace(/\?$/, '').split(':');
  return { kind: KINDS.find((each) => each === kind) ?? 'event', name: rest.join(':'), isOptional: text.endsWith('?') };
};
const writeStep = ({ kind, name, isOptional }: Step) => `${kind}:${name}${isOptional ? '?' : ''}`;

/** The collector takes no more. */
const MAX_STEPS = 20;

const ASKED = ['steps', 'order', 'window', 'perStep', 'by', 'hold'];

/** How far visitors get over steps of one's own choice. */
export function Funnel({ site }: { site: Site }): JSX.Element {
  const rules = useOnce<RulesNames>(`sites/${site.siteKey}/rules`);
  // In any order there is nothing to leave out.
  const isAny = chosen('order') === 'any';
  const steps = chosen('steps', STAGES.map((stage) => `stage:${stage}`).join(','))
    .split(',')
    .map(readStep)
    .map((step) => ({ ...step, isOptional: step.isOptional && !isAny }));
  const isWhole = steps.every(({ name }) => name);
  const asked = ASKED.map((name) => [
    name,
    name === 'steps' && chosen(name) ? steps.map(writeStep).join(',') : chosen(name),
  ]);
  const read = useReport<FunnelReport>(
    site.siteKey,
    'funnel',
    isWhole ? { ...rangeOf(site), ...(Object.fromEntries(asked) as Record<string, string>) } : undefined,
  );
  const put = (next: Step[]) => choose({ steps: next.map(writeStep).join(',') });
  const change = (at: number, changes: Partial<Step>) =>
    put(steps.map((step, index) => (index === at ? { ...step, ...changes } : step)));
  return (
    <>
      <section class="card">
        <h2>{t('views.funnel')}</h2>
        <p class="soft">{t('funnelHint')}</p>
        <ol class="builder">
          {steps.map((step, at) => (
            <li key={at}>
              <StepEditor
                step={step}
                isFixed={!at || isAny}
                rules={rules}
                onChange={(changes) => change(at, changes)}
                onRemove={steps.length > 2 ? () => put(steps.filter((_, index) => index !== at)) : undefined}
              />
            </li>
          ))}
        </ol>
        <p>
          <button
            type="button"
            class="plain"
            disabled={steps.length >= MAX_STEPS}
            onClick={() => put([...steps, { kind: 'event', name: 'purchase', isOptional: false }])}
          >
            + {t('addStep')}
          </button>{' '}
          <button
            type="button"
            class="plain"
            onClick={() => choose({ steps: '', order: '', window: '', perStep: '', by: '', hold: '' })}
          >
            {t('reset')}
          </button>
        </p>
        <div class="filters">
          <RangePicker site={site} />
          <Select
            label={t('order')}
            name="order"
            otherwise="ordered"
            options={(['ordered', 'strict', 'any'] as const).map((order) => [order, t(`orders.${order}`)])}
          />
          <Select
            label={t('window')}
            name="window"
            otherwise=""
            options={[
              ['', t('noWindow')],
              ...['1', '7', '14', '30', '90'].map((days): [string, string] => [days, showDays(Number(days))]),
            ]}
          />
          {chosen('window') && (
            <Select
              label={t('windowBegins')}
              name="perStep"
              otherwise=""
              options={[
                ['', t('withFirstStep')],
                ['true', t('withEachStep')],
              ]}
            />
          )}
          <Select
            label={t('by')}
            name="by"
            otherwise=""
            options={[
              ['', t('none')],
              ...(['channel', 'source', 'medium', 'campaign', 'device', 'browser', 'country', 'tag'] as const).map(
                (by): [string, string] => [by, t(`breakdowns.${by}`)],
              ),
            ]}
          />
          <Select
            label={t('hold')}
            name="hold"
            otherwise=""
            options={[
              ['', t('none')],
              ['path', t('samePage')],
              ['props.item_id', 'item_id'],
              ['source.utm_campaign', 'utm_campaign'],
            ]}
          />
        </div>
      </section>
      <section class="card">
        {!isWhole && <p>{t('nameStep')}</p>}
        <Loaded read={read}>{(report) => <Result site={site} report={report} rules={rules} />}</Loaded>
      </section>
    </>
  );
}

function StepEditor({
  step,
  isFixed,
  rules,
  onChange,
  onRemove,
}: {
  step: Step;
  isFixed: boolean;
  rules: RulesNames | undefined;
  onChange: (changes: Partial<Step>) => void;
  onRemove: (() => void) | undefined;
}): JSX.Element {
  const names: Record<Kind, string[]> = {
    stage: [...STAGES],
    signal: Object.keys(rules?.signals ?? {}),
    event: EVENTS,
    page: [],
  };
  const known = names[step.kind];
  const isChoice = step.kind === 'stage' || (step.kind === 'signal' && known.includes(step.name));
  return (
    <>
      <select
        aria-label={t('kind')}
        value={step.kind}
        onChange={({ currentTarget }) => {
          const kind = currentTarget.value as Kind;
          onChange({ kind, name: names[kind][0] ?? '/*' });
        }}
      >
        {KINDS.map((kind) => (
          <option key={kind} value={kind}>
            {t(`kinds.${kind}`)}
          </option>
        ))}
      </select>{' '}
      {isChoice ? (
        <select
          aria-label={t('name')}
          value={step.name}
          onChange={({ currentTarget }) => onChange({ name: currentTarget.value })}
        >
          {known.map((name) => (
            <option key={name} value={name}>
              {nameOf(step.kind, name, rules)}
            </option>
          ))}
        </select>
      ) : (
        <>
          <input
            aria-label={t('name')}
            value={step.name}
            list={`names-${step.kind}`}
            onChange={({ currentTarget }) => onChange({ name: nameIn(step.kind, currentTarget.value) || '/*' })}
          />
          <datalist id={`names-${step.kind}`}>
            {known.map((name) => (
              <option key={name} value={name} />
            ))}
          </datalist>
        </>
      )}{' '}
      {!isFixed && (
        <label>
          <input
            type="checkbox"
            checked={step.isOptional}
            onChange={({ currentTarget }) => onChange({ isOptional: currentTarget.checked })}
          />{' '}
          {t('optional')}
        </label>
      )}{' '}
      {onRemove && (
        <button type="button" class="plain small" onClick={onRemove}>
          {t('remove')}
        </button>
      )}
    </>
  );
}

/** What is typed as a name: a comma would end a step, a question mark says that it may be left out, and pages are known by their paths. */
function nameIn(kind: Kind, typed: string): string {
  const name = typed.trim().replaceAll(',', '*');
  if (!name || kind !== 'page') return name.replace(/\?+$/, '');
  const path = name.replace(/^[a-z]+:\/\/[^/?#]*/i, '').replace(/[?#].*$/, '');
  return /^[/*]/.test(path) ? path : `/${path}`;
}

/** What people call a step. */
function nameOf(kind: Kind, name: string, rules: RulesNames | undefined): string {
  if (kind === 'stage') return t(`stages.${name as 'none'}`);
  if (kind === 'event') return showEvent(name);
  return (kind === 'signal' && inLanguage(rules?.signals?.[name]?.label)) || name;
}

function Result({
  site,
  report: { from, to, by, steps, leak, breakdown },
  rules,
}: {
  site: Site;
  report: FunnelReport;
  rules: RulesNames | undefined;
}): JSX.Element {
  const called = (text: string) => {
    const step = readStep(text);
    return nameOf(step.kind, step.name, rules);
  };
  const isAny = chosen('order') === 'any';
  // In any order a row is of those who did so many of them, whichever.
  const name = ({ step, isOptional }: FunnelReport['steps'][number], at: number) =>
    isAny ? t('anySteps', { count: at + 1 }) : isOptional ? `${called(step)} (${t('optional')})` : called(step);
  const most = Math.max(1, steps[0]!.visitors);
  /** As it was asked for, but for the days, which are named. */
  const asked = {
    ...Object.fromEntries(ASKED.map((each) => [each, chosen(each)])),
    steps: steps.map(({ step, isOptional }) => `${step}${isOptional ? '?' : ''}`).join(','),
    by: '',
    from,
    to,
  };
  const people = (place: number, count: number, more: Record<string, string> = {}) => (
    <People site={site} asked={{ ...asked, step: `${place + 1}`, ...more }} count={count} />
  );
  const valueName = (value: string | null) => showRow(by!, value, rules);
  // A step may be there twice.
  const needed = steps.filter(({ isOptional }) => !isOptional);
  const worst = needed.find(({ step }, at) => step === leak?.to && needed[at - 1]?.step === leak.from);
  if (!steps[0]!.visitors) return <p>{t('nobodyBegan')}</p>;
  return (
    <>
      {leak && (
        <p class="leak" role="status">
          {t(leak.isOpen ? 'funnelLeakOpen' : 'funnelLeak', {
            share: showShare(leak.lost),
            from: isAny ? t('anySteps', { count: steps.indexOf(worst!) }) : called(leak.from),
            to: isAny ? t('anySteps', { count: steps.indexOf(worst!) + 1 }) : called(leak.to),
          })}
        </p>
      )}
      <Table
        name="funnelSteps"
        rows={steps}
        isWorst={(row) => row === worst}
        columns={[
          { title: t('step'), of: (step) => name(step, steps.indexOf(step)) },
          {
            title: t('visitorsCount'),
            of: ({ visitors }) => visitors,
            show: (step) => (
              <WithBar share={step.visitors / most}>{people(steps.indexOf(step), step.visitors)}</WithBar>
            ),
          },
          {
            title: t('ofStepBefore'),
            of: ({ fromPrevious }) => fromPrevious,
            interval: ({ interval }) => interval,
          },
          {
            title: t('ofAll'),
            of: ({ overall }) => overall,
            show: ({ overall }) => (overall === null ? '–' : showShare(overall)),
          },
          {
            title: t('inProgress'),
            of: ({ inProgress }) => inProgress,
            show: (step) => people(steps.indexOf(step), step.inProgress, { fate: 'stillThere' }),
          },
          {
            title: t('lost'),
            of: ({ lost }) => lost,
            show: (step) => people(steps.indexOf(step), step.lost, { fate: 'lost' }),
          },
        ]}
        isChart
      />
      {by && !!breakdown.length && (
        <>
          <h3>{t('by')}</h3>
          <Table
            name="breakdown"
            rows={breakdown}
            columns={[
              {
                title: t(`breakdowns.${by}` as 'by'),
                of: ({ value }) => valueName(value),
              },
              ...steps.map((step, index) => ({
                title: isAny ? name(step, index) : `${index + 1}. ${called(step.step)}`,
                of: ({ visitors }: FunnelReport['breakdown'][number]) => visitors[index]!,
                show: ({ value, visitors }: FunnelReport['breakdown'][number]) =>
                  people(index, visitors[index]!, { by: by ?? '', value: value ?? '' }),
              })),
              {
                title: t('ofAll'),
                of: ({ visitors }) => (visitors[0] ? visitors.at(-1)! / visitors[0] : null),
                show: ({ visitors }) => (visitors[0] ? showShare(visitors.at(-1)! / visitors[0]) : '–'),
              },
            ]}
          />
        </>
      )}
    </>
  );
}
