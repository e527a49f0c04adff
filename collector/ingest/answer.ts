import {
  compactFacts,
  emptyFacts,
  inferState,
  sentRules,
  type CompiledRules,
  type Facts,
  type Inference,
} from '../../sdk/core/index.js';
import type { Appended, VisitorRecord } from '../store/store.js';

/** What the browser learns about its visitor with every answer. */
export interface VisitorAnswer extends Inference {
  /** Version of the rules. */
  rules: number;
  /** The collector's clock, epoch ms. */
  asOf: number;
  /** Grows when the visitor's state changes; an answer of a lower one is out of date. */
  rev: number;
  /** Ranges of `seq` that the facts contain. */
  have: Array<[from: number, to: number]>;
  facts: Facts;
}

export interface BatchAnswer {
  accepted: number;
  duplicates: number;
  rejected: Array<{ id: string | null; reason: string; expected: string }>;
  visitor: VisitorAnswer;
  /** The rules in force, where the sender had others. */
  ruleSet?: CompiledRules;
}

/** Makes the answer to a batch that is on disk. */
export function answerFor(
  { accepted, duplicates, record, person }: Appended,
  rejected: BatchAnswer['rejected'],
  rules: CompiledRules,
  sendersRules: unknown,
  now: number,
): BatchAnswer {
  // What is proven to be one person's is answered with what all of its visitors did; `have` is this one's.
  const known = record && person ? { ...person, have: record.have } : record;
  const visitor = visitorAnswer(known, rules, now, !accepted);
  const answer: BatchAnswer = { accepted, duplicates, rejected, visitor };
  if (sendersRules !== rules.version) answer.ruleSet = sentRules(rules);
  return answer;
}

/** @param isOlder whether the record was not made just now: the score fades day by day */
function visitorAnswer(
  record: VisitorRecord | undefined,
  rules: CompiledRules,
  now: number,
  isOlder: boolean,
): VisitorAnswer {
  const facts = record?.facts ?? emptyFacts();
  const { stage, peak, tags, score } = record && !isOlder ? record : inferState(rules, facts, now);
  return {
    stage,
    peak,
    tags,
    score,
    rules: rules.version,
    asOf: now,
    rev: record?.rev ?? 0,
    have: record?.have ?? [],
    facts: compactFacts(rules, facts, record?.lastTime ?? now),
  };
}
