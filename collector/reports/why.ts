import {
  attempt,
  dayOf,
  explainStage,
  explainTag,
  matchSignals,
  heldBy,
  isRepeated,
  leavesOf,
  placeOf,
  traitsOf,
  type Explanation,
  type Stage,
  type TagExplanation,
} from '../../sdk/core/index.js';
import { timelineOf } from '../ingest/timeline.js';
import type { RemoteStore, VisitorRecord } from '../store/store.js';

/** Events that are named, the latest of them. */
const MAX_EVENTS = 50;

/** An event that carries a signal which the condition asks for, or that set a trait. */
interface Evidence {
  id: string;
  name: string;
  time: number;
  url: string | null;
  signals: string[];
  traits?: string[];
}

export type Why = (Explanation | TagExplanation) & { events: Evidence[] };

/**
 * Says why a stage or a tag holds for a visitor or not, with the events behind it; of the current stage where none is named.
 * @param visitorIds every visitor whose facts are in the record
 * @returns undefined where the rules have no such tag
 */
export async function explainVisitor(
  store: RemoteStore,
  siteKey: string,
  { facts }: VisitorRecord,
  visitorIds: string[],
  asked: { stage?: Stage; tag?: string },
  now: number,
): Promise<Why | undefined> {
  const timeline = timelineOf(await store.rules(siteKey));
  const { current } = timeline;
  const explanation =
    asked.tag === undefined
      ? explainStage(current, facts, now, asked.stage)
      : explainTag(current, facts, now, asked.tag);
  if (!explanation) return undefined;
  const condition =
    'tag' in explanation
      ? current.tags[explanation.tag]
      : explanation.met
        ? heldBy(current, explanation.stage)
        : explanation.stage && current.stages[explanation.stage]?.when;
  const leaves = condition ? leavesOf(condition) : [];
  // What is kept for good, or lasts, may be so by what has left its window since.
  const isOld = ('sticky' in explanation && explanation.sticky) || (!!condition && 'lasts' in condition);
  const today = dayOf(now);
  const isWanted = (signal: string, day: number) =>
    leaves.some(
      (leaf) => 'signal' in leaf && leaf.signal === signal && (isOld || today - day < (leaf.within ?? Infinity)),
    );
  const wantedTraits = new Set(condition ? traitsOf(condition) : []);
  const events: Evidence[] = [];
  for (const visitorId of visitorIds)
    for await (const { event, traits: told, isProven } of store.events(siteKey, { visitorId })) {
      const { id, name, time, props } = event;
      const url = event.url === undefined ? undefined : attempt(() => new URL(event.url!));
      const carried = matchSignals(timeline.at(time), event, url && placeOf(url)).map(([signal]) => signal);
      const signals = carried.filter((signal) => isWanted(signal, dayOf(time)) && !isRepeated(facts, event, signal));
      // What only the collector says of somebody's groups a page may claim, and it is not believed.
      const traits = Object.keys({ ...(name === 'identify' && props), ...told }).filter(
        (each) => wantedTraits.has(each) && (isProven || !each.startsWith('stagetag.')),
      );
      if (signals.length || traits.length)
        events.push({ id, name, time, url: event.url ?? null, signals, ...(traits.length && { traits }) });
    }
  return { ...explanation, events: events.sort((a, b) => b.time - a.time).slice(0, MAX_EVENTS) };
}
