/** Visitors by where they stand and where they came from: found among all in memory, then read from the store. */
import type { Stage } from '../../sdk/core/index.js';
import type { View } from '../projection/view.js';
import type { VisitorRecord } from '../store/store.js';

export interface VisitorFilter {
  stage?: Stage | 'none';
  tag?: string;
  /** Of the first touch. */
  channel?: string;
  /** The id of a user, of whom it lists the visitors. */
  user?: string;
  limit: number;
  /** Epoch ms, as of the last one that was read. */
  seenBefore?: number;
  /** The last one that was read: of those seen in the same moment it goes on after this one. */
  after?: string | undefined;
}

export interface VisitorList {
  /** Latest seen first. */
  visitors: VisitorRecord[];
  /** How many there are in all, those seen later included. */
  count: number;
}

/** Lists visitors, also those who do not count; who is proven to be a person's stands where the person does. */
export async function listVisitors(view: View, filter: VisitorFilter): Promise<VisitorList> {
  const { stage, tag, channel, user, limit, seenBefore = Infinity, after = '' } = filter;
  const ofUser = user === undefined ? undefined : new Set(await view.store.visitorsOfUser(view.site.siteKey, user));
  const fits = [...view.eachVisitor()].filter(
    ([visitor, owner]) =>
      (!stage || (view.stage(owner) ?? 'none') === stage) &&
      (!tag || view.hasTag(owner, tag)) &&
      (!channel || view.touch(visitor)?.channel === channel) &&
      (!ofUser || ofUser.has(view.idOf(visitor))),
  );
  const latest = fits
    .filter(([visitor]) => {
      const seen = view.lastSeen(visitor);
      return seen < seenBefore || (seen === seenBefore && view.idOf(visitor) < after);
    })
    .sort(([a], [b]) => view.lastSeen(b) - view.lastSeen(a) || (view.idOf(a) < view.idOf(b) ? 1 : -1))
    .slice(0, limit);
  const read = (number: number) => view.store.visitor(view.site.siteKey, view.idOf(number));
  const visitors: VisitorRecord[] = [];
  for (const [visitor, owner] of latest) {
    const [own, person] = [await read(visitor), await read(owner)];
    if (!own || !person) continue; // Erased since.
    const { stage: current, peak, tags, score, bot } = person;
    visitors.push({ ...own, stage: current, peak, tags, score, bot: own.bot ?? bot });
  }
  return { visitors, count: fits.length };
}
