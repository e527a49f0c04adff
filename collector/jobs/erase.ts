/** What a person may ask for: everything that is kept of them, and that it goes. */
import { isUuid } from '../../sdk/core/index.js';
import type { Erased, Site, Store, StoredEvent, Transition, VisitorRecord } from '../store/store.js';

/** What became of a request to erase somebody. */
export interface Receipt extends Erased {
  siteKey: string;
  /** Visitors erased; one where an id was given, all that carried the label where a user was. */
  visitors: number;
  /** Epoch ms. */
  erasedAt: number;
}

/** All that is kept of one visitor. */
export interface VisitorExport {
  siteKey: string;
  visitor: VisitorRecord;
  transitions: Transition[];
  events: StoredEvent[];
}

/** The visitors that an id stands for: a visitor's own, or a user's, which several visitors may carry. */
async function visitorsOf(store: Store, { siteKey }: Site, who: string): Promise<string[]> {
  const visitors = await store.visitorsOfUser(siteKey, who);
  const isVisitor = isUuid(who) && (await store.visitor(siteKey, who.toLowerCase()));
  return [...new Set([...visitors, ...(isVisitor ? [who.toLowerCase()] : [])])];
}

/** Erases a visitor, or every visitor of a user. @returns undefined where the site knows neither */
export async function eraseFrom(store: Store, site: Site, who: string, now: number): Promise<Receipt | undefined> {
  const visitors = await visitorsOf(store, site, who);
  if (!visitors.length) return undefined;
  const receipt = { siteKey: site.siteKey, visitors: visitors.length, events: 0, transitions: 0, deadLetters: 0 };
  for (const visitorId of visitors) {
    const erased = await store.erase(site.siteKey, visitorId, now);
    for (const kind of ['events', 'transitions', 'deadLetters'] as const) receipt[kind] += erased[kind];
  }
  return { ...receipt, erasedAt: now };
}

/** Collects what is kept of a visitor, or of every visitor of a user. */
export async function exportFrom(store: Store, site: Site, who: string): Promise<VisitorExport[]> {
  const { siteKey } = site;
  const found: VisitorExport[] = [];
  for (const visitorId of await visitorsOf(store, site, who)) {
    const visitor = (await store.visitor(siteKey, visitorId))!;
    const events: StoredEvent[] = [];
    for await (const stored of store.events(siteKey, { visitorId })) events.push(stored);
    found.push({ siteKey, visitor, transitions: await store.transitions(siteKey, visitorId), events });
  }
  return found;
}
