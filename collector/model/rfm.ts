/** RFM: how lately, how often and for how much somebody bought. */
import { UNITS, type RfmMeasure, type Rules } from '../../sdk/core/index.js';

export interface Buyer<K = string> {
  id: K;
  recencyDays: number;
  frequency: number;
  monetary: number;
}

export type Score = 1 | 2 | 3 | 4 | 5;

export interface RfmScore<K = string> {
  id: K;
  r: Score;
  f: Score;
  m: Score;
  group: RfmGroup;
}

/**
 * Named groups, the first that fits: every one of the 125 cells has one, and each is some cell's.
 * `a` is the mean of how often and how much, rounded half up.
 */
const GROUPS = [
  ['new', 'New', '新客户', (r, f) => r >= 4 && f === 1],
  ['champions', 'Champions', '重要价值客户', (r, _, a) => r >= 4 && a >= 4],
  ['potential_loyalist', 'Potential loyalists', '潜力忠诚客户', (r, _, a) => r >= 4 && a === 3],
  ['promising', 'Promising', '有希望的客户', (r) => r >= 4],
  ['loyal', 'Loyal', '忠诚客户', (r, _, a) => r === 3 && a >= 4],
  ['needs_attention', 'Need attention', '需要关注', (r, _, a) => r === 3 && a === 3],
  ['about_to_sleep', 'About to sleep', '即将沉睡', (r) => r === 3],
  ['cant_lose', 'Cannot lose them', '重要挽留客户', (_, __, a) => a === 5],
  ['at_risk', 'At risk', '有流失风险', (_, __, a) => a >= 3],
  ['hibernating', 'Hibernating', '沉睡客户', (_, __, a) => a === 2],
  ['lost', 'Lost', '已流失', () => true],
] as const satisfies Array<[string, string, string, (r: Score, f: Score, a: number) => boolean]>;

export type RfmGroup = (typeof GROUPS)[number][0];

/** Names of the groups in both languages. */
export const RFM_GROUPS = Object.fromEntries(GROUPS.map(([name, en, zh]) => [name, { en, zh }])) as Record<
  RfmGroup,
  { en: string; zh: string }
>;

/** @param isFirst whether they bought no more than once: where all bought equally often, the least score is no first order */
export function rfmGroup(r: Score, f: Score, m: Score, isFirst = true): RfmGroup {
  const a = Math.round((f + m) / 2);
  return GROUPS.find(
    ([name, , , fits]) => (isFirst || name !== 'new') && (fits as (r: Score, f: Score, a: number) => boolean)(r, f, a),
  )![0];
}

/**
 * Scores each measure by quintiles, `floor(rank * 5 / n) + 1` where equal values share the lowest of their ranks; of recency fewer days
 * are better, equal ones share the middle of their ranks, and whoever bought last has the best: many may have bought on one day. With `cuts` by fixed limits instead: four ascending numbers, of which each that is reached is worth a point.
 * @see the R package rfm
 */
export function scoreRfm<K>(
  buyers: Array<Buyer<K>>,
  cuts: Partial<Record<RfmMeasure, number[]>> = {},
): Array<RfmScore<K>> {
  const scoresOf = (measure: RfmMeasure, sign: 1 | -1): Score[] => {
    const values = buyers.map((buyer) => buyer[measure] * sign);
    const limits = cuts[measure]?.map((limit) => limit * sign).sort((a, b) => a - b);
    if (limits) return values.map((value) => (1 + limits.filter((limit) => value >= limit).length) as Score);
    const sorted = [...values].sort((a, b) => a - b);
    const scoreOf = new Map<number, Score>();
    for (const [rank, value] of sorted.entries()) {
      if (scoreOf.has(value)) continue;
      const shared = sign > 0 ? rank : (rank + sorted.lastIndexOf(value)) / 2;
      const isLatest = sign < 0 && value === sorted.at(-1);
      scoreOf.set(value, isLatest ? 5 : ((Math.floor((shared * 5) / values.length) + 1) as Score));
    }
    return values.map((value) => scoreOf.get(value)!);
  };
  const [r, f, m] = [scoresOf('recencyDays', -1), scoresOf('frequency', 1), scoresOf('monetary', 1)];
  return buyers.map(({ id, frequency }, index) => {
    const scores = { r: r[index]!, f: f[index]!, m: m[index]! };
    return { id, ...scores, group: rfmGroup(scores.r, scores.f, scores.m, frequency < 2) };
  });
}

/** Of fewer buyers fifths tell nothing: the only buyer, of today, would be the least of five. */
const LEAST_BUYERS = 20;
const FEW: Rules['rfm'] = { recencyDays: [30, 60, 120, 365], frequency: [2, 3, 5, 10] };

/**
 * The fixed limits of a site's rules, amounts in units as buyers have them; where buyers are few, usual ones of how lately and how often
 * in the place of what the rules leave open.
 */
export const cutsOf = ({ rfm = {} }: Rules, buyers: number): Partial<Record<RfmMeasure, number[]>> => ({
  ...(buyers < LEAST_BUYERS && FEW),
  ...rfm,
  ...(rfm.monetary && { monetary: rfm.monetary.map((limit) => limit * UNITS) }),
});
