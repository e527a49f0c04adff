import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import zlib from 'node:zlib';
import { Hono, type Context } from 'hono';
import { accepts } from 'hono/accepts';
import { sentRules } from '../../sdk/core/index.js';
import { readBuilt } from '../assets.js';
import { timelineOf } from '../ingest/timeline.js';
import { INTERNAL_SDK } from '../ingest/bot.js';
import type { Services } from '../services.js';
import { isFlagged } from './internal.js';

/** What the bundle holds where the site's settings belong. */
const PLACEHOLDER = '__STAGETAG_SITE__';

/** A name that holds a hash of what is in it: it never means anything else. */
const IMMUTABLE = /-[\w-]{6,}\.js$/;

/** The second file's name, as the first has it; and what is added to that, and to the version it says it is, in a browser of the site's own people. */
const LATE_NAME = /late-[\w-]{6}(?=(-internal)?\.js)/;
const FLAG = '-internal';
const VERSION = /(?<=")js\/[\w.+-]+(?=")/;

/** How long a page waits for the store where it is known what was served last: erasing somebody may keep it busy for seconds. */
const PATIENCE_MS = 300;
const LATE = Symbol('late');
const tooLong = () => new Promise<typeof LATE>((resolve) => setTimeout(() => resolve(LATE), PATIENCE_MS).unref());

/** A file as it is sent, in each form that browsers take. */
interface Served {
  text: string;
  etag: string;
  br: Buffer;
  gzip: Buffer;
}

/** A site's file, and the one for browsers of its own people once one asked. */
interface SiteFile {
  version: string;
  served: Promise<Served>;
  internal?: Promise<Served>;
}

const brotli = promisify<Buffer, zlib.BrotliOptions, Buffer>(zlib.brotliCompress);
const gzip = promisify<Buffer, zlib.ZlibOptions, Buffer>(zlib.gzip);

/** Compresses as well as can be: once for each version of a file, in threads of the system's pool. */
async function prepare(text: string): Promise<Served> {
  const bytes = Buffer.from(text);
  return {
    text,
    etag: createHash('sha256').update(bytes).digest('base64url').slice(0, 16),
    br: await brotli(bytes, { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 11 } }),
    gzip: await gzip(bytes, { level: 9 }),
  };
}

/** Writes JSON as a script does, without the quotes of names: they weigh a twentieth of a site's rules. */
export const toLiteral = (value: object): string => JSON.stringify(value).replace(/"([a-zA-Z_]+)":/g, '$1:');

function send(c: Context, { text, etag, br, gzip: zipped }: Served, caching: string): Response {
  const encoding = accepts(c, {
    header: 'Accept-Encoding',
    supports: ['br', 'gzip'],
    default: '',
    // The smallest of what is taken, whatever is liked best.
    match: (taken, { supports, default: none }) =>
      supports.find((each) => taken.some(({ type, q }) => type === each && q > 0)) ?? none,
  });
  const tag = `"${etag}${encoding && `-${encoding}`}"`;
  c.header('ETag', tag);
  c.header('Vary', 'Accept-Encoding', { append: true });
  c.header('Cache-Control', caching);
  if (c.req.header('If-None-Match')?.includes(tag)) return c.body(null, 304);
  c.header('Content-Type', 'text/javascript; charset=utf-8');
  if (!encoding) return c.body(text);
  c.header('Content-Encoding', encoding);
  return c.body(new Uint8Array(encoding === 'br' ? br : zipped));
}

/** The script tag's file: the SDK with the site's settings and rules inside. Beside it what that file loads, and itself without settings. */
export function tagRoutes({ store }: Services): Hono {
  const built = readBuilt('tag');
  const late = [...built.keys()].find((name) => LATE_NAME.test(name))!;
  const builds = { plain: built.get('stagetag.js')!.toString(), full: built.get('full.js')!.toString() };
  const parts = new Map<string, Promise<Served>>();
  const sites = new Map<string, SiteFile>();

  const partOf = (file: string): Promise<Served> | undefined => {
    const isInternal = LATE_NAME.test(file) && file.endsWith(`${FLAG}.js`);
    const name = isInternal ? file.replace(FLAG, '') : file;
    const code = ['stagetag.js', 'full.js'].includes(file) ? undefined : built.get(name)?.toString();
    if (!code) return undefined;
    const served = parts.get(file) ?? prepare(isInternal ? code.replace(VERSION, `$&${INTERNAL_SDK}`) : code);
    parts.set(file, served);
    return served;
  };
  const siteOf = async (siteKey: string): Promise<SiteFile | undefined> => {
    let known = sites.get(siteKey);
    const asked = store.site(siteKey);
    const site = known ? await Promise.race([asked, tooLong()]) : await asked;
    if (site === LATE) return known;
    if (!site) return undefined;
    const version = `${site.rulesVersion} ${site.origins.join(' ')}`;
    if (known?.version !== version) {
      const { current: rules } = timelineOf(await store.rules(siteKey));
      const hosts = site.origins.map((origin) => new URL(origin).hostname);
      // A site of one host has no other to hand its visitors to.
      const others = new Set(hosts);
      const settings = toLiteral({ siteKey, ...(others.size > 1 && { hosts: [...others] }), rules: sentRules(rules) });
      const bundle = builds[others.size > 1 || rules.full ? 'full' : 'plain'];
      known = { version, served: prepare(bundle.replace(PLACEHOLDER, () => settings)) };
      sites.set(siteKey, known);
    }
    return known;
  };

  const routes = new Hono();
  routes.get('/t/:file', async (c) => {
    const file = c.req.param('file');
    c.header('Access-Control-Allow-Origin', '*');
    c.header('Cross-Origin-Resource-Policy', 'cross-origin');
    const part = await partOf(file);
    if (part) return send(c, part, `public, max-age=${IMMUTABLE.test(file) ? '31536000, immutable' : '300'}`);
    const site = file.endsWith('.js') ? await siteOf(file.slice(0, -3)) : undefined;
    // What is kept between here and the browser is what everybody gets.
    if (site && !isFlagged(c)) return send(c, await site.served, 'public, max-age=300');
    if (site) {
      site.internal ??= site.served.then(({ text }) => prepare(text.replace(late, late.replace('.js', `${FLAG}.js`))));
      c.header('Vary', 'Cookie');
      return send(c, await site.internal, 'private, max-age=300');
    }
    c.header('Content-Type', 'text/javascript; charset=utf-8');
    c.header('Cache-Control', 'no-store');
    return c.body('/* stagetag: no site has this key; take the snippet from the dashboard */', 404);
  });
  return routes;
}
