/** What the owner gives the collector to look senders up in. */
import { openSpamList, type SpamList } from './bot.js';
import { openGeo, type Geo } from './client.js';

export interface LookupFiles {
  /** An MMDB file, from which the country and region of an address are read before it is forgotten. */
  geo?: string;
  /** A text file with a domain a line, from which comes referrer spam. */
  referrerSpam?: string;
}

export interface Lookups {
  geo?: Geo;
  spam?: SpamList;
}

/** @throws where a file is not there, or is none of its kind */
export async function openLookups({ geo, referrerSpam }: LookupFiles): Promise<Lookups> {
  return { ...(geo && { geo: await openGeo(geo) }), ...(referrerSpam && { spam: openSpamList(referrerSpam) }) };
}
