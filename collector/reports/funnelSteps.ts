/** Who got how far over some steps: what the report counts, and the list of visitors names. */
import { DAY_MS, matchesGlobs, STAGES, type Stage, type StagetagEvent } from '../../sdk/core/index.js';
import { timelineOf } from '../ingest/timeline.js';
import { bitsOf, isOptional, planFunnel, type Done } from '../model/funnel.js';
import type { Kind } from '../projection/kinds.js';
import type { Deed, Person, View } from '../projection/view.js';
import { readRange, type ReportQuery } from './range.js';
import { countingOnly, findRepeats, type Repeats } from './repeats.js';

/** The steps that an event of a kind is, and what is held of it. */
interface Hit {
  bits: number;
  held: string;
}

const KINDS = ['stage', 'signal', 'event', 'page'];
/** What pages tell of themselves, between whatever a visitor does. */
const MEASURES = new Set(['session_start', 'scroll', 'user_engagement', 'web_vital', 'identify', 'form_start']);
const MAX_STEPS = 20;

/** How far somebody got who made the first step. */
export interface Progress {
  /** Which steps they made, as bits by the place of each. */
  did: number;
  /** The place of the last step that they made of those that may not be left out. */
  at: number;
  /** Whether they may still go on, where that was not the last: their window is open. */
  isOpen: boolean;
}

export type FunnelQuery = Pick<ReportQuery, 'from' | 'to' | 'steps' | 'order' | 'window' | 'perStep' | 'hold'>;

/** The steps that were asked for. */
export interface Steps {
  /** Each as it was asked for, without the mark that it may be left out. */
  names: string[];
  isOptional: boolean[];
  /** Goes over everybody who made the first. */
  follow: (visit: (person: Person, progress: Progress) => void) => Promise<void>;
}

/**
 * Reads some steps, to follow those who made the first in a range of days; later steps count after it too, within the window.
 * @returns a text that says what is wrong with what was asked
 */
export async function readSteps(view: View, query: FunnelQuery, now: number): Promise<Steps | string> {
  const range = readRange(view.site, query, now);
  if (typeof range === 'string') return range;
  const { order = 'ordered', window, hold } = query;
  const asked = query.steps?.split(',') ?? STAGES.map((stage) => `stage:${stage}`);
  const names = asked.map((step) => step.replace(/\?$/, ''));
  const required = asked.filter((step) => !isOptional(step));
  const wrong = names.find((name) => !isStep(name));
  if (wrong !== undefined || names.length < 2 || names.length > MAX_STEPS)
    return `steps: expected 2 to ${MAX_STEPS} of ${KINDS.map((kind) => `${kind}:NAME`).join(', ')}, with commas between${wrong === undefined ? '' : `, got ${wrong}`}`;
  if (isOptional(asked[0]!) || required.length < 2)
    return 'steps: expected a first one that may not be left out, and another such after it';
  if (order === 'any' && required.length < asked.length)
    return 'steps: expected none that may be left out, where the order is any';
  const { signals } = timelineOf(await view.store.rules(view.site.siteKey)).current;
  const unknown = names.find(
    (name) => name.startsWith('signal:') && !Object.hasOwn(signals, name.slice('signal:'.length)),
  );
  if (unknown)
    return `steps: no signal is called ${unknown.slice('signal:'.length)}; signals are ${Object.keys(signals).join(', ')}`;
  const from = range.from.toMillis();
  const entriesUntil = range.until - 1;
  const windowMs = window === undefined ? Infinity : window * DAY_MS;
  const until = Math.min(now, entriesUntil + windowMs * (query.perStep ? names.length : 1)) + 1;

  const isOfStages = names.every((name) => name.startsWith('stage:'));
  // What is no step breaks a strict order, unless it is no more than a measure.
  const hitOf = (kind: Kind): Hit | undefined => {
    const hits = names.filter((name) => isHit(kind, name));
    if (
      isOfStages ||
      (!hits.length && (order !== 'strict' || MEASURES.has(kind.name))) ||
      (hold === 'path' && kind.path === null)
    )
      return undefined;
    return { bits: bitsOf(hits, names), held: hold === 'path' ? kind.path! : '' };
  };
  /** The steps that are signals: a repeated order is none of them. */
  const ofSignals = Object.keys(signals).flatMap((signal) => {
    const name = `signal:${signal}`;
    return names.includes(name) ? [{ signal, bits: bitsOf([name], names) }] : [];
  });
  let repeats: Repeats = new Map();
  /** Goes over somebody's deeds: takes off what does not count. */
  const bitsOfPerson = (person: Person): ((time: number, bits: number) => number) => {
    const own = repeats.get(person);
    if (!own) return (_, bits) => bits;
    const counting = ofSignals.map(({ signal, bits }) => ({ bits, counts: countingOnly(own.get(signal)) }));
    return (time, bits) =>
      counting.reduce((left, each) => (bits & each.bits && !each.counts(time) ? left & ~each.bits : left), bits);
  };
  /** What everybody did with the props or labels that are held. */
  const held = hold && hold !== 'path' ? new Map<Person, Map<string, Done>>() : undefined;
  const readHeld = () => {
    const counting = new Map<Person, ReturnType<typeof bitsOfPerson>>();
    return (
      held &&
      view.eachEvent({ from, until }, (person, event, kind) => {
        const [value, hit] = [heldIn(event, hold!), hitOf(kind)];
        if (value === undefined || !hit) return;
        const groups = held.get(person) ?? new Map<string, Done>();
        held.set(person, groups);
        const bitsAt = counting.get(person) ?? bitsOfPerson(person);
        counting.set(person, bitsAt);
        insert(groupOf(groups, value), bitsAt(event.time, hit.bits), event.time);
      })
    );
  };
  const stages = STAGES.filter((stage) => names.includes(`stage:${stage}`)).map((stage) => ({
    stage,
    bits: bitsOf([`stage:${stage}`], names),
  }));

  /** Used again for each. */
  const whole: Done = { steps: [], times: [] };
  /** What somebody did, by what is held; without that, or where there is nothing, in one. */
  const groupsOf = (person: Person, deeds: Array<Deed<Hit>>): Done[] => {
    whole.steps.length = whole.times.length = 0;
    const groups = held?.get(person) ?? new Map<string, Done>();
    const bitsAt = bitsOfPerson(person);
    for (const { of, time } of deeds) insert(hold ? groupOf(groups, of.held) : whole, bitsAt(time, of.bits), time);
    return groups.size ? [...groups.values()] : [whole];
  };
  const progressOf = planFunnel(asked, { order, window: windowMs, isPerStep: !!query.perStep, entriesUntil });
  const places = asked.flatMap((step, index) => (isOptional(step) ? [] : [index]));
  const follow: Steps['follow'] = async (visit) => {
    if (ofSignals.length)
      repeats = await findRepeats(
        view,
        ofSignals.map(({ signal }) => signal),
      );
    await readHeld();
    await view.eachDeeds({ from, until }, held ? () => undefined : hitOf, (person, deeds) => {
      const groups = groupsOf(person, deeds);
      // After the events: a stage is reached by one, at the same time, and with whatever is held.
      for (const { stage, bits } of stages) {
        const time = view.reachedAt(person, stage);
        if (time !== undefined && time >= from && time < until)
          for (const done of groups) insertStage(done, bits, time);
      }
      let [reached, did, isOpen] = [0, 0, false];
      for (const done of groups) {
        const far = progressOf(done);
        reached = Math.max(reached, far.reached);
        did |= far.did;
        isOpen ||= far.openUntil > now;
      }
      if (reached) visit(person, { did, at: places[reached - 1]!, isOpen: reached < required.length && isOpen });
    });
  };
  return { names, isOptional: asked.map(isOptional), follow };
}

