import type { ComponentChildren, JSX } from 'preact';
import { STAGES } from '../../sdk/core/index.js';
import {
  LIFECYCLE,
  type CohortsReport,
  type CommonReport,
  type LifecycleReport,
  type NpsReport,
  type RfmReport,
  type RulesNames,
  type Site,
  type TagsReport,
  type ValueReport,
} from './api.js';
import { Chart } from './chartPlace.js';
import { LEVEL, sayFeature } from './features.js';
import { shade } from './flow.js';
import { useOnce, useReport } from './live.js';
import { marksOf, useNotes, type Mark } from './notes.js';
import {
  CsvButton,
  inUtc,
  Loaded,
  People,
  PictureButton,
  RangePicker,
  rangeOf,
  Select,
  Table,
  WithBar,
  type Column,
} from './parts.js';
import { chosen } from './state.js';
import { inLanguage, showDays, showMoney, showNumber, showShare, t } from './texts.js';

/** What kinds of customers there are, what they are worth, and what those who went on had in common. */
export function Customers({ site }: { site: Site }): JSX.Element {
  return (
    <>
      <section class="card slim">
        <div class="filters">
          <RangePicker site={site} />
        </div>
      </section>
      <Tags site={site} />
      <Common site={site} />
      <Rfm site={site} />
      <Lifecycle site={site} />
      <Cohorts site={site} />
      <Value site={site} />
      <Nps site={site} />
    </>
  );
}

/** The customer groups that every template ships, and whatever other tags the rules have. */
function Tags({ site }: { site: Site }): JSX.Element {
  const read = useReport<TagsReport>(site.siteKey, 'tags', {});
  const rules = useOnce<RulesNames>(`sites/${site.siteKey}/rules`);
  return (
    <section class="card">
      <h2>{t('groupsAndTags')}</h2>
      <p class="soft">{t('groupsAndTagsHint')}</p>
      <Loaded read={read}>
        {({ people, tags }) => {
          if (!tags.length) return <p>{t('noTags')}</p>;
          const most = Math.max(1, ...tags.map((row) => row.people));
          return (
            <Table
              name="tags"
              rows={tags}
              isChart
              columns={[
                { title: t('group'), of: ({ tag }) => inLanguage(rules?.tags?.[tag]?.label) ?? tag },
                {
                  title: t('people'),
                  of: (row) => row.people,
                  show: (row) => (
                    <WithBar share={row.people / most}>
                      <People site={site} asked={{ when: JSON.stringify({ tag: row.tag }) }} count={row.people} />
                    </WithBar>
                  ),
                },
                {
                  title: t('ofEverybody'),
                  of: (row) => (people ? row.people / people : null),
                  show: (row) => (people ? showShare(row.people / people) : '–'),
                },
              ]}
            />
          );
        }}
      </Loaded>
    </section>
  );
}

function Common({ site }: { site: Site }): JSX.Element {
  const stage = chosen('stage', 'action');
  const read = useReport<CommonReport>(site.siteKey, 'common', { ...rangeOf(site), stage });
  const whoDid = (feature: string) => ({ ...rangeOf(site), counted: `common:${stage}:${feature}` });
  const rules = useOnce<RulesNames>(`sites/${site.siteKey}/rules`);
  return (
    <section class="card">
      <h2>{t('common')}</h2>
      <p class="soft">{t('commonHint')}</p>
      <div class="filters">
        <Select
          label={t('wentOnTo')}
          name="stage"
          otherwise="action"
          options={STAGES.slice(1).map((each) => [each, t(`stages.${each}`)])}
        />
      </div>
      <Loaded read={read}>
        {({ before, visitors, wentOn, features }) => (
          <>
            <p role="status">
              <People site={site} asked={{ ...rangeOf(site), reached: before }} count={visitors}>
                {t('commonSum', { visitors: showNumber(visitors) })}
              </People>{' '}
              <People site={site} asked={{ ...rangeOf(site), reached: before, fate: 'wentOn' }} count={wentOn}>
                {t('commonWentOn', { wentOn: showNumber(wentOn) })}
              </People>
            </p>
            {features.length ? (
              <Table
                name="features"
                rows={features}
                columns={[
                  { title: t('feature'), of: ({ feature }) => sayFeature(feature, rules) },
                  {
                    title: t('didIt'),
                    of: ({ did }) => did,
                    show: ({ feature, did }) => <People site={site} asked={whoDid(feature)} count={did} />,
                  },
                  {
                    title: t('ofThemWentOn'),
                    of: ({ confidence }) => confidence,
                    show: ({ feature, confidence, didAndWentOn }) => (
                      <People site={site} asked={{ ...whoDid(feature), fate: 'wentOn' }} count={didAndWentOn}>
                        {showShare(confidence)}
                      </People>
                    ),
                  },
                  { title: t('lift'), of: ({ lift }) => lift, show: ({ lift }) => `× ${showNumber(lift)}` },
                  {
                    title: t('odds'),
                    of: ({ oddsRatio }) => oddsRatio,
                    show: ({ oddsRatio, ci }) => `${showOdds(oddsRatio)} (${showOdds(ci[0])}–${showOdds(ci[1])})`,
                    interval: ({ ci }) => ci,
                  },
                  { title: t('sure'), of: ({ q }) => (q < LEVEL ? t('yes') : t('maybeChance')) },
                ]}
              />
            ) : (
              <p>{t('tooFew')}</p>
            )}
          </>
        )}
      </Loaded>
    </section>
  );
}

