import { DAY_MS, hashKey, rank, STAGES, type Stage } from '../../sdk/core/index.js';
import { adjustPValues, associate, type Association } from '../model/statistics.js';
import type { Kind } from '../projection/kinds.js';
import type { Person, View } from '../projection/view.js';
import type { Site } from '../store/store.js';
import { stagesOf } from './flow.js';
import { headingOf, readRange, type Heading, type ReportQuery } from './range.js';

/** Fewer who did a thing say nothing of it. */
const MIN_SUPPORT = 10;
const LOOKBACK_DAYS = 90;

export interface CommonReport extends Heading {
  stage: Stage;
  /** The stage of the rules before it. */
  before: Stage;
  /** Of those who got to that one in the range: how many there are, and how many went on. */
  visitors: number;
  wentOn: number;
  minSupport: number;
  /** What goes together with going on, the most telling first. It says nothing of causes. */
  features: Array<
    Association & {
      /** `signal:NAME` or `channel:NAME`. */
      feature: string;
      /** How many did it before they went on, or, of the others, in as much time as those had: see eachBefore. */
      did: number;
      didAndWentOn: number;
      /** Adjusted for the number of features that were looked at. */
      q: number;
    }
  >;
}

/** How many did a thing, and how many of those went on. */
interface Feature {
  did: number;
  both: number;
  /** Who was counted last. */
  latest: Person;
}

/**
 * Goes over those who got to the stage before one in a span of time, with what each did before going on to it.
 * Of those who did not go on only as much time is looked at as of those who did, or all that follows would tell against going on: each
 * has, after the stage before, as long as one of them took who is chosen by chance, and always the same as long as these are the same.
 * @see https://doi.org/10.1093/aje/kwi324 (prescription time-distribution matching)
 * @param before the stage before it @param featureOf makes something of the name of each feature
 * @param visit told each feature as often as it was done
 */
export async function eachBefore<T>(
  view: View,
  { before, stage }: { before: Stage; stage: Stage },
  { from, until }: { from: number; until: number },
  now: number,
  featureOf: (name: string) => T,
  visit: (person: Person, hasGoneOn: boolean, features: readonly T[]) => void,
): Promise<void> {
  const ofSignals = ({ signals }: Kind) =>
    signals.length ? signals.map((signal) => featureOf(`signal:${signal}`)) : undefined;
  const span = { from: from - LOOKBACK_DAYS * DAY_MS, until: now + 1 };
  const startOf = (person: Person) => {
    const at = view.reachedAt(person, before);
    return at === undefined || at < from || at >= until ? undefined : at;
  };
  const took: number[] = [];
  for (const person of view.people) {
    const at = startOf(person);
    const end = at === undefined ? undefined : view.reachedAt(person, stage);
    if (end !== undefined) took.push(end - at!);
  }
  const sorted = Float64Array.from(took).sort();
  /** Used again for each. */
  const features: T[] = [];
  await view.eachDeeds(span, ofSignals, (person, deeds) => {
    const at = startOf(person);
    if (at === undefined) return;
    const goneOnAt = view.reachedAt(person, stage);
    const end = goneOnAt ?? at + chosenOf(sorted, now - at, view.idOf(person));
    const channel = view.firstChannel(person);
    features.length = 0;
    if (channel !== undefined) features.push(featureOf(`channel:${channel}`));
    for (const { time, of } of deeds) {
      // The event that moved somebody on is no reason why.
      if (time >= end) break;
      for (const feature of of) features.push(feature);
    }
    visit(person, goneOnAt !== undefined, features);
  });
}

/** One of numbers that are no greater than another; Infinity where none is. @param sorted ascending @param id the same one for the same */
function chosenOf(sorted: Float64Array, most: number, id: string): number {
  let [count, above] = [0, sorted.length];
  while (count < above) {
    const middle = (count + above) >> 1;
    if (sorted[middle]! <= most) count = middle + 1;
    else above = middle;
  }
  const chance = (Number.parseInt(hashKey(id), 36) >>> 0) / 2 ** 32;
  return count ? sorted[Math.floor(chance * count)]! : Infinity;
}

/** The stage of the rules before another; where they have none, the one that would be. */
export async function stageBefore(view: View, stage: Stage): Promise<Stage> {
  return (await stagesOf(view)).findLast((each) => rank(each) < rank(stage)) ?? STAGES[rank(stage) - 1]!;
}

/**
 * Says what those who went on to a stage had in common before they did.
 * @returns a text that says what is wrong with what was asked
 */
export async function reportCommon(
  view: View,
  site: Site,
  query: ReportQuery,
  now: number,
): Promise<CommonReport | string> {
  const range = readRange(site, query, now);
  if (typeof range === 'string') return range;
  const { stage = 'action' } = query;
  if (stage === STAGES[0]) return 'stage: expected one that another comes before';
  let [visitors, wentOn] = [0, 0];
  const features = new Map<string, Feature>();
  const featureOf = (name: string) => {
    const known = features.get(name) ?? { did: 0, both: 0, latest: -1 };
    features.set(name, known);
    return known;
  };
  const before = await stageBefore(view, stage);
  const span = { from: range.from.toMillis(), until: range.until };
  await eachBefore(view, { before, stage }, span, now, featureOf, (person, hasGoneOn, all) => {
    visitors++;
    wentOn += +hasGoneOn;
    for (const feature of all) {
      if (feature.latest === person) continue;
      feature.latest = person;
      feature.did++;
      feature.both += +hasGoneOn;
    }
  });
  const rows = [...features]
    .filter(([, { did }]) => wentOn && did >= MIN_SUPPORT && did < visitors)
    .map(([feature, { did, both }]) => {
      const others = visitors - did;
      const association = associate([both, did - both], [wentOn - both, others - (wentOn - both)]);
      return { feature, did, didAndWentOn: both, ...association };
    });
  const q = adjustPValues(rows.map(({ p }) => p));
  return {
    ...headingOf(site, range, now),
    stage,
    before,
    visitors,
    wentOn,
    minSupport: MIN_SUPPORT,
    features: rows
      .map((row, index) => ({ ...row, q: q[index]! }))
      .sort((a, b) => a.q - b.q || b.lift - a.lift || (a.feature < b.feature ? -1 : 1)),
  };
}
