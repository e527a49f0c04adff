/** Fitting the models of when customers buy, when they leave and what they spend, by maximum likelihood. */
import jstat from 'jstat';
import type { BgNbd, GammaGamma, Purchases } from './ltv.js';

const { gammaln } = jstat;

const MAX_STEPS = 4000;
const TOLERANCE = 1e-8;
/** Of a parameter, where times and amounts are of a size around 1. */
const MAX_LOG = 12;

/**
 * Finds where a function is least.
 * @see Nelder & Mead 1965, with the usual coefficients 1, 2, 1/2, 1/2
 */
export function minimize(of: (at: number[]) => number, start: number[]): { at: number[]; value: number } {
  const made = (at: number[]) => ({ at, value: of(at) });
  const corners = [start, ...start.map((_, index) => start.map((each, own) => each + (own === index ? 0.5 : 0)))].map(
    made,
  );
  for (let step = 0; step < MAX_STEPS; step++) {
    corners.sort((a, b) => a.value - b.value);
    const [best, worst] = [corners[0]!, corners.at(-1)!];
    const spread = Math.max(
      ...corners.map(({ at }) => Math.max(...at.map((each, index) => Math.abs(each - best.at[index]!)))),
    );
    if (worst.value - best.value <= TOLERANCE * Math.abs(best.value) && spread < 1e-4) break;
    const others = corners.slice(0, -1);
    const middle = start.map((_, index) => others.reduce((sum, { at }) => sum + at[index]!, 0) / others.length);
    const along = (share: number) => made(middle.map((each, index) => each + share * (each - worst.at[index]!)));
    const reflected = along(1);
    let next = reflected;
    if (reflected.value < best.value) {
      const expanded = along(2);
      if (expanded.value < reflected.value) next = expanded;
    } else if (reflected.value >= others.at(-1)!.value) {
      next = along(reflected.value < worst.value ? 0.5 : -0.5);
      if (next.value >= Math.min(reflected.value, worst.value)) {
        for (let index = 1; index < corners.length; index++)
          corners[index] = made(corners[index]!.at.map((each, own) => (each + best.at[own]!) / 2));
        continue;
      }
    }
    corners[corners.length - 1] = next;
  }
  return corners.sort((a, b) => a.value - b.value)[0]!;
}

/** Parameters are above 0: they are looked for by their logarithms. */
function fit(count: number, likelihood: (...parameters: number[]) => number): number[] | null {
  const penalty = (at: number[]) => {
    const value = -likelihood(...at.map(Math.exp));
    // Far out all are alike, and the likelihood has no digits left to tell where it is greatest.
    return Number.isFinite(value) && at.every((each) => Math.abs(each) < MAX_LOG) ? value : Number.MAX_VALUE;
  };
  const { at, value } = minimize(
    penalty,
    Array.from({ length: count }, () => 0),
  );
  return value < Number.MAX_VALUE ? at.map(Math.exp) : null;
}

/** The same for a number each time it is asked for: many customers ordered equally often. */
function byNumber(of: (x: number) => number): (x: number) => number {
  const known: number[] = [];
  return (x) => (known[x] ??= of(x));
}

/** Logarithm of the likelihood of what customers did. @see Fader, Hardie, Lee 2005, equation 6 */
export const bgNbdLikelihood = (
  { r, alpha, a, b }: BgNbd,
  customers: Array<Purchases & { /** As many who did the same; one where absent. */ times?: number }>,
): number => {
  const same = -gammaln(r) + r * Math.log(alpha) + gammaln(a + b) - gammaln(b);
  const boughtOf = byNumber((x) => gammaln(r + x) + gammaln(b + x) - gammaln(a + b + x));
  return customers.reduce((sum, { x, tx, T, times = 1 }) => {
    const bought = boughtOf(x);
    const stays = -(r + x) * Math.log(alpha + T);
    if (!x) return sum + times * (same + bought + stays);
    const left = Math.log(a) - Math.log(b + x - 1) - (r + x) * Math.log(alpha + tx);
    const most = Math.max(stays, left);
    return sum + times * (same + bought + most + Math.log(Math.exp(stays - most) + Math.exp(left - most)));
  }, 0);
};

/** Fits when customers buy again and when they leave. @returns null where there is nothing to be found */
export function fitBgNbd(customers: Purchases[]): BgNbd | null {
  // Times of a size around 1 make all parameters of one size: otherwise the search begins far away.
  const unit = customers.reduce((most, { T }) => Math.max(most, T), 0) || 1;
  const scaled = new Map<string, Purchases & { times: number }>();
  for (const { x, tx, T } of customers) {
    const key = `${x} ${tx} ${T}`;
    const known = scaled.get(key) ?? { x, tx: tx / unit, T: T / unit, times: 0 };
    scaled.set(key, known);
    known.times++;
  }
  const groups = [...scaled.values()];
  const found = fit(4, (r, alpha, a, b) => bgNbdLikelihood({ r: r!, alpha: alpha!, a: a!, b: b! }, groups));
  return found && { r: found[0]!, alpha: found[1]! * unit, a: found[2]!, b: found[3]! };
}

/** Fits what an order is worth, from those who ordered again: number and mean of those orders. @see Fader & Hardie 2013, equation 1a */
export function fitGammaGamma(customers: Array<{ x: number; mean: number }>): GammaGamma | null {
  const unit = customers.reduce((sum, { mean }) => sum + mean, 0) / customers.length;
  const likelihood = (p: number, q: number, gamma: number) => {
    const same = q * Math.log(gamma) - gammaln(q);
    const orderedOf = byNumber((x) => gammaln(p * x + q) - gammaln(p * x) + p * x * Math.log(x));
    return customers.reduce((sum, { x, mean }) => {
      const m = mean / unit;
      return sum + same + orderedOf(x) + (p * x - 1) * Math.log(m) - (p * x + q) * Math.log(gamma + m * x);
    }, 0);
  };
  const found = fit(3, likelihood as (...parameters: number[]) => number);
  return found && { p: found[0]!, q: found[1]!, gamma: found[2]! * unit };
}
