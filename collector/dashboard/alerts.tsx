import type { JSX } from 'preact';
import type { AlertsReport, Site } from './api.js';
import { useReport } from './live.js';
import { People, Updating } from './parts.js';
import { linkTo, may, route, type View } from './state.js';
import { sayRefusal, showNumber, showShare, t } from './texts.js';

type Alert = AlertsReport['alerts'][number];

/** Where each is told in full. */
const PLACES: Record<Alert['code'], View> = {
  silent: 'setup',
  loss: 'setup',
  refused: 'setup',
  fewer: 'flow',
  more: 'flow',
};

/** What somebody should look at; in the view of one kind only those of that kind. */
export function Alerts({ site, view }: { site: Site; view?: View }): JSX.Element | null {
  const { current: data } = useReport<AlertsReport>(site.siteKey, 'alerts', {});
  const alerts = data?.alerts.filter(({ code }) => !view || PLACES[code] === view) ?? [];
  return alerts.length ? (
    <>
      <Updating of={data} />
      <AlertList site={site} report={{ ...data!, alerts }} />
    </>
  ) : null;
}

export const AlertList = ({
  site,
  report: { alerts, from, to },
}: {
  site: Site;
  report: AlertsReport;
}): JSX.Element => (
  <ul class="alerts" aria-label={t('alerts')}>
    {alerts.map((alert) => {
      const place = PLACES[alert.code];
      return (
        <li key={alert.code + alert.stage} data-code={alert.code}>
          {place === 'flow' && alert.value ? (
            <People site={site} asked={{ counted: `stages:entered:${alert.stage!}`, from, to }} count={alert.value}>
              {describe(alert, { from, to })}
            </People>
          ) : (
            describe(alert, { from, to })
          )}{' '}
          {route.value.view !== place && (place !== 'setup' || may(alert.code === 'refused' ? 'owner' : 'viewer')) && (
            <a href={linkTo(site.siteKey, place, place === 'flow' ? { from, to } : {})}>{t('lookAt')}</a>
          )}
        </li>
      );
    })}
  </ul>
);

function describe({ code, stage, value, before, reason }: Alert, days: { from: string; to: string }): string {
  const name = t(`stages.${stage ?? 'none'}`);
  const counts = { count: showNumber(value), before: showNumber(before ?? 0) };
  const texts: Record<Alert['code'], () => string> = {
    silent: () => t('alertTexts.silent', { count: showNumber(value) }),
    loss: () => t('alertTexts.loss', { share: showShare(value) }),
    refused: () => t('alertTexts.refused', { count: showNumber(value), reason: sayRefusal(reason ?? '') }),
    fewer: () => t('alertTexts.fewer', { stage: name, ...days, ...counts }),
    more: () => t('alertTexts.more', { stage: name, ...days, ...counts }),
  };
  return texts[code]();
}
