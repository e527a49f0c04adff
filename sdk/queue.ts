/**
 * The queue: events that the collector has not acknowledged. Each is a text in localStorage under its id, written in the tick in
 * which it happens and removed when it is acknowledged. All tabs read and write the same texts, so nothing is kept in step.
 */
import type { StagetagEvent } from './core/index.js';
import { attempt } from './core/matcher.js';
import { visitorId, type User } from './identity.js';
import { readText, removeText, textNames, writeJson } from './storage.js';

export interface Queued {
  visitorId: string;
  /** Whom the visitor was linked to when it happened. */
  user?: User | null | undefined;
  event: StagetagEvent;
}

const idOf = (item: Queued) => item.event.id;

/** What was read last, by its text: of a long queue little changes from one look to the next. */
let known: Record<string, Queued | undefined> = {};

/** Everything that waits, by (time, id); nothing without consent, what an earlier visit left neither. What is the same text is the same object. */
export function queued(): Queued[] {
  const texts = textNames('e:').map(readText) as string[];
  known = Object.fromEntries(texts.map((text) => [text, known[text] ?? attempt(() => JSON.parse(text) as Queued)]));
  return (Object.values(known).filter((item) => visitorId && item?.visitorId) as Queued[]).sort(
    (a, b) => a.event.time - b.event.time || (idOf(a) < idOf(b) ? -1 : 1),
  );
}

/** Writes an event, or its number once it has one, before this returns. */
export const enqueue = (item: Queued): void => writeJson(`e:${idOf(item)}`, item);

export const dequeue = (items: Queued[]): void => items.forEach((item) => removeText(`e:${idOf(item)}`));
