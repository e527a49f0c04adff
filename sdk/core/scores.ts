/** A score by what it tells of: what somebody does, what they are about to do, and who they are. Only the collector asks. */
import { compileScores, type Rules } from './rules.js';
import { scoreAt } from './stage.js';
import { holds, type FactsView } from './view.js';

export interface Scores {
  /** What of the score comes from signals that are no intent. */
  behaviour: number;
  /** What of it comes from those that are. With `behaviour` it makes the score. */
  intent: number;
  /** Points of the conditions on who somebody is; no part of the score. */
  profile: number;
}

const round = (score: number) => Math.round(score * 1e4 + 1e-4) / 1e4;

/** Tells a visitor's scores apart. @param view of facts that have no base, under the same rules compiled */
export function scoresOf(rules: Rules, view: FactsView): Scores {
  const { intent, fit } = compileScores(rules);
  const { signals } = view.rules;
  const named = Object.fromEntries(Object.entries(signals).filter(([name]) => intent.includes(name)));
  const all = round(scoreAt(view, view.today));
  const ofIntent = round(scoreAt({ ...view, rules: { ...view.rules, signals: named } }, view.today));
  return {
    behaviour: round(all - ofIntent),
    intent: ofIntent,
    profile: fit.reduce((sum, { when, points }) => sum + (holds(view, when, view.today) ? points : 0), 0),
  };
}
