import type { Stage } from '../../sdk/core/index.js';
import type { Kind } from '../projection/kinds.js';
import type { Deed, Person, View } from '../projection/view.js';
import type { Site } from '../store/store.js';
import { DORMANT_DAYS, fatesIn, stagesOf } from './flow.js';
import { headingOf, readRange, type Heading, type ReportQuery } from './range.js';

export interface LeavingReport extends Heading {
  /** Days without a sign of life after which somebody is dormant. */
  dormantAfter: number;
  /**
   * Of those who got to a stage in the range and are lost there, as in the report `flow`: how many they are, and by the page that they saw
   * last of all that are kept, most first. Who saw none is in no page. Nobody gets beyond the last stage, and nobody is lost there.
   */
  stages: Array<{ stage: Stage; lost: number; pages: Array<{ path: string; visitors: number }> }>;
}

const MOST = 10;

/** The page that an event is a view of. */
export const pageOf = ({ name, path }: Kind): string | undefined => (name === 'page_view' && path) || undefined;

/** Says on which pages people were last seen before they were lost. @returns a text that says what is wrong with the range */
export async function reportLeaving(
  view: View,
  site: Site,
  query: ReportQuery,
  now: number,
): Promise<LeavingReport | string> {
  const range = readRange(site, query, now);
  if (typeof range === 'string') return range;
  const { dormantAfter = DORMANT_DAYS, channel } = query;
  const fateOf = fatesIn(view, range.from.toMillis(), range.until, now, dormantAfter);
  const stages = (await stagesOf(view))
    .slice(0, -1)
    .map((stage) => ({ stage, lost: 0, pages: new Map<string, number>() }));
  /** A stage counts who got to a higher one as well: nobody is lost at two. */
  const lostAt = new Map<Person, (typeof stages)[number]>();
  for (const person of view.people) {
    if (channel !== undefined && view.firstChannel(person) !== channel) continue;
    const row = stages.find(({ stage }) => fateOf(person, stage) === 'lost');
    if (!row) continue;
    row.lost++;
    lostAt.set(person, row);
  }
  const note = (person: Person, deeds: Array<Deed<string>>) => {
    const path = deeds.at(-1)?.of;
    const { pages } = lostAt.get(person)!;
    if (path !== undefined) pages.set(path, (pages.get(path) ?? 0) + 1);
  };
  await view.eachDeeds({ from: 0, until: now + 1 }, pageOf, note, lostAt.keys());
  return {
    ...headingOf(site, range, now),
    dormantAfter,
    stages: stages.map(({ stage, lost, pages }) => ({
      stage,
      lost,
      pages: [...pages]
        .map(([path, visitors]) => ({ path, visitors }))
        .sort((a, b) => b.visitors - a.visitors || (a.path < b.path ? -1 : 1))
        .slice(0, MOST),
    })),
  };
}
