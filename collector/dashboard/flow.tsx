import type { JSX } from 'preact';
import { STAGES, type Stage } from '../../sdk/core/index.js';
import { Alerts } from './alerts.js';
import type { FlowReport, LeavingReport, Site, Standing } from './api.js';
import { Chart } from './chartPlace.js';
import { useReport } from './live.js';
import {
  Alert,
  COLORS,
  CsvButton,
  rangeBefore,
  Loaded,
  People,
  PictureButton,
  RangePicker,
  rangeOf,
  Select,
  stageColumn,
  StageName,
  Table,
  type Column,
  Updating,
} from './parts.js';
import { chosen } from './state.js';
import { showChannel, showDays, showMoney, showNumber, showShare, t } from './texts.js';

/** Days after which somebody is dormant, where nothing is chosen; and those to choose from. */
const DORMANT_DAYS = 30;
const DORMANT_CHOICES = [14, DORMANT_DAYS, 60, 90, 180];

/** Who is lost is known some weeks later: of a shorter time hardly anybody is. */
export const FLOW_DAYS = 90;

type Step = FlowReport['steps'][number];

/** Where most are lost, and how people move: back and skipping ones too. */
export function Flow({ site }: { site: Site }): JSX.Element {
  const range = rangeOf(site, FLOW_DAYS);
  const dormantAfter = chosen('dormantAfter', `${DORMANT_DAYS}`);
  const own = { ...range, channel: chosen('channel'), dormantAfter };
  const read = useReport<FlowReport>(site.siteKey, 'flow', own);
  const compared = chosen('compare');
  const isCompared = !!compared;
  const other = { ...own, ...otherThan(range) };
  const before = useReport<FlowReport>(site.siteKey, 'flow', isCompared ? other : undefined);
  const channels = (read.data?.channels ?? []).map(({ channel }) => channel);
  // What the address names is shown as chosen, though nobody came by it.
  const named = (...all: string[]): Array<[string, string]> =>
    [...new Set([...channels, ...all])].filter(Boolean).map((name) => [name, showChannel(name)]);
  return (
    <>
      <Alerts site={site} view="flow" />
      <section class="card losses">
        <h2>{t('losses')}</h2>
        <p class="soft">{t('lossesHint')}</p>
        <div class="filters">
          <RangePicker site={site} otherwise={FLOW_DAYS} />
          <Select
            label={t('firstChannel')}
            name="channel"
            otherwise=""
            options={[['', t('anyChannel')], ...named(chosen('channel'))]}
          />
          <Select
            label={t('compare')}
            name="compare"
            otherwise=""
            options={[
              ['', t('withNothing')],
              ['before', t('withBefore')],
              ...named(compared === 'before' ? '' : compared),
            ]}
          />
          <Select
            label={t('dormantAfter')}
            name="dormantAfter"
            otherwise={`${DORMANT_DAYS}`}
            options={DORMANT_CHOICES.map((each) => [`${each}`, showDays(Number(each))])}
          />
        </div>
        <Loaded read={read}>
          {(report) => <Steps site={site} report={report} before={isCompared ? before.current : undefined} />}
        </Loaded>
        {isCompared && <Updating of={before.current} />}
        {isCompared && before.problem && <Alert>{t('failed', { message: before.problem })}</Alert>}
      </section>
      <Leaving site={site} asked={own} />
      {!!read.data?.moves.length && (
        <Moves site={site} asked={own} report={read.data} before={isCompared ? before.current : undefined} />
      )}
    </>
  );
}

/** What the days are held against: as many before, or one channel. */
const otherThan = (range: { from: string; to: string }): object =>
  chosen('compare') === 'before' ? rangeBefore(range) : { channel: chosen('compare') };

