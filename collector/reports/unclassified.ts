/** Pages and events that no signal tells apart from others: what the rules do not look at yet. */
import type { Kind } from '../projection/kinds.js';
import type { Person, View } from '../projection/view.js';
import type { Site } from '../store/store.js';
import { headingOf, readRange, type Heading, type ReportQuery } from './range.js';

export interface UnclassifiedReport extends Heading {
  rows: Array<{
    event: string;
    /** Of a page view: the page. */
    path: string | null;
    people: number;
    times: number;
  }>;
}

const MOST = 200;
const LONGEST = 200;
/** What the tag records of every visit: it says nothing of what somebody wants. */
const TECHNICAL = new Set(['session_start', 'user_engagement', 'scroll', 'web_vital', 'identify']);

/** @returns a text that says what is wrong with the range */
export async function reportUnclassified(
  view: View,
  site: Site,
  query: ReportQuery,
  now: number,
): Promise<UnclassifiedReport | string> {
  const range = readRange(site, query, now);
  if (typeof range === 'string') return range;
  interface Row {
    event: string;
    path: string | null;
    people: number;
    times: number;
    latest: Person;
  }
  const rows = new Map<string, Row>();
  const rowOf = ({ name, path, isTold }: Kind): Row | undefined => {
    const isPage = name === 'page_view';
    if (isTold || TECHNICAL.has(name) || (isPage && path === null)) return undefined;
    const page = isPage ? path!.slice(0, LONGEST) : null;
    const key = `${name}\n${page}`;
    const row = rows.get(key) ?? { event: name, path: page, people: 0, times: 0, latest: -1 };
    rows.set(key, row);
    return row;
  };
  await view.eachDeeds({ from: range.from.toMillis(), until: range.until }, rowOf, (person, deeds) => {
    for (const { of: row } of deeds) {
      row.times++;
      row.people += +(row.latest !== person);
      row.latest = person;
    }
  });
  return {
    ...headingOf(site, range, now),
    rows: [...rows.values()]
      .filter(({ times }) => times)
      .map(({ event, path, people, times }) => ({ event, path, people, times }))
      .sort(
        (a, b) => b.people - a.people || b.times - a.times || (`${a.event}${a.path}` < `${b.event}${b.path}` ? -1 : 1),
      )
      .slice(0, MOST),
  };
}
