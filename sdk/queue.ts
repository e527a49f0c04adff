/**
 * The queue: events that the collector has not acknowledged. Each is a text in localStorage under its id, written in the tick in
 * which it happens and removed when it is acknowledged. All tabs read and write the same texts, so nothing is kept in step.
 */
import type { StagetagEvent } from './core/index.js';
import { readJson, removeText, textNames, writeJson } from './storage.js';

export interface Queued {
  visitorId: string;
  event: StagetagEvent;
}

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
