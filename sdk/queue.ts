/**
 * The queue: events that the collector has not acknowledged. Each is a text in localStorage under its id, written in the tick in
 * which it happens and removed when it is acknowledged. All tabs read and write the same texts, so nothing is kept in step.
 */
import type { StagetagEvent } from './core/index.js';
import { settings } from './settings.js';
import { readJson, readText, removeText, textNames, writeJson, writeText } from './storage.js';

export interface Queued {
  visitorId: string;
  event: StagetagEvent;
}

/** Most events kept where the site says nothing, and for how long: what is older is no longer worth a visitor's disk. */
const QUEUE_LIMIT = 1000;
const MAX_AGE_MS = 7 * 86_400_000;

/** What goes first where not all can stay: the page made these by itself, and many of them. */
const LOW_VALUE = ['scroll', 'user_engagement', 'web_vital'];

const idOf = ({ event }: Queued) => event.id;

/** Everything that waits, by (time, id). */
export const queued = (): Queued[] =>
  textNames('e:')
    .map((name) => readJson<Queued>(name)!)
    .filter((item) => item?.event)
    .sort((a, b) => a.event.time - b.event.time || (idOf(a) < idOf(b) ? -1 : 1));

/** Writes an event, or its number once it has one, before this returns. */
export const enqueue = (item: Queued): void => writeJson(`e:${idOf(item)}`, item);

export const dequeue = (items: Queued[]): void => items.forEach((item) => removeText(`e:${idOf(item)}`));

/** Gives an event the next number, 1, 2, 3 … per visitor, where it has none. Only the sending tab does. */
export function number(item: Queued): Queued {
  if (!item.event.seq) {
    item.event.seq = count('seq', item);
    enqueue(item);
  }
  return item;
}

/** Counts one more under a name of the visitor's. */
function count(what: string, { visitorId }: Queued): number {
  const name = `${what}:${visitorId}`;
  const next = 1 + +readText(name)!;
  writeText(name, `${next}`);
  return next;
}

/** How many events of a visitor were given up so far. */
export const lostOf = (visitorId: string): number => +readText(`lost:${visitorId}`)!;

/** Gives up what is too old or too much, the oldest of little value first. The loss shows: as a missing number, and as a count that is sent. */
export function trimQueue(): void {
  const all = queued();
  const isLow = ({ event }: Queued) => LOW_VALUE.includes(event.name);
  const excess = all.length - +(settings.queue ?? QUEUE_LIMIT);
  const order = [...all.filter(isLow), ...all.filter((item) => !isLow(item))];
  const lost = order.filter((item, index) => index < excess || item.event.time < Date.now() - MAX_AGE_MS);
  for (const item of lost) count('lost', number(item));
  dequeue(lost);
}
