import type { JSX } from 'preact';
import { STAGES } from '../../sdk/core/index.js';
import type { CommonReport, ContentReport, RulesNames, Seen, Site } from './api.js';
import { LEVEL, sayFeature } from './features.js';
import { useOnce, useReport } from './live.js';
import { Loaded, People, RangePicker, rangeOf, stageColumn, Table, type Column } from './parts.js';
import { showNumber, showShare, t } from './texts.js';

/** @param didOf what somebody did who is counted in a row, as the list of visitors asks for it */
const seenColumns = <T extends Seen>(site: Site, didOf: (row: T) => string): Array<Column<T>> => [
  {
    title: t('visitorsCount'),
    of: ({ visitors }) => visitors,
    show: (row) => <People site={site} asked={{ ...rangeOf(site), did: didOf(row) }} count={row.visitors} />,
  },
  { title: t('times'), of: ({ times }) => times },
  {
    title: t('ofThemWentOn'),
    of: ({ wentOn }) => wentOn,
    show: (row) => (
      <People site={site} asked={{ ...rangeOf(site), did: didOf(row), fate: 'wentOn' }} count={row.wentOn}>
        {showShare(row.wentOn)}
      </People>
    ),
  },
];

/** Rows of a kind that the report gives at most. */
const MOST = 200;

/** Pages, downloads, searches and forms, each with who went on after it; and which pages move people on to which stage. */
export function Content({ site }: { site: Site }): JSX.Element {
  const read = useReport<ContentReport>(site.siteKey, 'content', rangeOf(site));
  return (
    <>
      <section class="card">
        <h2>{t('views.content')}</h2>
        <p class="soft">{t('contentHint')}</p>
        <div class="filters">
          <RangePicker site={site} />
        </div>
        <Loaded read={read}>
          {({ pages, wentOn }) =>
            pages.length ? (
              <>
                {wentOn !== null && <p role="status">{t('contentSum', { share: showShare(wentOn) })}</p>}
                <Table
                  name="pages"
                  rows={pages}
                  most={MOST}
                  columns={[
                    { title: t('page'), of: ({ path }) => path },
                    { title: t('pageTitle'), of: ({ title }) => title },
                    ...seenColumns<ContentReport['pages'][number]>(site, ({ path }) => `path:${path}`),
                  ]}
                />
              </>
            ) : (
              <p>{t('nothingInRange')}</p>
            )
          }
        </Loaded>
      </section>
      <Touchpoints site={site} />
      {read.data && <More site={site} report={read.data} />}
    </>
  );
}

function More({
  site,
  report: { entries, pages, downloads, searches, forms, vitals, exactFrom },
}: {
  site: Site;
  report: ContentReport;
}): JSX.Element {
  const wentOnOf = (path: string) => pages.find((page) => page.path === path)?.wentOn ?? null;
  const moving = entries.flatMap(({ stage, pages: last }) => last.map((row) => ({ stage, ...row })));
  const gaps = entries.filter(({ pages: last }) => !last.length);
  return (
    <>
      <section class="card">
        <h2>{t('moving')}</h2>
        <p class="soft">{t('movingHint')}</p>
        {moving.length ? (
          <Table
            name="moving"
            rows={moving}
            columns={[
              stageColumn(t('stage'), 'stage'),
              { title: t('page'), of: ({ path }) => path },
              {
                title: t('visitorsCount'),
                of: ({ visitors }) => visitors,
                show: ({ stage, path, visitors }) => (
                  <People
                    site={site}
                    asked={{ ...rangeOf(site), counted: `content:${stage}:${path}` }}
                    count={visitors}
                  />
                ),
              },
            ]}
          />
        ) : (
          <p>{t('nothingInRange')}</p>
        )}
        {!!pages.length &&
          !exactFrom &&
          gaps.map(({ stage, entered }) => (
            <p key={stage} class="leak">
              {t(entered ? 'gap' : 'gapOfAll', { stage: t(`stages.${stage}`), count: showNumber(entered) })}
            </p>
          ))}
      </section>
      <section class="card">
        <h2>{t('forms')}</h2>
        {forms.length ? (
          <Table
            name="forms"
            rows={forms}
            most={MOST}
            columns={[
              { title: t('form'), of: ({ form }) => form || t('unknown') },
              {
                title: t('visitorsCount'),
                of: ({ visitors }) => visitors,
                show: ({ form, visitors }) => (
                  <People site={site} asked={{ ...rangeOf(site), did: `form:${form}` }} count={visitors} />
                ),
              },
              { title: t('begun'), of: ({ started }) => started },
              { title: t('submitted'), of: ({ submitted }) => submitted },
              { title: t('abandoned'), of: ({ abandoned }) => abandoned },
              {
                title: t('gaveUp'),
                of: ({ gaveUp }) => gaveUp,
                show: ({ form, gaveUp }) => (
                  <People site={site} asked={{ ...rangeOf(site), did: `abandoned:${form}` }} count={gaveUp} />
                ),
              },
              { title: t('rate'), of: ({ rate }) => rate, show: ({ rate }) => (rate === null ? '–' : showShare(rate)) },
              { title: t('lastField'), of: ({ lastField }) => lastField },
              { title: t('seconds'), of: ({ seconds }) => seconds },
              {
                title: t('ofThemWentOn'),
                of: ({ wentOn }) => wentOn,
                show: ({ form, wentOn }) => (
                  <People site={site} asked={{ ...rangeOf(site), did: `form:${form}`, fate: 'wentOn' }} count={wentOn}>
                    {showShare(wentOn)}
                  </People>
                ),
              },
            ]}
          />
        ) : (
          <p>{t('noForms')}</p>
        )}
      </section>
      <section class="card">
        <h2>{t('downloads')}</h2>
        {downloads.length ? (
          <Table
            name="downloads"
            rows={downloads}
            most={MOST}
            columns={[
              { title: t('file'), of: ({ file }) => file },
              ...seenColumns<ContentReport['downloads'][number]>(site, ({ file }) => `file:${file}`),
            ]}
          />
        ) : (
          <p>{t('noDownloads')}</p>
        )}
      </section>
      <section class="card">
        <h2>{t('searches')}</h2>
        {searches.length ? (
          <Table
            name="searches"
            rows={searches}
            most={MOST}
            columns={[
              { title: t('term'), of: ({ term }) => term },
              ...seenColumns<ContentReport['searches'][number]>(site, ({ term }) => `term:${term}`),
            ]}
          />
        ) : (
          <p>{t('noSearches')}</p>
        )}
      </section>
      <section class="card">
        <h2>{t('vitals')}</h2>
        <p class="soft">{t('vitalsHint')}</p>
        {vitals.length ? (
          <Table
            name="vitals"
            rows={vitals}
            most={MOST}
            isWorst={({ metric, p75 }) => p75 > (POOR[metric] ?? Infinity)}
            columns={[
              { title: t('page'), of: ({ path }) => path },
              { title: t('metric'), of: ({ metric }) => metric },
              {
                title: t('p75'),
                of: ({ p75 }) => p75,
                show: ({ metric, p75 }) =>
                  metric === 'CLS' ? p75.toFixed(2) : t('milliseconds', { count: showNumber(Math.round(p75)) }),
              },
              { title: t('measured'), of: ({ count }) => count },
              {
                title: t('ofThemWentOn'),
                of: ({ path }) => wentOnOf(path),
                show: ({ path }) => (
                  <People
                    site={site}
                    asked={{ ...rangeOf(site), did: `path:${path}`, fate: 'wentOn' }}
                    count={wentOnOf(path) ?? 0}
                  >
                    {wentOnOf(path) === null ? '–' : showShare(wentOnOf(path)!)}
                  </People>
                ),
              },
            ]}
          />
        ) : (
          <p>{t('noVitals')}</p>
        )}
      </section>
    </>
  );
}

