import { computed, effect, signal } from '@preact/signals';
import { hasUnsaved, leaveUnsaved, readRole, type Role } from './api.js';

/** Undefined until the collector has said so. */
export const isSignedIn = signal<boolean | undefined>(undefined);

const ROLES: Role[] = ['guest', 'viewer', 'editor', 'owner'];
const role = signal<Role | undefined>(undefined);

/** Whether who is signed in may do what takes this. */
export const may = (needed: Role): boolean => ROLES.indexOf(role.value!) >= ROLES.indexOf(needed);

/** Remembers in this tab that it was opened by a link that was given away. */
const GUEST = 'stagetag-guest';

/** Whether a link that was given away has just ended under whoever looked. */
export const hasShareEnded = signal(sessionStorage.getItem(GUEST) !== null);

/** Rules that are being written, by site: they are there again after a look at another view. */
export const writing = {
  /** What was written and not published. */
  unsaved: new Map<string, string>(),
  /** What of it was saved as the draft, and when. */
  kept: new Map<string, string>(),
  savedAt: new Map<string, number>(),
};

export const isUnsaved = (): boolean =>
  [...writing.unsaved].some(([siteKey, text]) => writing.kept.get(siteKey) !== text);

/** Whoever signs in next finds nothing of whoever signed out. */
export function forgetWriting(): void {
  for (const each of Object.values(writing)) each.clear();
}

/** Whether the session ended under something that is being typed: it stays on the page until somebody has signed in elsewhere. */
export const isSessionOver = signal(false);

const isTyping = (): boolean =>
  [...document.querySelectorAll<HTMLInputElement>('main form :is(input[name], textarea[name])')].some(
    ({ type, value, defaultValue }) => !/checkbox|radio|hidden|file/.test(type) && value !== defaultValue,
  );

/** The session has ended. */
export function signedOut(): void {
  isSessionOver.value = isTyping();
  if (hasUnsaved || isSessionOver.value) return;
  hasShareEnded.value = role.value === 'guest';
  isSignedIn.value = false;
}

/** Asks who is signed in. */
export async function lookWhoIsIn(): Promise<void> {
  role.value = await readRole();
  if (role.value) hasShareEnded.value = false;
  if (role.value === 'guest') sessionStorage.setItem(GUEST, '');
  else if (role.value) sessionStorage.removeItem(GUEST);
  isSignedIn.value = !!role.value;
}

/** Counts changes of the sites' settings: they are read anew. */
export const settingsChanged = signal(0);

/** What of a site can be looked at, in the order in which it stands in the menu. */
export const VIEWS = [
  'board',
  'review',
  'flow',
  'funnel',
  'channels',
  'content',
  'customers',
  'audiences',
  'visitors',
  'rules',
  'setup',
] as const;
export type View = (typeof VIEWS)[number];

const hash = signal(location.hash);
addEventListener('hashchange', () => {
  leaveUnsaved();
  hash.value = location.hash;
});

/** What is no proper address stands for itself. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export interface Route {
  siteKey: string;
  view: View;
  visitorId: string;
  /** What was chosen in the view: a link shows the same. */
  query: URLSearchParams;
  /** Whether the address names a view that there is not. */
  isOtherView: boolean;
  /** Why signing in by a link did not work. */
  problem?: string;
}

/**
 * What the address bar asks for. After the `#`, since a visitor id is a secret and what stands there is not sent to any server.
 * `#/SITE/VIEW?…`, `#/SITE/visitors/ID`, `#/sign-in/link-expired`
 */
export const route = computed((): Route => {
  const [path = '', ...rest] = hash.value.replace(/^#\/?/, '').split('?');
  const query = rest.join('?');
  const [first = '', second = '', third = ''] = path.split('/').map(decode);
  const of = {
    siteKey: '',
    view: 'board' as View,
    isOtherView: false,
    visitorId: '',
    query: new URLSearchParams(query),
  };
  if (first === 'sign-in') return { ...of, problem: second };
  const known = VIEWS.find((each) => each === second);
  const view = known ?? 'board';
  return { ...of, siteKey: first, view, isOtherView: !!second && !known, visitorId: view === 'visitors' ? third : '' };
});

export const linkTo = (siteKey: string, view: View = 'board', query: Record<string, string> = {}): string => {
  const text = new URLSearchParams(query).toString();
  return `#/${encodeURIComponent(siteKey)}${view === 'board' && !text ? '' : `/${view}`}${text && `?${text}`}`;
};

/** A view and what was chosen in it, as it stands behind the site in the address bar. */
export const hereOf = ({ view, query }: Route): string => `${view}${query.size ? `?${query.toString()}` : ''}`;

export const linkToVisitor = (siteKey: string, visitorId: string): string =>
  `#/${encodeURIComponent(siteKey)}/visitors/${encodeURIComponent(visitorId)}`;

/** The list of visitors as it was looked at last: back from a visitor leads there. */
let latestList: Route | undefined;
effect(() => {
  if (route.value.view === 'visitors' && !route.value.visitorId) latestList = route.value;
});
export const linkToList = (siteKey: string): string =>
  linkTo(siteKey, 'visitors', latestList?.siteKey === siteKey ? Object.fromEntries(latestList.query) : {});

/** Changes that follow each other so soon are one step back, as when somebody types. */
const TYPING_MS = 2000;
let chosenAt = 0;

/** Changes what was chosen in the view; an empty text takes it out of the address. @param isTyped whether it may be one of many in a row */
export function choose(changes: Record<string, string>, isTyped?: boolean): void {
  const { siteKey, view, visitorId, query } = route.value;
  const next = { ...Object.fromEntries(query), ...changes };
  const kept = Object.fromEntries(Object.entries(next).filter(([, value]) => value !== ''));
  const text = new URLSearchParams(kept).toString();
  const to = visitorId ? linkToVisitor(siteKey, visitorId) + (text && `?${text}`) : linkTo(siteKey, view, kept);
  if (isTyped && Date.now() - chosenAt < TYPING_MS) location.replace(to);
  else location.hash = to;
  chosenAt = Date.now();
}

/** What was chosen, or nothing. */
export const chosen = (name: string, otherwise = ''): string => route.value.query.get(name) ?? otherwise;
