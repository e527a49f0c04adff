/** How much never came: from the gaps in the numbers that each browser gives its events. */
import type { LossCount, RemoteStore, Site } from '../store/store.js';
import { readRange, type Range } from './range.js';

interface Loss {
  visitors: number;
  /** Events that are stored and have a number. */
  stored: number;
  /** Numbers that never came: of an event after the last that came nobody knows. */
  missing: number;
  /** Of those, how many the browsers say they gave up because they could not keep them. */
  ownedUp: number;
  /** Missing of all that were numbered, 0 to 1; null where there were none. */
  rate: number | null;
}

export interface LossReport extends Loss {
  asOf: number;
  timeZone: string;
  from: string;
  to: string;
  byBrowser: Array<Loss & { browser: string | null }>;
  byChannel: Array<Loss & { channel: string | null }>;
}

/** Reports losses of the visitors that were last seen in a range of days. @returns a text that says what is wrong with the range */
export async function reportLoss(
  store: RemoteStore,
  site: Site,
  range: Range,
  now: number,
): Promise<LossReport | string> {
  const days = readRange(site, range, now);
  if (typeof days === 'string') return days;
  const { from, to } = days;
  const rows = await store.lossCounts(site.siteKey, from.toMillis(), to.plus({ days: 1 }).toMillis());
  return {
    asOf: now,
    timeZone: site.timeZone,
    from: from.toISODate()!,
    to: to.toISODate()!,
    ...sum(rows),
    byBrowser: by(rows, 'browser'),
    byChannel: by(rows, 'channel'),
  };
}

function by<K extends 'browser' | 'channel'>(rows: LossCount[], name: K): Array<Loss & { [name in K]: string | null }> {
  const groups = new Map<string | null, LossCount[]>();
  for (const row of rows) groups.set(row[name], [...(groups.get(row[name]) ?? []), row]);
  return [...groups]
    .map(([value, group]) => ({ [name]: value, ...sum(group) }) as Loss & { [name in K]: string | null })
    .sort((a, b) => b.missing - a.missing || b.stored - a.stored);
}

function sum(rows: LossCount[]): Loss {
  const add = (name: 'visitors' | 'stored' | 'missing' | 'ownedUp') => rows.reduce((all, row) => all + row[name], 0);
  const [stored, missing] = [add('stored'), add('missing')];
  return {
    visitors: add('visitors'),
    stored,
    missing,
    ownedUp: add('ownedUp'),
    rate: stored + missing ? missing / (stored + missing) : null,
  };
}
