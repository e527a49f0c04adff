/** Funnels over any steps: how far each visitor got. */

/** A step that was made; `name` is any of the steps' names, or another where it only breaks a strict order. */
export type Made = [name: string, time: number];

export interface FunnelOptions {
  /** `ordered` lets anything come between; `strict` ends a try at whatever is no step reached or next; `any` takes the steps as they come. */
  order?: 'ordered' | 'strict' | 'any';
  /** In the unit of the times; without end where absent. */
  window?: number;
  /** Whether the window begins anew with each step. */
  isPerStep?: boolean;
  /** No try begins after this; at any time where absent. */
  entriesUntil?: number;
}

/**
 * Number of steps reached at best: each entry at the first step, or at any where the order is `any`, is a try of its own.
 * One event makes one step, so that a step named twice takes two.
 * @param made ascending by time
 */
export function stepsReached(made: Made[], steps: string[], options: FunnelOptions = {}): number {
  const { order = 'ordered', window = Infinity, isPerStep = false, entriesUntil = Infinity } = options;
  let best = 0;
  for (let start = 0; start < made.length && best < steps.length; start++) {
    if (made[start]![1] > entriesUntil) break;
    const isEntry = order === 'any' ? steps.includes(made[start]![0]) : made[start]![0] === steps[0];
    if (isEntry) best = Math.max(best, tryFrom(made, start, steps, order, window, isPerStep));
  }
  return best;
}

function tryFrom(
  made: Made[],
  start: number,
  steps: string[],
  order: string,
  window: number,
  isPerStep: boolean,
): number {
  const left = [...steps];
  let from = made[start]![1];
  for (const [name, time] of made.slice(start)) {
    if (time - from > window) break;
    const at = order === 'any' ? left.indexOf(name) : left[0] === name ? 0 : -1;
    if (at >= 0) {
      left.splice(at, 1);
      if (isPerStep) from = time;
      if (!left.length) break;
    } else if (order === 'strict' && !steps.slice(0, steps.length - left.length).includes(name)) break;
  }
  return steps.length - left.length;
}

/** Of visitors at each step: the share of the step before, and of the first. */
export function funnelRates(counts: number[]): { step: number[]; overall: number[] } {
  const [first = 0] = counts;
  return {
    step: counts.slice(1).map((count, index) => count / counts[index]!),
    overall: counts.map((count) => count / first),
  };
}
