/**
 * Days are UTC days of an event's `time`: as numbers since 1970-01-01 to reckon with, as `YYYY-MM-DD` to be kept and read.
 * `Date` converts here and nowhere else in the model; no clock is read.
 */
/* oxlint-disable no-restricted-globals */
import { isPlain } from './plain.js';

export const DAY_MS = 86_400_000;

/** The day number of a moment in epoch ms. */
export const dayOf = (time: number): number => Math.floor(time / DAY_MS);

/** Most days that are written are the one that was written last. */
let last: number;
let text: string;

/** Writes a day number as `YYYY-MM-DD`. */
export function formatDay(day: number): string {
  if (isPlain) return written(day);
  if (day !== last) text = written(day);
  last = day;
  return text;
}

const written = (day: number) => new Date(day * DAY_MS).toISOString().slice(0, 10);

/** Days that were read. All that are in use are few: a window's, for each site. */
const read = new Map<string, number>();
const MOST_READ = 50_000;

function remember(text: string): number {
  let day = read.get(text);
  if (day === undefined) {
    if (read.size >= MOST_READ) read.clear();
    read.set(text, (day = Date.parse(text) / DAY_MS));
  }
  return day;
}

/** Reads `YYYY-MM-DD` as a day number. */
export const parseDay = (text: string): number => (isPlain ? Date.parse(text) / DAY_MS : remember(text));
