/** Where this page's visitor stands: the collector's last facts plus what it has not acknowledged. */
import {
  emptyFacts,
  eventFacts,
  explainStage,
  FACTS_VERSION,
  inferState,
  mergeFacts,
  placeOf,
  type Explanation,
  type Facts,
  type Inference,
  type CompiledRules,
  type Stage,
  type StagetagEvent,
} from './core/index.js';
import { isOpen } from './consent.js';
import { visitorId } from './identity.js';
import { forgetQueued, queued } from './queue.js';
import { settings } from './settings.js';
import { readJson, writeJson } from './storage.js';
import type { BatchAnswer, VisitorAnswer } from './transport.js';

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
  /** Ids of the events that this answer and those before it acknowledged. */
  acked: string[];
}

/** Ids kept: no tab holds more events than this that others have sent meanwhile. */
const MAX_ACKED = 500;

/** A clock that is off by more is corrected in new events as well. */
const STAMP_OFFSET_MS = 10 * 60_000;

let newerRules: CompiledRules | undefined;
let base: Base | undefined;
/** Whether it is known what earlier pages left unacknowledged. */
let isLoaded = false;

export const rules = (): CompiledRules => newerRules ?? settings.rules;
const offset = () => base?.offset ?? 0;
const now = () => Date.now() + offset();

/** The time to stamp a new event with: this browser's clock, unless it is far off. */
export const stamp = (): number => (Math.abs(offset()) > STAMP_OFFSET_MS ? now() : Date.now());

function pending(): StagetagEvent[] {
  return queued()
    .filter((item) => item.visitorId === visitorId)
    .map(({ event }) => event)
    .filter(({ seq }) => !base?.have.some(([from, to]) => seq! >= from && seq! <= to));
}

function facts(): Facts {
  const sum = base ? (JSON.parse(JSON.stringify(base.facts)) as Facts) : emptyFacts();
  for (const event of pending()) mergeFacts(sum, eventFacts(rules(), event, placeOf(new URL(event.url!))));
  return sum;
}

/** The highest version wins, over a cached script's too. */
function adoptRules(next?: CompiledRules): boolean {
  const isNewer = !!next && next.version > rules().version;
  if (isNewer) newerRules = next;
  return isNewer;
}

/** Takes over an answer about this visitor, unless a later one is known. */
function adopt(next?: Base): boolean {
  const isNews = next?.visitorId === visitorId && next.rev >= (base?.rev ?? 0);
  if (isNews) base = next;
  forgetQueued(next?.acked ?? []);
  return isNews;
}

/** Reads what this or another tab kept of the last answer. */
export function loadModel(): void {
  if (base?.visitorId !== visitorId) base = undefined; // A new visitor began, here or in another tab.
  adoptRules(readJson('rules'));
  adopt(readJson('state'));
}

export function setLoaded(): void {
  isLoaded = true;
}

/** Takes over what the collector says of a visitor after storing some events. */
export function adoptAnswer(about: string, { visitor, ruleSet }: BatchAnswer, acked: string[]): void {
  if (adoptRules(ruleSet)) writeJson('rules', ruleSet);
  // Tabs that were asleep read the last answer alone: it names what earlier ones acknowledged too.
  const known = [...acked, ...(base?.acked ?? [])].slice(0, MAX_ACKED);
  if (adopt({ ...visitor, visitorId: about, offset: visitor.asOf - Date.now(), acked: known }))
    writeJson('state', base);
}

/** Where the visitor stands; nowhere before consent. */
export function state(): State {
  // Facts of a format that this script does not know: what the collector inferred from them holds.
  const known =
    base && base.facts.v !== FACTS_VERSION ? base : inferState(rules(), isOpen() ? facts() : emptyFacts(), now());
  const isConfirmed = !isOpen() || (isLoaded && !pending().length);
  return { ...known, status: isConfirmed ? 'confirmed' : 'provisional', rules: rules().version, asOf: now() };
}

export const why = (stage?: Stage): Explanation => explainStage(rules(), facts(), now(), stage);
