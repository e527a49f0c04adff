import { DAY_MS, rank, STAGES, type Stage } from '../../sdk/core/index.js';
import { adjustPValues, associate, type Association } from '../model/statistics.js';
import type { Kind } from '../projection/kinds.js';
import type { Person, View } from '../projection/view.js';
import type { Site } from '../store/store.js';
import { headingOf, readRange, type Heading, type ReportQuery } from './range.js';

/** Fewer who did a thing say nothing of it. */
const MIN_SUPPORT = 10;
const LOOKBACK_DAYS = 90;

export interface CommonReport extends Heading {
  /** Of those who got to the stage before in the range: how many there are, and how many went on to this one. */
  stage: Stage;
  visitors: number;
  wentOn: number;
  minSupport: number;
  /** What goes together with going on, the most telling first. It says nothing of causes. */
  features: Array<
    Association & {
      /** `signal:NAME` or `channel:NAME`. */
      feature: string;
      /** How many did it before they went on, or at all. */
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
 * Goes over those who got to the stage before one in a span of time, with what each did before going on to it. @param featureOf makes
 * something of the name of each feature @param visit told each feature as often as it was done
 */
export async function eachBefore<T>(
  view: View,
  stage: Stage,
  { from, until }: { from: number; until: number },
  now: number,
  featureOf: (name: string) => T,
  visit: (person: Person, hasGoneOn: boolean, features: readonly T[]) => void,
): Promise<void> {
  const before = STAGES[rank(stage) - 1]!;
  const ofSignals = ({ signals }: Kind) =>
    signals.length ? signals.map((signal) => featureOf(`signal:${signal}`)) : undefined;
  const span = { from: from - LOOKBACK_DAYS * DAY_MS, until: now + 1 };
  /** Used again for each. */
  const features: T[] = [];
  await view.eachDeeds(span, ofSignals, (person, deeds) => {
    const at = view.reachedAt(person, before);
    if (at === undefined || at < from || at >= until) return;
    const end = view.reachedAt(person, stage) ?? Infinity;
    const channel = view.firstChannel(person);
    features.length = 0;
    if (channel !== undefined) features.push(featureOf(`channel:${channel}`));
    for (const { time, of } of deeds) {
      // The event that moved somebody on is no reason why.
      if (time >= end) break;
      for (const feature of of) features.push(feature);
    }
    visit(person, end < Infinity, features);
  });
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
  const span = { from: range.from.toMillis(), until: range.until };
  await eachBefore(view, stage, span, now, featureOf, (person, hasGoneOn, all) => {
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
    visitors,
    wentOn,
    minSupport: MIN_SUPPORT,
    features: rows
      .map((row, index) => ({ ...row, q: q[index]! }))
      .sort((a, b) => a.q - b.q || b.lift - a.lift || (a.feature < b.feature ? -1 : 1)),
  };
}
