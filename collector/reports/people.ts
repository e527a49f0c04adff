import { PAGE, pages } from '../store/pages.js';
import type { RemoteStore, VisitorRecord } from '../store/store.js';

/**
 * Goes over the records of everybody whom reports count, each once: visitors who are nobody's, and users who were proven. Bots are left
 * out. That takes long: see Projection for what reports read.
 */
export async function readPeople(
  store: RemoteStore,
  siteKey: string,
  visit: (record: VisitorRecord) => void,
): Promise<void> {
  const all = pages((last?: VisitorRecord) => store.everyVisitor(siteKey, last?.visitorId, PAGE));
  for await (const record of all) if (!record.bot && !record.personId) visit(record);
}
