import { DAY_MS, matchesGlobs, STAGES, type Stage, type StagetagEvent } from '../../sdk/core/index.js';
import { bitsOf, isOptional, planFunnel, type Done, type FunnelOptions } from '../model/funnel.js';
import { wilson, type Interval } from '../model/statistics.js';
import { timelineOf } from '../ingest/timeline.js';
import type { Kind } from '../projection/kinds.js';
import type { Deed, Person, View } from '../projection/view.js';
import type { Site } from '../store/store.js';
import { headingOf, readRange, type Heading, type ReportQuery } from './range.js';

interface Step {
  step: string;
  /** Whether it may be left out: nobody is lost at it. */
  isOptional: boolean;
  /** Who got at least so far. */
  visitors: number;
  /** Share of the last step before that may not be left out, with its 95 % interval; null at the first. */
  fromPrevious: number | null;
  interval: Interval | null;
  overall: number | null;
  /** Who stand here and may still go on: their window is open. */
  inProgress: number;
  /** Who stand here, and for good where there is a window. */
  lost: number;
}

export interface FunnelReport extends Heading {
  order: NonNullable<FunnelOptions['order']>;
  hold: string | null;
  windowDays: number | null;
  steps: Step[];
  /** The step with the smallest share of the one before. */
  leak: { from: string; to: string; lost: number } | null;
  breakdown: Array<{ value: string | null; visitors: number[] }>;
}

/** The steps that an event of a kind is, and what is held of it. */
interface Hit {
  bits: number;
  held: string;
}

const KINDS = ['stage', 'signal', 'event', 'page'];
const MAX_STEPS = 20;

/** What visitors are told apart by: of the first touch, or of the first session. */
const OF_TOUCH = ['channel', 'source', 'medium', 'campaign'] as const;
const OF_SESSION = ['device', 'browser', 'country'] as const;

/**
 * Says how far those got who made the first step in a range of days; later steps count after it too, within the window.
 * @returns a text that says what is wrong with what was asked
 */
export async function reportFunnel(
  view: View,
  site: Site,
  query: ReportQuery,
  now: number,
): Promise<FunnelReport | string> {
  const range = readRange(site, query, now);
  if (typeof range === 'string') return range;
  const { order = 'ordered', by, window, hold } = query;
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
  const { signals } = timelineOf(await view.store.rules(site.siteKey)).current;
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
  // What is no step breaks a strict order.
  const hitOf = (kind: Kind): Hit | undefined => {
    const hits = names.filter((name) => isHit(kind, name));
    if (isOfStages || (!hits.length && order !== 'strict') || (hold === 'path' && kind.path === null)) return undefined;
    return { bits: bitsOf(hits, names), held: hold === 'path' ? kind.path! : '' };
  };
  /** What everybody did with the props or labels that are held. */
  const held = hold && hold !== 'path' ? new Map<Person, Map<string, Done>>() : undefined;
  if (held)
    await view.eachEvent({ from, until }, (person, event, kind) => {
      const [value, hit] = [heldIn(event, hold!), hitOf(kind)];
      if (value === undefined || !hit) return;
      const groups = held.get(person) ?? new Map<string, Done>();
      held.set(person, groups);
      insert(groupOf(groups, value), hit.bits, event.time);
    });
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
    for (const { of, time } of deeds) insert(hold ? groupOf(groups, of.held) : whole, of.bits, time);
    return groups.size ? [...groups.values()] : [whole];
  };
  const follow = planFunnel(asked, { order, window: windowMs, isPerStep: !!query.perStep, entriesUntil });
  const counts = names.map(() => ({ visitors: 0, inProgress: 0, lost: 0 }));
  const breakdown = new Map<string | null, number[]>();
  const breakdownOf = (value: string | null) => {
    const row = breakdown.get(value) ?? names.map(() => 0);
    breakdown.set(value, row);
    return row;
  };
  const places = asked.flatMap((step, index) => (isOptional(step) ? [] : [index]));
  await view.eachDeeds({ from, until }, held ? () => undefined : hitOf, (person, deeds) => {
    const groups = groupsOf(person, deeds);
    // After the events: a stage is reached by one, at the same time, and with whatever is held.
    for (const { stage, bits } of stages) {
      const time = view.reachedAt(person, stage);
      if (time !== undefined && time >= from && time < until) for (const done of groups) insert(done, bits, time);
    }
    let [reached, did, isOpen] = [0, 0, false];
    for (const done of groups) {
      const far = follow(done);
      reached = Math.max(reached, far.reached);
      did |= far.did;
      isOpen ||= far.openUntil > now;
    }
    if (!reached) return;
    const row = by ? breakdownOf(valueOf(view, person, by)) : undefined;
    for (let index = 0; index < names.length; index++) {
      const is = (did >> index) & 1;
      counts[index]!.visitors += is;
      if (row) row[index]! += is;
    }
    if (reached < required.length) counts[places[reached - 1]!]![isOpen ? 'inProgress' : 'lost']++;
  });
  const steps = names.map((step, index): Step => {
    const before = counts[places.findLast((place) => place < index) ?? -1]?.visitors ?? 0;
    const { visitors } = counts[index]!;
    return {
      step,
      isOptional: isOptional(asked[index]!),
      ...counts[index]!,
      fromPrevious: before ? visitors / before : null,
      interval: index ? wilson(visitors, before) : null,
      overall: counts[0]!.visitors ? visitors / counts[0]!.visitors : null,
    };
  });
  return {
    ...headingOf(site, range, now),
    order,
    hold: hold ?? null,
    windowDays: window ?? null,
    steps,
    leak: leakOf(steps),
    breakdown: [...breakdown]
      .map(([value, visitors]) => ({ value, visitors }))
      .sort((a, b) => b.visitors[0]! - a.visitors[0]! || (`${a.value}` < `${b.value}` ? -1 : 1)),
  };
}

function groupOf(groups: Map<string, Done>, held: string): Done {
  let done = groups.get(held);
  if (!done) groups.set(held, (done = { steps: [], times: [] }));
  return done;
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

/** What somebody is told apart from others by. */
function valueOf(view: View, person: Person, by: string): string | null {
  const ofTouch = OF_TOUCH.find((name) => name === by);
  const ofSession = OF_SESSION.find((name) => name === by);
  if (ofTouch) return view.touch(person)?.[ofTouch] ?? null;
  return ofSession ? (view.visits(person)[0]?.[ofSession] ?? null) : null;
}

function isStep(name: string): boolean {
  const [kind = '', ...rest] = name.split(':');
  const value = rest.join(':');
  return KINDS.includes(kind) && !!value && (kind !== 'stage' || STAGES.includes(value as Stage));
}

/** Whether what was done is a step. */
function isHit({ name, path, signals }: Kind, step: string): boolean {
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

function leakOf(steps: Step[]): FunnelReport['leak'] {
  const worst = steps
    .filter((step) => !step.isOptional)
    .map((step, index, all) => ({ from: all[index - 1]?.step, to: step.step, share: step.fromPrevious }))
    .filter((step): step is { from: string; to: string; share: number } => step.share !== null)
    .reduce<{ from: string; to: string; share: number } | null>((a, b) => (a && a.share <= b.share ? a : b), null);
  return worst && { from: worst.from, to: worst.to, lost: 1 - worst.share };
}
