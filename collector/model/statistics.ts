/** Statistics of counts. Distributions come from jStat; what is here says which of them answers a marketer's question. */
import jstat from 'jstat';

const { normal, chisquare, gammaln } = jstat;

/** An interval with its two ends. */
export type Interval = [low: number, high: number];

/** Of a 95 % interval. */
const Z95: number = normal.inv(0.975, 0, 1);

/**
 * Wilson's score interval of a share, 95 %: it holds for few and for extreme counts too.
 * @see Wilson 1927
 * @returns null where there is nothing to take a share of
 */
export function wilson(count: number, total: number): Interval | null {
  if (!total) return null;
  const [share, z2] = [count / total, Z95 ** 2];
  const middle = share + z2 / (2 * total);
  const half = Z95 * Math.sqrt((share * (1 - share)) / total + z2 / (4 * total ** 2));
  // At the ends what is left of adding up is not shown.
  return [count ? (middle - half) / (1 + z2 / total) : 0, count < total ? (middle + half) / (1 + z2 / total) : 1];
}

/** Probability of a z-value this far from 0 on either side by chance. */
const twoSided = (z: number): number => 2 * normal.cdf(-Math.abs(z), 0, 1);

export interface Difference {
  z: number;
  /** Two-sided. */
  p: number;
  /** Of the difference B − A, 95 %, not pooled. */
  ci: Interval;
}

/** Compares two shares: pooled z-test. Each is [successes, total]. */
export function compareShares([a, ofA]: Interval, [b, ofB]: Interval): Difference {
  const [shareA, shareB, pooled] = [a / ofA, b / ofB, (a + b) / (ofA + ofB)];
  const z = (shareB - shareA) / Math.sqrt(pooled * (1 - pooled) * (1 / ofA + 1 / ofB));
  const half = Z95 * Math.sqrt((shareA * (1 - shareA)) / ofA + (shareB * (1 - shareB)) / ofB);
  return { z, p: twoSided(z), ci: [shareB - shareA - half, shareB - shareA + half] };
}

/**
 * Compares two shares so that one may look at any time: an asymptotic confidence sequence of the difference.
 * @param tunedAt number of visitors at which the interval is to be narrowest
 * @see Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas 2023
 */
export function compareAnyTime([a, ofA]: Interval, [b, ofB]: Interval, tunedAt: number, alpha = 0.05) {
  const total = ofA + ofB;
  const rho = Math.sqrt((-2 * Math.log(alpha) + Math.log(-2 * Math.log(alpha) + 1)) / tunedAt);
  const [shareA, shareB] = [a / ofA, b / ofB];
  // Variance of one visitor's part of the difference.
  const variance = total * ((shareA * (1 - shareA)) / ofA + (shareB * (1 - shareB)) / ofB);
  const t = total * rho ** 2 + 1;
  const halfAt = (level: number) =>
    Math.sqrt(variance) * Math.sqrt(((2 * t) / (total ** 2 * rho ** 2)) * Math.log(Math.sqrt(t) / level));
  const statistic = ((shareB - shareA) ** 2 * total ** 2 * rho ** 2) / (2 * t * variance);
  return { rho, halfWidth: halfAt(alpha), p: Math.min(1, Math.sqrt(t) * Math.exp(-statistic)) };
}

/** Probability that B's share is above A's, each with a uniform prior: the exact sum. */
export function chanceToBeat([a, ofA]: Interval, [b, ofB]: Interval): number {
  const beta = (x: number, y: number) => gammaln(x) + gammaln(y) - gammaln(x + y);
  const [a1, a2, b1, b2] = [a + 1, ofA - a + 1, b + 1, ofB - b + 1];
  let sum = 0;
  for (let i = 0; i < b1; i++)
    sum += Math.exp(beta(a1 + i, a2 + b2) - Math.log(b2 + i) - beta(1 + i, b2) - beta(a1, a2));
  return sum;
}

/** Visitors that each of two variants needs to tell two shares apart. */
export function sampleSize(p1: number, p2: number, alpha = 0.05, power = 0.8): number {
  const [zAlpha, zPower] = [normal.inv(1 - alpha / 2, 0, 1), normal.inv(power, 0, 1)];
  return Math.ceil(((zAlpha + zPower) ** 2 * (p1 * (1 - p1) + p2 * (1 - p2))) / (p1 - p2) ** 2);
}

/** Whether visitors were dealt out as meant: below 0.01 or so something is wrong with the experiment itself. */
export function ratioMismatch(counts: number[], shares = counts.map(() => 1 / counts.length)) {
  const total = counts.reduce((sum, each) => sum + each, 0);
  const chi2 = counts.reduce(
    (sum, each, index) => sum + (each - total * shares[index]!) ** 2 / (total * shares[index]!),
    0,
  );
  return { chi2, p: 1 - chisquare.cdf(chi2, counts.length - 1) };
}

/**
 * Adjusts p-values of many questions asked at once, so that the share of false findings stays what it is said to be.
 * @see Benjamini & Hochberg 1995
 */
export function adjustPValues(values: number[]): number[] {
  const order = values.map((p, index) => ({ p, index })).sort((a, b) => b.p - a.p);
  const adjusted: number[] = [];
  let least = 1;
  for (const [place, { p, index }] of order.entries()) {
    least = Math.min(least, (p * values.length) / (values.length - place));
    adjusted[index] = least;
  }
  return adjusted;
}

export interface Association {
  /** Share of everybody who did it and went on. */
  support: number;
  /** Share of those who did it that went on. */
  confidence: number;
  /** How many times as often as everybody. */
  lift: number;
  oddsRatio: number;
  /** Of the odds ratio, 95 %. */
  ci: Interval;
  chi2: number;
  p: number;
}

/**
 * How what visitors did goes together with what became of them; it says nothing of causes.
 * @param did [went on, did not] of those who did it @param didNot the same of those who did not
 */
export function associate([a, b]: Interval, [c, d]: Interval): Association {
  const total = a + b + c + d;
  // Haldane's half, only where a count is nothing: else the ratio would be nothing or without end.
  const [w, x, y, z] =
    a && b && c && d ? [a, b, c, d] : ([a, b, c, d].map((each) => each + 0.5) as [number, number, number, number]);
  const oddsRatio = (w * z) / (x * y);
  const half = Z95 * Math.sqrt(1 / w + 1 / x + 1 / y + 1 / z);
  const chi2 = (total * (a * d - b * c) ** 2) / ((a + b) * (c + d) * (a + c) * (b + d)) || 0;
  return {
    support: a / total,
    confidence: a / (a + b),
    lift: a / (a + b) / ((a + c) / total),
    oddsRatio,
    ci: [oddsRatio * Math.exp(-half), oddsRatio * Math.exp(half)],
    chi2,
    p: 1 - chisquare.cdf(chi2, 1),
  };
}