function Steps({
  site,
  report: { steps, leak, stays, from, to, dormantAfter },
  before,
}: {
  site: Site;
  report: FlowReport;
  before: FlowReport | undefined;
}): JSX.Element {
  const was = (stage: Stage) => before?.steps.find((step) => step.from === stage);
  if (!steps.length) return <p>{t('oneStage')}</p>;
  if (!steps.some(({ reached }) => reached)) return <p>{t('nobodyReached', { from, to })}</p>;
  /** A number, and the way to those who are behind it. */
  const people = (step: Step, fate: 'wentOn' | 'stillThere' | 'lost' | '', count: number, more: object = {}) => {
    const of = { from, to, channel: chosen('channel'), ...more };
    const asked = { reached: step.from, fate, dormantAfter: `${dormantAfter}`, ...of };
    return <People site={site} asked={asked} count={count} />;
  };
  const isPeriod = chosen('compare') === 'before';
  const compared = otherThan({ from, to });
  /** The same of what it is held against. */
  const peopleThere = (step: Step, fate: 'lost' | '', count: number | undefined) =>
    count === undefined ? '–' : people(step, fate, count, compared);
  const isPriced = steps.some(({ lostValue }) => lostValue !== null);
  const medianOf = (stage: Stage) => stays.find((each) => each.stage === stage)?.medianDays ?? null;
  return (
    <>
      <p class="leak" role="status">
        {sayLeak(site, leak)}
      </p>
      {before && (
        <p class="soft">
          {t('heldAgainst')} {isPeriod ? `${before.from} – ${before.to}` : showChannel(chosen('compare'))}:{' '}
          {before.steps.some(({ reached }) => reached)
            ? sayLeak(site, before.leak)
            : t('nobodyReached', { from: before.from, to: before.to })}
        </p>
      )}
      <Table
        name="steps"
        rows={steps}
        isWorst={(step) => !!leak?.lost && step.from === leak.from}
        columns={[
          stageColumn(t('stage'), 'from'),
          { title: t('gotThere'), of: (step) => step.reached, show: (step) => people(step, '', step.reached) },
          { title: t('wentOn'), of: (step) => step.wentOn, show: (step) => people(step, 'wentOn', step.wentOn) },
          {
            title: t('ofThem'),
            of: (step) => step.share,
            interval: ({ interval }) => interval,
          },
          {
            title: t('stillThere'),
            of: (step) => step.stillThere,
            show: (step) => people(step, 'stillThere', step.stillThere),
          },
          { title: t('lost'), of: (step) => step.lost, show: (step) => people(step, 'lost', step.lost) },
          ...(isPriced
            ? [
                {
                  title: t('lostValue'),
                  of: (step: Step) => step.lostValue,
                  show: ({ lostValue }: Step) => (lostValue === null ? '–' : showMoney(lostValue, site.currency)),
                },
              ]
            : []),
          ...(before
            ? [
                {
                  title: t('gotThereBefore'),
                  of: (step: Step) => was(step.from)?.reached ?? null,
                  show: (step: Step) => peopleThere(step, '', was(step.from)?.reached),
                },
                {
                  title: t('ofThemBefore'),
                  of: (step: Step) => was(step.from)?.share ?? null,
                  interval: (step: Step) => was(step.from)?.interval ?? null,
                },
                {
                  title: t('lostBefore'),
                  of: (step: Step) => was(step.from)?.lost ?? null,
                  show: (step: Step) => peopleThere(step, 'lost', was(step.from)?.lost),
                },
              ]
            : []),
          {
            title: t('medianStay'),
            of: (step) => medianOf(step.from),
            show: (step) => (medianOf(step.from) === null ? '–' : showDays(medianOf(step.from)!)),
          },
        ]}
      />
      {isPriced && <p class="soft">{t('lostValueHint')}</p>}
    </>
  );
}

/** Where most are lost, in words. */
export function sayLeak({ currency }: Site, leak: FlowReport['leak']): string {
  if (!leak?.lost) return t('nobodyLost');
  const { from, to, lost, stillThere, share, lostValue } = leak;
  const words = {
    lost: showNumber(lost),
    still: showNumber(stillThere),
    share: showShare(share),
    from: t(`stages.${from}`),
    to: t(`stages.${to}`),
  };
  const cost = lostValue ? ` ${t('leakCost', { amount: showMoney(lostValue, currency) })}` : '';
  return t('leak', words) + cost;
}

/** On which pages those were seen last who are lost. */
function Leaving({ site, asked }: { site: Site; asked: Record<string, string> }): JSX.Element {
  const read = useReport<LeavingReport>(site.siteKey, 'leaving', asked);
  return (
    <section class="card">
      <h2>{t('leaving')}</h2>
      <p class="soft">{t('leavingHint')}</p>
      <Loaded read={read}>
        {({ stages }) => {
          const rows = stages.flatMap(({ stage, lost, pages }) => pages.map((page) => ({ stage, lost, ...page })));
          return rows.length ? (
            <Table
              name="leaving"
              rows={rows}
              columns={[
                stageColumn(t('stage'), 'stage'),
                { title: t('lastPage'), of: ({ path }) => path },
                {
                  title: t('lost'),
                  of: ({ visitors }) => visitors,
                  show: ({ stage, path, visitors }) => (
                    <People
                      site={site}
                      asked={{ ...asked, reached: stage, fate: 'lost', lastPage: path }}
                      count={visitors}
                    />
                  ),
                },
                {
                  title: t('ofThem'),
                  of: ({ visitors, lost }) => visitors / lost,
                  show: ({ visitors, lost }) => showShare(visitors / lost),
                },
              ]}
            />
          ) : (
            <p>{t('nobodyLeft')}</p>
          );
        }}
      </Loaded>
    </section>
  );
}

