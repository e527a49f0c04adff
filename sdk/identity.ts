import { hashKey, isPlain } from './core/index.js';
import { attempt } from './core/matcher.js';
import { ofDocument, ourName, settings } from './settings.js';
import { readJson, readText, removeText, writeJson, writeText } from './storage.js';
import { uuidV7 } from './uuid.js';

export interface User {
  userId: string;
  /** Hex HMAC-SHA256 of the user id under the site's secret key, made by the site's server. */
  proof?: string;
}

/** This browser's visitor, a random id that is a secret; an empty text before consent. */
export let visitorId = '';
/** Whom the visitor was linked to. */
export let user: User | null | undefined;

/** The visitor, and whom it was linked to. */
export const who = (): { visitorId: string; user: User | null | undefined } => ({ visitorId, user });

/** 400 days, the longest that browsers let a cookie live. */
const COOKIE_SECONDS = 34_560_000;

/** Where the id is kept instead of storage. */
const cookieStart = () => settings.storage === 'cookie' && `${ourName()}=`;

/** Keeps the id, in a cookie as far up as the browser allows: for all hosts of the site's domain. A lifetime of 0 removes it. */
function keepVisitor(lifetime: number): void {
  const start = cookieStart();
  if (!start) return writeText('visitor', visitorId);
  const labels = location.hostname.split('.');
  const secure = location.protocol === 'https:' ? ';secure' : '';
  for (let from = labels.length; from-- && !(lifetime && ofDocument('cookie').includes(start + visitorId));) {
    // A host without a dot is nobody's domain.
    const domain = labels[1] ? `;domain=${labels.slice(from).join('.')}` : '';
    const cookie = `${start}${visitorId}${domain};path=/;max-age=${lifetime};samesite=lax${secure}`;
    Reflect.set(Document.prototype, 'cookie', cookie, document);
  }
}

/** Finds out who this browser is, or begins a new visitor, linked to nobody. @param linked an id that another of the site's domains handed over */
export function openIdentity(isNew?: boolean, linked?: string): void {
  const start = cookieStart();
  const known = start ? attempt(() => ofDocument('cookie').split(start)[1]?.slice(0, 36)) : readText('visitor');
  // What another hand wrote there is no id: the collector would refuse every event of it. Where it is gone, or cannot be kept, this page
  // goes on as who it was, and no other does: whoever cleared the browser's data is somebody new there.
  if (known?.length === 36) visitorId = known;
  // An id that is known is not written again, since another tab may be about to begin a new visitor.
  if (isNew || !visitorId || (!isPlain && linked && linked !== known)) {
    visitorId = (!isPlain && linked) || uuidV7(Date.now());
    keepVisitor(COOKIE_SECONDS);
  }
  // Another than this origin knew, by the cookie of another sub-domain too: that is nobody's user, in no session.
  const now = hashKey(visitorId);
  if (readText('now') !== now) {
    removeText('user');
    removeText('session');
    writeText('now', now);
  }
  user = readJson('user');
}

export function linkUser(given: User): void {
  user = given;
  writeJson('user', user);
}

/** Is nobody from now on, and takes the cookie away; what is in storage goes with all of it. */
export function closeIdentity(): void {
  visitorId = '';
  user = undefined;
  keepVisitor(0);
}
