/** The stage on the page: attributes for CSS, events for scripts, an entry for tag managers. */
import { isOpen } from '../consent.js';
import type { StagetagEvent } from '../core/index.js';
import { state, type State } from '../model.js';
import { guard, settings } from '../settings.js';
import { writeText } from '../storage.js';

/** Why events will not be counted, or cannot be sent for now. */
export interface StagetagError {
  /** The collector's reason, or the HTTP status it answered with. */
  reason: string;
  /** What the collector expected. */
  message: string | undefined;
  /** Ids of the events it is about. */
  events: string[];
}

/** What a page can subscribe to. */
export interface Handlers {
  state: (state: State) => void;
  event: (event: StagetagEvent) => void;
  error: (error: StagetagError) => void;
}

/**
 * Tells by an event on the document, such as `stagetag:state`. Dispatching reports what a handler of the page throws as the
 * page's own error, and goes on.
 */
export function tell<K extends keyof Handlers>(kind: K, detail: Parameters<Handlers[K]>[0]): void {
  document.dispatchEvent(new CustomEvent(`stagetag:${kind}`, { detail }));
}

/** Subscribes, and returns a function that unsubscribes. `state` also fires once at once. */
export function subscribe(kind: keyof Handlers, handler: (what: never) => void): () => void {
  const listener = ({ detail }: CustomEventInit) => handler(detail as never);
  const type = `stagetag:${kind}`;
  document.addEventListener(type, listener as EventListener);
  if (kind === 'state') guard(listener)({ detail: state() });
  return () => document.removeEventListener(type, listener as EventListener);
}

let shown = '';

/** Shows the state and tells who listens, where it is another than before. Without consent it takes everything off the page. */
export const publish = guard(() => {
  const now = state();
  const text = JSON.stringify([isOpen(), { ...now, asOf: 0 }]);
  if (text === shown) return;
  shown = text;
  const { stage, peak, status, tags } = now;
  const { dataset } = document.documentElement;
  for (const [name, value] of Object.entries({ stage, stagePeak: peak, stageStatus: status, tags: tags.join(' ') })) {
    if (isOpen() && value != null) dataset[name] = value;
    else delete dataset[name];
  }
  tell('state', now);
  if (!isOpen()) return;
  // For the head snippet of the next page, which runs before this script has loaded.
  if (stage) writeText('stage', stage);
  const host = window as { dataLayer?: unknown[] };
  if (settings.datalayer != null) (host.dataLayer ??= []).push({ event: 'stagetag_state', ...now });
});
