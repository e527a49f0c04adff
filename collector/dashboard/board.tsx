import type { JSX } from 'preact';
import { Alerts } from './alerts.js';
import { useState } from 'preact/hooks';
import { STAGES } from '../../sdk/core/index.js';
import {
  change,
  type FlowReport,
  type KpiReport,
  type LossReport,
  type Site,
  type StagesReport,
  type VisitorSummary,
} from './api.js';
import { Chart } from './chartPlace.js';
import { useLive, useLiveReport, type Live } from './live.js';
import { marksOf, NoteList, useNotes, type Mark } from './notes.js';
import {
  Alert,
  Change,
  COLORS,
  Copy,
  CsvButton,
  inUtc,
  Living,
  People,
  PictureButton,
  Problem,
  RangePicker,
  rangeBefore,
  rangeOf,
  stageColumn,
  StageName,
  Table,
  todayOf,
} from './parts.js';
import { linkTo, may, settingsChanged } from './state.js';
import { VisitorTable } from './visitors.js';
import { inLanguage, showDays, showMoney, showNumber, showShare, t } from './texts.js';

/** A guest sees the numbers alone. */
export const Board = ({ site }: { site: Site }): JSX.Element =>
  may('viewer') ? <WholeBoard site={site} /> : <Numbers site={site} />;

/** @param children what stands below them, when they are there: it is not to be pushed down by what comes later */
function Numbers({ site, children }: { site: Site; children?: JSX.Element }): JSX.Element {
  const range = rangeOf(site);
  const report = useLiveReport<StagesReport>(site.siteKey, 'stages', range);
  const loss = useLiveReport<LossReport>(site.siteKey, 'loss', range);
  return (
    <>
      <section class="card slim">
        <div class="filters">
          <RangePicker site={site} />
        </div>
      </section>
      <Alerts site={site} />
      <Living live={report}>
        {(data) => (
          <>
            <Funnel report={data} site={site} lost={loss.data?.rate ?? null} />
            <Days report={data} site={site} />
            <Kpis site={site} />
            <Stays site={site} loss={loss} />
            {children}
          </>
        )}
      </Living>
    </>
  );
}

function WholeBoard({ site }: { site: Site }): JSX.Element {
  const visitors = useLive<{ visitors: VisitorSummary[] }>(`sites/${site.siteKey}/visitors?limit=20`);
  if (!visitors.data) return <Problem live={visitors} />;
  if (!visitors.data.visitors.length) {
    return (
      <section class="card">
        <p>{t('noVisitors')}</p>
        <pre tabIndex={0}>{site.snippet}</pre>
        <Copy text={site.snippet} />
        <p class="soft">{t('tryDemo')}</p>
      </section>
    );
  }
  return (
    <>
      <Numbers site={site}>
        <section class="card">
          <h2>{t('latest')}</h2>
          <VisitorTable visitors={visitors.data.visitors} site={site} />
          <p>
            <a href={linkTo(site.siteKey, 'visitors')}>{t('views.visitors')} →</a>
          </p>
        </section>
      </Numbers>
    </>
  );
}

type Row = StagesReport['stages'][number];

/** By how much more or fewer stand somewhere than before; null where nobody stood there. */
const growthOf = ({ current, before }: Row): number | null => (before.current ? current / before.current - 1 : null);

