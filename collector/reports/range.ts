import { DateTime } from 'luxon';
import { isDay } from '../isDay.js';
import { dayOf, formatDay, parseDay as dayNumber, type Stage } from '../../sdk/core/index.js';
import type { Site } from '../store/store.js';
import type { Breakdown } from './funnel.js';

/** What a report is asked for: days of the site's time zone, both included. */
export interface Range {
  from?: string;
  to?: string;
}

/** What else reports are asked for; each says which of it means something to it. */
export interface ReportQuery extends Range {
  /** Of a funnel, with commas between: `stage:NAME`, `signal:NAME`, `event:NAME`, `page:GLOB`; one with `?` at its end may be left out. */
  steps?: string;
  order?: 'ordered' | 'strict' | 'any';
  /** `path`, `props.KEY` or `source.KEY`: all steps of a try must have the same. */
  hold?: string;
  /** Days from the first step, or from each. */
  window?: number;
  perStep?: boolean;
  by?: Breakdown;
  stage?: Stage;
  signal?: string;
  /** Those alone who first came by this channel. */
  channel?: string;
  /** Days without a sign of life after which somebody is dormant. */
  dormantAfter?: number;
  period?: 'day' | 'week' | 'month';
  margin?: number;
  years?: number;
  discount?: number;
  /** The version of the rules under which everybody is looked at; the one in force where absent. */
  rules?: number;
}

/** Days of a report where nothing is asked for. */
const DEFAULT_DAYS = 30;
const MAX_DAYS = 3660;

/** Reads the days of a report, and the moment at which the last has ended. @returns a text that says what is wrong with them */
export function readRange(
  { timeZone: zone }: Site,
  range: Range,
  now: number,
): { from: DateTime; to: DateTime; today: DateTime; until: number } | string {
  const today = DateTime.fromMillis(now, { zone }).startOf('day');
  const to = range.to ? parseDay(range.to, zone) : today;
  const from = range.from ? parseDay(range.from, zone) : to?.minus({ days: DEFAULT_DAYS - 1 }).startOf('day');
  if (!to || !from || from.year < 0) return 'from, to: expected days such as 2026-01-31';
  if (from > to) return 'from: expected a day not after to';
  if (to.diff(from, 'days').days > MAX_DAYS) return `from, to: expected at most ${MAX_DAYS} days`;
  // A day may begin at one o'clock, where clocks are put forward at midnight.
  return { from, to, today, until: to.plus({ days: 1 }).startOf('day').toMillis() };
}

/**
 * The last day of a range among days of UTC, as facts have them: of one that ends today the one that it is by now, which west of Greenwich
 * has begun before the site's is over.
 */
export const lastOfFacts = ({ to, today }: { to: DateTime; today: DateTime }, now: number): number =>
  Math.max(dayNumber(to.toISODate()!), to >= today ? dayOf(now) : 0);

/** What every report of a range says of itself. */
export interface Heading {
  /** Epoch ms of the reading. */
  asOf: number;
  timeZone: string;
  /** First and last day, `YYYY-MM-DD` in the site's time zone, both included. */
  from: string;
  to: string;
  /** The first day (UTC) of which raw events are still kept, where days of the report are from before: of those only what facts count is there. */
  exactFrom: string | null;
}

export const headingOf = (
  { timeZone, keptFrom }: Site,
  { from, to }: { from: DateTime; to: DateTime },
  now: number,
): Heading => ({
  asOf: now,
  timeZone,
  from: from.toISODate()!,
  to: to.toISODate()!,
  exactFrom: keptFrom > dayOf(from.toMillis()) ? formatDay(keptFrom) : null,
});

function parseDay(text: string, zone: string): DateTime | undefined {
  return isDay(text) ? DateTime.fromISO(text, { zone }).startOf('day') : undefined;
}
