/** Funnels over any steps: how far each visitor got. */

/** Something that was done at a time: all the steps that it could be, of which a try takes one; none where it only breaks a strict order. */
export type Made = [names: readonly string[], time: number];

export interface FunnelOptions {
  /**
   * `ordered` lets anything come between; `strict` ends a try at whatever is no step reached or next, or one that may be left out on the
   * way there; `any` takes the steps as they come.
   */
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
  const done = { steps: made.map(([names]) => bitsOf(names, steps)), times: made.map(([, time]) => time) };
  const { reached, openUntil } = planFunnel(steps, options)(done);
  return { reached, openUntil };
}

/** What was done, each with a bit for each step that it could be: of steps there are at most 31. */
export interface Done {
  steps: number[];
  /** Ascending. */
  times: number[];
}

/** The bits of those steps that are among some names. */
export const bitsOf = (names: readonly string[], steps: readonly string[]): number =>
  steps.reduce((bits, step, index) => (names.includes(step) ? bits | (1 << index) : bits), 0);

/** Whether a step may be left out: its name has a question mark at its end. */
export const isOptional = (step: string): boolean => step.endsWith('?');

/**
 * Makes the function that says how far somebody got where some steps may be left out, which they cannot where the order is `any`: they
 * hold nobody up.
 * @returns of what it is given the number of required steps reached, and the bits of all steps that were
 */
export function planFunnel(
  steps: readonly string[],
  options: FunnelOptions = {},
): (done: Done) => Progress & { did: number } {
  const places = steps.map((step, index) => ({ bit: 1 << index, isRequired: !isOptional(step) }));
  const bits = places.filter(({ isRequired }) => isRequired).map(({ bit }) => bit);
  if (options.order !== 'any') return (done) => inOrder(done, places, options);
  const follow = options.isPerStep && options.window !== undefined ? inAnyOrderPerStep : inAnyOrder;
  return (done) => {
    const progress = follow(done, bits, options);
    return { ...progress, did: bits.slice(0, progress.reached).reduce((all, bit) => all | bit, 0) };
  };
}

/** Number of steps reached at best. */
export const stepsReached = (made: Made[], steps: readonly string[], options?: FunnelOptions): number =>
  followFunnel(made, steps, options).reached;

/** Of all tries that have got so far it is enough to know the latest: whatever the others can still reach, it can. */
function inOrder(
  { steps, times }: Done,
  places: Array<{ bit: number; isRequired: boolean }>,
  { order, window = Infinity, isPerStep, entriesUntil = Infinity }: FunnelOptions,
): Progress & { did: number } {
  const next = places.map((_, at) => places.findIndex(({ isRequired }, index) => index > at && isRequired));
  /** By last step made: when the latest such try began, or made it where the window counts from that. */
  const since = places.map(() => -Infinity);
  let did = 0;
  /** The furthest step that can be made by now. */
  let furthest = 0;
  /** When the latest try began, or made its last step, that can make a step now. */
  const beforeOf = (at: number, time: number): number => {
    if (!at) return time <= entriesUntil ? time : -Infinity;
    let latest = -Infinity;
    for (let from = at - 1; from >= 0; from--) {
      if (time - since[from]! <= window) latest = Math.max(latest, since[from]!);
      if (places[from]!.isRequired) break;
    }
    return latest;
  };
  for (let index = 0; index < steps.length; index++) {
    const [done, time] = [steps[index]!, times[index]!];
    if (!done && order !== 'strict') continue;
    // From the last step that can be made down, so that one thing done takes a try one step further and not two.
    for (let at = furthest; at >= 0; at--) {
      const before = done & places[at]!.bit ? beforeOf(at, time) : -Infinity;
      if (before > -Infinity) {
        since[at] = Math.max(since[at]!, isPerStep ? time : before);
        did |= places[at]!.bit;
        furthest = Math.max(furthest, next[at]! < 0 ? places.length - 1 : next[at]!);
      } else if (order === 'strict' && !(done & upTo(places[next[at]!]?.bit))) {
        since[at] = -Infinity;
      }
    }
  }
  const required = places.filter(({ isRequired }) => isRequired);
  const reached = required.filter(({ bit }) => did & bit).length;
  let last = -Infinity;
  for (const each of since) last = Math.max(last, each);
  return { reached, openUntil: reached < required.length && last > -Infinity ? last + window : -Infinity, did };
}

/** The bits of all steps up to one, those that may be left out too; of all that there are where there is none. */
const upTo = (bit: number | undefined): number => (bit === undefined ? -1 : (bit << 1) - 1);

function inAnyOrder(
  { steps, times }: Done,
  bits: number[],
  { window = Infinity, entriesUntil = Infinity }: FunnelOptions,
): Progress {
  const progress = { reached: 0, openUntil: -Infinity };
  for (let start = 0; start < steps.length; start++) {
    if (times[start]! > entriesUntil) break;
    if (!bits.some((bit) => steps[start]! & bit)) continue;
    /** By step, what was done that makes it; each makes one, and changes to another that it could be where that lets a further one be made. */
    const made: Array<number | undefined> = bits.map(() => undefined);
    const take = (could: number, asked: Set<number>): boolean =>
      bits.some((bit, step) => {
        if (!(could & bit) || asked.has(step)) return false;
        asked.add(step);
        const other = made[step];
        if (other !== undefined && !take(other, asked)) return false;
        made[step] = could;
        return true;
      });
    const from = times[start]!;
    let reached = 0;
    for (let index = start; index < steps.length && reached < bits.length; index++) {
      if (times[index]! - from > window) break;
      if (steps[index] && take(steps[index]!, new Set())) reached++;
    }
    progress.reached = Math.max(progress.reached, reached);
    if (reached < bits.length) progress.openUntil = Math.max(progress.openUntil, from + window);
    // Without a window a later try sees less than the first.
    if (reached === bits.length || window === Infinity) break;
  }
  return progress;
}

/** Tries that are followed at a time: all that there can be of ten steps. Of more those that got furthest go on. */
const MAX_TRIES = 1024;

/** Of all tries that have made the same steps it is enough to know which made its last one latest. */
function inAnyOrderPerStep(
  { steps, times }: Done,
  bits: number[],
  { window = Infinity, entriesUntil = Infinity }: FunnelOptions,
): Progress {
  /** By the steps made, a bit for each: when the latest such try made its last. */
  let since = new Map<number, number>();
  const countOf = (made: number) => bits.filter((bit) => made & bit).length;
  let [reached, last] = [0, -Infinity];
  for (let index = 0; index < steps.length && reached < bits.length; index++) {
    const time = times[index]!;
    const could = bits.filter((bit) => steps[index]! & bit);
    if (!could.length) continue;
    const before = [...since].flatMap(([made, at]) => (time - at <= window ? [made] : []));
    if (time <= entriesUntil) before.push(0);
    for (const made of before)
      for (const bit of could) {
        if (made & bit) continue;
        since.set(made | bit, time);
        last = time;
        reached = Math.max(reached, countOf(made | bit));
      }
    const open = [...since].filter(([, at]) => time - at <= window);
    if (open.length > MAX_TRIES) open.sort(([a, x], [b, y]) => countOf(b) - countOf(a) || y - x).splice(MAX_TRIES);
    since = new Map(open);
  }
  return { reached, openUntil: reached < bits.length ? last + window : -Infinity };
}

/** Of visitors at each step: the share of the step before, and of the first. */
export function funnelRates(counts: number[]): { step: number[]; overall: number[] } {
  const [first = 0] = counts;
  return {
    step: counts.slice(1).map((count, index) => count / counts[index]!),
    overall: counts.map((count) => count / first),
  };
}
