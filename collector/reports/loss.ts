/** How much never came: from the gaps in the numbers that each browser gives its events. */
import { DateTime } from 'luxon';
import { lossCounts, type LossCount } from '../projection/noticed.js';
import type { View } from '../projection/view.js';
import type { RemoteStore, Site } from '../store/store.js';
import { headingOf, readRange, type Heading, type Range } from './range.js';

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

export interface LossReport extends Loss, Heading {
  /** What the site's own server served, against the page views that came; null where it told nothing of these days. */
  pages: Pages | null;
  byBrowser: Array<Loss & { browser: string | null }>;
  byChannel: Array<Loss & { channel: string | null }>;
}

interface Pages {
  /** Days of which the server told. */
  days: number;
  served: number;
  /** Page views of browsers on those days. A page that changes its address by itself is served once and viewed often. */
  viewed: number;
  /** Pages without a view. */
  missing: number;
  rate: number | null;
}

/** Reports losses of the visitors that were last seen in a range of days. @returns a text that says what is wrong with the range */
export async function reportLoss(
  { store, projection }: View,
  site: Site,
  range: Range,
  now: number,
): Promise<LossReport | string> {
  const days = readRange(site, range, now);
  if (typeof days === 'string') return days;
  const { from, to, until } = days;
  const rows = lossCounts(projection, site, from.toMillis(), until);
  return {
    ...headingOf(site, days, now),
    ...sum(rows),
    pages: await comparePages(store, site, from, to),
    byBrowser: by(rows, 'browser'),
    byChannel: by(rows, 'channel'),
  };
}

async function comparePages(store: RemoteStore, site: Site, from: DateTime, to: DateTime): Promise<Pages | null> {
  const counts = await store.pageCounts(site.siteKey, from.toISODate()!, to.toISODate()!);
  if (!counts.length) return null;
  let [served, viewed] = [0, 0];
  for (const { day, pages } of counts) {
    const start = DateTime.fromISO(day, { zone: site.timeZone });
    served += pages;
    viewed += await store.pageViews(site.siteKey, start.toMillis(), start.plus({ days: 1 }).startOf('day').toMillis());
  }
  const missing = Math.max(0, served - viewed);
  return { days: counts.length, served, viewed, missing, rate: served ? missing / served : null };
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
