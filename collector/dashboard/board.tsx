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
import { useLive, useReport } from './live.js';
import { marksOf, NoteList, useNotes } from './notes.js';
import { Alert, Change, COLORS, Loaded, Problem, StageName, Table, Updating } from './parts.js';
import { linkTo, may } from './state.js';
import { VisitorTable } from './visitors.js';
import { inLanguage, showNumber, showShare, t } from './texts.js';

/** A guest sees the numbers alone. */
export const Board = ({ site }: { site: Site }): JSX.Element =>
  may('viewer') ? <WholeBoard site={site} /> : <Numbers site={site} />;

/** @param children what stands below them, when they are there: it is not to be pushed down by what comes later */
function Numbers({ site, children }: { site: Site; children?: JSX.Element }): JSX.Element {
  const report = useLive<StagesReport>(`sites/${site.siteKey}/reports/stages`);
  return (
    <>
      <Problem live={report} />
      <Updating of={report.data} />
      <Alerts site={site} />
      {report.data && (
        <>
          <Funnel report={report.data} site={site} />
          <Days report={report.data} site={site} />
          <Kpis site={site} />
          <Stays site={site} />
          {children}
        </>
      )}
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
        <pre>{site.snippet}</pre>
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

function Funnel({ report, site }: { report: StagesReport; site: Site }): JSX.Element {
  const widest = Math.max(1, ...report.funnel.map(({ visitors }) => visitors));
  const today = report.days.at(-1);
  return (
    <section class="card">
      <h2>{t('now')}</h2>
      <p class="soft">{t('nowHint')}</p>
      <ol class="funnel">
        {report.stages.map(({ stage, current }, index) => {
          const { visitors, fromPrevious, interval } = report.funnel[index]!;
          return (
            <li key={stage} data-stage={stage}>
              <span class="name">{t(`stages.${stage}`)}</span>
              <span class="current">
                {may('viewer') ? (
                  <a href={linkTo(site.siteKey, 'visitors', { stage })}>{showNumber(current)}</a>
                ) : (
                  showNumber(current)
                )}
              </span>
              <svg class="bar" viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">
                <rect width={(visitors / widest) * 100} height="1" fill={COLORS[stage]} opacity="0.35" />
                <rect width={(current / widest) * 100} height="1" fill={COLORS[stage]} />
              </svg>
              <span class="soft detail">
                {t('reached', { count: showNumber(visitors) })} ·{' '}
                {t('entered', { count: showNumber(today?.entered[stage] ?? 0) })}
                {fromPrevious !== null &&
                  ` · ${t('ofPrevious', { share: showShare(fromPrevious) })} (${interval!.map(showShare).join('–')})`}
              </span>
            </li>
          );
        })}
      </ol>
    </section>
  );
}

function Days({ report, site }: { report: StagesReport; site: Site }): JSX.Element {
  const notes = useNotes(site);
  const series = report.stages.map(({ stage }) => ({
    name: t(`stages.${stage}`),
    color: COLORS[stage],
    values: report.days.map(({ current }) => current[stage]),
  }));
  const days = report.days.map(({ day }) => day);
  const marks = notes.data ? marksOf(notes.data, days) : [];
  return (
    <section class="card">
      <h2>{t('perDay')}</h2>
      <p class="soft">{t('perDayHint', { zone: site.timeZone })}</p>
      <Chart
        name="stages"
        draw={({ drawDays }, element) =>
          drawDays(
            element,
            days,
            series,
            marks.map(({ day }) => day),
          )
        }
        of={[series, marks]}
      />
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
            })),
          ]}
        />
      </details>
    </section>
  );
}

/** What each stage is measured by, in the last 30 days and the 30 before. */
function Kpis({ site }: { site: Site }): JSX.Element {
  const read = useReport<KpiReport>(site.siteKey, 'kpis', {});
  return (
    <section class="card">
      <h2>{t('kpis')}</h2>
      <p class="soft">{t('kpisHint')}</p>
      <Loaded read={read}>
        {({ kpis }) => (
          <Table
            name="kpis"
            rows={kpis}
            columns={[
              { title: t('stage'), of: ({ stage }) => stage, show: ({ stage }) => <StageName stage={stage} /> },
              { title: t('measure'), of: ({ label }) => inLanguage(label) ?? null },
              { title: t('now30'), of: ({ value }) => value },
              { title: t('before30'), of: ({ before }) => before },
              {
                title: t('changed'),
                of: ({ value, before }) => (value !== null && before ? value / before - 1 : null),
                show: ({ value, before }) => (value !== null && before ? <Change by={value / before - 1} /> : '–'),
              },
              {
                title: t('goal'),
                of: ({ target }) => target,
                show: ({ target, rating }) => (
                  <>
                    {target === null ? '–' : showNumber(target)}{' '}
                    {rating && <span class={`rating ${rating}`}>{t(`ratings.${rating}`)}</span>}
                  </>
                ),
              },
            ]}
          />
        )}
      </Loaded>
      {may('owner') && <Targets site={site} again={read.again} />}
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
    const given = STAGES.map((stage) => [stage, String(form.get(stage)).trim()] as const).filter(([, text]) => text);
    const next = Object.fromEntries(given.map(([stage, text]) => [stage, Number(text)])) as typeof targets;
    try {
      await change('PATCH', `sites/${site.siteKey}`, { targets: next });
      setTargets(next);
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
            <input name={stage} type="number" min="0" step="any" defaultValue={String(targets[stage] ?? '')} />
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
function Stays({ site }: { site: Site }): JSX.Element {
  const flow = useReport<FlowReport>(site.siteKey, 'flow', {});
  const loss = useReport<LossReport>(site.siteKey, 'loss', {});
  return (
    <section class="card">
      <h2>{t('stays')}</h2>
      <p class="soft">{t('staysHint')}</p>
      <Loaded read={flow}>
        {({ stays }) => (
          <dl class="figures">
            {stays.map(({ stage, medianDays, open, ended }) => (
              <div key={stage} class="figure">
                <dt>
                  <StageName stage={stage} />
                </dt>
                <dd>
                  {medianDays === null ? '–' : t('inDays', { count: showNumber(medianDays) })}
                  <span class="soft">{t('staysCount', { ended: showNumber(ended), open: showNumber(open) })}</span>
                </dd>
              </div>
            ))}
          </dl>
        )}
      </Loaded>
      <Loaded read={loss}>
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
      </Loaded>
    </section>
  );
}
