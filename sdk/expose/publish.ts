/** The stage on the page: attributes for CSS, events for scripts, an entry for tag managers. */
import { isOpen } from '../consent.js';
import type { StagetagEvent, Stage } from '../core/index.js';
import { state, type State } from '../model.js';
import { guard, ofDocument, settings } from '../settings.js';
import { beQuiet, isQuiet, readText, stringify, writeText } from '../storage.js';
import { showSlots } from './slots.js';

/** Why events will not be counted, or cannot be sent for now. */
export interface StagetagError {
  /** The collector's reason, or the HTTP status it answered with. */
  reason: string;
  /** What the collector expected. */
  message: string | undefined;
  /** Ids of the events it is about. */
  events: string[];
}

/** What a page can subscribe to. `enter:STAGE` and `leave:STAGE` come when the current stage changes, from a page to the next too. */
export type Handlers = {
  state: (state: State) => void;
  event: (event: StagetagEvent) => void;
  error: (error: StagetagError) => void;
} & Record<`${'enter' | 'leave'}:${Stage}`, (state: State) => void>;

/**
 * Tells by an event on the document, such as `stagetag:state`. Dispatching reports what a handler of the page throws as the
 * page's own error, and goes on.
 */
export const tell = <K extends keyof Handlers>(kind: K, detail: Parameters<Handlers[K]>[0]): unknown =>
  ofDocument('dispatchEvent').call(document, new CustomEvent(`stagetag:${kind}`, { detail }));

/** Subscribes, and returns a function that unsubscribes. `state` also fires once at once. */
export function subscribe(kind: keyof Handlers, handler: (what: never) => void): () => void {
  const listener = ({ detail }: CustomEventInit) => handler?.(detail as never);
  const type = `stagetag:${kind}`;
  addEventListener(type, listener as EventListener, true);
  if (kind === 'state') guard(listener)({ detail: state() });
  return () => removeEventListener(type, listener as EventListener, true);
}

/** What was shown last; an empty text where nothing was. */
let shown = '';

/** Runs what records several events, and writes and shows once, after it. @param isGone nobody is left to be shown anything */
export function together(run: () => void, isGone?: boolean): void {
  beQuiet(true);
  guard(run)();
  beQuiet(false);
  if (!isGone) publish();
}

/**
 * Shows the state and tells who listens, where it is another than before. Without consent it takes everything off the page.
 */
export const publish = guard(() => {
  if (isQuiet) return;
  const now = state();
  const { stage, peak, status, tags } = now;
  // Each time: whoever draws the document anew may have taken them off.
  const { dataset } = ofDocument('documentElement');
  for (const [name, value] of Object.entries({ stage, stagePeak: peak, stageStatus: status, tags: tags.join(' ') })) {
    if (isOpen() && value != null) dataset[name] = value;
    else delete dataset[name];
  }
  const text = stringify({ ...now, asOf: isOpen() });
  if (text === shown) return;
  shown = text;
  const slots = showSlots(stage, tags);
  // What a handler of the page records is shown when all were told of this: everybody hears of each state once, in order.
  together(() => {
    tell('state', now);
    if (!isOpen()) return;
    const before = readText('head')?.split('\n')[0] || null;
    // For the head snippet of the next page, which runs before this script has loaded.
    writeText('head', `${stage ?? ''}\n${slots}`);
    if (before !== stage) {
      if (before) tell(`leave:${before as Stage}`, now);
      if (stage) tell(`enter:${stage}`, now);
    }
    // The last: what is there may be no list at all.
    if (settings.datalayer != null)
      ((window as { dataLayer?: unknown[] }).dataLayer ??= []).push({ event: 'stagetag_state', ...now });
  });
});
