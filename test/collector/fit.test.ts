import jstat from 'jstat';
import { expect, test } from 'vitest';
import { bgNbdLikelihood, fitBgNbd, fitGammaGamma, minimize } from '../../collector/model/fit.js';
import { expectedOrders, expectedOrderValue, pAlive } from '../../collector/model/ltv.js';
import { fitValue } from '../../collector/reports/value.js';
import { seeded } from '../helpers/random.js';

const { beta, gamma } = jstat;

/** Customers who buy and leave as the model says, by week, over a span in which they began at any time; what is known of them at its end. */
function simulate(
  seed: number,
  count: number,
  weeks: number,
  model: { r: number; alpha: number; a: number; b: number },
) {
  const random = seeded(seed);
  return Array.from({ length: count }, () => {
    const rate = gamma.inv(random(), model.r, 1 / model.alpha);
    const leaves = beta.inv(random(), model.a, model.b);
    const begin = random() * weeks * 0.5;
    const times = [begin];
    for (let isThere = true; isThere; isThere = random() >= leaves) {
      const next = times.at(-1)! - Math.log(1 - random()) / rate;
      if (!(next < weeks)) break;
      times.push(next);
    }
    return times;
  });
}
const known = (times: number[], until: number) => {
  const seen = times.filter((time) => time <= until);
  return { x: seen.length - 1, tx: seen.at(-1)! - seen[0]!, T: until - seen[0]! };
};

test('the least of a narrow bent valley is found', () => {
  const { at, value } = minimize(([x, y]) => (1 - x!) ** 2 + 100 * (y! - x! ** 2) ** 2, [-1.2, 1]);
  expect(at[0]).toBeCloseTo(1, 3);
  expect(at[1]).toBeCloseTo(1, 3);
  expect(value).toBeLessThan(1e-6);
});

test.each([
  [1, { r: 0.8, alpha: 6, a: 0.9, b: 2.5 }],
  [2, { r: 0.243, alpha: 4.414, a: 0.793, b: 2.426 }],
])('who bought by a model is told by it again (seed %i)', (seed, truth) => {
  const weeks = 78;
  const all = simulate(seed, 4000, weeks, truth);
  const until = weeks / 2;
  const early = all.filter(([begin]) => begin! <= until);
  const customers = early.map((times) => known(times, until));
  const fitted = fitBgNbd(customers)!;
  // No other is likelier, the one by which they were made included.
  const likelihood = bgNbdLikelihood(fitted, customers);
  expect(likelihood).toBeGreaterThanOrEqual(bgNbdLikelihood(truth, customers) - 1e-6);
  for (const name of ['r', 'alpha', 'a', 'b'] as const)
    for (const by of [0.97, 1.03])
      expect(bgNbdLikelihood({ ...fitted, [name]: fitted[name] * by }, customers)).toBeLessThan(likelihood);
  const sum = (numbers: number[]) => numbers.reduce((all, each) => all + each, 0);
  const expected = sum(customers.map((each) => expectedOrders(fitted, each, weeks - until)));
  const actual = sum(early.map((times) => times.filter((time) => time > until).length));
  expect(Math.abs(expected / actual - 1)).toBeLessThan(0.08);
  const alive = sum(customers.map((each) => pAlive(fitted, each))) / customers.length;
  expect(alive).toBeCloseTo(sum(customers.map((each) => pAlive(truth, each))) / customers.length, 1);
});

test('what an order is worth is told from those who ordered again', () => {
  const random = seeded(3);
  const truth = { p: 6, q: 4, gamma: 15 };
  const customers = Array.from({ length: 3000 }, () => {
    const scale = gamma.inv(random(), truth.q, 1 / truth.gamma);
    const x = 1 + Math.floor(random() * 5);
    const spent = Array.from({ length: x }, () => gamma.inv(random(), truth.p, 1 / scale));
    return { x, mean: spent.reduce((sum, each) => sum + each, 0) / x };
  });
  const fitted = fitGammaGamma(customers)!;
  const nobody = (model: typeof truth) => expectedOrderValue(model, 0, 0);
  expect(Math.abs(nobody(fitted) / nobody(truth) - 1)).toBeLessThan(0.05);
  expect(Math.abs(expectedOrderValue(fitted, 2, 80) / expectedOrderValue(truth, 2, 80) - 1)).toBeLessThan(0.05);
});

test('the report says by how much its model was wrong, and nothing of too few', () => {
  const weeks = 60;
  const truth = { r: 1.2, alpha: 8, a: 0.8, b: 3 };
  const buyers = simulate(5, 1500, weeks, truth).map((times) =>
    [...new Set(times.map((time) => Math.floor(time * 7)))].map((day) => ({ day, orders: 1, units: 500_000 })),
  );
  const found = fitValue(buyers, weeks * 7, 0.4)!;
  // Every order was 50.
  expect(found.nextYear / found.ordersNextYear / 0.4).toBeCloseTo(50, 0);
  expect(found.alive).toBeGreaterThan(0.2);
  expect(found.alive).toBeLessThan(1);
  const { until, expected, actual, error } = found.check!;
  expect(until).toBe('1970-10-08');
  expect(error).toBeCloseTo(expected / actual - 1, 9);
  expect(Math.abs(error!)).toBeLessThan(0.15);
  expect(fitValue(buyers.slice(0, 99), weeks * 7, 1)).toBeNull();
  expect(
    fitValue(
      buyers.map(([first]) => [first!]),
      weeks * 7,
      1,
    ),
  ).toBeNull();
});
