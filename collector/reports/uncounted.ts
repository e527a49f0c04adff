/** Why an order counts for less than it says. */
import {
  attempt,
  isRepeated,
  matchSignals,
  placeOf,
  type CompiledRules,
  type Facts,
  type StagetagEvent,
} from '../../sdk/core/index.js';
import { regardless } from '../projection/regardless.js';

/** `amount`: no number from 0; `currency`: another than the rules'; `repeated`: an event with the same transaction was counted instead. */
export const UNCOUNTED = ['amount', 'currency', 'repeated'] as const;
export type Uncounted = (typeof UNCOUNTED)[number];

/**
 * @param facts of the event's visitor, or of the user whose it is
 * @returns undefined where an event has no amount that a signal asks for, or one of them counts it
 */
export function whyUncounted(rules: CompiledRules, facts: Facts, event: StagetagEvent): Uncounted | undefined {
  const url = attempt(() => new URL(event.url!));
  const carried = (under: CompiledRules) => {
    const names = matchSignals(under, event, url && placeOf(url)).map(([signal]) => signal);
    const adding = names.filter((name) => rules.signals[name]!.value);
    return { names, adding };
  };
  const { names, adding } = carried(rules);
  if (!adding.length && carried(regardless(rules).amount).adding.length)
    return carried(regardless(rules).currency).adding.length ? 'currency' : 'amount';
  const asked = adding.length ? adding : names;
  return asked.length && asked.every((signal) => isRepeated(facts, event, signal)) ? 'repeated' : undefined;
}
