import { DAY_MS, dayOf, rank, STAGES, UNITS, type Stage } from '../../sdk/core/index.js';
import { medianStay, transitionShares, withDormancy, type Stay } from '../model/flow.js';
import { wilson, type Interval } from '../model/statistics.js';
import { days, type Journey, type Move, type Person, type View } from '../projection/view.js';
import type { Site } from '../store/store.js';
import { chooseOrderSignal, ordersOf, refundSignalOf } from './customers.js';
import { headingOf, readRange, type Heading, type ReportQuery } from './range.js';

export type Standing = Stage | 'dormant' | null;

/** Days without a sign of life after which somebody is dormant, where nothing else is asked for. */
export const DORMANT_DAYS = 30;

/** Those of a person, ascending: when sessions began, and other days on which something was counted. */
function signsOf(view: View, person: Person): number[] {
  const begun = view.starts(person);
  const others = view.activeDays(person).filter((day) => !begun.some((at) => dayOf(at) === day));
  return others.length ? [...begun, ...others.map((day) => day * DAY_MS)].sort((a, b) => a - b) : begun;
}

/** The stages that the rules have, in order. */
export async function stagesOf(view: View): Promise<Stage[]> {
  const { stages } = (await view.store.rules(view.site.siteKey)).at(-1)!.rules;
  return STAGES.filter((stage) => stages[stage]);
}

export const FATES = ['wentOn', 'stillThere', 'lost'] as const;

/** What became of somebody who got to a stage: got beyond it, still stands there and is not dormant, or neither. */
export type Fate = (typeof FATES)[number];

/** Says what became of people who got to a stage in a range of time; undefined of who did not. @param until epoch ms, not included */
export function fatesIn(view: View, from: number, until: number, now: number, dormantAfter = DORMANT_DAYS) {
  return (person: Person, stage: Stage): Fate | undefined => {
    const at = view.reachedAt(person, stage);
    if (at === undefined || at < from || at >= until) return undefined;
    const next = STAGES[rank(stage) + 1];
    if (next && view.reachedAt(person, next) !== undefined) return 'wentOn';
    const isAwake = () => now - view.lastSign(person) <= dormantAfter * DAY_MS;
    return view.stage(person) === stage && isAwake() ? 'stillThere' : 'lost';
  };
}

/** Moves as they are told, those into and out of dormancy too. */
function noticed(view: View, person: Person, { isOwn, moves }: Journey, dormantAfter: number, now: number) {
  // Who turned out to be somebody is heard of as that.
  const signs = isOwn ? signsOf(view, person) : [];
  return withDormancy(moves, signs, dormantAfter * DAY_MS, now);
}

/** Says whether somebody made a move in a range of time. @param until epoch ms, not included */
export function movesIn(view: View, from: number, until: number, now: number, dormantAfter = DORMANT_DAYS) {
  return (person: Person, left: Standing, entered: Standing): boolean =>
    view
      .journeys(person)
      .some((journey) =>
        [...noticed(view, person, journey, dormantAfter, now)].some(
          (move) => move.from === left && move.to === entered && move.at >= from && move.at < until,
        ),
      );
}

/**
 * Somebody's stays at stages that began in a range of time; those that go on last as long as they were seen. Where it turned out meanwhile
 * whose visitor that is, the stay is the person's from then on, once.
 */
export function* staysIn(
  journeys: Journey[],
  isIn: (at: number) => boolean,
  now: number,
): Generator<Stay & { stage: Stage; isOpen: boolean }> {
  const own = journeys.find(({ isOwn }) => isOwn)?.moves ?? [];
  const goneOn = new Set<Move>();
  for (const { isOwn, moves } of journeys)
    for (const [index, { to, at, isSilent }] of moves.entries()) {
      if (!to || isSilent || !isIn(at)) continue;
      let next = moves[index + 1];
      if (!isOwn && next?.isSilent && !next.to) {
        const { at: until } = next;
        const place = own.findLastIndex((move) => move.to === to && move.at <= until);
        const [as, after] = [own[place], own[place + 1]];
        if (as && !goneOn.has(as) && (after?.at ?? until) >= until) {
          goneOn.add(as);
          next = after;
        }
      }
      // Of a stay that was cut off by no move nobody knows how long it would have been.
      yield { stage: to, duration: days((next?.at ?? now) - at), hasEnded: !!next && !next.isSilent, isOpen: !next };
    }
}

export interface FlowReport extends Heading {
  /** By which channels people first came, most first. */
  channels: Array<{ channel: string; people: number }>;
  /** Days without a sign of life after which somebody is dormant. */
  dormantAfter: number;
  /**
   * Every move as it was noticed, back and skipping ones too: from null by who is new, to and from `dormant` by who stays away or meets no
   * stage's condition any more. What other rules only came to call otherwise is none.
   */
  moves: Array<{
    from: Standing;
    to: Standing;
    /** How often: whoever goes to and fro makes the same move more than once. */
    visitors: number;
    /** Who made it, each once. */
    people: number;
    share: number;
  }>;
  /** Stays that began in the range: the median counts those that go on as far as they were seen. */
  stays: Array<{ stage: Stage; ended: number; open: number; medianDays: number | null }>;
  /** By the stages that the rules have: of those who got to one in the range, how many ever got beyond, and how many still stand there and were lately seen: they are not lost yet. */
  steps: Array<{
    from: Stage;
    to: Stage;
    reached: number;
    wentOn: number;
    stillThere: number;
    lost: number;
    share: number | null;
    interval: Interval | null;
    /**
     * What those who are lost would have spent, had they spent as much as those who went on did on the average, what was given back taken off:
     * an estimate, since nobody knows. Null where the site sells nothing, and where nobody went on.
     */
    lostValue: number | null;
  }>;
  /** The step at which the largest share of those is lost who are no longer on the way to it, or, where nobody is lost yet, that the fewest made; `share` of those who got there, those who are still there included, have not made it. */
  leak: { from: Stage; to: Stage; lost: number; stillThere: number; share: number; lostValue: number | null } | null;
}

