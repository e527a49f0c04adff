import {
  compileExclusions,
  compileRules,
  dayOf,
  formatDay,
  lintRules,
  rank,
  signalsOf,
  STAGES,
  warn,
  type Rules,
  type Warning,
} from '../../sdk/core/index.js';
import type { RemoteStore } from '../store/store.js';

/** Days in which a signal that means something is carried by some event. */
const SILENT_DAYS = 30;
const PAGE = 500;

/** Warns of what is odd about rules, by themselves and before what the site's visitors did so far. */
export async function lintSite(store: RemoteStore, siteKey: string, rules: Rules, now: number): Promise<Warning[]> {
  const compiled = compileRules(rules);
  const warnings = lintRules(compiled, compileExclusions(rules));
  const published = (await store.rules(siteKey)).at(-1)!.rules;
  const counts = await store.stageCounts(siteKey);
  const all = counts.reduce((sum, { visitors }) => sum + visitors, 0);
  if (!all) return warnings;
  // What visitors did is counted by the signals in force: of others nothing is known.
  const known = Object.keys(rules.signals).filter(
    (name) => JSON.stringify(rules.signals[name]) === JSON.stringify(published.signals[name]),
  );
  const silent = await silentSignals(store, siteKey, known, now);
  for (const name of silent) warnings.push(warn('silent_signal', `signals.${name}`));
  for (const stage of STAGES) {
    const rule = compiled.stages[stage];
    const isSame = JSON.stringify(rules.stages[stage]) === JSON.stringify(published.stages[stage]);
    if (!rule || !isSame || !signalsOf(rule.when).every((name) => known.includes(name))) continue;
    const standing = counts.filter((row) => row.stage === stage).reduce((sum, { visitors }) => sum + visitors, 0);
    const reached = counts.some(({ peak }) => rank(peak) >= rank(stage));
    if (!reached) warnings.push(warn('empty_stage', `stages.${stage}`));
    else if (standing === all) warnings.push(warn('stage_of_all', `stages.${stage}`));
  }
  return warnings;
}

async function silentSignals(store: RemoteStore, siteKey: string, names: string[], now: number): Promise<string[]> {
  const first = formatDay(dayOf(now) - SILENT_DAYS + 1);
  const silent = new Set(names);
  for (let after: string | undefined; silent.size;) {
    const visitors = await store.everyVisitor(siteKey, after, PAGE);
    for (const { facts } of visitors) {
      for (const { signals } of [facts, ...Object.values(facts.orders).map(([, , counts]) => counts)])
        for (const name of silent)
          if (Object.keys(signals[name] ?? {}).some((day) => day >= first)) silent.delete(name);
    }
    if (visitors.length < PAGE) break;
    after = visitors.at(-1)!.visitorId;
    await new Promise(setImmediate);
  }
  return [...silent];
}