function groupOf(groups: Map<string, Done>, held: string): Done {
  let done = groups.get(held);
  if (!done) groups.set(held, (done = { steps: [], times: [] }));
  return done;
}

/** Puts a stage where it was reached: in the place of the event that did it, where that is no step itself. */
function insertStage(done: Done, bits: number, time: number): void {
  const at = done.times.findIndex((each, index) => each === time && !done.steps[index]);
  if (at < 0) insert(done, bits, time);
  else done.steps[at] = bits;
}

/** Puts something where its time is, behind what was done at the same time. */
function insert({ steps, times }: Done, bits: number, time: number): void {
  let at = times.length;
  for (; at > 0 && times[at - 1]! > time; at--) {
    times[at] = times[at - 1]!;
    steps[at] = steps[at - 1]!;
  }
  times[at] = time;
  steps[at] = bits;
}

export function isStep(name: string): boolean {
  const [kind = '', ...rest] = name.split(':');
  const value = rest.join(':');
  return KINDS.includes(kind) && !!value && (kind !== 'stage' || STAGES.includes(value as Stage));
}

/** Whether what was done is a step. */
export function isHit({ name, path, signals }: Kind, step: string): boolean {
  const [kind, ...rest] = step.split(':');
  const value = rest.join(':');
  if (kind === 'event') return name === value;
  if (kind === 'signal') return signals.includes(value);
  return kind === 'page' && name === 'page_view' && path !== null && isPage(value, path);
}

/** What of an event must be the same in all steps; undefined where it has no such thing. */
function heldIn(event: StagetagEvent, hold: string): string | undefined {
  const [from, ...key] = hold.split('.');
  const value = (event[from as 'props' | 'source'] as Record<string, unknown> | undefined)?.[key.join('.')];
  return value === undefined || Object(value) === value ? undefined : String(value);
}

/** A trailing slash is optional on the page's side, as it is for signals. */
const isPage = (glob: string, path: string): boolean =>
  [path, path.replace(/(.)\/$/, '$1')].some((each) => matchesGlobs([glob], each));
