/** Attribution: which of the touches before a conversion get how much of its value. */

export interface CreditedTouch {
  channel: string;
  daysBefore: number;
}

/** Weight of each touch, by the model's name; the touches are in the order in which they came. */
const WEIGHTS = {
  first: (touches) => touches.map((_, index) => +(index === 0)),
  last: (touches) => touches.map((_, index) => +(index === touches.length - 1)),
  lastNonDirect: (touches) => {
    const last = touches.findLastIndex(({ channel }) => channel !== 'Direct');
    return touches.map((_, index) => +(index === (last < 0 ? touches.length - 1 : last)));
  },
  linear: (touches) => touches.map(() => 1),
  // 40 % for each end, 20 % between them; of two touches half each. @see Matomo
  position: (touches) =>
    touches.map((_, index) => {
      if (touches.length < 3) return 1;
      return index === 0 || index === touches.length - 1 ? 0.4 : 0.2 / (touches.length - 2);
    }),
  // Half as much for every week before. @see Google Ads
  timeDecay: (touches) => touches.map(({ daysBefore }) => 2 ** (-daysBefore / 7)),
} as const satisfies Record<string, (touches: CreditedTouch[]) => number[]>;

export const TOUCH_MODELS = Object.keys(WEIGHTS) as TouchModel[];
export type TouchModel = keyof typeof WEIGHTS;

/** Divides a value among touches; nothing of it is lost. @param touches in the order in which they came */
export function creditTouches(model: TouchModel, value: number, touches: CreditedTouch[]): number[] {
  if (touches.length === 1) return [value];
  const weights: number[] = WEIGHTS[model](touches);
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => (value * weight) / sum);
}

/** Where journeys begin and end: no channel can be called so. */
const [START, WON, LOST] = [Symbol('start'), Symbol('won'), Symbol('lost')];
type State = string | symbol;

/** Journeys with the same channels in the same order. */
export interface Path {
  path: string[];
  converted?: number;
  lost?: number;
}

/**
 * Credit by what would be lost without a channel: journeys are a Markov chain, whose steps into the channel lead nowhere.
 * @see Anderl, Becker, von Wangenheim, Schumann 2016
 */
export function creditByRemoval(paths: Path[]) {
  const steps = new Map<State, Map<State, number>>();
  const add = (from: State, to: State, count: number) => {
    const row = steps.get(from) ?? new Map<State, number>();
    steps.set(from, row.set(to, (row.get(to) ?? 0) + count));
  };
  for (const { path, converted = 0, lost = 0 } of paths) {
    const count = converted + lost;
    if (!count) continue;
    [START, ...path].forEach((from, index) => index < path.length && add(from, path[index]!, count));
    const last = path.at(-1) ?? START;
    if (converted) add(last, WON, converted);
    if (lost) add(last, LOST, lost);
  }
  const channels = [...new Set(paths.flatMap(({ path }) => path))].sort();
  const base = chanceToWin(steps, channels);
  const removal = Object.fromEntries(
    channels.map((channel) => [channel, base ? 1 - chanceToWin(steps, channels, channel) / base : 0]),
  );
  const sum = Object.values(removal).reduce((total, each) => total + each, 0);
  const conversions = paths.reduce((total, { converted = 0 }) => total + converted, 0);
  const credit = Object.fromEntries(
    channels.map((channel) => [channel, sum ? (conversions * removal[channel]!) / sum : 0]),
  );
  return { base, removal, credit };
}

/** Probability of a conversion from the start: the chain is walked until nobody is on the way any more. */
function chanceToWin(steps: Map<State, Map<State, number>>, channels: string[], without?: string): number {
  const shares = new Map(
    [...steps].map(([from, row]) => {
      const total = [...row.values()].reduce((sum, count) => sum + count, 0);
      return [from, [...row].map(([to, count]): [State, number] => [to, count / total])];
    }),
  );
  const chance = new Map<State, number>();
  const of = (state: State) => (state === WON ? 1 : (chance.get(state) ?? 0));
  for (let round = 0, change = 1; change > 1e-13 && round < 100_000; round++) {
    change = 0;
    for (const state of [...channels, START]) {
      const next =
        state === without ? 0 : (shares.get(state) ?? []).reduce((sum, [to, share]) => sum + share * of(to), 0);
      change = Math.max(change, Math.abs(next - of(state)));
      chance.set(state, next);
    }
  }
  return of(START);
}

/** Above it coalitions are too many to go through: orders of joining are drawn. */
const EXACT_CHANNELS = 12;
const DRAWS = 20_000;

/**
 * Credit by what each channel adds to every coalition of the others.
 * @param valueOf what a coalition is worth by itself @param random needed above 12 channels, 0 to 1
 * @see Shapley 1953
 */
export function creditByShapley(channels: string[], valueOf: (coalition: string[]) => number, random?: () => number) {
  const credit = new Map(channels.map((channel) => [channel, 0]));
  const join = (order: string[], weight: number) => {
    let before = valueOf([]);
    for (const [index, channel] of order.entries()) {
      const after = valueOf(order.slice(0, index + 1));
      credit.set(channel, credit.get(channel)! + (after - before) * weight);
      before = after;
    }
  };
  if (channels.length > EXACT_CHANNELS) {
    if (!random) throw new Error(`above ${EXACT_CHANNELS} channels orders are drawn, which takes a random function`);
    for (let draw = 0; draw < DRAWS; draw++) join(shuffled(channels, random), 1 / DRAWS);
    return Object.fromEntries(credit);
  }
  const n = channels.length;
  const factorial = (k: number): number => (k < 2 ? 1 : k * factorial(k - 1));
  const values = Array.from({ length: 2 ** n }, (_, set) => valueOf(channels.filter((__, at) => set & (1 << at))));
  for (const [at, channel] of channels.entries()) {
    let sum = 0;
    for (let set = 0; set < 2 ** n; set++) {
      if (set & (1 << at)) continue;
      const size = channels.filter((_, other) => set & (1 << other)).length;
      sum += ((factorial(size) * factorial(n - size - 1)) / factorial(n)) * (values[set | (1 << at)]! - values[set]!);
    }
    credit.set(channel, sum);
  }
  return Object.fromEntries(credit);
}

/**
 * The same where each conversion is worth something to whoever holds all channels of its set: then Shapley's value is its share, divided
 * equally, however many channels there are.
 */
export function creditBySets(sets: Array<{ channels: string[]; value: number }>): Record<string, number> {
  // Channels may be called as things that every object has.
  const credit = Object.create(null) as Record<string, number>;
  for (const { channels, value } of sets)
    for (const channel of channels) credit[channel] = (credit[channel] ?? 0) + value / channels.length;
  return credit;
}

function shuffled<T>(items: T[], random: () => number): T[] {
  const order = [...items];
  for (let at = order.length - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1));
    [order[at], order[other]] = [order[other]!, order[at]!];
  }
  return order;
}
