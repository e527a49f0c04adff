/** What a person may ask for: everything that is kept of them, and that it goes. */
import { isUuid, isUuidV7 } from '../../sdk/core/index.js';
import { personIdOf } from '../ingest/ingest.js';
import type { Work } from '../work.js';
import {
  MAX_VISITORS,
  type DeadLetter,
  type Erased,
  type RemoteStore,
  type SessionPart,
  type Site,
  type StoredEvent,
  type Transition,
  type VisitorRecord,
} from '../store/store.js';

/** What became of a request to erase somebody. */
export interface Receipt extends Erased {
  siteKey: string;
  /** Visitors erased; one where an id was given, all that carried the label where a user was. */
  visitors: number;
  /** Epoch ms. */
  erasedAt: number;
  /** Whether it is off the disk too. If not, somebody reads the database just now: it is tried again until it is. */
  isWiped: boolean;
}

/** All that is kept of one visitor. */
export interface VisitorExport {
  siteKey: string;
  visitor: VisitorRecord | null;
  transitions: Transition[];
  events: StoredEvent[];
  sessions: SessionPart[];
  /** What was refused. */
  deadLetters: DeadLetter[];
}

/** The visitors that an id stands for: a visitor's own, or a user's, which several visitors may carry. */
async function visitorsOf(store: RemoteStore, site: Site, who: string): Promise<string[]> {
  const { siteKey } = site;
  // Where it is proven who somebody is, whoever only says so is somebody else.
  const proven = await store.visitorsOfPerson(siteKey, personIdOf(site, who));
  const named = proven.length ? proven : await store.visitorsOfUser(siteKey, who);
  if (!isUuid(who)) return named;
  const id = who.toLowerCase();
  const known = await store.visitor(siteKey, id);
  return [...new Set([...named, ...(known?.isPerson ? await store.visitorsOfPerson(siteKey, id) : [id])])];
}

/** Erases a visitor, or every visitor of a user. @returns undefined where nothing is kept of either */
export async function eraseFrom(
  store: RemoteStore,
  work: Pick<Work, 'erase'>,
  site: Site,
  who: string,
  now: number,
): Promise<Receipt | undefined> {
  const { siteKey } = site;
  const receipt = { siteKey, visitors: 0, events: 0, transitions: 0, deadLetters: 0 };
  const done = new Set<string>();
  // Until nobody is left: a person has so many visitors at most, and who proved to be one more carries the name alone.
  for (let left = await visitorsOf(store, site, who); left.length;) {
    for (const visitorId of left) {
      done.add(visitorId);
      const known = await store.visitor(siteKey, visitorId);
      const isKnown = !!known || (await store.deadLettersOf(siteKey, visitorId)).length;
      if (!isKnown) continue;
      const erased = await work.erase(siteKey, visitorId, now);
      receipt.visitors++;
      for (const kind of ['events', 'transitions', 'deadLetters'] as const) receipt[kind] += erased[kind];
    }
    // Whoever only says so, while somebody is proven to be that one, is somebody else, unless they proved it as one too many.
    left = done.size < MAX_VISITORS ? [] : (await visitorsOf(store, site, who)).filter((id) => !done.has(id));
  }
  // A batch that was refused may name a user and no visitor.
  for (const space of ['', ' '])
    receipt.deadLetters += await store.eraseLetters(siteKey, `"userId":${space}${JSON.stringify(who)}`);
  if (!receipt.visitors && !receipt.deadLetters) return undefined;
  await store.dropKept(now);
  return { ...receipt, erasedAt: now, isWiped: await store.wipe() };
}

const ALL = Number.MAX_SAFE_INTEGER;

/** Collects what is kept of a visitor, or of every visitor of a user. */
export async function exportFrom(store: RemoteStore, site: Site, who: string): Promise<VisitorExport[]> {
  const { siteKey } = site;
  const found: VisitorExport[] = [];
  for (const visitorId of await visitorsOf(store, site, who)) {
    const visitor = (await store.visitor(siteKey, visitorId)) ?? null;
    const deadLetters = await store.deadLettersOf(siteKey, visitorId);
    if (!visitor && !deadLetters.length) continue;
    const events: StoredEvent[] = [];
    for await (const stored of store.events(siteKey, { visitorId })) events.push(stored);
    // What somebody does who is proven to be a user is told of the user.
    const told = [visitorId, visitor?.personId].filter((id) => id != null);
    const transitions = (await Promise.all(told.map((id) => store.transitions(siteKey, id)))).flat();
    const sessions = await store.sessions(siteKey, visitorId, ALL);
    found.push({ siteKey, visitor, transitions, events, sessions, deadLetters });
  }
  return found;
}

/** Most ids that are looked for in a text. */
const MAX_IDS = 20;

/** Says whether a text names a visitor whom one of these sites has erased. */
export async function namesForgotten(store: RemoteStore, sites: Site[], text: string): Promise<boolean> {
  const ids = new Set(
    text
      .toLowerCase()
      .match(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g)
      ?.slice(0, MAX_IDS),
  );
  for (const visitorId of ids)
    for (const { siteKey } of sites)
      if (isUuidV7(visitorId) && (await store.isForgotten(siteKey, visitorId))) return true;
  return false;
}
