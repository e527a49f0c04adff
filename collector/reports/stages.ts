import type { DateTime } from 'luxon';
import { rank, STAGES, type Stage } from '../../sdk/core/index.js';
import { wilson, type Interval } from '../model/statistics.js';
import type { RemoteStore, Site, TransitionCount } from '../store/store.js';
import { headingOf, readRange, type Heading, type Range } from './range.js';

type PerStage = Record<Stage, number>;

export interface StagesReport extends Heading {
  stages: Array<{
    stage: Stage;
    /** Visitors who stand here at the end of `to`, or now. */
    current: number;
    /** Visitors whose highest stage this is by then. */
    peak: number;
    /** Transitions into and out of this stage from `from` to `to`. */
    entered: number;
    left: number;
  }>;
  /** Visitors who ever got as far as each stage, whichever they skipped, and the share of those of the stage before, with its 95 % interval. */
  funnel: Array<{ stage: Stage; visitors: number; fromPrevious: number | null; interval: Interval | null }>;
  days: Array<{ day: string; current: PerStage; entered: PerStage }>;
}

const none = (): PerStage => ({ awareness: 0, interest: 0, consideration: 0, action: 0, loyalty: 0 });

/**
 * Counts visitors by stage, now and by the end of each day.
 * @param range days as `YYYY-MM-DD` in the site's time zone; the last 30 days where absent
 * @returns a text that says what is wrong with the range, where something is
 */
export async function reportStages(
  store: RemoteStore,
  site: Site,
  range: Range,
  now: number,
): Promise<StagesReport | string> {
  const days = readRange(site, range, now);
  if (typeof days === 'string') return days;
  const { from, to, today, until: end } = days;
  const isNow = to >= today;
  const until = isNow ? Number.MAX_SAFE_INTEGER : end;
  const counts = await store.transitionCounts(site.siteKey, until);
  const [current, peak] = isNow ? await countNow(store, site) : [undefined, await peakBy(store, site, until)];
  const cut = cutDays(counts, from, to < today ? to : today);
  const last = current ?? cut.days.at(-1)?.current ?? none();
  return {
    ...headingOf(site, days, now),
    stages: STAGES.map((stage) => ({
      stage,
      current: last[stage],
      peak: peak[stage],
      entered: cut.entered[stage],
      left: cut.left[stage],
    })),
    funnel: funnelOf(peak),
    days: cut.days,
  };
}

async function countNow(store: RemoteStore, site: Site): Promise<[PerStage, PerStage]> {
  const [current, peak] = [none(), none()];
  for (const row of await store.stageCounts(site.siteKey)) {
    if (row.stage) current[row.stage] += row.visitors;
    if (row.peak) peak[row.peak] += row.visitors;
  }
  return [current, peak];
}

async function peakBy(store: RemoteStore, site: Site, until: number): Promise<PerStage> {
  const peak = none();
  for (const row of await store.peakCounts(site.siteKey, until)) peak[row.peak] = row.visitors;
  return peak;
}

/** Adds transitions up, and notes where that stands at the end of each day. */
function cutDays(counts: TransitionCount[], from: DateTime, to: DateTime) {
  const [running, entered, left] = [none(), none(), none()];
  const days: StagesReport['days'] = [];
  let next = 0;
  const takeUntil = (end: number, visit?: (count: TransitionCount) => void) => {
    for (; next < counts.length && counts[next]!.quarter < end; next++) {
      const count = counts[next]!;
      if (count.from) running[count.from] -= count.transitions;
      if (count.to) running[count.to] += count.transitions;
      visit?.(count);
    }
  };
  takeUntil(from.toMillis());
  for (let day = from; day <= to; day = day.plus({ days: 1 }).startOf('day')) {
    const enteredToday = none();
    takeUntil(day.plus({ days: 1 }).startOf('day').toMillis(), (count) => {
      if (count.to) enteredToday[count.to] += count.transitions;
      if (count.from) left[count.from] += count.transitions;
    });
    for (const stage of STAGES) entered[stage] += enteredToday[stage];
    days.push({ day: day.toISODate()!, current: { ...running }, entered: enteredToday });
  }
  return { days, entered, left };
}

function funnelOf(peak: PerStage): StagesReport['funnel'] {
  const reached = STAGES.map((stage) =>
    STAGES.filter((each) => rank(each) >= rank(stage)).reduce((sum, each) => sum + peak[each], 0),
  );
  return STAGES.map((stage, index) => ({
    stage,
    visitors: reached[index]!,
    fromPrevious: index && reached[index - 1] ? reached[index]! / reached[index - 1]! : null,
    interval: index ? wilson(reached[index]!, reached[index - 1]!) : null,
  }));
}