/** Nobody becomes new. */
const TO: Standing[] = [...STAGES, 'dormant'];
const FROM: Standing[] = [null, ...TO];

const GRAY = '#888888';
const colorOf = (standing: Standing) => (standing && standing !== 'dormant' ? COLORS[standing] : GRAY);

const Place = ({ of }: { of: Standing }): JSX.Element =>
  of && of !== 'dormant' ? <StageName stage={of} /> : <span class="stage">{t(`stages.${of ?? 'new'}`)}</span>;

function Moves({
  site,
  asked,
  report: { moves, dormantAfter },
  before,
}: {
  site: Site;
  asked: Record<string, string>;
  report: FlowReport;
  before: FlowReport | undefined;
}): JSX.Element {
  const name = (standing: Standing) => t(`stages.${standing ?? 'new'}`);
  const links = moves.map(({ from, to, visitors }) => ({
    from: name(from),
    to: name(to),
    value: visitors,
    fromColor: colorOf(from),
    toColor: colorOf(to),
  }));
  const most = Math.max(...moves.map(({ visitors }) => visitors));
  const between = (from: Standing, to: Standing, all = moves) =>
    all.find((move) => move.from === from && move.to === to)?.visitors ?? 0;
  return (
    <section class="card">
      <h2>{t('moves')}</h2>
      <p class="soft">{t('movesHint', { count: dormantAfter })}</p>
      <Chart
        name="flow"
        label={t('moves')}
        draw={({ drawFlow }, element) => drawFlow(element, links, FROM.map(name))}
        of={links}
      />
      <h3>{t('matrix')}</h3>
      {before && <p class="soft">{t('matrixHeldAgainst')}</p>}
      <div class="scroll" tabIndex={0} role="region" aria-label={t('matrix')}>
        <table class="matrix">
          <thead>
            <tr>
              <th scope="col">
                {t('fromStage')} ↓ {t('toStage')} →
              </th>
              {TO.map((to) => (
                <th key={to} scope="col" class="number">
                  {name(to)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {FROM.map((from) => (
              <tr key={from}>
                <th scope="row">
                  <Place of={from} />
                </th>
                {TO.map((to) => (
                  <td key={to} class="number" style={shade(between(from, to) / most)}>
                    {between(from, to) ? (
                      <People
                        site={site}
                        asked={{ ...asked, moved: `${from ?? 'new'}:${to}` }}
                        count={between(from, to)}
                      />
                    ) : (
                      '·'
                    )}
                    {before && !!(between(from, to) || between(from, to, before.moves)) && (
                      <small class="soft"> ({showNumber(between(from, to, before.moves))})</small>
                    )}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <CsvButton
        name="matrix"
        rows={FROM}
        columns={[
          { title: t('fromStage'), of: (from) => name(from) },
          ...TO.map((to): Column<Standing> => ({ title: name(to), of: (from) => between(from, to) })),
          ...(before ? TO : []).map((to): Column<Standing> => ({
            title: `${name(to)} (${t('compared')})`,
            of: (from) => between(from, to, before!.moves),
          })),
        ]}
      />{' '}
      <PictureButton name="matrix" of="table.matrix" />
      <details>
        <summary>{t('asList')}</summary>
        <Table
          name="moves"
          rows={moves}
          columns={[
            { title: t('fromStage'), of: ({ from }) => name(from), show: ({ from }) => <Place of={from} /> },
            { title: t('toStage'), of: ({ to }) => name(to), show: ({ to }) => <Place of={to} /> },
            { title: t('times'), of: ({ visitors }) => visitors },
            {
              title: t('people'),
              of: ({ people }) => people,
              show: ({ from, to, people }) => (
                <People site={site} asked={{ ...asked, moved: `${from ?? 'new'}:${to}` }} count={people} />
              ),
            },
            { title: t('ofLeaving'), of: ({ share }) => share, show: ({ share }) => showShare(share) },
          ]}
        />
      </details>
    </section>
  );
}

/** A cell's colour by how much of the most it has; the text stays readable on all of them. */
export const shade = (share: number): { backgroundColor: string } => ({
  backgroundColor: `rgb(111 155 209 / ${Math.round(Math.sqrt(share) * 45)}%)`,
});
