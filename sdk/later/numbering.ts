/** Numbers and losses: each event of a visitor has a number, 1, 2, 3 …, also one that is given up, so that a loss shows. */
import { stamp } from '../model.js';
import { dequeue, enqueue, queued, type Queued } from '../queue.js';
import { address } from '../record.js';
import { ofDocument, settings } from '../settings.js';
import { readJson, writeJson } from '../storage.js';

/** Gives an event the next number where it has none. Only the sending tab does. */
export function number(item: Queued): Queued {
  if (!item.event.seq) {
    item.event.seq = count('seq', item);
    // Single-page apps name a route after they went there.
    if (item.event.url === address()) item.event.title = ofDocument('title');
    enqueue(item);
  }
  return item;
}

/** Most events kept where the site says nothing, and for how long: what is older is no longer worth a visitor's disk. */
const QUEUE_LIMIT = 1000;
const MAX_AGE_MS = 7 * 86_400_000;

/** What goes first where not all can stay: the page made these by itself, and many of them. */
const LOW_VALUE = /^(scroll|user_engagement|web_vital)$/;

/** Counts one more under a name of the visitor's. */
function count(what: string, { visitorId }: Queued): number {
  const name = `${what}:${visitorId}`;
  const next = 1 + (readJson<number>(name) || 0);
  writeJson(name, next);
  return next;
}

/** Gives up what is too old, by the clock that it was stamped with, or too much, the oldest of little value first. The loss shows: as a missing number, and as a count that is sent. */
export function trimQueue(): void {
  const lost = queued()
    .sort((a, b) => +LOW_VALUE.test(b.event.name) - +LOW_VALUE.test(a.event.name))
    .filter(
      ({ event }, index, { length }) =>
        index < length - +(settings.queue || QUEUE_LIMIT) || event.time < stamp() - MAX_AGE_MS,
    );
  for (const item of lost) count('lost', number(item));
  dequeue(lost);
}