const SCORES = [5, 4, 3, 2, 1];
const FM = [...SCORES].reverse();

function Rfm({ site }: { site: Site }): JSX.Element {
  const read = useReport<RfmReport>(site.siteKey, 'rfm', {});
  return (
    <section class="card">
      <h2>{t('rfm')}</h2>
      <p class="soft">{t('rfmHint')}</p>
      <Loaded read={read}>
        {({ buyers, cells, groups }) => {
          if (!buyers) return <p>{t('noBuyers')}</p>;
          const most = Math.max(...cells.map((cell) => cell.buyers));
          const at = (r: number, fm: number) => cells.find((cell) => cell.r === r && cell.fm === fm)?.buyers ?? 0;
          return (
            <>
              <div class="scroll" tabIndex={0} role="region" aria-label={t('rfm')}>
                <table class="matrix">
                  <thead>
                    <tr>
                      <th scope="col">
                        {t('recency')} ↓ {t('frequencyAmount')} →
                      </th>
                      {FM.map((fm) => (
                        <th key={fm} scope="col" class="number">
                          {fm}
                        </th>
                      ))}
                    </tr>
                  </thead>
                  <tbody>
                    {SCORES.map((r) => (
                      <tr key={r}>
                        <th scope="row">{r}</th>
                        {FM.map((fm) => (
                          <td key={fm} class="number" style={shade(at(r, fm) / most)}>
                            {at(r, fm) ? (
                              <People site={site} asked={{ counted: `rfm:${r}:${fm}` }} count={at(r, fm)} />
                            ) : (
                              '·'
                            )}
                          </td>
                        ))}
                      </tr>
                    ))}
                  </tbody>
                </table>
              </div>
              <CsvButton
                name="rfm"
                rows={SCORES}
                columns={[
                  { title: t('recency'), of: (r) => r },
                  ...FM.map((fm): Column<number> => ({
                    title: `${t('frequencyAmount')} ${fm}`,
                    of: (r) => at(r, fm),
                  })),
                ]}
              />{' '}
              <PictureButton name="rfm" of="table.matrix" />
              <Table
                name="rfmGroups"
                rows={groups.filter((group) => group.buyers)}
                columns={[
                  { title: t('group'), of: ({ label }) => inLanguage(label)! },
                  {
                    title: t('buyers'),
                    of: (group) => group.buyers,
                    show: ({ group, buyers: count }) => (
                      <People site={site} asked={{ when: JSON.stringify({ rfm: [group] }) }} count={count} />
                    ),
                  },
                  {
                    title: t('ofThem'),
                    of: (group) => group.buyers / buyers,
                    show: (group) => showShare(group.buyers / buyers),
                  },
                  {
                    title: t('revenue'),
                    of: ({ revenue }) => revenue,
                    show: ({ revenue }) => showMoney(revenue, site.currency),
                  },
                ]}
              />
            </>
          );
        }}
      </Loaded>
    </section>
  );
}

/** Days. */
const YEAR = 365;

const LIFECYCLE_COLORS = ['#4f9d78', '#6f9bd1', '#8a5fb0', '#e0a93f', '#b8584a'];

