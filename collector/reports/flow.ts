import { rank, STAGES, type Stage } from '../../sdk/core/index.js';
import { medianStay, transitionShares, type Stay } from '../model/flow.js';
import { wilson, type Interval } from '../model/statistics.js';
import { days, type View } from '../projection/view.js';
import type { Site } from '../store/store.js';
import { headingOf, readRange, type Heading, type ReportQuery } from './range.js';

export interface FlowReport extends Heading {
  /** By which channels people first came, most first. */
  channels: Array<{ channel: string; people: number }>;
  /** Every move of the current stage as it was noticed, back and skipping ones too; null is where nobody stands at any: new, or dormant. */
  moves: Array<{ from: Stage | null; to: Stage | null; visitors: number; share: number }>;
  /** Stays that began in the range: the median counts those that go on as far as they were seen. */
  stays: Array<{ stage: Stage; ended: number; open: number; medianDays: number | null }>;
  /** Of those who got to a stage in the range, how many ever got beyond. */
  steps: Array<{
    from: Stage;
    to: Stage;
    reached: number;
    wentOn: number;
    lost: number;
    share: number | null;
    interval: Interval | null;
  }>;
  /** The step at which the largest share is lost. */
  leak: { from: Stage; to: Stage; lost: number; share: number } | null;
}

/** Says how visitors move between the stages. @returns a text that says what is wrong with the range */
export async function reportFlow(
  view: View,
  site: Site,
  query: ReportQuery,
  now: number,
): Promise<FlowReport | string> {
  const range = readRange(site, query, now);
  if (typeof range === 'string') return range;
  const from = range.from.toMillis();
  const isIn = (at: number) => at >= from && at < range.until;
  const moves = new Map<string, { from: Stage | null; to: Stage | null; count: number }>();
  const stays = new Map<Stage, Stay[]>(STAGES.map((stage) => [stage, []]));
  const steps = STAGES.slice(1).map((to, index) => ({ from: STAGES[index]!, to, reached: 0, wentOn: 0 }));

  const channels = new Map<string, number>();
  for (const person of view.people) {
    const channel = view.touch(person)?.channel;
    if (channel !== undefined) channels.set(channel, (channels.get(channel) ?? 0) + 1);
    if (query.channel !== undefined && channel !== query.channel) continue;
    const own = view.moves(person);
    for (const [index, { from: left, to, at }] of own.entries()) {
      if (!isIn(at)) continue;
      const name = `${left} ${to}`;
      moves.set(name, { from: left, to, count: (moves.get(name)?.count ?? 0) + 1 });
      if (!to) continue;
      const end = own[index + 1]?.at;
      stays.get(to)!.push({ duration: days((end ?? now) - at), hasEnded: end !== undefined });
    }
    for (const step of steps) {
      const at = view.reachedAt(person, step.from);
      if (at === undefined || !isIn(at)) continue;
      step.reached++;
      step.wentOn += +(view.reachedAt(person, step.to) !== undefined);
    }
  }
  const rows = steps.map((step) => ({
    ...step,
    lost: step.reached - step.wentOn,
    share: step.reached ? step.wentOn / step.reached : null,
    interval: wilson(step.wentOn, step.reached),
  }));
  const worst = rows.filter(({ share }) => share !== null).sort((a, b) => a.share! - b.share!)[0];
  return {
    ...headingOf(site, range, now),
    channels: [...channels]
      .map(([channel, people]) => ({ channel, people }))
      .sort((a, b) => b.people - a.people || (a.channel < b.channel ? -1 : 1)),
    moves: transitionShares([...moves.values()])
      .map(({ from: left, to, count, share }) => ({ from: left, to, visitors: count, share }))
      .sort((a, b) => b.visitors - a.visitors || rank(a.from) - rank(b.from) || rank(a.to) - rank(b.to)),
    stays: STAGES.map((stage) => {
      const all = stays.get(stage)!;
      const ended = all.filter(({ hasEnded }) => hasEnded).length;
      return { stage, ended, open: all.length - ended, medianDays: medianStay(all) };
    }),
    steps: rows,
    leak: worst ? { from: worst.from, to: worst.to, lost: worst.lost, share: 1 - worst.share! } : null,
  };
}
