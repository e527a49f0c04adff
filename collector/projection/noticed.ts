/** Counts of what was noticed, as it was, under the rules of its time: visitors left out are in none of them. */
import { STAGES, type Stage } from '../../sdk/core/index.js';
import type { Site } from '../store/store.js';
import { channelOf } from './channels.js';
import { MOVE_KINDS, stageAt, type Projection } from './projection.js';
import { NONE } from './table.js';

/** Changes of the current stage in one quarter hour: the days of every time zone in use begin on one. */
export interface TransitionCount {
  /** Epoch ms of its beginning. */
  quarter: number;
  from: Stage | null;
  to: Stage | null;
  /** Whether nobody did anything: other rules came, or who a visitor is. */
  isSilent: boolean;
  transitions: number;
}

/** How many numbered events of visitors there are and are not, by what one of these says of their latest session. */
export interface LossCount {
  browser: string | null;
  channel: string | null;
  visitors: number;
  /** Events that are stored and have a number. */
  stored: number;
  /** Numbers that never came. */
  missing: number;
  /** Of those, how many the browsers say they gave up. */
  ownedUp: number;
}

const QUARTER_MS = 15 * 60_000;

/** Whether what a visitor did is left out: it, or the person whose it is, is a bot or excluded; or the row is nobody's any more. */
function isLeftOut(projection: Projection): (visitor: number) => boolean {
  const { isMarked, person } = projection.visitors.columns;
  return (visitor) =>
    visitor === NONE || !!isMarked[visitor] || (person[visitor] !== NONE && !!isMarked[person[visitor]!]);
}

