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

/** Dispatching reports what a handler of the page throws as the page's own error, and goes on. */
const bus = new EventTarget();

export function tell<K extends keyof Handlers>(kind: K, detail: Parameters<Handlers[K]>[0]): void {
  bus.dispatchEvent(new CustomEvent(kind, { detail }));
}

/** Subscribes, and returns a function that unsubscribes. `state` also fires once at once. */
export function subscribe(kind: keyof Handlers, handler: (what: never) => void): () => void {
  const listener = ({ detail }: CustomEventInit) => handler(detail as never);
  bus.addEventListener(kind, listener as EventListener);
  if (kind === 'state') listener({ detail: state() });
  return () => bus.removeEventListener(kind, listener as EventListener);
}

let shown = '';

/** Shows the state and tells who listens, where it is another than before. Without consent it takes everything off the page. */
export const publish = guard(() => {
  const now = state();
  const text = JSON.stringify([isOpen(), { ...now, asOf: 0 }]);
  if (text === shown) return;
  shown = text;
  const { stage, peak, status, tags } = now;
  const attributes = { stage, 'stage-peak': peak, 'stage-status': status, tags: tags.join(' ') };
  for (const [name, value] of Object.entries(attributes)) {
    const root = document.documentElement;
    if (isOpen() && value !== null) root.setAttribute(`data-${name}`, value);
    else root.removeAttribute(`data-${name}`);
  }
  tell('state', now);
  if (!isOpen()) return;
  // For the head snippet of the next page, which runs before this script has loaded.
  if (stage) writeText('stage', stage);
  document.dispatchEvent(new CustomEvent('stagetag:state', { detail: now }));
  const host = window as { dataLayer?: unknown[] };
  if (settings.dataLayer) (host.dataLayer ??= []).push({ event: 'stagetag_state', ...now });
});
