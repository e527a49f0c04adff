import {
  compileExclusions,
  compileScores,
  compileRules,
  dayOf,
  lintRules,
  rank,
  signalsOf,
  STAGES,
  warn,
  type Rules,
  type Warning,
} from '../../sdk/core/index.js';
import type { View } from '../projection/view.js';

/** Days in which a signal that means something is carried by some event. */
const SILENT_DAYS = 30;

/** Warns of what is odd about rules, by themselves and before what the site's visitors did so far. */
export async function lintSite(view: View, rules: Rules, now: number): Promise<Warning[]> {
  const { store } = view;
  const { siteKey } = view.site;
  const compiled = compileRules(rules);
  const warnings = lintRules(compiled, compileExclusions(rules), compileScores(rules).fit);
  const published = (await store.rules(siteKey)).at(-1)!.rules;
  const counts = await store.stageCounts(siteKey);
  const all = counts.reduce((sum, { visitors }) => sum + visitors, 0);
  if (!all) return warnings;
  // What visitors did is counted by the signals in force: of others nothing is known.
  const known = Object.keys(rules.signals).filter(
    (name) => JSON.stringify(rules.signals[name]) === JSON.stringify(published.signals[name]),
  );
  const heard = view.signalsSince(dayOf(now) - SILENT_DAYS + 1);
  for (const name of known) if (!heard.has(name)) warnings.push(warn('silent_signal', `signals.${name}`));
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