/** Changes up to a moment, by quarter hour; those too by which a visitor went into a person. */
export function transitionCounts(projection: Projection, until: number): TransitionCount[] {
  const { visitor, from, to, at, kind } = projection.moves.columns;
  const isOut = isLeftOut(projection);
  /** By quarter hour, and the stages left and entered: eight numbers for each are enough; and whether nobody did it. */
  const counts = new Map<number, number>();
  for (let row = 0; row < projection.moves.length; row++) {
    if (at[row]! >= until || isOut(visitor[row]!)) continue;
    const stages = (from[row]! + 1) * 8 + to[row]! + 1;
    const key = Math.floor(at[row]! / QUARTER_MS) * 128 + stages * 2 + +(kind[row]! > MOVE_KINDS.expiry);
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return [...counts]
    .sort(([a], [b]) => a - b)
    .map(([key, transitions]) => ({
      quarter: Math.floor(key / 128) * QUARTER_MS,
      from: stageAt((Math.floor(key / 16) % 8) - 1),
      to: stageAt((Math.floor(key / 2) % 8) - 1),
      isSilent: key % 2 === 1,
      transitions,
    }));
}

/** Those who count and made a change by what they did, or did no more, in a span of time. @param isIt asked of each change */
export function whoMoved(
  projection: Projection,
  span: { from: number; until: number },
  isIt: (from: Stage | null, to: Stage | null) => boolean,
): Set<number> {
  const { visitor, from, to, at, kind } = projection.moves.columns;
  const owners = projection.owners();
  const found = new Set<number>();
  for (let row = 0; row < projection.moves.length; row++) {
    if (at[row]! < span.from || at[row]! >= span.until || kind[row]! > MOVE_KINDS.expiry) continue;
    const owner = owners[visitor[row]!] ?? NONE;
    if (owner !== NONE && isIt(stageAt(from[row]!), stageAt(to[row]!))) found.add(owner);
  }
  return found;
}

/** Those who count and stood at a stage at a moment. */
export function whoStood(projection: Projection, until: number, stage: Stage): Set<number> {
  const { visitor, from, to, at } = projection.moves.columns;
  const wanted = STAGES.indexOf(stage);
  const times = new Int32Array(projection.visitors.length);
  for (let row = 0; row < projection.moves.length; row++)
    if (at[row]! < until && visitor[row] !== NONE)
      times[visitor[row]!]! += +(to[row] === wanted) - +(from[row] === wanted);
  return ownersWhere(projection, (who) => times[who]! > 0);
}

/** Those who count and had a stage, or one beyond, as their highest by a moment. */
export function whoReached(projection: Projection, until: number, stage: Stage): Set<number> {
  const peaks = peaksBy(projection, until);
  return ownersWhere(projection, (who) => peaks[who]! >= STAGES.indexOf(stage));
}

/** Whoever is counted for one of these visitors. */
function ownersWhere(projection: Projection, isIt: (visitor: number) => boolean): Set<number> {
  return new Set([...projection.owners()].filter((owner, visitor) => owner !== NONE && isIt(visitor)));
}

/** How many had each stage as their highest by a moment. */
export function peakCounts(projection: Projection, until: number): Map<Stage, number> {
  const counts = new Map<Stage, number>();
  for (const peak of peaksBy(projection, until))
    if (peak !== NONE) counts.set(STAGES[peak]!, (counts.get(STAGES[peak]!) ?? 0) + 1);
  return counts;
}

/** The highest stage of each visitor by a moment; none of who is left out, or went into a person, which has its own. */
function peaksBy(projection: Projection, until: number): Int8Array {
  const { visitor, to, at, kind } = projection.moves.columns;
  const isOut = isLeftOut(projection);
  const peaks = new Int8Array(projection.visitors.length).fill(NONE);
  const isJoined = new Uint8Array(projection.visitors.length);
  for (let row = 0; row < projection.moves.length; row++) {
    const who = visitor[row]!;
    if (at[row]! >= until || isOut(who)) continue;
    peaks[who] = Math.max(peaks[who]!, to[row]!);
    isJoined[who] = +(to[row] === NONE && kind[row] === MOVE_KINDS.link);
  }
  return peaks.map((peak, who) => (isJoined[who] ? NONE : peak));
}

/** How many stand at each stage now, and have it as their highest. */
export function stageCounts(projection: Projection): { current: Map<Stage, number>; peak: Map<Stage, number> } {
  const counts = { current: new Map<Stage, number>(), peak: new Map<Stage, number>() };
  const { columns } = projection.visitors;
  for (const [visitor, owner] of projection.owners().entries()) {
    if (owner !== visitor) continue;
    for (const of of ['current', 'peak'] as const) {
      const stage = stageAt(columns[of][visitor]!);
      if (stage) counts[of].set(stage, (counts[of].get(stage) ?? 0) + 1);
    }
  }
  return counts;
}

/** Each visitor last seen in a span of time whose browser numbers events, and their latest session, or none. */
function* numbered(projection: Projection, from: number, until: number): Generator<[visitor: number, latest: number]> {
  const { lastSeen, stored } = projection.visitors.columns;
  const isOut = isLeftOut(projection);
  const { endedAt } = projection.sessions.columns;
  for (let visitor = 0; visitor < projection.visitors.length; visitor++) {
    if (isOut(visitor) || !stored[visitor] || lastSeen[visitor]! < from || lastSeen[visitor]! >= until) continue;
    let latest = NONE;
    for (const row of projection.sessions.of(visitor))
      if (latest === NONE || endedAt[row]! > endedAt[latest]!) latest = row;
    yield [visitor, latest];
  }
}

/** What a visitor's latest session says: its channel is the one that the owner gave to its source. */
type Latest = (row: number) => { browser: string | null; channel: string | null };

function latestIn({ sessions, texts }: Projection, site: Pick<Site, 'channels'>): Latest {
  const { browser, channel, source } = sessions.columns;
  const none = { browser: null, channel: null };
  const known = new Map<string, ReturnType<Latest>>();
  return (row) => {
    if (row === NONE) return none;
    const key = `${browser[row]!} ${channel[row]!} ${source[row]!}`;
    let latest = known.get(key);
    if (!latest) {
      const [own, from] = [texts.at(channel[row]!), texts.at(source[row]!)];
      latest = { browser: texts.at(browser[row]!), channel: channelOf(site, { channel: own, source: from }) };
      known.set(key, latest);
    }
    return latest;
  };
}

/** The people whose losses those of a browser or a channel are; of none where it is null. */
export function whoLost(
  projection: Projection,
  site: Pick<Site, 'channels'>,
  { from, until }: { from: number; until: number },
  by: 'browser' | 'channel',
  name: string | null,
): Set<number> {
  const latestOf = latestIn(projection, site);
  const owners = projection.owners();
  const found = new Set<number>();
  for (const [visitor, latest] of numbered(projection, from, until))
    if (latestOf(latest)[by] === name) found.add(owners[visitor]!);
  return found;
}

/** Losses of the visitors last seen in a span of time, by what their latest session says. */
export function lossCounts(
  projection: Projection,
  site: Pick<Site, 'channels'>,
  from: number,
  until: number,
): LossCount[] {
  const { stored, missing, ownedUp } = projection.visitors.columns;
  const latestOf = latestIn(projection, site);
  const rows = new Map<ReturnType<Latest>, LossCount>();
  for (const [visitor, latest] of numbered(projection, from, until)) {
    const key = latestOf(latest);
    const row = rows.get(key) ?? { ...key, visitors: 0, stored: 0, missing: 0, ownedUp: 0 };
    rows.set(key, row);
    row.visitors++;
    row.stored += stored[visitor]!;
    row.missing += missing[visitor]!;
    row.ownedUp += ownedUp[visitor]!;
  }
  return [...rows.values()];
}
