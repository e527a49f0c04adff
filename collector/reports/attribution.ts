import type { Stage } from '../../sdk/core/index.js';
import {
  creditByRemoval,
  creditBySets,
  creditTouches,
  TOUCH_MODELS,
  type Path,
  type TouchModel,
} from '../model/attribution.js';
import { channelOf } from '../projection/channels.js';
import type { Person, View } from '../projection/view.js';
import type { Site } from '../store/store.js';
import { findJourneys, LOOKBACK_DAYS, type Credited, type NAMED } from './journeys.js';
import { headingOf, readRange, type Heading, type ReportQuery } from './range.js';

interface Row {
  sessions: number;
  visitors: number;
  /** Who was counted last. */
  latest: Person;
  credit: Record<Model, number>;
  revenue: Record<Model, number>;
}

const blank = () => Object.fromEntries(MODELS.map((model) => [model, 0])) as Record<Model, number>;

export const MODELS = [...TOUCH_MODELS, 'markov', 'shapley'] as const;
export type Model = TouchModel | 'markov' | 'shapley';

/** Of a credit: sums of shares carry noise in their last digits. */
const DIGITS = 6;
const rounded = (value: number) => +value.toFixed(DIGITS);

export interface AttributionReport extends Heading {
  /** What is credited: first entries into a stage, or each order, by the signal that adds them up. */
  stage: Stage | null;
  signal: string | null;
  /** What each row is one of: `channel` below is the name of one. */
  by: keyof typeof NAMED;
  lookbackDays: number;
  /** Who first got to the stage in the range; or the orders in it. */
  entries: number;
  /**
   * Sessions that began in the range and the people whose they are, whether they got to the stage or not; and entries credited to each
   * channel, by model; each column adds up to those with a touch. By model too: what those people ordered from that day on in the range,
   * or those orders alone, without what was given back; what an entry cost (CAC), and how much came back for what was spent (ROAS); null
   * where there is nothing to divide by.
   */
  channels: Array<
    { channel: string; sessions: number; visitors: number; cost: number | null } & Record<Model, number> & {
        revenue: Record<Model, number> | null;
        cac: Record<Model, number | null> | null;
        roas: Record<Model, number | null> | null;
      }
  >;
  /** Entries without any touch before, which no model credits: such as those of the site's own server. */
  withoutTouch: number;
  /** What was spent in the range of which it is not known on which source, medium or campaign. */
  unnamedCost: number;
  /** From the channel of a session to that of the person's next one: how often, and how often of that on the way to an entry. */
  moves: Array<{ from: string; to: string; times: number; beforeEntry: number }>;
}

/** A touch of journeys that are alike up to it. */
interface Step {
  name: string;
  before: Step | undefined;
  /** What came next, by name: most have one, for which a map is much. */
  only: Step | undefined;
  next: Map<string, Step> | undefined;
  converted: number;
  lost: number;
}

const step = (name: string, before?: Step): Step => ({
  name,
  before,
  only: undefined,
  next: undefined,
  converted: 0,
  lost: 0,
});

function stepAfter(at: Step, name: string): Step {
  const known = at.only?.name === name ? at.only : at.next?.get(name);
  if (known) return known;
  const made = step(name, at);
  if (at.only) (at.next ??= new Map<string, Step>()).set(name, made);
  else at.only = made;
  return made;
}

/** Journeys by the names of what came one after the other: they share what they have in common. */
class PathTree {
  readonly #start = step('');
  /** The last touches of those that were counted. */
  readonly #ends: Step[] = [];

  /** Counts one of these touches. */
  count(names: string[], from: number, until: number, what: 'converted' | 'lost'): void {
    let at = this.#start;
    for (let index = from; index < until; index++) at = stepAfter(at, names[index]!);
    if (!at.converted && !at.lost) this.#ends.push(at);
    at[what]++;
  }

  all(): Array<Required<Path>> {
    return this.#ends.map((end) => {
      const path: string[] = [];
      for (let at = end; at.before; at = at.before) path.push(at.name);
      return { path: path.reverse(), converted: end.converted, lost: end.lost };
    });
  }
}

/** Counts what followed what. */
function countMoves(paths: Array<Required<Path>>): AttributionReport['moves'] {
  const moves = new Map<string, AttributionReport['moves'][number]>();
  for (const { path, converted, lost } of paths)
    for (const [index, to] of path.slice(1).entries()) {
      const from = path[index]!;
      const key = JSON.stringify([from, to]);
      const move = moves.get(key) ?? { from, to, times: 0, beforeEntry: 0 };
      moves.set(key, move);
      move.times += converted + lost;
      move.beforeEntry += converted;
    }
  const name = ({ from, to }: { from: string; to: string }) => `${from}\n${to}`;
  return [...moves.values()].sort((a, b) => b.times - a.times || (name(a) < name(b) ? -1 : 1));
}

/**
 * Credits channels with entries into a stage, or with orders. A touch is a session, with its channel; what comes after an entry changes
 * nothing of its credit.
 * @returns a text that says what is wrong with the range
 */
