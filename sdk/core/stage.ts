/** Inference: stage, peak, tags and score as one pure function of (rules, facts, now). */
import { holds, turningDays, viewFacts, type FactsView } from './view.js';
import type { Facts } from './facts.js';
import { rank, STAGES, type CompiledRules, type Stage } from './rules.js';
import { parseDay } from './day.js';
import { isPlain } from './plain.js';

/** Where a visitor stands. */
export interface Inference {
  /** The highest stage whose condition holds, or null where none does. */
  stage: Stage | null;
  /** The highest stage as of the end of any UTC day up to now. */
  peak: Stage | null;
  /** Names of the tags that hold, in alphabetical order. */
  tags: string[];
  /** Weighted, decayed sum of signals, rounded to four decimals. */
  score: number;
}

/** Says where a visitor with these facts stands at a moment in epoch ms. */
export const inferState = (rules: CompiledRules, facts: Facts | Facts[], now: number): Inference =>
  inferFrom(viewFacts(rules, facts, now));

/** The same of facts that are seen already. */
export function inferFrom(view: FactsView): Inference {
  const { stage, peak } = walkStages(view);
  const { tags } = view.rules;
  return {
    stage,
    peak,
    tags: Object.keys(tags).filter((name) => holds(view, tags[name]!, view.today)),
    // Ties are decided a little below the half, where the last digit of a sum cannot tip them.
    score: Math.round(scoreAt(view, view.today) * 1e4 + 1e-4) / 1e4,
  };
}

/** The highest stage whose condition holds. */
export const stageOf = (view: FactsView): Stage | null => walkStages(view).stage;

export interface Walk {
  /** Those that hold today, lowest first. */
  stages: Stage[];
  /** The highest of them. */
  stage: Stage | null;
  peak: Stage | null;
  /** Those that are kept for good. */
  sticky: Set<Stage>;
}

/** Follows the stages over the ends of all days up to today. @param see told the highest stage by the end of each, by its rank */
export function walkStages(view: FactsView, see?: (day: number, peak: number) => void): Walk {
  const { rules, today, base } = view;
  const sticky = new Set(base?.sticky);
  let stages: Stage[] = isPlain ? [] : (base?.held ?? []);
  let peak = base ? rank(base.peak) : -1;
  for (const day of new Set([...turningDays(view, rules.turns), today])) {
    if (day > today || (base && day <= parseDay(base.through))) continue;
    const before = stages;
    stages = STAGES.filter((stage) => {
      const rule = rules.stages[stage];
      if (!isPlain && rule?.keep)
        return holds(view, rule.when, day) || (before.includes(stage) && holds(view, rule.keep, day));
      // Of past days only what was reached then counts, or is kept.
      const isNews = !!rule && (rule.sticky || rank(stage) > peak || day === today);
      const isMet = isNews && (sticky.has(stage) || holds(view, rule.when, day));
      if (isMet && rule.sticky) sticky.add(stage);
      return isMet;
    });
    peak = Math.max(peak, ...stages.map(rank));
    see?.(day, peak);
  }
  return { stages, stage: stages[stages.length - 1] ?? null, peak: STAGES[peak] ?? null, sticky };
}

/** The first UTC day at whose end each stage, or a higher one, was reached; only those that were. */
export function reachedDays(rules: CompiledRules, facts: Facts, now: number): Map<Stage, number> {
  const days = new Map<Stage, number>();
  walkStages(viewFacts(rules, facts, now), (day, peak) => {
    for (const stage of STAGES.slice(0, peak + 1)) if (!days.has(stage)) days.set(stage, day);
  });
  return days;
}

/** What is left of a day's weight on a later one. */
export const decay = (day: number, later: number, halfLifeDays: number): number => 2 ** ((day - later) / halfLifeDays);

/** The score as of the end of a day, unrounded. */
export function scoreAt({ rules, rows, base }: FactsView, until: number): number {
  const { signals, halfLifeDays = Infinity } = rules;
  const cut = base ? parseDay(base.cut) : -1;
  const left = (day: number) => decay(day, until, halfLifeDays);
  let score = base ? base.score * left(cut) : 0;
  for (const [signal, { weight = 0 }] of Object.entries(signals)) {
    // Up to the cut the base's own score says what was left.
    for (const [day, count] of rows.get(signal) ?? [])
      if (day > cut && day <= until) score += weight * count * left(day);
  }
  return score;
}
