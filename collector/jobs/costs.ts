/** What channels cost, as a table of an advertising platform or a spreadsheet gives it. */
import { parse } from 'csv-parse/sync';
import { isRecord } from '../../sdk/core/index.js';
import { isDay } from '../isDay.js';
import type { Cost } from '../store/store.js';

/** The longest name of a channel. */
const MAX_CHANNEL = 64;
const COLUMNS = ['day', 'channel', 'cost'];

/** Reads what a channel cost on a day. @returns a text that says what was expected, where it is none */
export function parseCost(given: unknown): Cost | string {
  const { day, channel, cost } = isRecord(given) ? given : {};
  if (!isDay(day)) return 'day: expected one such as 2026-01-31';
  if (typeof channel !== 'string' || !channel.trim() || channel.length > MAX_CHANNEL || /\p{Cc}/u.test(channel))
    return `channel: expected a name of at most ${MAX_CHANNEL} characters, such as Paid Search`;
  const amount = typeof cost === 'string' && cost.trim() ? Number(cost) : cost;
  if (typeof amount !== 'number' || !Number.isFinite(amount) || amount < 0)
    return 'cost: expected an amount from 0, in the currency of the orders';
  return { day, channel: channel.trim(), cost: amount };
}

/**
 * Reads CSV with a line that names the columns `day`, `channel` and `cost`, in any order; others are left alone. Several lines of
 * one day and channel add up.
 * @returns a text that says what is wrong with which line
 */
export function readCosts(text: string): Cost[] | string {
  let rows: Array<{ info: { lines: number }; record: Record<string, string> }>;
  let names: string[] = [];
  try {
    const columns = (header: string[]) => (names = header.map((name) => name.trim().toLowerCase()));
    rows = parse(text, {
      bom: true,
      columns,
      info: true,
      trim: true,
      skip_empty_lines: true,
    }) as unknown as typeof rows;
  } catch (error) {
    return (error as Error).message;
  }
  if (COLUMNS.some((name) => !names.includes(name)))
    return `line 1: expected the columns ${COLUMNS.join(', ')}, got ${names.join(', ') || 'nothing'}`;
  const sums = new Map<string, Cost>();
  for (const { info, record } of rows) {
    const cost = parseCost(record);
    if (typeof cost === 'string') return `line ${info.lines}: ${cost}`;
    const key = `${cost.day} ${cost.channel}`;
    sums.set(key, { ...cost, cost: (sums.get(key)?.cost ?? 0) + cost.cost });
  }
  return [...sums.values()];
}
