import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { RulesNames, Site, StagesReport, Touch, VisitorSummary } from './api.js';
import { Losses } from './losses.js';
import { useLive, useOnce } from './live.js';
import { Problem, StageName } from './parts.js';
import { linkTo } from './state.js';
import { language, showNumber, showShare, showTime, t } from './texts.js';

/** Five stages, told apart by lightness as well as by hue. */
export const COLORS = {
  awareness: '#9db8d9',
  interest: '#6f9bd1',
  consideration: '#e0a93f',
  action: '#4f9d78',
  loyalty: '#8a5fb0',
};

export function Board({ site }: { site: Site }): JSX.Element {
  const report = useLive<StagesReport>(`sites/${site.siteKey}/reports/stages`);
  const visitors = useLive<{ visitors: VisitorSummary[] }>(`sites/${site.siteKey}/visitors?limit=50`);
  if (!report.data || !visitors.data) return <Problem live={report.problem ? report : visitors} />;
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
      <Problem live={report} />
      <Funnel report={report.data} />
      <Losses site={site} />
      <Days report={report.data} zone={site.timeZone} />
      <Latest visitors={visitors.data.visitors} site={site} />
    </>
  );
}

function Funnel({ report }: { report: StagesReport }): JSX.Element {
  const widest = Math.max(1, ...report.funnel.map(({ visitors }) => visitors));
  const today = report.days.at(-1);
  return (
    <section class="card">
      <h2>{t('now')}</h2>
      <p class="soft">{t('nowHint')}</p>
      <ol class="funnel">
        {report.stages.map(({ stage, current }, index) => {
          const { visitors, fromPrevious } = report.funnel[index]!;
          return (
            <li key={stage} data-stage={stage}>
              <span class="name">{t(`stages.${stage}`)}</span>
              <span class="current">{showNumber(current)}</span>
              <svg class="bar" viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">
                <rect width={(visitors / widest) * 100} height="1" fill={COLORS[stage]} opacity="0.35" />
                <rect width={(current / widest) * 100} height="1" fill={COLORS[stage]} />
              </svg>
              <span class="soft detail">
                {t('reached', { count: showNumber(visitors) })} ·{' '}
                {t('entered', { count: showNumber(today?.entered[stage] ?? 0) })}
                {fromPrevious !== null && ` · ${t('ofPrevious', { share: showShare(fromPrevious) })}`}
              </span>
            </li>
          );
        })}
      </ol>
    </section>
  );
}

function Days({ report, zone }: { report: StagesReport; zone: string }): JSX.Element {
  const place = useRef<HTMLDivElement>(null);
  const drawn = JSON.stringify([report.days, language.value]);
  useEffect(() => {
    let takeAway = () => {};
    let isGone = false;
    void import('./chart.js').then(({ drawDays }) => {
      if (isGone || !place.current) return;
      const series = report.stages.map(({ stage }) => ({
        name: t(`stages.${stage}`),
        color: COLORS[stage],
        values: report.days.map(({ current }) => current[stage]),
      }));
      takeAway = drawDays(
        place.current,
        report.days.map(({ day }) => day),
        series,
      );
    });
    return () => {
      isGone = true;
      takeAway();
    };
  }, [drawn]);
  return (
    <section class="card">
      <h2>{t('perDay')}</h2>
      <p class="soft">{t('perDayHint', { zone })}</p>
      <div class="chart" ref={place} />
      <details>
        <summary>
          {t('day')} · {t('stage')}
        </summary>
        <div class="scroll">
          <table class="days">
            <thead>
              <tr>
                <th>{t('day')}</th>
                {report.stages.map(({ stage }) => (
                  <th key={stage}>{t(`stages.${stage}`)}</th>
                ))}
              </tr>
            </thead>
            <tbody>
              {[...report.days].reverse().map(({ day, current }) => (
                <tr key={day}>
                  <td>{day}</td>
                  {report.stages.map(({ stage }) => (
                    <td key={stage}>{showNumber(current[stage])}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
    </section>
  );
}

const from = (touch: Touch | null) =>
  !touch || touch.channel === 'Direct'
    ? t('direct')
    : [touch.channel, touch.source, touch.campaign].filter(Boolean).join(' · ');

/** What people call a tag, in the page's language where there is a word in it. */
function labelOf(rules: RulesNames | undefined, tag: string): string {
  const label = rules?.tags?.[tag]?.label;
  return (typeof label === 'string' ? label : label?.[language.value]) ?? tag;
}

function Latest({ visitors, site }: { visitors: VisitorSummary[]; site: Site }): JSX.Element {
  const rules = useOnce<RulesNames>(`sites/${site.siteKey}/rules`);
  return (
    <section class="card">
      <h2>{t('latest')}</h2>
      <div class="scroll">
        <table class="visitors">
          <thead>
            <tr>
              <th>{t('visitor')}</th>
              <th>{t('stage')}</th>
              <th>{t('lastSeen')}</th>
              <th>{t('events')}</th>
              <th>{t('score')}</th>
              <th>{t('cameFrom')}</th>
              <th>{t('tags')}</th>
            </tr>
          </thead>
          <tbody>
            {visitors.map((visitor) => (
              <tr key={visitor.visitorId}>
                <td>
                  <a href={linkTo(site.siteKey, visitor.visitorId)}>
                    {visitor.userId ?? `…${visitor.visitorId.slice(-8)}`}
                  </a>
                </td>
                <td>
                  <StageName stage={visitor.stage} />
                </td>
                <td>{showTime(visitor.lastSeen, site.timeZone)}</td>
                <td>{showNumber(visitor.eventCount)}</td>
                <td>{showNumber(visitor.score)}</td>
                <td>{from(visitor.firstTouch)}</td>
                <td>{visitor.tags.map((tag) => labelOf(rules, tag)).join(', ')}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
