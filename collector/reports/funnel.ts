import type { FunnelOptions } from '../model/funnel.js';
import { wilson, type Interval } from '../model/statistics.js';
import type { Person, View } from '../projection/view.js';
import type { Site } from '../store/store.js';
import { readSteps } from './funnelSteps.js';
import { headingOf, readRange, type Heading, type ReportQuery } from './range.js';

interface Step {
  step: string;
  /** Whether it may be left out: nobody is lost at it. */
  isOptional: boolean;
  /** Who got at least so far. */
  visitors: number;
  /** Share of the last step before that may not be left out, with its 95 % interval; null at the first. */
  fromPrevious: number | null;
  interval: Interval | null;
  overall: number | null;
  /** Who stand here and may still go on: their window is open. */
  inProgress: number;
  /** Who stand here, and for good where there is a window. */
  lost: number;
}

export interface FunnelReport extends Heading {
  order: NonNullable<FunnelOptions['order']>;
  hold: string | null;
  by: Breakdown | null;
  windowDays: number | null;
  steps: Step[];
  /**
   * The step at which the largest share of those is lost who are no longer on the way to it, or, where nobody is lost yet, that the smallest
   * share has made: `isOpen`. `lost` is the share that has not made it, those on the way included.
   */
  leak: { from: string; to: string; lost: number; isOpen: boolean } | null;
  /** Who has several tags is counted with each. */
  breakdown: Array<{ value: string | null; visitors: number[] }>;
}

const OF_TOUCH = ['channel', 'source', 'medium', 'campaign'] as const;
const OF_SESSION = ['device', 'browser', 'country'] as const;
/** What visitors are told apart by: of the first touch, or of the first session, or each tag that they have now. */
export const BREAKDOWNS = [...OF_TOUCH, ...OF_SESSION, 'tag'] as const;
export type Breakdown = (typeof BREAKDOWNS)[number];

/**
 * Says how far those got who made the first step in a range of days; later steps count after it too, within the window.
 * @returns a text that says what is wrong with what was asked
 */
export async function reportFunnel(
  view: View,
  site: Site,
  query: ReportQuery,
  now: number,
): Promise<FunnelReport | string> {
  const range = readRange(site, query, now);
  if (typeof range === 'string') return range;
  const { order = 'ordered', by, window, hold } = query;
  const asked = await readSteps(view, query, now);
  if (typeof asked === 'string') return asked;
  const { names, isOptional } = asked;
  const counts = names.map(() => ({ visitors: 0, inProgress: 0, lost: 0 }));
  const breakdown = new Map<string | null, number[]>();
  await asked.follow((person, { did, at, isOpen }) => {
    for (let index = 0; index < names.length; index++) counts[index]!.visitors += (did >> index) & 1;
    if (at < isOptional.lastIndexOf(false)) counts[at]![isOpen ? 'inProgress' : 'lost']++;
    for (const value of by ? valuesOf(view, person, by) : []) {
      const row = breakdown.get(value) ?? names.map(() => 0);
      breakdown.set(value, row);
      for (let index = 0; index < names.length; index++) row[index]! += (did >> index) & 1;
    }
  });
  const steps = names.map((step, index): Step => {
    const before = counts[isOptional.slice(0, index).lastIndexOf(false)]?.visitors ?? 0;
    const { visitors } = counts[index]!;
    return {
      step,
      isOptional: isOptional[index]!,
      ...counts[index]!,
      fromPrevious: before ? visitors / before : null,
      interval: index ? wilson(visitors, before) : null,
      overall: counts[0]!.visitors ? visitors / counts[0]!.visitors : null,
    };
  });
  return {
    ...headingOf(site, range, now),
    order,
    hold: hold ?? null,
    by: by ?? null,
    windowDays: window ?? null,
    steps,
    leak: leakOf(steps),
    breakdown: [...breakdown]
      .map(([value, visitors]) => ({ value, visitors }))
      .sort((a, b) => b.visitors[0]! - a.visitors[0]! || (`${a.value}` < `${b.value}` ? -1 : 1)),
  };
}

/** What somebody is told apart from others by: several where those may be theirs at once. */
export function valuesOf(view: View, person: Person, by: Breakdown): Array<string | null> {
  if (by === 'tag') {
    const tags = view.tags(person);
    return tags.length ? tags : [null];
  }
  const ofTouch = OF_TOUCH.find((name) => name === by);
  const ofSession = OF_SESSION.find((name) => name === by);
  if (ofTouch) return [view.touch(person)?.[ofTouch] ?? null];
  return [(ofSession && view.visits(person)[0]?.[ofSession]) ?? null];
}

function leakOf(steps: Step[]): FunnelReport['leak'] {
  const needed = steps.filter((step) => !step.isOptional);
  const gaps = needed.slice(1).flatMap((step, index) => {
    const share = step.fromPrevious;
    if (share === null || share === 1) return [];
    const before = needed[index]!;
    // Who made a step that may be left out, and got no further, is lost there.
    const between = steps.slice(steps.indexOf(before), steps.indexOf(step));
    const lost = between.reduce((sum, each) => sum + each.lost, 0);
    return [{ from: before.step, to: step.step, share, lost, wentOn: step.visitors }];
  });
  const lossOf = ({ lost, wentOn }: (typeof gaps)[number]) => lost / (lost + wentOn);
  const told = gaps.filter(({ lost }) => lost);
  const worst = told.sort((a, b) => lossOf(b) - lossOf(a))[0] ?? gaps.sort((a, b) => a.share - b.share)[0];
  return worst ? { from: worst.from, to: worst.to, lost: 1 - worst.share, isOpen: !worst.lost } : null;
}
