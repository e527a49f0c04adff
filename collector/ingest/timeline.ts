import { compileExclusions, compileRules, holds, type CompiledRules, type FactsView } from '../../sdk/core/index.js';
import { EXCLUDED, type PublishedRules } from '../store/store.js';

/** A site's rules over time: signals match by the version in force at an event's time, conditions are always the newest. */
export interface Timeline {
  /** In force now. */
  current: CompiledRules;
  /** The rules an event of this time is matched by. */
  at(time: number): CompiledRules;
  /** Whether facts that were made while this version was in force are the same now: no signal has changed since. */
  keepsFacts(version: number): boolean;
  /** Whether the stages of this version are met by the same facts, and its signals are the same: its moves are those of the rules in force. */
  keepsStages(version: number): boolean;
  /** Why reports leave somebody out whose facts are these, such as `excluded:staff`, or null: by the rules in force now. */
  excludedAs(view: FactsView): string | null;
  /** The rules in force now, with every window whose end may change something: those of exclusions too. */
  due: CompiledRules;
}

const timelines = new WeakMap<PublishedRules[], Timeline>();

/** @param published as the store keeps them: oldest first, the last one in force */
export function timelineOf(published: PublishedRules[]): Timeline {
  let timeline = timelines.get(published);
  if (!timeline) {
    const current = compileRules(published.at(-1)!.rules);
    const steps = published
      .map(({ rules, since }) => ({ since, rules: { ...current, signals: pairedAs(current, compileRules(rules)) } }))
      .reverse();
    steps[0]!.rules = current;
    const kept = keptVersions(published, meaningOf);
    const keptStages = keptVersions(published, (each) => meaningOf(each) + stagesOf(each));
    const exclusions = compileExclusions(published.at(-1)!.rules);
    timeline = {
      current,
      at: (time) => (steps.find(({ since }) => since <= time) ?? steps.at(-1)!).rules,
      keepsFacts: (version) => kept.has(version),
      keepsStages: (version) => keptStages.has(version),
      excludedAs: (view) => {
        const found = exclusions.conditions.find(([, when]) => holds(view, when, view.today));
        return found ? EXCLUDED + found[0] : null;
      },
      due: { ...current, windows: [...new Set([...current.windows, ...exclusions.windows])] },
    };
    timelines.set(published, timeline);
  }
  return timeline;
}

/** The signals of older rules, which note the session where a condition asks for it now: conditions are always the newest. */
const pairedAs = ({ signals: now }: CompiledRules, { signals }: CompiledRules): CompiledRules['signals'] =>
  Object.fromEntries(
    Object.entries(signals).map(([name, signal]) => {
      const { pairs } = now[name] ?? {};
      const own = { ...signal };
      delete own.pairs;
      return [name, pairs ? { ...own, pairs } : own];
    }),
  );

/** What a store is told of the rules in force. */
export const inForce = ({ current, keepsFacts }: Timeline) => ({ rulesVersion: current.version, keepsFacts });

/** What the signals of rules say of events: all of them but their weights. */
const meaningOf = ({ rules }: Pick<PublishedRules, 'rules'>): string =>
  JSON.stringify(compileRules({ ...rules, score: rules.score && { ...rules.score, weights: {} } }).signals);

const stagesOf = ({ rules }: Pick<PublishedRules, 'rules'>): string => JSON.stringify(compileRules(rules).stages);

/** The latest versions of which the same is to be said. */
function keptVersions(published: PublishedRules[], say: (each: PublishedRules) => string): Set<number> {
  const last = say(published.at(-1)!);
  const other = published.findLastIndex((each) => say(each) !== last);
  return new Set(published.slice(other + 1).map(({ rules }) => rules.version));
}

/**
 * From when on the signals of a new version are to match: from the first event on, where `all` is to be counted anew; else, and where
 * nothing would be counted otherwise, from now on.
 */
export function sinceOf(
  published: PublishedRules[],
  next: Pick<PublishedRules, 'rules'>,
  apply: 'all' | 'now',
  now: number,
) {
  const isSame =
    keptVersions([...published, { ...next, publishedAt: now, since: now }], meaningOf).size > published.length;
  return apply === 'now' || isSame ? now : 0;
}
