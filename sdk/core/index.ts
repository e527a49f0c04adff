/**
 * The pure model that browser and collector share: events, signals, facts, rules, stages, channels.
 * No DOM, no Node, no clock, no randomness: time, ids and rules arrive as arguments. The collector's only door.
 */
export * from './channel.js';
export { CHANNELS_ZH } from './channelWords.js';
export * from './compact.js';
export * from './day.js';
export * from './event.js';
export * from './facts.js';
export {
  leavesOf,
  lintRules,
  LINT_CODES,
  neededIn,
  signalsOf,
  traitsOf,
  warn,
  type LintCode,
  type Warning,
} from './lint.js';
export { attempt, matchesGlobs } from './matcher.js';
export { isPlain } from './plain.js';
export { MAX_NAMES, MAX_RULES_DEPTH, parseRules } from './parseRules.js';
export { RULES_MESSAGES, rulesError, sayError, type RulesError, type RulesErrorCode } from './rulesMessages.js';
export * from './rules.js';
export { decode, hashKey, matchSignals, placeOf, UNITS, type AddressParts, type Match, type Place } from './signal.js';
export { scoresOf, type Scores } from './scores.js';
export {
  decay,
  inferFrom,
  inferState,
  reachedDays,
  stageMoves,
  stageOf,
  type Inference,
  type StageMove,
} from './stage.js';
export {
  addToView,
  holds,
  viewFacts,
  type FactsView,
  type GroupReason,
  type Reason,
  type SignalReason,
  type TraitReason,
} from './view.js';
export { partsOf, sayPart, sayWhy, type Called, type Language } from './whyWords.js';
export { explainStage, explainTag, heldBy, reasonFor, type Explanation, type TagExplanation } from './why.js';
