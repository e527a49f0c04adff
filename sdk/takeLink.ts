/** Carrying the visitor from one of the site's own domains to another, by a parameter that lives for two minutes. */
import { who } from './identity.js';
import { referrerHost } from './returns.js';
import { settings, words } from './settings.js';
import { readJson, readText, writeJson, writeText } from './storage.js';

/** Who came along, and from where events go on. */
export interface Linked {
  id: string;
  seq: string;
  session: string;
}

const LIFETIME_MS = 120_000;

/** Whether a host is another of the site's own. */
const hasHost = (host: string | undefined): boolean => words(settings.hosts).includes(host!);

/** Lets the visitor go along with a link to another of the site's own hosts. @param given its address as it stands there @returns whether it is one */
export function giveLink(link: Element, url: URL, given: string): boolean {
  if (!hasHost(url.hostname)) return false;
  const { visitorId } = who();
  if (visitorId) {
    const [session = ''] = readJson<[string]>('session') ?? [];
    url.search += `&st_link=${visitorId}.${Date.now()}.${readText(`seq:${visitorId}`) ?? 0}.${session}`;
    link.setAttribute('href', url.href);
    setTimeout(() => link.setAttribute('href', given));
  }
  return true;
}

/**
 * Takes the visitor that another domain handed over out of the address bar, before anything reads it.
 * @returns it, where it is fresh and comes from a page of the site's own: an id from anywhere else could be a stranger's
 */
export function takeLink(): Linked | undefined {
  const found = /([?&]+)st_link=([0-9a-f-]{36})\.(\d+)\.(\d+)\.?([0-9a-f-]*)(&?)/.exec(location.search);
  if (!found) return undefined;
  const [text, mark, id, time, seq, session, next] = found;
  history.replaceState(history.state, '', location.href.replace(text!, next ? mark![0]! : ''));
  if (!hasHost(referrerHost()) || Date.now() - +time! > LIFETIME_MS) return undefined;
  return { id: id!, seq: seq!, session: session! };
}

/** Goes on where the other domain left off: with the numbers, and in the same session. */
export function goOn({ id, seq, session }: Linked): void {
  if (+seq > +readText(`seq:${id}`)!) writeText(`seq:${id}`, seq);
  if (session && !readText('session')) writeJson('session', [session, Date.now()]);
}