type Effect = CommonReport['features'][number];

/** What goes together with going on to which stage: a touchpoint a row, a stage a column. */
function Touchpoints({ site }: { site: Site }): JSX.Element {
  const rules = useOnce<RulesNames>(`sites/${site.siteKey}/rules`);
  const stages = STAGES.slice(1);
  // As many as there are stages, always: hooks are told apart by their order.
  const reads = stages.map((stage) => useReport<CommonReport>(site.siteKey, 'common', { ...rangeOf(site), stage }));
  const effects = new Map<string, Array<Effect | undefined>>();
  for (const [at, { data }] of reads.entries())
    for (const effect of data?.features ?? []) {
      const row = effects.get(effect.feature) ?? stages.map(() => undefined);
      row[at] = effect;
      effects.set(effect.feature, row);
    }
  const rows = [...effects].map(([feature, row]) => ({ feature, row }));
  return (
    <section class="card">
      <h2>{t('touchpoints')}</h2>
      <p class="soft">{t('touchpointsHint')}</p>
      {reads.map((read, at) => (
        <Loaded key={at} read={read}>
          {() => null}
        </Loaded>
      ))}
      {rows.length ? (
        <Table
          name="touchpoints"
          isChart
          rows={rows}
          columns={[
            { title: t('feature'), of: ({ feature }) => sayFeature(feature, rules) },
            ...stages.map((stage, at): Column<(typeof rows)[number]> => ({
              title: t(`stages.${stage}`),
              of: ({ row }) => row[at]?.lift ?? null,
              isSure: ({ row }) => row[at] && row[at].q < LEVEL,
              show: ({ feature, row }) => (
                <People
                  site={site}
                  asked={{ ...rangeOf(site), counted: `common:${stage}:${feature}` }}
                  count={row[at]?.did ?? 0}
                >
                  <Lift of={row[at]} />
                </People>
              ),
            })),
          ]}
        />
      ) : (
        reads.every(({ data }) => data) && <p>{t('tooFew')}</p>
      )}
    </section>
  );
}

/** How many times as often those went on who did it, in colour where that is hardly chance. */
const Lift = ({ of }: { of: Effect | undefined }): JSX.Element =>
  of ? (
    <span
      class={of.q >= LEVEL ? 'soft' : of.lift > 1 ? 'up' : 'down'}
      title={t('didTimes', { count: showNumber(of.did) })}
    >
      × {showNumber(of.lift)}
      {of.q < LEVEL && ' *'}
    </span>
  ) : (
    <>·</>
  );

/** Above these a value is poor. @see https://web.dev/articles/vitals */
const POOR: Record<string, number> = { LCP: 4000, INP: 500, CLS: 0.25, FCP: 3000, TTFB: 1800 };
