/** What channels cost, as a table of an advertising platform or a spreadsheet gives it. */
import { CsvError, parse } from 'csv-parse/sync';
import { CHANNEL_NAMES, CHANNELS_ZH, isRecord } from '../../sdk/core/index.js';
import { isDay } from '../isDay.js';
import type { Cost, GivenCost, Site } from '../store/store.js';

/** The longest name of a channel, a source, a medium or a campaign. */
const LONGEST = { channel: 64, source: 256, medium: 256, campaign: 256 };
const COLUMNS = ['day', 'channel', 'cost'];
/** The columns as a Chinese table calls them. */
const COLUMNS_ZH: Record<string, string> = {
  日期: 'day',
  渠道: 'channel',
  花费: 'cost',
  费用: 'cost',
  来源: 'source',
  媒介: 'medium',
  活动: 'campaign',
};
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
  // As the dashboard's own files have them, a name that a spreadsheet would take for a formula stands behind a mark.
  return isName ? name.trim().replace(/^'(?=[=+\-@＝＋－＠])/, '') : undefined;
}

/**
 * Calls channels as the reports do, whatever their letter case, and whichever language they are named in.
 * @returns the costs, and the names of channels that no report has
 */
export function nameChannels<C extends GivenCost>(site: Pick<Site, 'channels'>, costs: C[]) {
  const known = new Map([
    ...Object.entries(CHANNELS_ZH).map(([name, zh]) => [zh.toLowerCase(), name] as const),
    ...[...CHANNEL_NAMES, ...Object.values(site.channels)].map((name) => [name.toLowerCase(), name] as const),
  ]);
  const named = costs.map((cost) => ({ ...cost, channel: known.get(cost.channel.toLowerCase()) ?? cost.channel }));
  const isKnown = new Set(known.values());
  return {
    costs: named,
    unknown: [...new Set(named.map(({ channel }) => channel))].filter((name) => !isKnown.has(name)),
  };
}

/** A day as spreadsheets write it too: 2026/1/31. */
const dayAs = (text: unknown): unknown =>
  typeof text === 'string'
    ? text.replace(/^(\d{4})\/(\d{1,2})\/(\d{1,2})$/, (_, year: string, month: string, day: string) =>
        [year, month.padStart(2, '0'), day.padStart(2, '0')].join('-'),
      )
    : text;

/** Reads what a channel cost on a day. @returns a text that says what was expected, where it is none */
export function parseCost(given: unknown): Cost | string {
  const { day: written, channel, cost, ...more } = isRecord(given) ? given : {};
  const day = dayAs(written);
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
  // As spreadsheets write amounts: ¥1,234.50.
  const text = typeof cost === 'string' ? cost.trim().replace(/^\p{Sc}\s*|(?<=\d),(?=\d{3}(\D|$))/gu, '') : '';
  const amount = /^\d*\.?\d+(e\d+)?$|^\d+\.$/i.test(text) ? Number(text) : cost;
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
    const columns = (header: string[]) =>
      (names = header.map((name) => COLUMNS_ZH[name.trim()] ?? name.trim().toLowerCase()));
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
  const twice = [...COLUMNS, ...PARTS].find((name) => names.filter((each) => each === name).length > 1);
  if (twice) return `line 1: expected one column for ${twice}, got several; take the others out`;
  const costs: Cost[] = [];
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
    costs.push(cost);
  }
  for (const [says, lines] of wrong)
    return `line ${lines.slice(0, MAX_SAID).join(', ')}${lines.length > MAX_SAID ? ' …' : ''}: ${says}`;
  return addUp(costs);
}

/** Costs of one day and the same names, as one; null takes back what was said before. */
export function addUp<C extends GivenCost>(costs: C[]): C[] {
  const sums = new Map<string, C>();
  for (const cost of costs) {
    const key = JSON.stringify([cost.day, cost.channel.toLowerCase(), ...PARTS.map((part) => cost[part])]);
    const known = sums.get(key);
    const isMore = known && known.cost !== null && cost.cost !== null;
    sums.set(key, isMore ? { ...known, cost: known.cost! + cost.cost! } : cost);
  }
  return [...sums.values()];
}
