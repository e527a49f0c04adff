import type { JSX } from 'preact';
import type { AlertsReport, FlowReport, KpiReport, Site, SourcesReport, StagesReport } from './api.js';
import { AlertList } from './alerts.js';
import { DaysChart, KpiTable } from './board.js';
import { FLOW_DAYS, sayLeak } from './flow.js';
import { useReport } from './live.js';
import { marksOf, useNotes } from './notes.js';
import {
  Alert,
  Change,
  daysBefore,
  FIRST_DAY,
  inUtc,
  isDay,
  Loaded,
  People,
  stageColumn,
  Table,
  todayOf,
  Updating,
} from './parts.js';
import { choose, chosen, linkTo } from './state.js';
import { joinPair, showChannel, t } from './texts.js';

const DAYS = 7;
const MOST_SOURCES = 8;

/** Seven days on one sheet of paper: what changed, where most were lost, where people came from, and what was noted. */
export function Review({ site }: { site: Site }): JSX.Element {
  const yesterday = daysBefore(todayOf(site), 1);
  const given = chosen('to');
  // A day that is not over is no match for one that is.
  const to = isDay(given) && given < yesterday ? given : yesterday;
  const range = { from: daysBefore(to, DAYS - 1), to };
  const now = useReport<StagesReport>(site.siteKey, 'stages', range);
  const kpis = useReport<KpiReport>(site.siteKey, 'kpis', range);
  const flow = useReport<FlowReport>(site.siteKey, 'flow', { from: daysBefore(to, FLOW_DAYS - 1), to });
  const sources = useReport<SourcesReport>(site.siteKey, 'sources', range);
  const alerts = useReport<AlertsReport>(site.siteKey, 'alerts', range);
  const notes = useNotes(site);
  const marks = notes.data ? marksOf(notes.data, [range.from, range.to]) : [];
  return (
    <>
      <section class="card">
        <h2>{joinPair(site.name, t('weekOf', { from: range.from, to: range.to }))}</h2>
        <div class="filters no-print">
          <label>
            <span class="soft">{t('lastDay')}</span>{' '}
            <input
              type="date"
              name="to"
              value={to}
              max={yesterday}
              onChange={({ currentTarget: { value } }) =>
                value >= FIRST_DAY && choose({ to: value === yesterday ? '' : value }, true)
              }
            />
          </label>
          <button type="button" onClick={() => print()}>
            {t('print')}
          </button>
        </div>
        {!!alerts.current?.alerts.length && <AlertList site={site} report={alerts.current} />}
        <Updating of={alerts.current} />
        {alerts.problem && <Alert>{t('failed', { message: alerts.problem })}</Alert>}
        <Loaded read={now}>
          {(report) => (
            <>
              <Table
                name="weekStages"
                rows={report.stages}
                columns={[
                  stageColumn(t('stage'), 'stage'),
                  {
                    title: t('standAtEnd'),
                    of: ({ current }) => current,
                    show: ({ stage, current }) => (
                      <People site={site} asked={{ ...range, counted: `stages:stood:${stage}` }} count={current} />
                    ),
                  },
                  {
                    title: t('enteredWeek'),
                    of: ({ entered }) => entered,
                    show: ({ stage, entered }) => (
                      <People site={site} asked={{ ...range, counted: `stages:entered:${stage}` }} count={entered} />
                    ),
                  },
                  {
                    title: t('weekBefore'),
                    of: ({ before }) => before.entered,
                    show: ({ stage, before }) => (
                      <People
                        site={site}
                        asked={{
                          from: daysBefore(range.from, DAYS),
                          to: daysBefore(to, DAYS),
                          counted: `stages:entered:${stage}`,
                        }}
                        count={before.entered}
                      />
                    ),
                  },
                  {
                    title: t('changed'),
                    of: ({ entered, before }) => changeOf(entered, before.entered),
                    show: ({ entered, before }) => {
                      const by = changeOf(entered, before.entered);
                      return by === null ? '–' : <Change by={by} />;
                    },
                  },
                  {
                    title: t('leftWeek'),
                    of: ({ left }) => left,
                    show: ({ stage, left }) => (
                      <People site={site} asked={{ ...range, counted: `stages:left:${stage}` }} count={left} />
                    ),
                  },
                ]}
              />
              <DaysChart report={report} marks={marks} />
            </>
          )}
        </Loaded>
      </section>
      <section class="card">
        <h2>{t('kpis')}</h2>
        {inUtc(site) && <p class="soft">{inUtc(site)}</p>}
        <Loaded read={kpis}>{(report) => <KpiTable site={site} report={report} />}</Loaded>
      </section>
      <section class="card">
        <h2>{t('losses')}</h2>
        <p class="soft">{t('lossesOf', { count: FLOW_DAYS })}</p>
        <Loaded read={flow}>
          {({ leak, steps, from, to: end }) => (
            <p class="leak">
              {!steps.length
                ? t('oneStage')
                : steps.some(({ reached }) => reached)
                  ? sayLeak(site, leak)
                  : t('nobodyReached', { from, to: end })}{' '}
              {!!leak?.lost && <a href={linkTo(site.siteKey, 'flow', { from, to: end })}>{t('lookAt')}</a>}
            </p>
          )}
        </Loaded>
      </section>
      <section class="card">
        <h2>{t('weekSources')}</h2>
        <Loaded read={sources}>
          {({ sources: rows }) =>
            rows.length ? (
              <Table
                name="weekSources"
                rows={[...rows].sort((a, b) => b.visitors - a.visitors).slice(0, MOST_SOURCES)}
                columns={[
                  { title: t('source'), of: ({ source }) => source },
                  { title: t('channel'), of: ({ channel }) => showChannel(channel) },
                  {
                    title: t('visitorsCount'),
                    of: ({ visitors }) => visitors,
                    show: ({ source, visitors }) => (
                      <People site={site} asked={{ ...range, did: `named:${source}` }} count={visitors} />
                    ),
                  },
                ]}
              />
            ) : (
              <p>{t('nothingInRange')}</p>
            )
          }
        </Loaded>
      </section>
      {!!marks.length && (
        <section class="card">
          <h2>{t('weekNotes')}</h2>
          <ol class="notes">
            {marks.map(({ day, text, id }) => (
              <li key={`${day} ${id ?? text}`}>
                <span class="soft">{day}</span> {text}
              </li>
            ))}
          </ol>
        </section>
      )}
    </>
  );
}

const changeOf = (now: number, before: number): number | null => (before ? now / before - 1 : null);
