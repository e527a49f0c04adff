/** Recording: what happened becomes an event, is written down, counted, and sent. */
import { matchesGlobs } from './core/matcher.js';
import { readSource, type Json, type StagetagEvent } from './core/index.js';
import { consent, isOpen } from './consent.js';
import { publish, tell } from './expose/publish.js';
import { visitorId } from './identity.js';
import { stamp } from './model.js';
import { writeJournal } from './queue.js';
import { wake } from './sender.js';
import { touchSession } from './session.js';
import { guard, settings } from './settings.js';
import { uuidV7 } from './uuid.js';

type Draft = Omit<StagetagEvent, 'sessionId' | 'seq'>;

/** Events kept in memory while consent is pending. */
let held: Draft[] = [];

/** Address of the last page view on this page; undefined before the landing's. */
export let cameFrom: string | undefined;

/** As long as the collector takes them. */
const MAX_ADDRESS = 8192;

/** The page's address as it is recorded. */
export const address = (): string =>
  (settings.hashRouting != null ? location.href : location.href.split('#')[0]!).slice(0, MAX_ADDRESS);

/** Words of an attribute, separated by spaces or commas. */
export const words = (text = ''): string[] => text.split(/[\s,]+/);

/** Records an event and returns its id. */
export function record(name: string, props?: Record<string, Json>): string {
  const time = stamp();
  const draft: Draft = { id: uuidV7(time), name, time, url: address(), title: document.title, props };
  if (name === 'page_view') {
    draft.referrer = cameFrom ?? document.referrer;
    // The later pages of a visit are no landings.
    if (cameFrom == null) draft.source = readSource(new URLSearchParams(location.search));
    cameFrom = draft.url;
  }
  if (isOpen()) keep(draft);
  else if (consent === 'pending') held.push(draft);
  return draft.id;
}

/** Records what a capture saw, unless the site left this page out. */
export function recordCaptured(name: string, props?: Record<string, Json>): void {
  if (!matchesGlobs(words(settings.exclude), location.pathname)) record(name, props);
}

/** Writes an event down, counts it, and lets it be sent. */
function keep(draft: Draft): void {
  const [sessionId, isNew] = touchSession(draft.time);
  // A millisecond before what began it, so that it comes first in the order of events.
  const time = draft.time - 1;
  const start = { ...draft, id: uuidV7(time), name: 'session_start', time, props: undefined };
  for (const each of isNew && settings.auto !== 'off' ? [start, draft] : [draft]) {
    const event = { ...each, sessionId };
    writeJournal({ visitorId, event });
    tell('event', event);
  }
  publish();
  wake();
}

/** Keeps what happened before consent, or lets it go. */
export function releaseHeld(isWanted: boolean): void {
  for (const draft of held.splice(0)) if (isWanted) keep(draft);
}

/** Listens on the window, and keeps a handler's errors from the page. */
export function on(type: string, handler: (event: never) => void, useCapture?: boolean): void {
  addEventListener(type, guard(handler as (event: Event) => void), useCapture);
}

/** The element of an event that fits a selector, in open shadow trees too. */
export function closestOf(event: Event, selector: string): HTMLElement | undefined {
  return event
    .composedPath()
    .find((node): node is HTMLElement => (node as Partial<Element>).matches?.(selector) === true);
}
