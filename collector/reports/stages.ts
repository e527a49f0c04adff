import type { DateTime } from 'luxon';
import { rank, STAGES, type Stage } from '../../sdk/core/index.js';
import { wilson, type Interval } from '../model/statistics.js';
import { peakCounts, stageCounts, transitionCounts, type TransitionCount } from '../projection/noticed.js';
import type { View } from '../projection/view.js';
import type { Site } from '../store/store.js';
import { stagesOf } from './flow.js';
import { headingOf, readRange, type Heading, type Range } from './range.js';

type PerStage = Record<Stage, number>;

export interface StagesReport extends Heading {
  stages: Array<{
    stage: Stage;
    /** Visitors who stand here at the end of `to`, or now. */
    current: number;
    /** Visitors whose highest stage this is by then. */
    peak: number;
    /** Transitions into and out of this stage from `from` to `to`: not those that only other rules made. */
    entered: number;
    left: number;
    /** The same of as many days before, `current` at their end. */
    before: { current: number; entered: number; left: number };
  }>;
  /** Visitors who ever got as far as each stage, whichever they skipped, and the share of those of the rules' stage before, with its 95 % interval. */
  funnel: Array<{ stage: Stage; visitors: number; fromPrevious: number | null; interval: Interval | null }>;
  days: Array<{ day: string; current: PerStage; entered: PerStage; left: PerStage }>;
}

const none = (): PerStage => ({ awareness: 0, interest: 0, consideration: 0, action: 0, loyalty: 0 });

/**
 * Counts visitors by stage, now and by the end of each day.
 * @param range days as `YYYY-MM-DD` in the site's time zone; the last 30 days where absent
 * @returns a text that says what is wrong with the range, where something is
 */
export async function reportStages(view: View, site: Site, range: Range, now: number): Promise<StagesReport | string> {
  const { projection } = view;
  const days = readRange(site, range, now);
  if (typeof days === 'string') return days;
  const { from, to, today, until: end } = days;
  const isNow = to >= today;
  const until = isNow ? Number.MAX_SAFE_INTEGER : end;
  const counts = transitionCounts(projection, until);
  const standing = isNow ? stageCounts(projection) : undefined;
  const peak = perStage(standing?.peak ?? peakCounts(projection, until));
  const length = Math.round(to.diff(from, 'days').days) + 1;
  const start = from.minus({ days: length }).startOf('day');
  const earlier = sumOf(cutDays(counts, start, from.minus({ days: 1 }).startOf('day')));
  const cut = cutDays(counts, from, to < today ? to : today);
  const sum = sumOf(cut);
  const last = standing ? perStage(standing.current) : sum.current;
  return {
    ...headingOf(site, days, now),
    stages: STAGES.map((stage) => ({
      stage,
      current: last[stage],
      peak: peak[stage],
      entered: sum.entered[stage],
      left: sum.left[stage],
      before: { current: earlier.current[stage], entered: earlier.entered[stage], left: earlier.left[stage] },
    })),
    funnel: funnelOf(peak, await stagesOf(view)),
    days: cut,
  };
}

const perStage = (counts: Map<Stage, number>): PerStage => ({ ...none(), ...Object.fromEntries(counts) });

/** Adds transitions up, and notes where that stands at the end of each day. */
function cutDays(counts: TransitionCount[], from: DateTime, to: DateTime): StagesReport['days'] {
  const running = none();
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
    const [entered, left] = [none(), none()];
    takeUntil(day.plus({ days: 1 }).startOf('day').toMillis(), (count) => {
      if (count.isSilent) return;
      if (count.to) entered[count.to] += count.transitions;
      if (count.from) left[count.from] += count.transitions;
    });
    days.push({ day: day.toISODate()!, current: { ...running }, entered, left });
  }
  return days;
}

/** What days come to, and where they end. */
function sumOf(days: StagesReport['days']): Omit<StagesReport['days'][number], 'day'> {
  const [entered, left] = [none(), none()];
  for (const day of days)
    for (const stage of STAGES) {
      entered[stage] += day.entered[stage];
      left[stage] += day.left[stage];
    }
  return { current: days.at(-1)?.current ?? none(), entered, left };
}

/** @param known the stages that the rules have: only from one of these to the next is there a step */
function funnelOf(peak: PerStage, known: Stage[]): StagesReport['funnel'] {
  const reached = (stage: Stage) =>
    STAGES.filter((each) => rank(each) >= rank(stage)).reduce((sum, each) => sum + peak[each], 0);
  return STAGES.map((stage) => {
    const visitors = reached(stage);
    const from = known[known.indexOf(stage) - 1];
    const before = from && reached(from);
    return {
      stage,
      visitors,
      fromPrevious: before ? visitors / before : null,
      interval: before === undefined ? null : wilson(visitors, before),
    };
  });
}
