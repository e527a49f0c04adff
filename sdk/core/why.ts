/** Why a stage holds or not: the rule, the facts that met it or are missing, and the nearest step further. Codes, no texts. */
import type { Facts } from './facts.js';
import { rank, STAGES, type CompiledRules, type Measure, type Stage } from './rules.js';
import { walkStages } from './stage.js';
import { evaluate, viewFacts, type Reason } from './view.js';

export interface Explanation {
  /** The stage that is explained; null where the visitor stands at none and none was asked for. */
  stage: Stage | null;
  /** Whether it holds: kept for good counts. */
  met: boolean;
  /** Whether it was reached once and is kept for good, whatever of `because` still holds. */
  sticky: boolean;
  /** Version of the rules. */
  rules: number;
  /** The stage's condition; null where the rules have none. */
  because: Reason | null;
  /** The next higher stage that can still be reached, and the fewest conditions missing for it. */
  next: { stage: Stage; missing: Reason[] } | null;
}

/** Explains a stage, the current one by default. */
export function explainStage(rules: CompiledRules, facts: Facts, now: number, asked?: Stage): Explanation {
  const view = viewFacts(rules, facts, now);
  const { stages, sticky, stage: current } = walkStages(view);
  const stage = asked ?? current;
  const because = (each: Stage | null) => {
    const rule = each && rules.stages[each];
    return rule ? evaluate(view, rule.when, view.today, true) : null;
  };
  const steps = STAGES.slice(rank(current) + 1).map((higher): [Stage, Missing] => [higher, missingIn(because(higher))]);
  const step = steps.find(([, [cost]]) => cost < Infinity);
  return {
    stage,
    met: stages.includes(stage!),
    sticky: sticky.has(stage!),
    rules: rules.version,
    because: because(stage),
    next: step ? { stage: step[0], missing: step[1][1] } : null,
  };
}

/** The fewest reasons still missing, with their cost: how far the facts are from what is needed; Infinity where no event could help. */
type Missing = [cost: number, reasons: Reason[]];

function missingIn(reason: Reason | null): Missing {
  if (!reason || 'not' in reason) return [reason?.met ? 0 : Infinity, []];
  if (reason.met) return [0, []];
  if ('any' in reason) return reason.any.map(missingIn).sort((a, b) => a[0] - b[0])[0]!;
  if ('all' in reason) {
    const parts = reason.all.map(missingIn);
    return [parts.reduce((sum, [cost]) => sum + cost, 0), parts.flatMap(([, reasons]) => reasons)];
  }
  let cost = 0;
  if ('trait' in reason) cost = 1;
  else
    for (const [name, { gte = 0, lte = Infinity }] of Object.entries(reason.need)) {
      const have = reason.have[name as Measure];
      cost += have > lte ? Infinity : Math.max(0, gte - have);
    }
  return [cost, [reason]];
}
