import { DAY_MS } from '../../sdk/core/index.js';
import { LONGEST, type Kind } from '../projection/kinds.js';
import type { View } from '../projection/view.js';
import type { Site } from '../store/store.js';
import { headingOf, readRange, type Heading, type ReportQuery } from './range.js';

export interface CoverageReport extends Heading {
  /** How many different pages were seen in the range. */
  pages: number;
  /** The 5,000 of most views, those that fell silent first. */
  rows: Array<{
    path: string;
    views: number;
    /** Epoch ms of the last view. */
    lastAt: number;
    /**
     * Whether it is seen no more: of views as many as these, spread by chance from its first to the end of the range, all would lie up to
     * its last once in a thousand times. The tag is no longer on it, or it is gone.
     */
    isSilent: boolean;
  }>;
}

const MOST = 5000;
const CHANCE = 1 / 1000;

/** Says which pages carry the tag, and which were seen before and are not any more. @returns a text that says what is wrong with the range */
export async function reportCoverage(
  view: View,
  site: Site,
  query: ReportQuery,
  now: number,
): Promise<CoverageReport | string> {
  const range = readRange(site, query, now);
  if (typeof range === 'string') return range;
  const span = { from: range.from.toMillis(), until: Math.min(range.until, now + 1) };
  const pages = new Map<string, { path: string; views: number; firstAt: number; lastAt: number }>();
  const pageOf = ({ name, path: whole }: Kind) => {
    if (name !== 'page_view' || !whole) return undefined;
    const path = whole.slice(0, LONGEST);
    const known = pages.get(path) ?? { path, views: 0, firstAt: Infinity, lastAt: -Infinity };
    pages.set(path, known);
    return known;
  };
  await view.eachDeeds(span, pageOf, (_, deeds) => {
    for (const { of: page, time } of deeds) {
      page.views++;
      page.firstAt = Math.min(page.firstAt, time);
      page.lastAt = Math.max(page.lastAt, time);
    }
  });
  const rows = [...pages.values()]
    .filter(({ views }) => views)
    .map(({ path, views, firstAt, lastAt }) => {
      // A day at least: a rush of an hour says nothing of a week.
      const seen = Math.max(DAY_MS, lastAt - firstAt);
      const chance = (seen / (seen + span.until - lastAt)) ** (views - 1);
      return { path, views, lastAt, isSilent: chance < CHANCE };
    })
    .sort((a, b) => b.views - a.views || (a.path < b.path ? -1 : 1));
  const shown = rows.slice(0, MOST).sort((a, b) => +b.isSilent - +a.isSilent);
  return { ...headingOf(site, range, now), pages: rows.length, rows: shown };
}
