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

const HIGHEST_FIRST = [...STAGES].reverse();

/** The highest stage whose condition holds: the past is walked only where none of those above holds today. */
export function stageOf(view: FactsView): Stage | null {
  const { today, base, rules } = view;
  for (const stage of HIGHEST_FIRST) {
    const rule = rules.stages[stage];
    if (!rule) continue;
    if (holds(view, rule.when, today)) return stage;
    const wasMet = () => base || rules.turns || holds(view, rule.when, Infinity);
    if (rule.keep || (rule.sticky && wasMet())) return walkStages(view).stage;
  }
  return null;
}

export interface Walk {
  /** Those that hold today, highest first. */
  stages: Stage[];
  /** The highest of them. */
  stage: Stage | null;
  peak: Stage | null;
  /** Those that are kept for good. */
  sticky: Set<Stage>;
}

/** Looks at each stage as of the end of every day up to today. */
export function walkStages(view: FactsView): Walk {
  const { rules, today, base } = view;
  const sticky = new Set(base?.sticky);
  let peak = rank(base?.peak);
  // The highest first: below what was reached, the past matters only where it is kept.
  const stages = [...STAGES].reverse().filter((stage) => {
    const rule = rules.stages[stage];
    if (!rule) return false;
    const isMet = (day: number) => holds(view, rule.when, day);
    const days = () =>
      turningDays(view, rules.turns).filter((day) => day < today && (!base || day > parseDay(base.through)));
    let isHeld = sticky.has(stage) || isMet(today);
    if (!isPlain && rule.keep) {
      let isKept = !!base?.held?.includes(stage);
      for (const day of days()) {
        isKept = isMet(day) || (isKept && holds(view, rule.keep, day));
        if (isKept) peak = Math.max(peak, rank(stage));
      }
      isHeld ||= isKept && holds(view, rule.keep, today);
      if (isHeld) peak = Math.max(peak, rank(stage));
    } else if (
      (rank(stage) > peak || rule.sticky) &&
      // Where no day's leaving its window can bring a stage, one that all days together do not bring never was there.
      (isHeld || ((rules.turns || isMet(Infinity)) && days().some(isMet)))
    ) {
      if (rank(stage) > peak) peak = rank(stage);
      if (rule.sticky) isHeld = !!sticky.add(stage);
    }
    return isHeld;
  });
  return { stages, sticky, stage: stages[0] ?? null, peak: STAGES[peak] ?? null };
}

/** The first UTC day at whose end each stage, or a higher one, was reached; only those that were. @param facts without a base */
export function reachedDays(rules: CompiledRules, facts: Facts, now: number): Map<Stage, number> {
  const view = viewFacts(rules, facts, now);
  const days = [...turningDays(view, rules.turns).filter((day) => day < view.today), view.today];
  const reached = new Map<Stage, number>();
  let first = Infinity;
  for (const stage of [...STAGES].reverse()) {
    const rule = rules.stages[stage];
    // Later than a higher one it matters no more.
    first = (rule && days.find((day) => day < first && holds(view, rule.when, day))) ?? first;
    if (first < Infinity) reached.set(stage, first);
  }
  return reached;
}

/** A change of the current stage from the end of one UTC day to that of another. */
export interface StageMove {
  /** UTC days since 1970: the later one. */
  day: number;
  from: Stage | null;
  to: Stage | null;
}

/** How the current stage went, by the ends of days, in order. Past days use today's traits. @param facts without a base */
export function stageMoves(rules: CompiledRules, facts: Facts, now: number): StageMove[] {
  const view = viewFacts(rules, facts, now);
  const days = [...turningDays(view, rules.windows).filter((day) => day < view.today), view.today];
  const held = new Set<Stage>();
  const moves: StageMove[] = [];
  let from: Stage | null = null;
  for (const day of days) {
    let to: Stage | null = null;
    for (const stage of STAGES) {
      const rule = rules.stages[stage];
      if (!rule) continue;
      const isKept = held.has(stage) && (rule.sticky || (!!rule.keep && holds(view, rule.keep, day)));
      if (isKept || holds(view, rule.when, day)) held.add((to = stage));
      else held.delete(stage);
    }
    if (to !== from) moves.push({ day, from, to });
    from = to;
  }
  return moves;
}

/** What is left of a day's weight on a later one. */
export function decay(day: number, later: number, halfLifeDays: number): number {
  if (isPlain) return 2 ** ((day - later) / halfLifeDays);
  if (halfLifeDays !== lastHalfLife) weights = [];
  lastHalfLife = halfLifeDays;
  return (weights[later - day] ??= 2 ** ((day - later) / halfLifeDays));
}

/** Weights by age in days, of the half-life that was asked for last. */
let weights: number[] = [];
let lastHalfLife: number;

/** The score as of the end of a day, unrounded. */
export function scoreAt({ rules, rows, base }: FactsView, until: number): number {
  const { signals, halfLifeDays = Infinity } = rules;
  const cut = base ? parseDay(base.cut) : -1;
  const left = (day: number) => decay(day, until, halfLifeDays);
  let score = base ? base.score * left(cut) : 0;
  for (const [signal, { weight = 0 }] of Object.entries(signals)) {
    // Up to the cut the base's own score says what was left.
    for (const { day, count } of rows.get(signal) ?? [])
      if (day > cut && day <= until) score += weight * count * left(day);
  }
  return score;
}