function Lifecycle({ site }: { site: Site }): JSX.Element {
  const range = rangeOf(site);
  const asked = { ...range, period: chosen('period', 'week') };
  const read = useReport<LifecycleReport>(site.siteKey, 'lifecycle', asked);
  const notes = useNotes(site);
  return (
    <section class="card">
      <h2>{t('lifecycle')}</h2>
      <p class="soft">
        {t('lifecycleHint')} {t('runningPeriod')} {inUtc(site)}
      </p>
      <div class="filters">
        <Select
          label={t('period')}
          name="period"
          otherwise="week"
          options={(['day', 'week', 'month'] as const).map((each) => [each, t(`periods.${each}`)])}
        />
      </div>
      <Loaded read={read}>
        {({ periods }) => {
          const series = LIFECYCLE.map((name, index) => ({
            name: t(`lifecycles.${name}`),
            color: LIFECYCLE_COLORS[index]!,
            values: periods.map((period) => period[name]),
          }));
          const begins = periods.map(({ from }) => from);
          const marks = notes.data && begins.length ? marksOf(notes.data, [begins[0]!, range.to]) : [];
          const periodOf = ({ day }: Mark) => begins.findLast((begin) => begin <= day)!;
          if (!series.some(({ values }) => values.some(Boolean))) return <p>{t('nothingInRange')}</p>;
          return (
            <>
              <Chart
                name="retention"
                label={t('lifecycle')}
                draw={({ drawDays }, element) => drawDays(element, begins, series, marks.map(periodOf))}
                of={[periods, series, marks]}
              />
              {!!marks.length && (
                <ol class="notes">
                  {marks.map((mark, at) => (
                    <li key={at}>
                      <span class="soft">{mark.day}</span> {mark.text}
                    </li>
                  ))}
                </ol>
              )}
              <details>
                <summary>{t('asList')}</summary>
                <Table
                  name="lifecycle"
                  rows={periods}
                  columns={[
                    { title: t('day'), of: ({ from }) => from },
                    ...LIFECYCLE.map((name) => ({
                      title: t(`lifecycles.${name}`),
                      of: (period: LifecycleReport['periods'][number]) => period[name],
                      show: (period: LifecycleReport['periods'][number]) => (
                        <People
                          site={site}
                          asked={{ ...asked, counted: `lifecycle:${period.from}:${name}` }}
                          count={period[name]}
                        />
                      ),
                    })),
                  ]}
                />
              </details>
            </>
          );
        }}
      </Loaded>
    </section>
  );
}

/** By when people came first, which share of them came again: the darker, the more. */
function Cohorts({ site }: { site: Site }): JSX.Element {
  const asked = { ...rangeOf(site), period: chosen('period', 'week') };
  const read = useReport<CohortsReport>(site.siteKey, 'cohorts', asked);
  const whoCame = ({ from }: CohortsReport['cohorts'][number], later: number) => ({
    ...asked,
    counted: `cohorts:${from}:${later}`,
  });
  return (
    <section class="card">
      <h2>{t('cohorts')}</h2>
      <p class="soft">
        {t('cohortsHint')} {t('runningPeriod')} {inUtc(site)}
      </p>
      <Loaded read={read}>
        {({ cohorts }) => {
          const rows = cohorts.filter(({ people }) => people);
          const longest = Math.max(0, ...rows.map(({ active }) => active.length));
          const share = ({ people, active }: CohortsReport['cohorts'][number], at: number) =>
            at < active.length ? active[at]! / people : null;
          return rows.length ? (
            <Table
              name="cohorts"
              rows={rows}
              isChart
              columns={[
                { title: t('firstCame'), of: ({ from }) => from },
                {
                  title: t('people'),
                  of: ({ people }) => people,
                  show: (row) => <People site={site} asked={whoCame(row, 0)} count={row.people} />,
                },
                ...Array.from({ length: Math.min(longest - 1, MOST_PERIODS) }, (_, at) => ({
                  title: `+${at + 1}`,
                  of: (row: CohortsReport['cohorts'][number]) => share(row, at + 1),
                  show: (row: CohortsReport['cohorts'][number]) => {
                    const value = share(row, at + 1);
                    return value === null ? (
                      ''
                    ) : (
                      <span class={`heat heat-${Math.ceil(value * 5)}`}>
                        <People site={site} asked={whoCame(row, at + 1)} count={row.active[at + 1]!}>
                          {showShare(value)}
                        </People>
                      </span>
                    );
                  },
                })),
              ]}
            />
          ) : (
            <p>{t('nothingInRange')}</p>
          );
        }}
      </Loaded>
    </section>
  );
}

/** Later periods than these are in the API. */
const MOST_PERIODS = 12;