/** @param lost the share of events that never came: every rate is of what was seen */
function Funnel({ report, site, lost }: { report: StagesReport; site: Site; lost: number | null }): JSX.Element {
  const { stages, funnel, days, to } = report;
  const isNow = to >= todayOf(site);
  const widest = Math.max(1, ...funnel.map(({ visitors }) => visitors));
  const last = days.at(-1);
  const day = isNow ? t('today') : t('onDay', { day: to });
  const farOf = ({ stage }: Row) => funnel.find((each) => each.stage === stage)!;
  return (
    <section class="card">
      <h2>{isNow ? t('now') : t('stoodThen', { day: to })}</h2>
      <p class="soft">{t('nowHint', { count: days.length })}</p>
      {!isNow && !funnel[0]?.visitors && <p>{t('nobodyReached', { from: report.from, to })}</p>}
      <ol class="funnel">
        {stages.map((row) => {
          const { stage, current } = row;
          const { visitors, fromPrevious, interval } = farOf(row);
          const growth = growthOf(row);
          return (
            <li key={stage} data-stage={stage}>
              <span class="name">{t(`stages.${stage}`)}</span>
              <span class="current">
                <People
                  site={site}
                  asked={
                    isNow
                      ? { when: JSON.stringify({ stage: [stage] }) }
                      : { counted: `stages:stood:${stage}`, to, from: to }
                  }
                  count={current}
                />
              </span>
              <svg class="bar" viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">
                <rect width={(visitors / widest) * 100} height="1" fill={COLORS[stage]} opacity="0.35" />
                <rect width={(current / widest) * 100} height="1" fill={COLORS[stage]} />
              </svg>
              <span class="soft detail">
                <People
                  site={site}
                  asked={
                    isNow
                      ? { when: JSON.stringify({ peak: STAGES.slice(STAGES.indexOf(stage)) }) }
                      : { counted: `stages:reached:${stage}`, to, from: to }
                  }
                  count={visitors}
                >
                  {t('reached', { count: showNumber(visitors) })}
                </People>
                {(['entered', 'left'] as const).map((way) => {
                  const count = last?.[way][stage] ?? 0;
                  return (
                    <span key={way}>
                      {' · '}
                      <People site={site} asked={{ counted: `stages:${way}:${stage}`, from: to, to }} count={count}>
                        {t(way === 'left' ? 'leftStage' : way, { day, count: showNumber(count) })}
                      </People>
                    </span>
                  );
                })}
                {fromPrevious !== null &&
                  ` · ${t('ofPrevious', { share: showShare(fromPrevious) })} (${interval!.map(showShare).join('–')})`}
                {fromPrevious !== null && !!lost && ` · ${t('notSeen', { share: showShare(lost) })}`}
              </span>
              <span class="trend">
                <Trend values={days.map((each) => each.current[stage])} color={COLORS[stage]} />
                {growth !== null && (
                  <small>
                    <Change by={growth} />
                  </small>
                )}
              </span>
            </li>
          );
        })}
      </ol>
      <CsvButton
        name="funnel"
        rows={stages}
        columns={[
          { title: t('stage'), of: ({ stage }) => t(`stages.${stage}`) },
          { title: t('standNow'), of: ({ current }) => current },
          { title: t('stoodBefore'), of: ({ before }) => before.current },
          { title: t('everReached'), of: (row) => farOf(row).visitors },
          {
            title: t('ofStageBefore'),
            of: (row) => farOf(row).fromPrevious,
            interval: (row) => farOf(row).interval,
          },
          { title: t('enteredIn'), of: ({ entered }) => entered },
          { title: t('leftIn'), of: ({ left }) => left },
          { title: t('enteredBefore'), of: ({ before }) => before.entered },
          { title: t('leftBefore'), of: ({ before }) => before.left },
          { title: t('notSeenTitle'), of: () => lost },
        ]}
      />{' '}
      <PictureButton name="funnel" of=".funnel" />
    </section>
  );
}

/** How a number went, day by day. */
function Trend({ values, color }: { values: number[]; color: string }): JSX.Element {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const points = values.map((value, index) => {
    const x = (index / Math.max(1, values.length - 1)) * 100;
    return `${x.toFixed(1)},${(22 - ((value - low) / (high - low || 1)) * 20).toFixed(1)}`;
  });
  return (
    <svg class="spark" viewBox="0 0 100 24" preserveAspectRatio="none" aria-hidden="true">
      <polyline
        points={points.join(' ')}
        fill="none"
        stroke={color}
        stroke-width="2"
        vector-effect="non-scaling-stroke"
      />
    </svg>
  );
}

