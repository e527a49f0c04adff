import { DAY_MS, rank, type Stage } from '../../sdk/core/index.js';
import {
  creditByRemoval,
  creditByShapley,
  creditTouches,
  TOUCH_MODELS,
  type TouchModel,
} from '../model/attribution.js';
import type { RemoteStore, Site } from '../store/store.js';
import { days, readPeople, readSessions, readTransitions } from './people.js';
import { readRange, type ReportQuery } from './range.js';

/** How long before an entry a touch counts. */
const LOOKBACK_DAYS = 90;

/** Of a credit: sums of shares carry noise in their last digits. */
const DIGITS = 6;

export interface AttributionReport {
  asOf: number;
  timeZone: string;
  from: string;
  to: string;
  stage: Stage;
  lookbackDays: number;
  /** Who first got to the stage in the range. */
  entries: number;
  /** Entries credited to each channel, by model; each column adds up to those with a touch. */
  channels: Array<{ channel: string; sessions: number } & Record<TouchModel | 'markov' | 'shapley', number>>;
  /** Entries without any touch before, which no model credits: such as those of the site's own server. */
  withoutTouch: number;
}

/**
 * Credits channels with entries into a stage. A touch is a session, with the channel of its first event; what comes after an entry
 * changes nothing of its credit.
 * @returns a text that says what is wrong with the range
 */
export async function reportAttribution(
  store: RemoteStore,
  site: Site,
  query: ReportQuery,
  now: number,
): Promise<AttributionReport | string> {
  const range = readRange(site, query, now);
  if (typeof range === 'string') return range;
  const { stage = 'action' } = query;
  const from = range.from.toMillis();
  const until = range.to.plus({ days: 1 }).toMillis();
  const people = await readPeople(store, site.siteKey);
  const transitions = await readTransitions(store, site.siteKey, people);
  const sessions = await readSessions(store, site.siteKey, people);

  const rows = new Map<string, AttributionReport['channels'][number]>();
  const rowOf = (channel: string) => {
    const blank = Object.fromEntries([...TOUCH_MODELS, 'markov', 'shapley'].map((model) => [model, 0]));
    const row = rows.get(channel) ?? ({ channel, sessions: 0, ...blank } as AttributionReport['channels'][number]);
    rows.set(channel, row);
    return row;
  };
  const paths: Array<{ path: string[]; converted?: number; lost?: number }> = [];
  /** Entries by the set of channels before them. */
  const sets = new Map<string, number>();
  let entries = 0;
  let withoutTouch = 0;
  for (const [person, all] of transitions) {
    const entry = all.find(({ to }) => rank(to) >= rank(stage));
    const isEntry = !!entry && entry.at >= from && entry.at < until;
    // Who got there before is no part of the question.
    if (entry && entry.at < from) continue;
    const end = isEntry ? entry.at : until - 1;
    const begin = (isEntry ? end : from) - LOOKBACK_DAYS * DAY_MS;
    const touches = (sessions.get(person) ?? []).filter(({ at }) => at >= begin && at <= end);
    const path = touches.map(({ channel }) => channel);
    if (!isEntry) {
      if (touches.some(({ at }) => at >= from)) paths.push({ path, lost: 1 });
      continue;
    }
    entries++;
    if (!path.length) {
      withoutTouch++;
      continue;
    }
    paths.push({ path, converted: 1 });
    const set = [...new Set(path)].sort().join('\n');
    sets.set(set, (sets.get(set) ?? 0) + 1);
    const given = touches.map(({ channel, at }) => ({ channel, daysBefore: days(end - at) }));
    for (const model of TOUCH_MODELS)
      creditTouches(model, 1, given).forEach((credit, index) => (rowOf(path[index]!)[model] += credit));
  }
  for (const { path } of paths) for (const channel of path) rowOf(channel).sessions++;
  const { credit: markov } = creditByRemoval(paths);
  const named = [...sets].map(([set, count]): [Set<string>, number] => [new Set(set.split('\n')), count]);
  const worth = (coalition: string[]) => {
    const among = new Set(coalition);
    return named.reduce((sum, [set, count]) => sum + ([...set].every((each) => among.has(each)) ? count : 0), 0);
  };
  const credited = [...new Set(named.flatMap(([set]) => [...set]))].sort();
  // The same question has the same answer: orders are drawn from the same numbers each time.
  const shapley = creditByShapley(credited, worth, lcg());
  for (const row of rows.values()) {
    row.markov = markov[row.channel] ?? 0;
    row.shapley = shapley[row.channel] ?? 0;
    for (const model of [...TOUCH_MODELS, 'markov', 'shapley'] as const) row[model] = +row[model].toFixed(DIGITS);
  }
  return {
    asOf: now,
    timeZone: site.timeZone,
    from: range.from.toISODate()!,
    to: range.to.toISODate()!,
    stage,
    lookbackDays: LOOKBACK_DAYS,
    entries,
    channels: [...rows.values()].sort((a, b) => b.linear - a.linear || (a.channel < b.channel ? -1 : 1)),
    withoutTouch,
  };
}

/** A row of numbers from 0 to 1, always the same. @see Numerical Recipes */
function lcg(): () => number {
  let state = 1;
  return () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 4_294_967_296;
}
