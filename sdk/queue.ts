/**
 * The queue: events that the collector has not acknowledged. Every event is on disk before it is sent.
 * A small synchronous journal in localStorage takes each event in the tick it happens; from there the sending tab moves it to
 * the shelf, IndexedDB. Where that fails the journal holds what it can, and where that fails too, memory does.
 */
import { createStore, promisifyRequest, type UseStore } from 'idb-keyval';
import type { StagetagEvent } from './core/index.js';
import { inTime, ourName } from './settings.js';
import { isKept, readJson, removeText, textNames, writeJson } from './storage.js';

export interface Queued {
  visitorId: string;
  event: StagetagEvent;
}

/** Most events kept, and for how long: what is older is no longer worth a visitor's disk. */
export const QUEUE_LIMIT = 1000;
const MAX_AGE_MS = 7 * 86_400_000;

/** An answer of IndexedDB that takes longer never comes: some browsers leave blocked requests open for ever. */
const SHELF_MS = 2000;

/** What this tab knows to be waiting, by event id. */
const waiting = new Map<string, Queued>();

let shelf: UseStore | undefined;
let isShelfBroken = false;

/** Uses the shelf; undefined where it failed, and then it is left alone for the rest of the page. */
async function useShelf<T>(
  mode: IDBTransactionMode,
  use: (store: IDBObjectStore) => IDBRequest<T> | IDBTransaction,
): Promise<T | undefined> {
  if (isShelfBroken || !isKept()) return undefined;
  try {
    shelf ??= createStore(ourName(), 'queue');
    return await inTime(
      SHELF_MS,
      shelf(mode, (store) => promisifyRequest(use(store) as IDBRequest<T>)),
    );
  } catch {
    isShelfBroken = true; // From now on the journal stands in.
    return undefined;
  }
}

/** Makes several changes in one transaction. @returns whether they were made */
async function changeShelf(change: (store: IDBObjectStore) => void): Promise<boolean> {
  await useShelf('readwrite', (store) => {
    change(store);
    return store.transaction;
  });
  return !isShelfBroken && isKept();
}

/** Takes note of an event that is written down. Of two copies the numbered one is the later. */
function note(item: Queued | undefined): void {
  if (item?.event && !waiting.get(item.event.id)?.event.seq) waiting.set(item.event.id, item);
}

const idOf = ({ event }: Queued) => event.id;

/** Everything that waits, by (time, id). */
export const queued = (): Queued[] =>
  [...waiting.values()].sort((a, b) => a.event.time - b.event.time || (idOf(a) < idOf(b) ? -1 : 1));

/** Writes an event, or its number once it has one, to the journal before this returns. */
export function writeJournal(item: Queued): void {
  writeJson(`e:${idOf(item)}`, item);
  note(item);
}

/** Reads the journal, which other tabs write to as well. */
export function readJournal(): void {
  for (const name of textNames('e:')) note(readJson(name));
}

/** Reads what earlier pages and other tabs left. Drops what is too old or too much. */
export async function loadQueue(): Promise<void> {
  for (const item of (await useShelf<Queued[]>('readonly', (store) => store.getAll() as IDBRequest<Queued[]>)) ?? [])
    note(item);
  readJournal();
  const isStale = ({ event }: Queued, index: number) =>
    event.time < Date.now() - MAX_AGE_MS || index < waiting.size - QUEUE_LIMIT;
  await removeQueued(queued().filter(isStale).map(idOf));
}

/** Moves numbered events from the journal to the shelf. One tab does this, the sender. */
export async function shelve(items: Queued[]): Promise<void> {
  items.forEach(writeJournal);
  if (await changeShelf((store) => items.forEach((item) => store.put(item, idOf(item))))) {
    for (const item of items) removeText(`e:${idOf(item)}`);
  }
}

/** Takes these out of memory: another tab saw them acknowledged. */
export const forgetQueued = (ids: string[]): void => ids.forEach((id) => waiting.delete(id));

/** Takes everything away, what this page has not read yet too. */
export function clearQueue(): Promise<boolean> {
  waiting.clear();
  return changeShelf((store) => store.clear());
}

export async function removeQueued(ids: string[]): Promise<void> {
  forgetQueued(ids);
  for (const id of ids) removeText(`e:${id}`);
  if (ids.length) await changeShelf((store) => ids.forEach((id) => store.delete(id)));
}
