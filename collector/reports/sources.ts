/** Where visits came from by name, and the channels that the owner gave to names. */
import type { RemoteStore, Site } from '../store/store.js';
import { readPeople, readSessions } from './people.js';
import { headingOf, readRange, type Heading, type ReportQuery } from './range.js';

/** Channels that say no more than that a source is not known. */
const UNKNOWN = new Set(['Referral', 'Unassigned']);
const MOST = 500;

export interface SourcesReport extends Heading {
  /** Those that are not known first, and of equals the one with most sessions. */
  sources: Array<{
    source: string;
    channel: string | null;
    sessions: number;
    visitors: number;
    /** Whether it waits to be given a channel. */
    isUnknown: boolean;
    /** Whether the owner gave it its channel. */
    isGiven: boolean;
  }>;
}

type Named = { source: string | null; channel: string | null };

/** The channel that the owner gave to a source, or else its own. */
const channelOf = ({ channels }: Pick<Site, 'channels'>, { source, channel }: Named) =>
  (source !== null && Object.hasOwn(channels, source.toLowerCase()) && channels[source.toLowerCase()]) || channel;

/** The same touch or session with the channel that the owner gave to its source. */
export const classified = <T extends Named>(site: Pick<Site, 'channels'>, of: T): T => ({
  ...of,
  channel: channelOf(site, of),
});

/** The same store with the channels that the owner gave to sources. What is stored stays as it is: taken back, all is as it was. */
export function withChannels(store: RemoteStore, site: Site): RemoteStore {
  if (!Object.keys(site.channels).length) return store;
  return {
    ...store,
    everyVisitor: async (...args) =>
      (await store.everyVisitor(...args)).map((record) => ({
        ...record,
        firstTouch: record.firstTouch && classified(site, record.firstTouch),
        lastTouch: record.lastTouch && classified(site, record.lastTouch),
      })),
    everySession: async (...args) => (await store.everySession(...args)).map((session) => classified(site, session)),
  };
}

/** Says where the sessions of a range came from. @returns a text that says what is wrong with the range */
export async function reportSources(
  store: RemoteStore,
  site: Site,
  query: ReportQuery,
  now: number,
): Promise<SourcesReport | string> {
  const range = readRange(site, query, now);
  if (typeof range === 'string') return range;
  const people = await readPeople(store, site.siteKey);
  const rows = new Map<string, { channel: string | null; sessions: number; who: Set<string> }>();
  for (const [person, sessions] of await readSessions(store, site.siteKey, people))
    for (const { source, channel, startedAt } of sessions) {
      if (source === null || startedAt < range.from.toMillis() || startedAt >= range.until) continue;
      const row = rows.get(source) ?? { channel, sessions: 0, who: new Set() };
      rows.set(source, row);
      row.sessions++;
      row.who.add(person);
    }
  const sources = [...rows].map(([source, { channel, sessions, who }]) => {
    const isGiven = Object.hasOwn(site.channels, source.toLowerCase());
    const isUnknown = !isGiven && UNKNOWN.has(channel ?? 'Unassigned');
    return { source, channel, sessions, visitors: who.size, isUnknown, isGiven };
  });
  return {
    ...headingOf(site, range, now),
    sources: sources
      .sort((a, b) => +b.isUnknown - +a.isUnknown || b.sessions - a.sessions || (a.source < b.source ? -1 : 1))
      .slice(0, MOST),
  };
}
