/** The pages that a web server's access log says it served to browsers. */
import { isbot } from 'isbot';
import { DateTime } from 'luxon';
import type { PageCount } from '../store/store.js';

/** Apache's and nginx's `common` and `combined` form: address, time, request, status, size, and mostly referrer and user agent. */
const LINE = /^\S+ \S+ .*?\[([^\]]+)\] "(\S+) (\S+)[^"]*" (\d{3}) \S+(?: "(?:[^"\\]|\\.)*" "((?:[^"\\]|\\.)*)")?/;

/** What is no page: everything with an ending that is not one of pages. */
const FILE = /\.(?!(?:html?|php|aspx?|jsp)$)\w{1,8}$/i;

export interface PagesRead {
  lines: number;
  /** Lines in another form than a log's. */
  unread: number;
  days: PageCount[];
}

/**
 * Counts pages by day of the site's time zone: what was asked for with GET, was there, is no file, and for no bot.
 * @param onLine gets each line's length in characters, as it is read
 */
export async function countPages(
  lines: AsyncIterable<string>,
  timeZone: string,
  onLine?: (length: number) => void,
): Promise<PagesRead> {
  const days = new Map<string, number>();
  let [read, unread] = [0, 0];
  for await (const line of lines) {
    onLine?.(line.length + 1);
    if (!line.trim()) continue;
    read++;
    const [, at = '', method, target = '', status, agent] = LINE.exec(line) ?? [];
    const time = DateTime.fromFormat(at, 'dd/LLL/yyyy:HH:mm:ss ZZZ', { locale: 'en', setZone: true });
    if (!time.isValid) {
      unread++;
      continue;
    }
    // A page that the browser has already was seen as well.
    const isPage = method === 'GET' && /^(200|304)$/.test(status!) && !FILE.test(target.split(/[?#]/)[0]!);
    if (!isPage || (agent !== undefined && isbot(agent))) continue;
    const day = time.setZone(timeZone).toISODate()!;
    days.set(day, (days.get(day) ?? 0) + 1);
  }
  return { lines: read, unread, days: [...days].sort().map(([day, pages]) => ({ day, pages })) };
}
