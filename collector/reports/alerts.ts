/** What somebody should look at today: that nothing comes any more, that much is lost or refused, that a stage is entered otherwise than before. */
import type { DateTime } from 'luxon';
import { DAY_MS, STAGES, type Stage } from '../../sdk/core/index.js';
import { transitionCounts, type TransitionCount } from '../projection/noticed.js';
import type { View } from '../projection/view.js';
import type { Site } from '../store/store.js';
import { reportLoss } from './loss.js';
import { headingOf, readRange, type Heading, type ReportQuery } from './range.js';

export interface AlertsReport extends Heading {
  alerts: Array<{
    /**
     * `silent`: hours since anything came. `loss`: the share that never came, in the range. `refused`: events and batches refused in the
     * last day, of those ten thousand that are kept. `fewer` and `more`: entries into a stage in the range, and in as many days before it.
     */
    code: 'silent' | 'loss' | 'refused' | 'fewer' | 'more';
    stage: Stage | null;
    value: number;
    before: number | null;
    /** Of what was refused: why most of it was. */
    reason: string | null;
  }>;
}

/** The week up to yesterday, where nothing is asked for. */
const DAYS = 7;
const SILENT_HOURS = 24;
const MUCH_LOSS = 0.05;
const LEAST_NUMBERED = 100;
const LEAST_REFUSED = 10;
/** Chance makes a difference of two counts this many times as large as its standard deviation once in 370 times. */
const SIGMAS = 3;
const LEAST_CHANGE = 0.25;

/** @returns a text that says what is wrong with the range */
export async function reportAlerts(
  view: View,
  site: Site,
  query: ReportQuery,
  now: number,
): Promise<AlertsReport | string> {
  const asked = readRange(site, query, now);
  if (typeof asked === 'string') return asked;
  const yesterday = asked.today.minus({ days: 1 }).startOf('day');
  const to = query.to ? asked.to : yesterday;
  const from = query.from ? asked.from : to.minus({ days: DAYS - 1 }).startOf('day');
  if (from > to) return 'from: expected a day not after to';
  const alerts: AlertsReport['alerts'] = [];
  const add = (
    code: AlertsReport['alerts'][number]['code'],
    value: number,
    more: Partial<AlertsReport['alerts'][number]> = {},
  ) => alerts.push({ code, stage: null, value, before: null, reason: null, ...more });

  // These two are of now, and belong to no week that is over for longer.
  if (to >= yesterday) {
    const [latest] = await view.store.visitors(site.siteKey, { limit: 1 });
    const hours = latest ? Math.floor((now - latest.lastSeen) / (DAY_MS / 24)) : 0;
    if (hours >= SILENT_HOURS) add('silent', hours);

    const refused = await view.store.refusals(site.siteKey, now - DAY_MS);
    const count = refused.reduce((sum, { letters }) => sum + letters, 0);
    if (count >= LEAST_REFUSED) add('refused', count, { reason: refused[0]!.reason });
  }

  const range = { from: from.toISODate()!, to: to.toISODate()! };
  const loss = await reportLoss(view, site, range, now);
  if (typeof loss === 'object' && (loss.rate ?? 0) >= MUCH_LOSS && loss.stored + loss.missing >= LEAST_NUMBERED)
    add('loss', loss.rate!);

  // A day that is not over is no match for one that is.
  if (to <= yesterday) for (const change of changes(view, from, to)) add(change.code, change.value, change);
  return { ...headingOf(site, { from, to }, now), alerts };
}

/** Stages that were entered so much more or less often than in as many days before that it is hardly chance. */
function changes({ projection }: View, from: DateTime, to: DateTime) {
  const end = to.plus({ days: 1 }).startOf('day');
  const start = from.minus({ days: Math.round(end.diff(from, 'days').days) }).startOf('day');
  const counts = transitionCounts(projection, end.toMillis());
  // Of a site that is younger there is nothing to hold it against.
  if (!counts.length || counts[0]!.quarter > start.toMillis()) return [];
  const entered = (stage: Stage, since: DateTime, until: DateTime) =>
    counts.filter(isEntry(stage, since.toMillis(), until.toMillis())).reduce((sum, each) => sum + each.transitions, 0);
  return STAGES.flatMap((stage) => {
    const [value, before] = [entered(stage, from, end), entered(stage, start, from)];
    const isChance = Math.abs(value - before) <= SIGMAS * Math.sqrt(value + before);
    if (isChance || Math.abs(value - before) < LEAST_CHANGE * before) return [];
    return [{ code: value < before ? ('fewer' as const) : ('more' as const), stage, value, before }];
  });
}

const isEntry =
  (stage: Stage, since: number, until: number) =>
  ({ to, quarter, isSilent }: TransitionCount): boolean =>
    to === stage && !isSilent && quarter >= since && quarter < until;
