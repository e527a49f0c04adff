/** Funnels over any steps: how far each visitor got. */

/** Something that was done at a time: all the steps that it could be, of which a try takes one; none where it only breaks a strict order. */
export type Made = [names: readonly string[], time: number];

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

export interface Progress {
  /** Number of steps reached at best. */
  reached: number;
  /** Until when some try can still get further; −∞ where none can. */
  openUntil: number;
}

/**
 * Says how far somebody got: each entry at the first step, or at any where the order is `any`, is a try of its own, and the best
 * counts. One thing done makes one step, so that a step named twice takes two.
 * @param made ascending by time
 */
export function followFunnel(made: Made[], steps: readonly string[], options: FunnelOptions = {}): Progress {
  return options.order === 'any' ? inAnyOrder(made, steps, options) : inOrder(made, steps, options);
}

/** Whether a step may be left out: its name has a question mark at its end. */
export const isOptional = (step: string): boolean => step.endsWith('?');

/**
 * The same where some steps may be left out: they hold nobody up.
 * @returns the number of required steps reached, and of each step whether it was
 */
export function followOptional(
  made: Made[],
  steps: readonly string[],
  options: FunnelOptions = {},
): Progress & { did: boolean[] } {
  const nameOf = (step: string) => step.replace(/\?$/, '');
  const required = steps.filter((step) => !isOptional(step));
  const progress = followFunnel(made, required, options);
  if (required.length === steps.length) return { ...progress, did: steps.map((_, index) => index < progress.reached) };
  let before = 0;
  const did = steps.map((step, index) => {
    if (!isOptional(step)) return ++before <= progress.reached;
    if (before > progress.reached) return false;
    const until = [...steps.slice(0, index).filter((each) => !isOptional(each)), nameOf(step)];
    return followFunnel(made, until, options).reached === until.length;
  });
  return { ...progress, did };
}

/** Number of steps reached at best. */
export const stepsReached = (made: Made[], steps: readonly string[], options?: FunnelOptions): number =>
  followFunnel(made, steps, options).reached;

/** Of all tries that have got so far it is enough to know the latest: whatever the others can still reach, it can. */
function inOrder(
  made: Made[],
  steps: readonly string[],
  { order, window = Infinity, isPerStep, entriesUntil = Infinity }: FunnelOptions,
): Progress {
  /** By number of steps reached, less one: when the latest such try began, or made its last step where the window counts from that. */
  const since: Array<number | undefined> = steps.map(() => undefined);
  let reached = 0;
  for (const [names, time] of made) {
    if (!names.length && order !== 'strict') continue;
    // From the last step down, so that one thing done takes a try one step further and not two.
    for (let at = steps.length - 1; at >= 0; at--) {
      const before = at ? since[at - 1] : time <= entriesUntil ? time : undefined;
      const isStep = names.includes(steps[at]!) && before !== undefined && time - before <= window;
      if (isStep) {
        const from = isPerStep ? time : before;
        since[at] = Math.max(since[at] ?? -Infinity, from);
        reached = Math.max(reached, at + 1);
      } else if (order === 'strict' && !names.some((name) => steps.slice(0, at + 2).includes(name))) {
        since[at] = undefined;
      }
    }
  }
  let openUntil = -Infinity;
  if (reached < steps.length)
    for (const from of since) if (from !== undefined) openUntil = Math.max(openUntil, from + window);
  return { reached, openUntil };
}

function inAnyOrder(
  made: Made[],
  steps: readonly string[],
  { window = Infinity, isPerStep, entriesUntil = Infinity }: FunnelOptions,
): Progress {
  const progress = { reached: 0, openUntil: -Infinity };
  for (let start = 0; start < made.length; start++) {
    const [names, time] = made[start]!;
    if (time > entriesUntil) break;
    if (!names.some((name) => steps.includes(name))) continue;
    const left = [...steps];
    let from = time;
    for (let index = start; index < made.length && left.length; index++) {
      const [found, at] = made[index]!;
      if (at - from > window) break;
      const step = left.findIndex((name) => found.includes(name));
      if (step < 0) continue;
      left.splice(step, 1);
      if (isPerStep) from = at;
    }
    progress.reached = Math.max(progress.reached, steps.length - left.length);
    if (left.length) progress.openUntil = Math.max(progress.openUntil, from + window);
    // Without a window a later try sees less than the first.
    if (!left.length || window === Infinity) break;
  }
  return progress;
}

/** Of visitors at each step: the share of the step before, and of the first. */
export function funnelRates(counts: number[]): { step: number[]; overall: number[] } {
  const [first = 0] = counts;
  return {
    step: counts.slice(1).map((count, index) => count / counts[index]!),
    overall: counts.map((count) => count / first),
  };
}
