/** Lifetime value: what customers are worth, from the simplest estimate to a model of when they buy and when they leave. */
/** Average order × orders a year × margin × years. */
export const simpleLtv = (aov: number, perYear: number, margin: number, years: number): number =>
  aov * perYear * margin * years;

/**
 * Margin of a period, kept with rate `r` and discounted by `d`: of later periods, and with the first.
 * @see Gupta & Lehmann 2003
 */
export const retentionLtv = (m: number, r: number, d: number) => ({
  later: (m * r) / (1 + d - r),
  withFirst: (m * (1 + d)) / (1 + d - r),
});

/** What is known of a customer: repeat orders, time of the last and of now, both since the first. */
export interface Purchases {
  x: number;
  tx: number;
  T: number;
}

export interface BgNbd {
  r: number;
  alpha: number;
  a: number;
  b: number;
}

/** By how much it is likelier that somebody left after the last order than that nothing was bought by chance. */
const goneOdds = ({ r, alpha, a, b }: BgNbd, { x, tx, T }: Purchases): number =>
  x > 0 ? (a / (b + x - 1)) * ((alpha + T) / (alpha + tx)) ** (r + x) : 0;

/**
 * Probability that a customer still buys. @see Fader, Hardie, Lee 2005, "Counting your customers" the easy way
 */
export const pAlive = (model: BgNbd, customer: Purchases): number => 1 / (1 + goneOdds(model, customer));

/** Orders expected in the next `horizon`, in the unit of T. */
export function expectedOrders(model: BgNbd, customer: Purchases, horizon: number): number {
  const { r, alpha, a, b } = model;
  const { x, T } = customer;
  const hyper = hypergeometric(r + x, b + x, a + b + x - 1, horizon / (alpha + T + horizon));
  const bought = ((a + b + x - 1) / (a - 1)) * (1 - ((alpha + T) / (alpha + T + horizon)) ** (r + x) * hyper);
  return bought / (1 + goneOdds(model, customer));
}

/** Gauss's 2F1 as its series, for 0 ≤ z < 1. */
function hypergeometric(a: number, b: number, c: number, z: number): number {
  let [sum, term] = [1, 1];
  for (let n = 0; Math.abs(term) > 1e-14 * Math.abs(sum) && n < 100_000; n++) {
    term *= (((a + n) * (b + n)) / ((c + n) * (n + 1))) * z;
    sum += term;
  }
  return sum;
}

export interface GammaGamma {
  p: number;
  q: number;
  gamma: number;
}

/** Mean order value to be expected of somebody with `x` orders of this mean. @see Fader & Hardie 2013 */
export function expectedOrderValue({ p, q, gamma }: GammaGamma, x: number, mean: number): number {
  const known = (p * x) / (p * x + q - 1);
  return ((1 - known) * gamma * p) / (q - 1) + known * mean;
}
