import {
  attempt,
  DAY_MS,
  matchesGlobs,
  matchSignals,
  placeOf,
  STAGES,
  type CompiledRules,
  type Place,
  type Stage,
  type StagetagEvent,
} from '../../sdk/core/index.js';
import { followOptional, isOptional, type FunnelOptions, type Made } from '../model/funnel.js';
import { wilson, type Interval } from '../model/statistics.js';
import type { RemoteStore, Site, VisitorRecord } from '../store/store.js';
import { timelineOf } from '../ingest/timeline.js';
import { eachEvent, madeOf, readJourneys, readSessions } from './people.js';
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

const KINDS = ['stage', 'signal', 'event', 'page'];
const MAX_STEPS = 20;

/** What visitors are told apart by. */
const BREAKDOWNS: Record<string, (record: VisitorRecord) => string | null> = {
  channel: ({ firstTouch }) => firstTouch?.channel ?? null,
  source: ({ firstTouch }) => firstTouch?.source ?? null,
  medium: ({ firstTouch }) => firstTouch?.medium ?? null,
  campaign: ({ firstTouch }) => firstTouch?.campaign ?? null,
};

/** The same of the first session. */
const OF_SESSION = ['device', 'browser', 'country'] as const;

/**
 * Says how far those got who made the first step in a range of days; later steps count after it too, within the window.
 * @returns a text that says what is wrong with what was asked
 */
export async function reportFunnel(
  store: RemoteStore,
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
  const { signals } = timelineOf(await store.rules(site.siteKey)).current;
  const unknown = names.find(
    (name) => name.startsWith('signal:') && !Object.hasOwn(signals, name.slice('signal:'.length)),
  );
  if (unknown)
    return `steps: no signal is called ${unknown.slice('signal:'.length)}; signals are ${Object.keys(signals).join(', ')}`;
  const from = range.from.toMillis();
  const entriesUntil = range.until - 1;
  const windowMs = window === undefined ? Infinity : window * DAY_MS;
  const until = Math.min(now, entriesUntil + windowMs * (query.perStep ? names.length : 1)) + 1;

  const valueOf = new Map<string, string | null>();
  const { people, journeys } = await readJourneys(store, site.siteKey, now, (record) => {
    const read = by && BREAKDOWNS[by];
    if (read) valueOf.set(record.visitorId, read(record));
  });
  const ofSession = OF_SESSION.find((name) => name === by);
  if (ofSession)
    for (const [person, [first]] of await readSessions(store, site.siteKey, people))
      valueOf.set(person, first![ofSession]);
  /** By person, then by what is held. */
  const made = new Map<string, Map<string, Made[]>>();
  const add = (person: string, step: Made, held = '') => {
    const groups = made.get(person) ?? new Map<string, Made[]>();
    made.set(person, groups);
    const known = groups.get(held);
    if (known) known.push(step);
    else groups.set(held, [step]);
  };
  if (names.some((name) => !name.startsWith('stage:')))
    await eachEvent(store, site, { from, until }, people, (person, event, rules) => {
      const [hit, place] = madeOf(made, rules, event, () => hitsOf(event, rules, names));
      // What is no step breaks a strict order.
      if (!hit.length && order !== 'strict') return;
      const held = hold ? heldIn(event, place, hold) : '';
      if (held !== undefined) add(person, [hit, event.time], held);
    });
  // After the events: a stage is reached by one, at the same time.
  for (const [person, { reachedAt }] of journeys)
    for (const stage of STAGES) {
      const time = reachedAt.get(stage);
      if (time === undefined || time < from || time >= until || !names.includes(`stage:${stage}`)) continue;
      // A stage is reached with whatever is held, and by who did nothing else too.
      for (const held of hold ? [...(made.get(person)?.keys() ?? [''])] : [''])
        add(person, [[`stage:${stage}`], time], held);
    }

  const options = { order, window: windowMs, isPerStep: !!query.perStep, entriesUntil };
  const counts = names.map(() => ({ visitors: 0, inProgress: 0, lost: 0 }));
  const breakdown = new Map<string | null, number[]>();
  const places = asked.flatMap((step, index) => (isOptional(step) ? [] : [index]));
  for (const [person, groups] of made) {
    const tries = [...groups.values()].map((steps) =>
      followOptional(
        steps.sort((a, b) => a[1] - b[1]),
        asked,
        options,
      ),
    );
    const reached = Math.max(...tries.map((each) => each.reached));
    if (!reached) continue;
    const did = names.map((_, index) => tries.some((each) => each.did[index]));
    const isOpen = windowMs < Infinity && tries.some((each) => each.openUntil > now);
    for (const [index, count] of counts.entries()) count.visitors += +did[index]!;
    if (reached < required.length) counts[places[reached - 1]!]![isOpen ? 'inProgress' : 'lost']++;
    if (!by) continue;
    const value = valueOf.get(person) ?? null;
    const row = breakdown.get(value) ?? names.map(() => 0);
    breakdown.set(
      value,
      row.map((count, index) => count + +did[index]!),
    );
  }
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
      .sort((a, b) => b.visitors[0]! - a.visitors[0]!),
  };
}

function isStep(name: string): boolean {
  const [kind = '', ...rest] = name.split(':');
  const value = rest.join(':');
  return KINDS.includes(kind) && !!value && (kind !== 'stage' || STAGES.includes(value as Stage));
}

/** The steps that an event is. */
function hitsOf(
  event: StagetagEvent,
  rules: CompiledRules,
  names: string[],
): [hit: string[], place: Place | undefined] {
  const url = event.url === undefined ? undefined : attempt(() => new URL(event.url!));
  const place = url && placeOf(url);
  const carried = new Set([
    `event:${event.name}`,
    ...matchSignals(rules, event, place).map(([signal]) => `signal:${signal}`),
  ]);
  const isOnPage = (name: string) =>
    event.name === 'page_view' && !!place && name.startsWith('page:') && isPage(name.slice('page:'.length), place.path);
  return [names.filter((name) => carried.has(name) || isOnPage(name)), place];
}

/** What of an event must be the same in all steps; undefined where it has no such thing. */
function heldIn(event: StagetagEvent, place: Place | undefined, hold: string): string | undefined {
  if (hold === 'path') return place?.path;
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