/** People who went on or are lost, of whom a share says something. */
const LEAST_OF_A_LEAK = 10;

const placeOf = (standing: Standing): number => (standing === 'dormant' ? STAGES.length : rank(standing));

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
  const { dormantAfter = DORMANT_DAYS } = query;
  /** By both places. */
  const moves = new Map<number, { from: Standing; to: Standing; count: number; people: number; latest: Person }>();
  const stays = new Map<Stage, Array<Stay & { isOpen: boolean }>>(STAGES.map((stage) => [stage, []]));
  const known = await stagesOf(view);
  const steps = known.slice(1).map((to, index) => ({
    from: known[index]!,
    to,
    reached: 0,
    wentOn: 0,
    stillThere: 0,
    lost: 0,
    /** What those who went on spent, in units. */
    spent: 0,
  }));
  const spentBy = await readSpending(view);

  const fateOf = fatesIn(view, from, range.until, now, dormantAfter);
  const channels = new Map<string, number>();
  for (const person of view.people) {
    const channel = view.firstChannel(person);
    if (channel !== undefined) channels.set(channel, (channels.get(channel) ?? 0) + 1);
    if (query.channel !== undefined && channel !== query.channel) continue;
    const journeys = view.journeys(person);
    for (const { isOwn, moves: own } of journeys) {
      for (const { from: left, to, at } of noticed(view, person, { isOwn, moves: own }, dormantAfter, now)) {
        if (!isIn(at)) continue;
        const key = placeOf(left) * 8 + placeOf(to);
        const known = moves.get(key) ?? { from: left, to, count: 0, people: 0, latest: -1 };
        moves.set(key, known);
        known.count++;
        known.people += +(known.latest !== person);
        known.latest = person;
      }
    }
    for (const stay of staysIn(journeys, isIn, now)) stays.get(stay.stage)!.push(stay);
    let spent: number | undefined;
    for (const step of steps) {
      const fate = fateOf(person, step.from);
      if (!fate) continue;
      step.reached++;
      step[fate]++;
      if (fate === 'wentOn') step.spent += spent ??= spentBy?.(person) ?? 0;
    }
  }
  const rows = steps.map(({ spent, ...step }) => ({
    ...step,
    share: step.reached ? step.wentOn / step.reached : null,
    interval: wilson(step.wentOn, step.reached),
    lostValue: spentBy && step.wentOn ? (step.lost * spent) / step.wentOn / UNITS : null,
  }));
  const lossOf = ({ lost, wentOn }: (typeof rows)[number]) => lost / (lost + wentOn);
  // A few tell of nobody but themselves, where there are others.
  const tells = rows.filter(({ lost, wentOn }) => lost && lost + wentOn >= LEAST_OF_A_LEAK);
  const worst =
    (tells.length ? tells : rows.filter(({ lost }) => lost)).sort((a, b) => lossOf(b) - lossOf(a))[0] ??
    rows.filter(({ share }) => share !== null && share < 1).sort((a, b) => a.share! - b.share!)[0];
  return {
    ...headingOf(site, range, now),
    dormantAfter,
    channels: [...channels]
      .map(([channel, people]) => ({ channel, people }))
      .sort((a, b) => b.people - a.people || (a.channel < b.channel ? -1 : 1)),
    moves: transitionShares([...moves.values()])
      .map(({ from: left, to, count, people, share }) => ({ from: left, to, visitors: count, people, share }))
      .sort((a, b) => b.visitors - a.visitors || placeOf(a.from) - placeOf(b.from) || placeOf(a.to) - placeOf(b.to)),
    stays: STAGES.map((stage) => {
      const all = stays.get(stage)!;
      const ended = all.filter(({ hasEnded }) => hasEnded).length;
      const open = all.filter(({ isOpen }) => isOpen).length;
      return { stage, ended, open, medianDays: medianStay(all) };
    }),
    steps: rows,
    leak: leakOf(worst),
  };
}

function leakOf(step: FlowReport['steps'][number] | undefined): FlowReport['leak'] {
  if (!step) return null;
  const { from, to, lost, stillThere, share, lostValue } = step;
  return { from, to, lost, stillThere, share: 1 - share!, lostValue };
}

/** Says what somebody ever spent, in units, less what was given back; undefined where no signal adds up orders. */
async function readSpending(view: View): Promise<((person: Person) => number) | undefined> {
  const { rules } = (await view.store.rules(view.site.siteKey)).at(-1)!;
  const order = chooseOrderSignal(rules, undefined);
  if ('error' in order) return undefined;
  const refund = refundSignalOf(rules, order.signal);
  return (person) =>
    view.hasAmounts(person)
      ? ordersOf(view, person, order.signal, refund).reduce((sum, { units }) => sum + units, 0)
      : 0;
}