export async function reportAttribution(
  view: View,
  site: Site,
  query: ReportQuery,
  now: number,
): Promise<AttributionReport | string> {
  const range = readRange(site, query, now);
  if (typeof range === 'string') return range;
  const from = range.from.toMillis();
  const journeys = await findJourneys(view, query, { from, until: range.until });
  if (typeof journeys === 'string') return journeys;
  const { by, stage, signal, ordered, placeOf } = journeys;
  const rows = new Map<string, Row>();
  const rowOf = (channel: string) => {
    const row = rows.get(channel) ?? { sessions: 0, visitors: 0, latest: -1, credit: blank(), revenue: blank() };
    rows.set(channel, row);
    return row;
  };
  /** By their channels: journeys to each entry, or to none; and everybody's sessions up to the last of theirs. */
  const [paths, walks] = [new PathTree(), new PathTree()];
  /** Entries by the set of channels before them. */
  const sets = new Map<string, { entries: number; revenue: number }>();
  let entries = 0;
  let withoutTouch = 0;
  journeys.each(({ person, times, names, credited, walk }) => {
    for (let index = 0; index < times.length; index++) {
      if (times[index]! < from || times[index]! >= range.until) continue;
      const row = rowOf(names[index]!);
      row.sessions++;
      row.visitors += +(row.latest !== person);
      row.latest = person;
    }
    if (walk) {
      const what = credited!.length ? 'converted' : 'lost';
      // Whoever ordered more than once came by each session once all the same.
      walks.count(names, walk.first, walk.until, what);
      if (what === 'lost') paths.count(names, walk.first, walk.until, what);
    }
    for (const { revenue, path, touches } of credited ?? []) {
      entries++;
      if (!path.length) {
        withoutTouch++;
        continue;
      }
      paths.count(path, 0, path.length, 'converted');
      const set = JSON.stringify([...new Set(path)].sort());
      const known = sets.get(set);
      sets.set(set, { entries: (known?.entries ?? 0) + 1, revenue: (known?.revenue ?? 0) + revenue });
      for (const model of TOUCH_MODELS)
        creditTouches(model, 1, touches).forEach((credit, index) => {
          const row = rowOf(path[index]!);
          row.credit[model] += credit;
          row.revenue[model] += credit * revenue;
        });
    }
  });
  const { credit: markov } = creditByRemoval(paths.all());
  const bySet = (what: 'entries' | 'revenue') =>
    creditBySets([...sets].map(([set, sum]) => ({ channels: JSON.parse(set) as string[], value: sum[what] })));
  const [shapley, shapleyRevenue] = [bySet('entries'), bySet('revenue')];
  const earned = [...sets.values()].reduce((sum, { revenue }) => sum + revenue, 0);
  const costs = new Map<string, number>();
  const heading = headingOf(site, range, now);
  let unnamedCost = 0;
  /** What costs are of may be written otherwise there. */
  const alike = new Map([...rows.keys()].map((name) => [name.toLowerCase(), name]));
  const rowNamed = (name: string) => (rows.has(name) ? name : (alike.get(name.toLowerCase()) ?? name));
  for (const cost of await view.store.costs(site.siteKey, heading.from, heading.to)) {
    // What a source was given holds for what it cost too.
    const name = by === 'channel' ? channelOf(site, { source: cost.source ?? null, channel: cost.channel })! : cost[by];
    if (name === undefined) unnamedCost += cost.cost;
    else {
      const row = rowNamed(placeOf(name));
      costs.set(row, (costs.get(row) ?? 0) + cost.cost);
    }
  }
  // What was paid for and brought nobody is the most telling of all.
  for (const channel of costs.keys()) rowOf(channel);
  // Of a channel that was on the way of others alone the removal takes something away too.
  for (const [channel, credit] of Object.entries(markov)) if (credit) rowOf(channel);
  const channels = [...rows].map(([channel, { sessions, visitors, credit, revenue }]) => {
    credit.markov = Object.hasOwn(markov, channel) ? markov[channel]! : 0;
    credit.shapley = shapley[channel] ?? 0;
    // Of a chain only the shares are known: they divide what all brought together.
    revenue.markov = entries > withoutTouch ? (earned * credit.markov) / (entries - withoutTouch) : 0;
    revenue.shapley = shapleyRevenue[channel] ?? 0;
    const cost = costs.get(channel) ?? null;
    const ofEach = <T>(make: (model: Model) => T) =>
      Object.fromEntries(MODELS.map((model) => [model, make(model)])) as Record<Model, T>;
    const ratio = (part: number, whole: number) => (whole > 0 ? rounded(part / whole) : null);
    const hasOrders = ordered !== undefined;
    return {
      channel,
      sessions,
      visitors,
      cost,
      ...ofEach((model) => rounded(credit[model])),
      revenue: hasOrders ? ofEach((model) => rounded(revenue[model])) : null,
      cac: cost === null ? null : ofEach((model) => (rounded(credit[model]) > 0 ? ratio(cost, credit[model]) : null)),
      roas: cost === null || !hasOrders ? null : ofEach((model) => ratio(revenue[model], cost)),
    };
  });
  return {
    ...heading,
    stage,
    signal,
    by,
    lookbackDays: LOOKBACK_DAYS,
    entries,
    channels: channels.sort((a, b) => b.linear - a.linear || (a.channel < b.channel ? -1 : 1)),
    withoutTouch,
    unnamedCost: rounded(unnamedCost),
    moves: countMoves(walks.all()),
  };
}

/** Whether a model credits something with an entry: the last two look at all that was on the way. */
export function isCredited(model: Model, name: string, { path, touches }: Credited): boolean {
  const touchModel = TOUCH_MODELS.find((each) => each === model);
  const credits = path.length && touchModel ? creditTouches(touchModel, 1, touches) : [];
  return path.some((each, index) => each === name && (!touchModel || credits[index]! > 0));
}
