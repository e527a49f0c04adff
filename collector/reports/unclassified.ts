/** Pages and events that no signal tells apart from others: what the rules do not look at yet. */
import { attempt, matchSignals, placeOf, type StagetagEvent } from '../../sdk/core/index.js';
import { timelineOf } from '../ingest/timeline.js';
import type { RemoteStore, Site } from '../store/store.js';
import { eachEvent, madeOf, readPeople } from './people.js';
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
  store: RemoteStore,
  site: Site,
  query: ReportQuery,
  now: number,
): Promise<UnclassifiedReport | string> {
  const range = readRange(site, query, now);
  if (typeof range === 'string') return range;
  const { current } = timelineOf(await store.rules(site.siteKey));
  /** What an event is counted under; undefined where a signal tells it apart. */
  const keyOf = (event: StagetagEvent): [event: string, path: string | null] | undefined => {
    const url = event.url === undefined ? undefined : attempt(() => new URL(event.url!));
    const place = url && placeOf(url);
    const isPage = event.name === 'page_view';
    const signals = matchSignals(current, event, place).map(([name]) => current.signals[name]!);
    // That it is a page view tells no page from another.
    if (signals.some(({ path, host, match }) => !isPage || path || host || match)) return undefined;
    if (!isPage) return [event.name, null];
    return place && ['page_view', place.path.slice(0, LONGEST)];
  };
  const rows = new Map<string, { event: string; path: string | null; who: Set<string>; times: number }>();
  const people = await readPeople(store, site.siteKey);
  await eachEvent(store, site, { from: range.from.toMillis(), until: range.until }, people, (person, event) => {
    if (TECHNICAL.has(event.name)) return;
    const key = madeOf(rows, current, event, () => keyOf(event));
    if (!key) return;
    const [name, path] = key;
    const text = JSON.stringify(key);
    const row = rows.get(text) ?? { event: name, path, who: new Set(), times: 0 };
    rows.set(text, row);
    row.who.add(person);
    row.times++;
  });
  return {
    ...headingOf(site, range, now),
    rows: [...rows.values()]
      .map(({ event, path, who, times }) => ({ event, path, people: who.size, times }))
      .sort(
        (a, b) => b.people - a.people || b.times - a.times || (`${a.event}${a.path}` < `${b.event}${b.path}` ? -1 : 1),
      )
      .slice(0, MOST),
  };
}
