/** Why an order counts for less than it says. */
import {
  attempt,
  matchSignals,
  placeOf,
  type CompiledRules,
  type Facts,
  type StagetagEvent,
} from '../../sdk/core/index.js';

/** `amount`: no number from 0; `currency`: another than the rules'; `repeated`: an event with the same transaction was counted instead. */
export const UNCOUNTED = ['amount', 'currency', 'repeated'] as const;
export type Uncounted = (typeof UNCOUNTED)[number];

type Signals = CompiledRules['signals'];

/** The same rules as if signals had no currency, or no amount either. */
const bareRules = new WeakMap<CompiledRules, Record<'amount' | 'currency', CompiledRules>>();
function bare(rules: CompiledRules) {
  let known = bareRules.get(rules);
  if (!known) {
    const without = (...names: Array<'value' | 'currency'>): CompiledRules => {
      const signals = Object.entries(rules.signals).map(([name, signal]) => {
        const own = { ...signal };
        for (const each of names) delete own[each];
        return [name, own];
      });
      return { ...rules, signals: Object.fromEntries(signals) as Signals };
    };
    bareRules.set(rules, (known = { amount: without('value', 'currency'), currency: without('currency') }));
  }
  return known;
}

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
  const transaction = event.props?.transaction_id;
  const isOrder = typeof transaction === 'string' || typeof transaction === 'number';
  const isRepeated = (signal: string) => {
    const first = facts.orders[`${signal}\n${transaction as string}`];
    return !!first && first[1] !== event.id.toLowerCase();
  };
  const asked = adding.length ? adding : names;
  if (isOrder && asked.length && asked.every(isRepeated)) return 'repeated';
  if (adding.length || !carried(bare(rules).amount).adding.length) return undefined;
  return carried(bare(rules).currency).adding.length ? 'currency' : 'amount';
}
