import type { CompiledRules, Facts, Inference } from './core/index.js';

/** What the collector says of the visitor; see the collector's VisitorAnswer. */
export interface VisitorAnswer extends Inference {
  rules: number;
  asOf: number;
  rev: number;
  have: Array<[number, number]>;
  facts: Facts;
}

/** Its answer to a batch. */
export interface BatchAnswer {
  rejected: Array<{ id: string; reason: string; expected?: string }>;
  visitor: VisitorAnswer;
  ruleSet?: CompiledRules;
  /** What was expected, where the batch was refused. */
  error?: string;
}
