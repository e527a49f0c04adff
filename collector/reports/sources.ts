/** Where visits came from by name, and the channels that the owner gave to names. */
import { channelOf, nameOf } from '../projection/channels.js';
import type { Person, View } from '../projection/view.js';
import type { Site } from '../store/store.js';
import { headingOf, readRange, type Heading, type ReportQuery } from './range.js';

/** Channels that say no more than that a source is not known. */
const UNKNOWN = new Set(['Referral', 'Unassigned']);
const MOST = 500;

export interface SourcesReport extends Heading {
  /** Those that are not known first, and of equals the one with most sessions. */
  sources: Array<{
    source: string;
    /** That of most of its sessions. */
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

/** The same touch or session with the channel that the owner gave to its source. */
export const classified = <T extends Named>(site: Pick<Site, 'channels'>, of: T): T => ({
  ...of,
  channel: channelOf(site, of),
});

type Row = SourcesReport['sources'][number];
const byUse = (a: Row, b: Row): number => b.sessions - a.sessions || (a.source < b.source ? -1 : 1);
const unknownFirst = (a: Row, b: Row): number => +b.isUnknown - +a.isUnknown || byUse(a, b);

/** Says where the sessions of a range came from. @returns a text that says what is wrong with the range */
export async function reportSources(
  view: View,
  site: Site,
  query: ReportQuery,
  now: number,
): Promise<SourcesReport | string> {
  const range = readRange(site, query, now);
  if (typeof range === 'string') return range;
  const [from, until] = [range.from.toMillis(), range.until];
  const rows = new Map<
    string,
    { channels: Map<string | null, number>; sessions: number; visitors: number; latest: Person }
  >();
  for (const person of view.people)
    for (const { channel, startedAt, ...visit } of view.visits(person)) {
      const source = nameOf({ source: visit.source, channel: visit.ownChannel });
      if (source === null || startedAt < from || startedAt >= until) continue;
      const row = rows.get(source) ?? {
        channels: new Map<string | null, number>(),
        sessions: 0,
        visitors: 0,
        latest: -1,
      };
      rows.set(source, row);
      row.channels.set(channel, (row.channels.get(channel) ?? 0) + 1);
      row.sessions++;
      row.visitors += +(row.latest !== person);
      row.latest = person;
    }
  const sources = [...rows].map(([source, { channels, sessions, visitors }]) => {
    const isGiven = Object.hasOwn(site.channels, source.toLowerCase());
    const most = [...channels].sort((a, b) => b[1] - a[1] || (`${a[0]}` < `${b[0]}` ? -1 : 1))[0]!;
    const channel = most[0];
    const isUnknown = !isGiven && UNKNOWN.has(channel ?? 'Unassigned');
    return { source, channel, sessions, visitors, isUnknown, isGiven };
  });
  return {
    ...headingOf(site, range, now),
    // Of very many unknown ones none may push out where most came from.
    sources: [...new Set([...sources.sort(byUse).slice(0, MOST / 2), ...sources.sort(unknownFirst)])]
      .slice(0, MOST)
      .sort(unknownFirst),
  };
}
