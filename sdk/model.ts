/** Where this page's visitor stands: the collector's last facts plus what it has not acknowledged. */
import {
  eventFacts,
  explainStage,
  FACTS_VERSION,
  isPlain,
  FULL_VERSION,
  inferState,
  placeOf,
  type Explanation,
  type Facts,
  type Inference,
  type CompiledRules,
  type Stage,
  type StagetagEvent,
} from './core/index.js';
import { visitorId } from './identity.js';
import { queued } from './queue.js';
import { settings } from './settings.js';
import { readJson, writeJson } from './storage.js';
import type { BatchAnswer, VisitorAnswer } from './answer.js';

export interface State extends Inference {
  /** `provisional` while an event is not acknowledged, else `confirmed`. */
  status: 'provisional' | 'confirmed';
  /** Version of the rules. */
  rules: number;
  /** Epoch ms, by the collector's clock as far as it is known. */
  asOf: number;
}

/** What is kept of the last answer, for other pages and tabs too. */
interface Base extends VisitorAnswer {
  visitorId: string;
  /** The collector's clock minus ours, ms. */
  offset: number;
}

/** A clock that is off by more is corrected in new events as well. */
const STAMP_OFFSET_MS = 10 * 60_000;

let newerRules: CompiledRules | undefined;
let base: Base | undefined;

export const rules = (): CompiledRules => newerRules ?? settings.rules!;
const offset = () => base?.offset ?? 0;
const now = () => Date.now() + offset();

/** The time to stamp a new event with: this browser's clock, unless it is far off. */
export const stamp = (): number => Math.floor(Math.abs(offset()) > STAMP_OFFSET_MS ? now() : Date.now());

/** This visitor's events that the last answer's facts do not contain. */
const pending = (): StagetagEvent[] =>
  queued()
    .filter((item) => item.visitorId === visitorId)
    .map(({ event }) => event)
    .filter(({ seq }) => !base?.have.some(([from, to]) => seq! >= from && seq! <= to));

/** The facts of each event under the rules in force: an event is counted once, however often its visitor is looked at. */
let counted = new WeakMap<StagetagEvent, Facts>();

const countOne = (event: StagetagEvent): Facts => {
  const one = counted.get(event) ?? eventFacts(rules(), event, placeOf(new URL(event.url!)));
  counted.set(event, one);
  return one;
};

const facts = (events: StagetagEvent[]): Facts[] => [...(base ? [base.facts] : []), ...events.map(countOne)];

/** The highest version wins, over a cached script's too. */
function adoptRules(next?: CompiledRules | null): boolean {
  const isNewer = !!next && next.version > rules().version && !(isPlain && next.full);
  if (isNewer) {
    newerRules = next;
    counted = new WeakMap();
  }
  return isNewer;
}

/** Takes over an answer about this visitor, unless a later one is known. */
function adopt(next?: Base | null): boolean {
  const isNews = next?.visitorId === visitorId && next.rev >= (base?.rev ?? 0);
  if (isNews) base = next;
  return isNews;
}

/** Reads what this or another tab kept of the last answer. */
export function loadModel(): void {
  if (base?.visitorId !== visitorId) base = undefined; // A new visitor began, here or in another tab.
  adoptRules(readJson('rules'));
  adopt(readJson('state'));
}

/** Takes over what the collector says of a visitor after storing some events. */
export function adoptAnswer(about: string, { visitor, ruleSet }: BatchAnswer): void {
  if (adoptRules(ruleSet)) writeJson('rules', ruleSet);
  if (adopt({ ...visitor, visitorId: about, offset: visitor.asOf - Date.now() })) writeJson('state', base);
}

/** Where the visitor stands; nowhere before consent, where there is no visitor yet. */
export function state(): State {
  const events = pending();
  // Facts of a format that this script does not know: what the collector inferred from them holds.
  const {
    stage,
    peak,
    tags,
    score,
    rules: version = rules().version,
  }: Inference & { rules?: number } = base && (isPlain ? base.facts.v !== FACTS_VERSION : base.facts.v > FULL_VERSION)
    ? base
    : inferState({ ...rules(), ...(!visitorId && { stages: {}, tags: {} }) }, facts(events), now());
  return {
    stage,
    peak,
    tags,
    score,
    status: events[0] ? 'provisional' : 'confirmed',
    rules: version,
    asOf: now(),
  };
}

export const why = (stage?: Stage): Explanation => explainStage(rules(), facts(pending()), now(), stage);