/** How many stood at each stage, day by day. */
export function DaysChart({ report, marks }: { report: StagesReport; marks: Mark[] }): JSX.Element {
  const series = report.stages.map(({ stage }) => ({
    name: t(`stages.${stage}`),
    color: COLORS[stage],
    values: report.days.map(({ current }) => current[stage]),
  }));
  const days = report.days.map(({ day }) => day);
  const marked = marks.map(({ day }) => day);
  return (
    <Chart
      name="stages"
      label={t('perDay')}
      draw={({ drawDays }, element) => drawDays(element, days, series, marked)}
      of={[series, days, marked]}
    />
  );
}

function Days({ report, site }: { report: StagesReport; site: Site }): JSX.Element {
  const notes = useNotes(site);
  const marks = notes.data
    ? marksOf(
        notes.data,
        report.days.map(({ day }) => day),
      )
    : [];
  return (
    <section class="card">
      <h2>{t('perDay')}</h2>
      <p class="soft">{t('perDayHint', { zone: site.timeZone })}</p>
      <DaysChart report={report} marks={marks} />
      <NoteList site={site} marks={marks} again={notes.again} />
      <details>
        <summary>
          {t('day')} · {t('stage')}
        </summary>
        <Table
          name="days"
          rows={[...report.days].reverse()}
          columns={[
            { title: t('day'), of: ({ day }) => day },
            ...report.stages.map(({ stage }) => ({
              title: t(`stages.${stage}`),
              of: ({ current }: StagesReport['days'][number]) => current[stage],
              show: ({ day, current }: StagesReport['days'][number]) => (
                <People
                  site={site}
                  asked={
                    day === todayOf(site)
                      ? { when: JSON.stringify({ stage: [stage] }) }
                      : { counted: `stages:stood:${stage}`, from: day, to: day }
                  }
                  count={current[stage]}
                />
              ),
            })),
          ]}
        />
      </details>
    </section>
  );
}

/** What each stage is measured by, in some days and in as many before. */
export function KpiTable({ site, report: { kpis, from, to } }: { site: Site; report: KpiReport }): JSX.Element {
  const shown = (value: number | null, measure: string) =>
    value === null ? '–' : measure === 'value' ? showMoney(value, site.currency) : showNumber(value);
  return (
    <Table
      name="kpis"
      rows={kpis}
      columns={[
        stageColumn(t('stage'), 'stage'),
        { title: t('measure'), of: ({ label }) => inLanguage(label) ?? null },
        {
          title: t('inTheseDays'),
          of: ({ value }) => value,
          show: ({ value, measure, signal }) => (
            <People site={site} asked={{ counted: `kpis:${signal}`, from, to }} count={value ?? 0}>
              {value === null ? t('noSuchSignal', { signal }) : shown(value, measure)}
            </People>
          ),
        },
        {
          title: t('daysBefore'),
          of: ({ before }) => before,
          show: ({ before, measure, signal }) => (
            <People site={site} asked={{ counted: `kpis:${signal}`, ...rangeBefore({ from, to }) }} count={before ?? 0}>
              {shown(before, measure)}
            </People>
          ),
        },
        {
          title: t('changed'),
          of: ({ value, before }) => (value !== null && before ? value / before - 1 : null),
          show: ({ value, before }) => (value !== null && before ? <Change by={value / before - 1} /> : '–'),
        },
        {
          title: t('goal'),
          of: ({ target }) => target,
          show: ({ target, rating, measure }) => (
            <>
              {shown(target, measure)} {rating && <span class={`rating ${rating}`}>{t(`ratings.${rating}`)}</span>}
            </>
          ),
        },
      ]}
    />
  );
}

