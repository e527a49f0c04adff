import { ourName, settings } from './settings.js';
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
export let user: User | undefined;

/** 400 days, the longest that browsers let a cookie live. */
const COOKIE_SECONDS = 34_560_000;

const cookieName = () => ourName().replace(':', '_');
const hasCookie = () => settings.storage === 'cookie';

/** Writes the visitor's cookie for this host and those below it. */
function writeCookie(value: string, seconds: number): void {
  document.cookie = `${cookieName()}=${value};domain=${location.hostname};path=/;max-age=${seconds};samesite=lax`;
}

/** Finds out who this browser is, or begins a new visitor, linked to nobody. */
export function openIdentity(isNew?: boolean): void {
  const known = hasCookie() ? document.cookie.split(`${cookieName()}=`)[1]?.slice(0, 36) : readText('visitor');
  visitorId = known?.length === 36 && !isNew ? known : uuidV7(Date.now());
  if (isNew) removeText('user');
  if (hasCookie()) writeCookie(visitorId, COOKIE_SECONDS);
  else writeText('visitor', visitorId);
  user = readJson('user');
}

export function linkUser(given: User): void {
  user = given;
  writeJson('user', user);
}

/** Is nobody from now on; storage is taken away by its own owner. */
export function closeIdentity(): void {
  visitorId = '';
  user = undefined;
  if (hasCookie()) writeCookie('', 0);
}