/** What a number is called, the number, how it is shown, and what is to be said of it. */
type Figure = [
  title: string,
  value: number | null,
  show: (value: number) => ComponentChildren,
  remark?: string | undefined,
];

/** Beyond it a number of odds says no more than "practically always". */
const MOST_ODDS = 1000;
const showOdds = (odds: number): string => (odds > MOST_ODDS ? `> ${showNumber(MOST_ODDS)}` : showNumber(odds));

/** Numbers that can be taken along. */
const Figures = ({ name, figures }: { name: string; figures: Figure[] }): JSX.Element => (
  <>
    <dl class="figures">
      {figures.map(([title, value, show, remark]) => (
        <div key={title} class="figure">
          <dt>{title}</dt>
          <dd>
            {value === null ? '–' : show(value)}
            {remark && <span class="soft"> {remark}</span>}
          </dd>
        </div>
      ))}
    </dl>
    <CsvButton
      name={name}
      rows={figures}
      columns={[
        { title: t('measure'), of: ([title]) => title },
        { title: t('figureValue'), of: ([, value]) => value },
      ]}
    />
  </>
);

function Value({ site }: { site: Site }): JSX.Element {
  const read = useReport<ValueReport>(site.siteKey, 'value', {});
  const money = (value: number) => showMoney(value, site.currency);
  /** A number, and the way to those who are behind it. */
  const opens = (who: string, show: (value: number) => string) => (value: number) => (
    <People site={site} asked={{ counted: `value:${who}` }} count={value}>
      {show(value)}
    </People>
  );
  return (
    <section class="card">
      <h2>{t('worth')}</h2>
      <p class="soft">{t('worthHint')}</p>
      <Loaded read={read}>
        {(value) =>
          value.buyers ? (
            <Figures
              name="worth"
              figures={[
                [t('buyers'), value.buyers, opens('buyers', showNumber)],
                [t('orders_'), value.orders, showNumber],
                [t('revenue'), value.revenue, money],
                ...(value.refunded > 0 ? [[t('refunded'), value.refunded, money] satisfies Figure] : []),
                [t('averageOrder'), value.averageOrder, money],
                [t('perYear'), value.ordersPerYear, showNumber],
                [t('repurchase'), value.repurchaseRate, opens('again', showShare)],
                [
                  t('toSecond'),
                  value.medianDaysToSecond,
                  showDays,
                  value.medianDaysToSecond === null && value.repurchaseRate ? t('notHalfBought') : undefined,
                ],
                [t('retention'), value.monthlyRetention, showShare],
                [t('revenueRetention'), value.revenueRetention, showShare],
                [t('ltvHistoric'), value.ltv.historic, money],
                [
                  t('ltvSimple'),
                  value.ltv.simple,
                  money,
                  // Who bought lately has not had the time to stay away.
                  value.observedDays !== null && value.observedDays < YEAR
                    ? t('seenFor', { count: showNumber(Math.round(value.observedDays)) })
                    : undefined,
                ],
                [
                  t('ltvFitted'),
                  value.ltv.fitted?.nextYear ?? null,
                  money,
                  value.ltv.fitted
                    ? typeof value.ltv.fitted.check?.error === 'number'
                      ? t('wrongBy', { share: showShare(value.ltv.fitted.check.error) })
                      : undefined
                    : t('tooFewBuyers'),
                ],
                [t('k'), value.k, showNumber],
                [t('amplification'), value.amplification, (times) => `× ${showNumber(times)}`],
                [t('loopTime'), value.loopDays, showDays],
              ]}
            />
          ) : (
            <p>{t('noBuyers')}</p>
          )
        }
      </Loaded>
    </section>
  );
}

function Nps({ site }: { site: Site }): JSX.Element {
  const read = useReport<NpsReport>(site.siteKey, 'nps', rangeOf(site));
  return (
    <section class="card">
      <h2>{t('nps')}</h2>
      <p class="soft">{t('npsHint')}</p>
      <Loaded read={read}>
        {({ nps, promoters, passives, detractors }) =>
          nps === null ? (
            <p>{t('noAnswers')}</p>
          ) : (
            <Figures
              name="nps"
              figures={[
                [t('nps'), nps, showNumber],
                ...Object.entries({ promoters, passives, detractors }).map(([name, count]): Figure => [
                  t(name as 'passives'),
                  count,
                  () => <People site={site} asked={{ ...rangeOf(site), counted: `nps:${name}` }} count={count} />,
                ]),
              ]}
            />
          )
        }
      </Loaded>
    </section>
  );
}
