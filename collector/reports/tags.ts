import type { View } from '../projection/view.js';
import type { Site } from '../store/store.js';
import type { ReportQuery } from './range.js';

export interface TagsReport {
  asOf: number;
  /** Everybody. */
  people: number;
  /** Each tag of the rules, in their order, with how many have it now: customer groups are tags too. */
  tags: Array<{ tag: string; people: number }>;
}

/** Says how many have each tag. */
export async function reportTags(view: View, { siteKey }: Site, _: ReportQuery, now: number): Promise<TagsReport> {
  const { rules } = (await view.store.rules(siteKey)).at(-1)!;
  const lists = view.tagLists();
  return {
    asOf: now,
    people: view.people.length,
    tags: Object.keys(rules.tags ?? {}).map((tag) => ({
      tag,
      people: lists.reduce((sum, [tags, people]) => sum + (tags.includes(tag) ? people : 0), 0),
    })),
  };
}
