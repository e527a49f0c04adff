/** The pages that a web server's access log says it served to browsers. */
import { isbot } from 'isbot';
import { DateTime } from 'luxon';
import { attempt, isRecord, matchesGlobs } from '../../sdk/core/index.js';
import type { PageCount } from '../store/store.js';

/** Apache's and nginx's `common` and `combined` form: address, time, request, status, size, and mostly referrer and user agent. */
const LINE = /^\S+ \S+ .*?\[([^\]]+)\] "((?:[^"\\]|\\.)*)" (\d{3}) \S+(?: "(?:[^"\\]|\\.)*" "((?:[^"\\]|\\.)*)")?/;

/** What is no page. Other endings may be a part of a page's name. */
const FILE =
  /\.(?:a?png|avif|bmp|css|csv|docx?|eot|flac|gif|gz|ico|jpe?g|js|json|jsonl|m3u8|m4[av]|map|mjs|mov|mp[34]|og[agv]|otf|pdf|pptx?|rar|rss|svgz?|tar|tiff?|ts|ttf|txt|wasm|wav|web[mp]|webmanifest|woff2?|xlsx?|xml|zip|7z)$/i;

export interface PagesRead {
  lines: number;
  /** Lines in another form than a log's. */
  unread: number;
  days: PageCount[];
}

/** What a line tells of a request. What came was not always one: then it has no method. */
interface Request {
  time: DateTime;
  method: string | undefined;
  target: string;
  status: string;
  agent: string | undefined;
}

function readLine(line: string): Request | undefined {
  if (line.startsWith('{')) return readCaddy(attempt(() => JSON.parse(line) as unknown));
  const [, at = '', request = '', status = '', agent] = LINE.exec(line) ?? [];
  const [method, target = ''] = request.split(' ');
  const time = DateTime.fromFormat(at, 'dd/LLL/yyyy:HH:mm:ss ZZZ', { locale: 'en', setZone: true });
  return { time, method, target, status, agent };
}

/** @see https://caddyserver.com/docs/logging */
function readCaddy(entry: unknown): Request | undefined {
  if (!isRecord(entry) || !isRecord(entry.request)) return undefined;
  const { ts, status, request } = entry;
  const {
    method,
    uri = '',
    headers,
  } = request as { method?: string; uri?: string; headers?: Record<string, string[]> };
  if (typeof method !== 'string' || typeof uri !== 'string') return undefined;
  const time = typeof ts === 'number' ? DateTime.fromMillis(inMillis(ts)) : DateTime.fromISO(String(ts));
  const agent: unknown = headers?.['User-Agent']?.[0];
  return { time, method, target: uri, status: String(status), agent: typeof agent === 'string' ? agent : undefined };
}

/** Of a moment in seconds, milli-, micro- or nanoseconds: which, its size says. */
const inMillis = (at: number): number => (at < 1e11 ? at * 1000 : at < 1e14 ? at : at < 1e17 ? at / 1e3 : at / 1e6);

/**
 * Counts pages by day of the site's time zone: what was asked for with GET, was there, is no file, and for no bot.
 * @param onLine gets each line's length in characters, as it is read
 * @param leftOut globs of paths that are no pages, such as the collector's own
 */
export async function countPages(
  lines: AsyncIterable<string>,
  timeZone: string,
  onLine?: (length: number) => void,
  leftOut: string[] = [],
): Promise<PagesRead> {
  const days = new Map<string, number>();
  let [read, unread] = [0, 0];
  for await (const line of lines) {
    onLine?.(line.length + 1);
    if (!line.trim()) continue;
    read++;
    const request = readLine(line);
    if (!request?.time.isValid) {
      unread++;
      continue;
    }
    const { time, method, target, status, agent } = request;
    const path = target.split(/[?#]/)[0]!;
    // A page that the browser has already was seen as well.
    const isPage = method === 'GET' && /^(200|304)$/.test(status) && !FILE.test(path) && !matchesGlobs(leftOut, path);
    if (!isPage || (agent !== undefined && isbot(agent))) continue;
    const day = time.setZone(timeZone).toISODate()!;
    days.set(day, (days.get(day) ?? 0) + 1);
  }
  return { lines: read, unread, days: [...days].sort().map(([day, pages]) => ({ day, pages })) };
}
