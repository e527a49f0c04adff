/** Why a stage holds or not: the rule, the facts that met it or are missing, and the nearest step further. Codes, no texts. */
import { formatDay } from './day.js';
import type { Facts } from './facts.js';
import { rank, STAGES, type Condition, type Matcher, type Measure, type Range, type Rules, type Scalar, type Stage } from './rules.js';
import { walkStages } from './stage.js';
import { holds, measure, rangesOf, turningDays, viewFacts, type FactsView } from './view.js';

interface Met {
  met: boolean;
  /** First UTC day (`YYYY-MM-DD`) on which this would no longer hold if nothing more happened; absent where there is none. */
  expires?: string;
}

export interface SignalReason extends Met {
  signal: string;
  /** What the rule asks for, such as `{count: {gte: 2}}`. */
  need: Partial<Record<Measure, Range>>;
  /** What the facts say, in the same measures. */
  have: Partial<Record<Measure, number>>;
  /** Window in days; undefined where everything ever counts. */
  within?: number;
}

export interface TraitReason extends Met {
  trait: string;
  need: Matcher;
  have: Scalar | null;
}

/** A condition with what became of each of its parts. */
export type Reason =
  | SignalReason
  | TraitReason
  | (Met & { all: Reason[] })
  | (Met & { any: Reason[] })
  | (Met & { not: Reason });

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
export function explainStage(rules: Rules, facts: Facts, now: number, asked?: Stage): Explanation {
  const view = viewFacts(facts, now);
  const { stages, sticky } = walkStages(rules, view);
  const current = stages[stages.length - 1] ?? null;
  const stage = asked ?? current;
  const because = (each: Stage | null) => (each && rules.stages[each] ? explain(rules, view, rules.stages[each].when) : null);
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

/** Tells of a condition and each of its parts whether it is met, by what, and for how long. */
function explain(rules: Rules, view: FactsView, condition: Condition): Reason {
  const { today, facts } = view;
  const met = holds(view, condition, today);
  const lapse = turningDays(rules, view, true).find((day) => met && day > today && !holds(view, condition, day));
  const state = { met, ...(lapse && { expires: formatDay(lapse) }) };
  const inner = (part: Condition) => explain(rules, view, part);
  if ('all' in condition) return { all: condition.all.map(inner), ...state };
  if ('any' in condition) return { any: condition.any.map(inner), ...state };
  if ('not' in condition) return { not: inner(condition.not), ...state };
  if ('trait' in condition) {
    const { trait, ...need } = condition;
    return { trait, need, have: facts.traits[trait]?.[2] ?? null, ...state };
  }
  const { signal, within } = condition;
  const measures = measure(view, condition, today);
  const ranges = rangesOf(condition);
  const have = ranges.map(([name]) => [name, measures[name]]);
  return { signal, within, need: Object.fromEntries(ranges), have: Object.fromEntries(have), ...state };
}

/** The fewest reasons still missing, with their cost as a number of further events; Infinity where no event could help. */
type Missing = [cost: number, reasons: Reason[]];

function missingIn(reason: Reason | null): Missing {
  if (!reason || 'not' in reason) return [reason?.met ? 0 : Infinity, []];
  if (reason.met) return [0, []];
  if ('any' in reason) return reason.any.map(missingIn).sort((a, b) => a[0] - b[0])[0]!;
  if ('all' in reason) {
    const parts = reason.all.map(missingIn);
    return [parts.reduce((sum, [cost]) => sum + cost, 0), parts.flatMap(([, reasons]) => reasons)];
  }
  let cost = 'trait' in reason ? 1 : 0;
  if ('signal' in reason) {
    for (const [name, { gte = 0, lte = Infinity }] of Object.entries(reason.need)) {
      const have = reason.have[name as Measure]!;
      // An amount may come with one event, however large it is; a count needs one event each.
      cost += have > lte ? Infinity : name === 'value' ? +(have < gte) : Math.max(0, gte - have);
    }
  }
  return [cost, [reason]];
}
