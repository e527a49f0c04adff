import { DAY_MS, type Matcher, type Rules, type Signal, type StagetagEvent } from '../../sdk/core/index.js';
import { uuidV7 } from '../../sdk/uuid.js';

/** A value that a matcher takes, and now and then one that it does not. */
function valueFor({ eq, in: list, glob, gte, lte }: Matcher, random: () => number): string | number | boolean {
  if (random() < 0.15) return 'other';
  if (eq !== undefined) return eq;
  if (list) return list[Math.floor(random() * list.length)]!;
  if (glob !== undefined) return [glob].flat()[0]!.replaceAll('*', 'x');
  return Math.floor(((gte ?? 0) + Math.min(lte ?? Infinity, (gte ?? 0) + 10)) / 2);
}

/** An event that carries a signal, more or less. */
function eventFor(signal: Signal, random: () => number): Pick<StagetagEvent, 'name' | 'url' | 'props'> {
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)]!;
  const path = signal.path === undefined ? pick(['/', '/about', '/x']) : pick([signal.path].flat());
  const filled = path.replaceAll('*', () => pick(['', '', 'a', 'b', 'c']));
  const props: Record<string, string | number | boolean> = {};
  for (const [name, matcher] of Object.entries(signal.props ?? {})) props[name] = valueFor(matcher, random);
  for (const from of [signal.distinct, signal.value])
    if (from?.startsWith('props.')) props[from.slice('props.'.length)] = Math.floor(random() * 400);
  if (random() < 0.2) props.transaction_id = `t${Math.floor(random() * 3)}`;
  return {
    name: signal.event === undefined ? 'page_view' : pick([signal.event].flat()),
    url: `https://www.example.com${filled.startsWith('/') ? filled : `/${filled}`}`,
    ...(Object.keys(props).length && { props }),
  };
}

/** Names of the traits that rules ask for, with values that they ask for. */
const traitsOf = (rules: Rules): Array<[string, Matcher]> => {
  const found: Array<[string, Matcher]> = [];
  JSON.stringify(rules, (_, value: unknown) => {
    const { trait, ...matcher } = (value ?? {}) as { trait?: string } & Matcher;
    if (typeof trait === 'string') found.push([trait, matcher]);
    return value;
  });
  return found;
};

/** Makes the events of one visitor, such as the rules ask for, over some days before a moment. */
export function eventsFor(
  rules: Rules,
  random: () => number,
  options: { days: number; until: number },
): StagetagEvent[] {
  const signals = Object.values(rules.signals);
  const traits = traitsOf(rules);
  const count = 1 + Math.floor(random() * 14);
  // Half of all visitors come on few days, since most do.
  const days = Array.from({ length: 1 + Math.floor(random() * 4) }, () => Math.floor(random() * options.days));
  return Array.from({ length: count }, (_, index) => {
    const day = days[Math.floor(random() * days.length)]!;
    const time = Math.floor(options.until - day * DAY_MS - random() * 3_600_000);
    const trait = traits[Math.floor(random() * traits.length)];
    const isTrait = trait && random() < 0.1;
    return {
      id: uuidV7(time),
      time,
      seq: index + 1,
      sessionId: `s${day}`,
      ...(isTrait
        ? { name: 'identify', url: 'https://www.example.com/', props: { [trait[0]]: valueFor(trait[1], random) } }
        : eventFor(signals[Math.floor(random() * signals.length)]!, random)),
    };
  });
}
