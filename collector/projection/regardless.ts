import type { CompiledRules } from '../../sdk/core/index.js';

type Signals = CompiledRules['signals'];

const made = new WeakMap<CompiledRules, Record<'amount' | 'currency', CompiledRules>>();
/** The same rules as if signals had no currency, or no amount either: what an event whose amount does not count would be. */
export function regardless(rules: CompiledRules) {
  let known = made.get(rules);
  if (!known) {
    const without = (...names: Array<'value' | 'currency'>): CompiledRules => {
      const signals = Object.entries(rules.signals).map(([name, signal]) => {
        const own = { ...signal };
        for (const each of names) delete own[each];
        return [name, own];
      });
      return { ...rules, signals: Object.fromEntries(signals) as Signals };
    };
    made.set(rules, (known = { amount: without('value', 'currency'), currency: without('currency') }));
  }
  return known;
}
