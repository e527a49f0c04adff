/** Carrying the visitor from one of the site's own domains to another, by a parameter that lives for two minutes. */
import { isOpen } from './consent.js';
import { who } from './identity.js';
import { referrerHost } from './returns.js';
import { settings, words } from './settings.js';
import { readText, writeText } from './storage.js';

const LIFETIME_MS = 120_000;

/** Whether a host is another of the site's own. */
const hasHost = (host: string | undefined): boolean => words(settings.hosts).includes(host!);

/** Lets the visitor go along with a link to another of the site's own hosts. @param given its address as it stands there @returns whether it is one */
export function giveLink(link: Element, url: URL, given: string): boolean {
  if (!hasHost(url.hostname)) return false;
  const { visitorId } = who();
  if (visitorId) {
    url.search += `&st_link=${visitorId}.${Date.now()}.${readText(`seq:${visitorId}`) ?? 0}`;
    link.setAttribute('href', url.href);
    setTimeout(() => link.setAttribute('href', given));
  }
  return true;
}

/**
 * Takes the visitor that another domain handed over out of the address bar, before anything reads it.
 * @returns its id, where it is fresh and comes from a page of the site's own: an id from anywhere else could be a stranger's
 */
export function takeLink(): string | undefined {
  const found = /([?&]+)st_link=([0-9a-f-]{36})\.(\d+)\.(\d+)(&?)/.exec(location.search);
  if (!found) return undefined;
  const [text, mark, id, time, seq, next] = found;
  history.replaceState(history.state, '', location.href.replace(text!, next ? mark![0]! : ''));
  if (!hasHost(referrerHost()) || Date.now() - +time! > LIFETIME_MS) return undefined;
  // Numbers go on from there.
  if (isOpen() && +seq! > +readText(`seq:${id}`)!) writeText(`seq:${id}`, seq!);
  return id;
}