/** The same of the chosen days, and what it should come to. */
function Kpis({ site }: { site: Site }): JSX.Element {
  const live = useLiveReport<KpiReport>(site.siteKey, 'kpis', rangeOf(site));
  return (
    <section class="card">
      <h2>{t('kpis')}</h2>
      <p class="soft">
        {t('kpisHint')} {inUtc(site)}
      </p>
      <Living live={live}>{(report) => <KpiTable site={site} report={report} />}</Living>
      {may('owner') && <Targets site={site} again={live.again} />}
    </section>
  );
}

/** What the site wants each measure to come to. */
function Targets({ site, again }: { site: Site; again: () => void }): JSX.Element {
  const [state, set] = useState<{ problem?: string; done?: string }>({});
  const [targets, setTargets] = useState(site.targets);
  const save = async (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const given = STAGES.map((stage) => [stage, String(form.get(stage)).trim()] as const).filter(([, text]) =>
      Number(text),
    );
    const next = Object.fromEntries(given.map(([stage, text]) => [stage, Number(text)])) as typeof targets;
    try {
      await change('PATCH', `sites/${site.siteKey}`, { targets: next });
      setTargets(next);
      settingsChanged.value++;
      set({ done: t('saved') });
      again();
    } catch (error) {
      set({ problem: t('notSaved', { message: (error as Error).message }) });
    }
  };
  return (
    <details>
      <summary>{t('setTargets')}</summary>
      <p class="soft">{t('targetsHint')}</p>
      <form class="form targets" onSubmit={save}>
        {STAGES.map((stage) => (
          <label key={stage}>
            {t(`stages.${stage}`)}
            <input name={stage} type="number" min="0.0001" step="any" defaultValue={String(targets[stage] ?? '')} />
          </label>
        ))}
        <button>{t('save')}</button>
      </form>
      {state.problem && <Alert>{state.problem}</Alert>}
      {state.done && <p role="status">{state.done}</p>}
    </details>
  );
}

/** How long people stay at each stage, and how much of what they did was never seen. */
function Stays({ site, loss }: { site: Site; loss: Live<LossReport> }): JSX.Element {
  const flow = useLiveReport<FlowReport>(site.siteKey, 'flow', rangeOf(site));
  return (
    <section class="card">
      <h2>{t('stays')}</h2>
      <p class="soft">{t('staysHint')}</p>
      <Living live={flow}>
        {({ stays }) => (
          <>
            <dl class="figures">
              {stays.map(({ stage, medianDays, open, ended }) => (
                <div key={stage} class="figure">
                  <dt>
                    <StageName stage={stage} />
                  </dt>
                  <dd>
                    {medianDays === null ? '–' : showDays(medianDays)}
                    {medianDays === null && !!open && <span class="soft">{t('notHalf')}</span>}
                    <span class="soft">
                      <People site={site} asked={{ ...rangeOf(site), counted: `flow:ended:${stage}` }} count={ended}>
                        {t('staysEnded', { count: showNumber(ended) })}
                      </People>
                      {' · '}
                      <People site={site} asked={{ ...rangeOf(site), counted: `flow:open:${stage}` }} count={open}>
                        {t('staysOpen', { count: showNumber(open) })}
                      </People>
                    </span>
                  </dd>
                </div>
              ))}
            </dl>
            <CsvButton
              name="stays"
              rows={stays}
              columns={[
                { title: t('stage'), of: ({ stage }) => t(`stages.${stage}`) },
                { title: t('medianStayDays'), of: ({ medianDays }) => medianDays },
                { title: t('leftIn'), of: ({ ended }) => ended },
                { title: t('stillThere'), of: ({ open }) => open },
              ]}
            />
          </>
        )}
      </Living>
      <Living live={loss}>
        {({ rate }) => (
          <p class="soft lossLine">
            {rate === null ? t('lossUnknown') : t('lossLine', { share: showShare(rate) })}
            {may('viewer') && (
              <>
                {' '}
                <a href={linkTo(site.siteKey, 'setup')}>{t('loss')} →</a>
              </>
            )}
          </p>
        )}
      </Living>
    </section>
  );
}
