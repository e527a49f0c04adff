import { DAY_MS, type Stage } from '../../sdk/core/index.js';
import { creditByRemoval, creditBySets, creditTouches, TOUCH_MODELS, type TouchModel } from '../model/attribution.js';
import type { RemoteStore, Site } from '../store/store.js';
import { days, readJourneys, readSessions } from './people.js';
import { headingOf, readRange, type Heading, type ReportQuery } from './range.js';

/** By so much a clock may be ahead before the browser's script corrects it: an entry is not dated into the future, a session is. */
const CLOCK_AHEAD_MS = 10 * 60_000;

/** How long before an entry a touch counts. */
const LOOKBACK_DAYS = 90;

/** Of a credit: sums of shares carry noise in their last digits. */
const DIGITS = 6;

export interface AttributionReport extends Heading {
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
  const { people, journeys } = await readJourneys(store, site.siteKey, now);
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
  for (const [person, { reachedAt }] of journeys) {
    const at = reachedAt.get(stage);
    // Who got there before is no part of the question.
    if (at !== undefined && at < from) continue;
    const isEntry = at !== undefined && at < range.until;
    const end = isEntry ? at : range.until - 1;
    const begin = (isEntry ? end : from) - LOOKBACK_DAYS * DAY_MS;
    const last = isEntry ? end + CLOCK_AHEAD_MS : end;
    const touches = (sessions.get(person) ?? []).flatMap(({ startedAt, channel }) =>
      channel !== null && startedAt >= begin && startedAt <= last ? [{ at: startedAt, channel }] : [],
    );
    const path = touches.map(({ channel }) => channel);
    if (!isEntry) {
      if (touches.some((touch) => touch.at >= from)) paths.push({ path, lost: 1 });
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
    const given = touches.map((touch) => ({ channel: touch.channel, daysBefore: Math.max(0, days(end - touch.at)) }));
    for (const model of TOUCH_MODELS)
      creditTouches(model, 1, given).forEach((credit, index) => (rowOf(path[index]!)[model] += credit));
  }
  for (const { path } of paths) for (const channel of path) rowOf(channel).sessions++;
  const { credit: markov } = creditByRemoval(paths);
  const shapley = creditBySets([...sets].map(([set, count]) => ({ channels: set.split('\n'), value: count })));
  for (const row of rows.values()) {
    row.markov = markov[row.channel] ?? 0;
    row.shapley = shapley[row.channel] ?? 0;
    for (const model of [...TOUCH_MODELS, 'markov', 'shapley'] as const) row[model] = +row[model].toFixed(DIGITS);
  }
  return {
    ...headingOf(site, range, now),
    stage,
    lookbackDays: LOOKBACK_DAYS,
    entries,
    channels: [...rows.values()].sort((a, b) => b.linear - a.linear || (a.channel < b.channel ? -1 : 1)),
    withoutTouch,
  };
}
