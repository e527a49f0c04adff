/** What channels cost, as a table of an advertising platform or a spreadsheet gives it. */
import { CsvError, parse } from 'csv-parse/sync';
import { CHANNEL_NAMES, isRecord } from '../../sdk/core/index.js';
import { isDay } from '../isDay.js';
import type { Cost, GivenCost, Site } from '../store/store.js';

/** The longest name of a channel, a source, a medium or a campaign. */
const LONGEST = { channel: 64, source: 256, medium: 256, campaign: 256 };
const COLUMNS = ['day', 'channel', 'cost'];
const PARTS = ['source', 'medium', 'campaign'] as const;

/** Costs that are taken in at a time. */
export const MAX_COSTS = 50_000;

/** Lines that are named where the same is wrong with many. */
const MAX_SAID = 10;

/** What the library says in words of its own. */
const EXPECTED: Record<string, string> = {
  CSV_RECORD_INCONSISTENT_COLUMNS:
    'expected as many cells as columns; a cell with a comma in it, as 1,234.50, stands in quotes',
  CSV_QUOTE_NOT_CLOSED: 'a quote is opened and not closed',
  CSV_INVALID_CLOSING_QUOTE: 'expected a comma behind a closed quote',
};

function nameIn(of: keyof typeof LONGEST, name: unknown): string | undefined {
  const isName = typeof name === 'string' && name.trim() && name.length <= LONGEST[of] && !/\p{Cc}/u.test(name);
  return isName ? name.trim() : undefined;
}

/**
 * Calls channels as the reports do, whatever their letter case.
 * @returns the costs, and the names of channels that no report has
 */
export function nameChannels<C extends GivenCost>(site: Pick<Site, 'channels'>, costs: C[]) {
  const known = new Map([...CHANNEL_NAMES, ...Object.values(site.channels)].map((name) => [name.toLowerCase(), name]));
  const named = costs.map((cost) => ({ ...cost, channel: known.get(cost.channel.toLowerCase()) ?? cost.channel }));
  const isKnown = new Set(known.values());
  return {
    costs: named,
    unknown: [...new Set(named.map(({ channel }) => channel))].filter((name) => !isKnown.has(name)),
  };
}

/** Reads what a channel cost on a day. @returns a text that says what was expected, where it is none */
export function parseCost(given: unknown): Cost | string {
  const { day, channel, cost, ...more } = isRecord(given) ? given : {};
  if (!isDay(day)) return 'day: expected one such as 2026-01-31';
  const name = nameIn('channel', channel);
  if (!name) return `channel: expected a name of at most ${LONGEST.channel} characters, such as Paid Search`;
  const parts: Pick<Cost, (typeof PARTS)[number]> = {};
  for (const part of PARTS) {
    if (more[part] === undefined || more[part] === null || more[part] === '') continue;
    const own = nameIn(part, more[part]);
    if (!own) return `${part}: expected a name of at most ${LONGEST[part]} characters, or none`;
    parts[part] = own;
  }
  const amount = typeof cost === 'string' && cost.trim() ? Number(cost) : cost;
  if (typeof amount !== 'number' || !Number.isFinite(amount) || amount < 0)
    return 'cost: expected an amount from 0 such as 1200.50, in the currency of the orders';
  return { day, channel: name, ...parts, cost: amount };
}

/**
 * Reads CSV with a line that names the columns `day`, `channel` and `cost`, and `source`, `medium` and `campaign` where there are such, in any
 * order; others are left alone. Several lines of one day and the same names add up.
 * @returns a text that says what is wrong with which lines
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
    if (!(error instanceof CsvError)) throw error;
    return `line ${error.lines as number}: ${EXPECTED[error.code] ?? error.message}`;
  }
  if (rows.length > MAX_COSTS) return `expected at most ${MAX_COSTS} lines, got ${rows.length}`;
  if (COLUMNS.some((name) => !names.includes(name)))
    return `line 1: expected the columns ${COLUMNS.join(', ')} with commas between, got ${names.join(', ') || 'nothing'}`;
  const sums = new Map<string, Cost>();
  /** Numbers of lines by what is wrong with them. */
  const wrong = new Map<string, number[]>();
  for (const { info, record } of rows) {
    const cost = parseCost(record);
    if (typeof cost === 'string') {
      const lines = wrong.get(cost) ?? [];
      wrong.set(cost, lines);
      lines.push(info.lines);
      continue;
    }
    const key = JSON.stringify([cost.day, cost.channel.toLowerCase(), ...PARTS.map((part) => cost[part])]);
    const known = sums.get(key);
    sums.set(key, { ...(known ?? cost), cost: (known?.cost ?? 0) + cost.cost });
  }
  for (const [says, lines] of wrong)
    return `line ${lines.slice(0, MAX_SAID).join(', ')}${lines.length > MAX_SAID ? ' …' : ''}: ${says}`;
  return [...sums.values()];
}
