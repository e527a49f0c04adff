/** Why a stage holds or not: the rule, the facts that met it or are missing, and the nearest step further. Codes, no texts. */
import type { Facts } from './facts.js';
import { isInRange } from './matcher.js';
import { isPlain } from './plain.js';
import { rank, STAGES, type CompiledCondition, type CompiledRules, type Range, type Stage } from './rules.js';
import { walkStages } from './stage.js';
import { explain, holds, turningDays, viewFacts, type FactsView, type GroupReason, type Reason } from './view.js';

export interface Explanation {
  /** The stage that is explained; null where the visitor stands at none and none was asked for. */
  stage: Stage | null;
  /** Whether it holds: kept for good counts. */
  met: boolean;
  /** Whether it was reached once and is kept for good, whatever of `because` still holds. */
  sticky: boolean;
  /** Version of the rules. */
  rules: number;
  /** The stage's condition, or, where one that it is kept by is met or goes on, the two as alternatives; null where the rules have none. */
  because: Reason | null;
  /** The next higher stage, and what is missing for it: of alternatives what is least to do. */
  next: { stage: Stage; missing: Reason[] } | null;
}

/** Explains a stage, the current one by default. */
export function explainStage(rules: CompiledRules, facts: Facts | Facts[], now: number, asked?: Stage): Explanation {
  const view = viewFacts(rules, facts, now);
  const { stages, sticky, stage: current } = walkStages(view);
  const stage = asked ?? current;
  const because = (each: Stage | null) => {
    const rule = each && rules.stages[each];
    if (!rule) return null;
    // Who has entered stays for as long as either holds.
    const isKept = !isPlain && rule.keep && stages.includes(each!);
    return explain(view, isKept ? { any: [rule.when, rule.keep!] } : rule.when, view.today);
  };
  const higher = STAGES.slice(rank(current) + 1).find((each) => rules.stages[each]);
  return {
    stage,
    met: stages.includes(stage!),
    sticky: sticky.has(stage!),
    rules: rules.version,
    because: because(stage),
    next: higher ? { stage: higher, missing: missingIn(because(higher)!) } : null,
  };
}

/** Why a tag holds or not. */
export interface TagExplanation {
  tag: string;
  met: boolean;
  /** Version of the rules. */
  rules: number;
  because: Reason;
  /** What is missing for it: of alternatives what is least to do. */
  missing: Reason[];
}

/** Explains a tag; undefined where the rules have none of that name. */
export function explainTag(
  rules: CompiledRules,
  facts: Facts | Facts[],
  now: number,
  tag: string,
): TagExplanation | undefined {
  if (!Object.keys(rules.tags).includes(tag)) return undefined;
  const view = viewFacts(rules, facts, now);
  const because = explain(view, rules.tags[tag]!, view.today);
  return { tag, met: because.met, rules: rules.version, because, missing: missingIn(because) };
}

/** The parts of a condition that are still missing: of alternatives what is least to do, and of equals the one that the rules name first. */
function missingIn(reason: Reason): Reason[] {
  if (reason.met) return [];
  const { all, any } = reason as GroupReason;
  if (all) return all.flatMap(missingIn);
  return any?.map(missingIn).sort((a, b) => effort(a) - effort(b))[0] ?? [reason];
}

/** How much is to do: times, days, different things or money that are missing. Without end where nothing a visitor does would help. */
function effort(parts: Reason[]): number {
  let sum = 0;
  for (const { trait, need, have } of parts as Array<{
    trait?: string;
    need?: Record<string, Range>;
    have: Record<string, number>;
  }>) {
    if (!need || (!isPlain && trait)) sum = Infinity;
    for (const name in need) {
      const [range, value] = [need[name]!, (isPlain ? have : Object(have))[name] as number];
      if (!isInRange(range, value)) sum += range.gte! > value ? range.gte! - value : Infinity;
    }
  }
  return sum;
}

/** What a stage is held by: its condition, or, once entered, the one that it is kept by; undefined where the rules have none. */
export const heldBy = ({ stages }: CompiledRules, stage: Stage | null): CompiledCondition | undefined => {
  const { when, keep } = (stage && stages[stage]) ?? {};
  return when && !isPlain && keep ? { any: [when, keep] } : when;
};

/**
 * A stage's condition with what met it or is missing, and nothing else of it; null where the rules have none. Of a stage that is kept for
 * good it is what met it last.
 */
export function reasonFor(view: FactsView, stage: Stage): Reason | null {
  const rule = view.rules.stages[stage];
  if (!rule) return null;
  const condition = heldBy(view.rules, stage)!;
  const past = rule.sticky ? turningDays(view, view.rules.turns).filter((day) => day < view.today) : [];
  const day = [...past, view.today].reverse().find((each) => holds(view, condition, each)) ?? view.today;
  return decisive(view, condition, day);
}

/** Explains a condition without the parts of a group that did not decide it. When it ends is not said: the transition after it tells. */
function decisive(view: FactsView, condition: CompiledCondition, day: number): Reason {
  const { all, any, not } = condition as Partial<Record<'all' | 'any' | 'not', CompiledCondition[]>>;
  if (not) return explain({ ...view, days: [] }, condition, day);
  const reason: Record<string, unknown> = { ...condition };
  const met = holds(view, condition, day, reason);
  reason.met = met;
  const parts = (all ?? any)?.filter((part) => holds(view, part, day) === met);
  if (parts) reason[all ? 'all' : 'any'] = parts.map((part) => decisive(view, part, day));
  return reason as unknown as Reason;
}
