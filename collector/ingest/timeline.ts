import { compileRules, type CompiledRules } from '../../sdk/core/index.js';
import type { PublishedRules } from '../store/store.js';

/** A site's rules over time: signals match by the version in force at an event's time, conditions are always the newest. */
export interface Timeline {
  /** In force now. */
  current: CompiledRules;
  /** The rules an event of this time is matched by. */
  at(time: number): CompiledRules;
}

const timelines = new WeakMap<PublishedRules[], Timeline>();

/** @param published as the store keeps them: oldest first, the last one in force */
export function timelineOf(published: PublishedRules[]): Timeline {
  let timeline = timelines.get(published);
  if (!timeline) {
    const current = compileRules(published.at(-1)!.rules);
    const steps = published
      .map(({ rules, since }) => ({ since, rules: { ...current, signals: compileRules(rules).signals } }))
      .reverse();
    steps[0]!.rules = current;
    timeline = { current, at: (time) => (steps.find(({ since }) => since <= time) ?? steps.at(-1)!).rules };
    timelines.set(published, timeline);
  }
  return timeline;
}
