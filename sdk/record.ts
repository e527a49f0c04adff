/** Recording: what happened becomes an event, is written down, counted, and sent. */
import { attempt, matchesGlobs } from './core/matcher.js';
import { readSource, type Json, type StagetagEvent } from './core/index.js';
import { isReturn } from './returns.js';
import { touchSession } from './session.js';
import { linkUser, who, type User } from './identity.js';
import { mask } from './mask.js';
import { stamp } from './model.js';
import { dequeue, enqueue, queued } from './queue.js';
import { consent, isOpen } from './consent.js';
import { publish, tell } from './expose/publish.js';
import { guard, ofDocument, settings, words } from './settings.js';
import { isQuiet } from './storage.js';
import { uuidV7 } from './uuid.js';

type Draft = Omit<StagetagEvent, 'sessionId' | 'seq'>;

/** What the second file does once it is here: sends soon, sends all there is, sends in the tick in which the page is left. */
export const later: {
  wake?: (at?: number, isFresh?: boolean) => void;
  run?: () => Promise<void>;
  leave?: () => void;
  /** Hands out what the visitor does. */
  take?: (deed: Event) => void;
  /** Looks whether the page goes by another address now. */
  move?: () => void;
  /** Lets the visitor go along with a link, see takeLink; absent where the site has one host. */
  giveLink?: (link: Element, url: URL, given: string) => boolean;
  /** Resolves when it is here, or has failed to come for the first time. */
  isHere?: Promise<void>;
} = {};

/** Most events kept for a consent that is pending, or for a second file that does not come. */
const MAX_WAITING = 1000;
/** With whom the visitor is from then on. */
let held: Array<[draft: Draft, user?: User | undefined]> = [];

/** Address of the last page view on this page; undefined before the landing's. */
export let cameFrom: string | undefined;

/** As long as the collector takes them. */
const MAX_NAME = 128;
const MAX_ADDRESS = 8000;

/** The page's address as it is recorded. */
export const address = (): string =>
  mask(location.href.split(settings.hashRouting == null ? '#' : '\n')[0]!).slice(0, MAX_ADDRESS);

/**
 * Records an event and returns its id.
 * @param url where it happened, if not on the page as it is now @param user whom it links the visitor to, once there is a yes
 */
export function record(name: string, props?: Record<string, Json>, url = address(), user?: User): string {
  const time = stamp();
  const draft: Draft = {
    id: uuidV7(time),
    name: name.slice(0, MAX_NAME),
    time,
    url,
    title: ofDocument('title'),
    props,
  };
  const isBack = isReturn() && (cameFrom ?? url) === url;
  if (name === 'page_view') {
    draft.referrer = cameFrom ?? (isBack ? '' : mask(ofDocument('referrer')));
    // The later pages of a visit are no landings.
    if (cameFrom == null) draft.source = readSource(new URL(url).searchParams);
    cameFrom = url;
    arrive(url);
  }
  // Where there is known to be no source, none is to be read from the address.
  if (isBack) draft.source = {};
  if (isOpen()) keep(draft, user);
  else if (consent === 'pending' && !held[MAX_WAITING - 1]) held.push([draft, user]);
  return draft.id;
}

/** Records what a capture saw, unless the site left this page out. */
export function recordCaptured(name: string, props?: Record<string, Json>, url = address()): void {
  if (!matchesGlobs(words(settings.exclude), new URL(url).pathname)) record(name, props, url);
}

/** Writes an event down, counts it, and lets it be sent. */
function keep(draft: Draft, user?: User): void {
  if (user) linkUser(user);
  const [sessionId, isNew] = touchSession(draft.time);
  // A millisecond before what began it, so that it comes first in the order of events.
  const time = draft.time - 1;
  const start = { ...draft, id: uuidV7(time), name: 'session_start', time, props: undefined };
  for (const each of isNew && settings.auto !== 'off' ? [start, draft] : [draft]) {
    const event = { ...each, sessionId };
    // A handler of the page may have said no to what comes after it.
    if (!isOpen()) return;
    enqueue({ ...who(), event });
    tell('event', event);
  }
  publish();
  // Where the second file does not come, nothing else bounds what waits for it.
  if (!later.wake) dequeue(queued().slice(0, -MAX_WAITING));
  else if (!isQuiet) later.wake();
}

/** Forgets who the visitor was said to be before consent. */
export function forgetUsers(): void {
  held = held.filter(([, user]) => !user);
}

/** Keeps what happened before consent, or lets it go. */
export function releaseHeld(): void {
  for (const each of held.splice(0)) if (isOpen()) keep(...each);
}

/** Listens on the window before the page's own handlers do, and keeps a handler's errors from the page. */
export const on = (type: string, handler: (event: never) => void): void =>
  addEventListener(type, guard(handler as (event: Event) => void), true);

/** Hears of each call of a method before it is done. @param handler may return what is to be done after it */
export function onCall<T extends object>(object: T, method: keyof T, handler: (self: never) => unknown): void {
  // A page may have frozen it.
  attempt(() => {
    object[method] = new Proxy(object[method] as object, {
      apply(act: () => unknown, self: never, args: []) {
        const after = attempt(() => handler(self)) as () => void;
        const result = act.apply(self, args);
        attempt(after);
        return result;
      },
    }) as T[typeof method];
  });
}

/** What the page's visitor does, with its path, which the browser forgets when the event is over. */
export type Deed = Event & { stagetagPath?: EventTarget[] };

/** Those before the second file is here, which takes them out. */
export const deeds: Deed[] = [];

/** The element of an event that fits a selector, in open shadow trees too. */
export const closestOf = (event: Deed, selector: string): HTMLElement | undefined =>
  (event.stagetagPath ?? event.composedPath()).find(
    (node): node is HTMLElement => node instanceof Element && Element.prototype.matches.call(node, selector),
  );

/** Reads an attribute; a field of a form that is called `getAttribute` would stand in the way. */
export const attributeOf = (element: Element, name: string): string | null =>
  Element.prototype.getAttribute.call(element, name);

/** Reads a property of a form itself: a field called "elements" would stand in its place. */
export const ofForm = <K extends keyof HTMLFormElement>(form: HTMLFormElement, name: K): HTMLFormElement[K] =>
  Reflect.get(HTMLFormElement.prototype, name, form) as HTMLFormElement[K];

/** What each capture does when a page is viewed, the next route of a single-page app too. */
export const arrivals = new Set<(url: string) => void>();

export const arrive = (url: string): void => arrivals.forEach((arrival) => guard(arrival)(url));

/** What each capture has to say when the page is left, for good or for another tab. */
export const farewells = new Set<(isGone: boolean) => void>();
