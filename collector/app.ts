/** The collector as a Hono app: routes and what stands before them. It opens no port and starts no timer. */
import type { IncomingMessage } from 'node:http';
import { Hono } from 'hono';
import { routePath } from 'hono/route';
import { secureHeaders } from 'hono/secure-headers';
import { attempt } from '../sdk/core/index.js';
import { Access } from './access.js';
import { Changes } from './changes.js';
import { doChores } from './chores.js';
import { eventDoor, type Door } from './ingest/door.js';
import type { Lookups } from './ingest/lookups.js';
import type { Services } from './services.js';
import { apiRoutes } from './routes/api.js';
import { dashboardRoutes } from './routes/dashboard.js';
import { eventRoutes } from './routes/events.js';
import { healthRoutes } from './routes/health.js';
import { internalRoutes } from './routes/internal.js';
import { createMetrics } from './metrics.js';
import { Origins } from './origins.js';
import type { Preparing } from './projection/projections.js';
import { SlowReports } from './reports/slowReports.js';
import { signInRoutes } from './routes/signIn.js';
import { pageRoutes } from './routes/pages.js';
import { tokenRoutes } from './routes/token.js';
import { tagRoutes } from './routes/tag.js';
import type { RemoteStore, Store } from './store/store.js';
import { unmixed, workOn, type Unmixed } from './work.js';

export { openSqliteStore } from './store/sqlite/sqliteStore.js';
export { openLookups } from './ingest/lookups.js';
export type { Store } from './store/store.js';

export interface CollectorOptions {
  store: Store;
  /** Epoch ms; the system's clock where absent. */
  now?: () => number;
  /** Takes one object a request and a text; pino fits. Nothing is logged where absent. */
  log?: { info(fields: object, text: string): void; error(fields: object, text: string): void };
  /** Opens every API route. Without it only the dashboard's sign-in link does. */
  adminToken?: string;
  /** Path that everything stands under, such as `/stagetag`; none where absent. */
  mount?: string;
  /** Batches a second that one address may send; 0, the default here, sets no limit. */
  rateLimit?: number;
  /** Batches a second that all pages of one origin, or all who have one secret key, may send; ten times `rateLimit` where absent, 0 sets none. */
  siteRateLimit?: number;
  /** Number of proxies in front, whose `X-Forwarded-*` headers are believed. */
  trustProxy?: number;
  /** What `openLookups` makes of the owner's files: places of addresses, domains that spam. */
  lookups?: Lookups;
}

/**
 * Makes the collector. Serve its `fetch`, or mount it into a Hono app: `app.all('/st/*', (c) => collector.fetch(c.req.raw, c.env))` with `mount: '/st'`,
 * before anything that reads bodies.
 * @throws TypeError where an option is none
 * @example
 * const store = openSqliteStore('./data');
 * const collector = createCollector({ store, adminToken: process.env.STAGETAG_ADMIN_TOKEN });
 * serve({ fetch: collector.fetch, port: 8787 });
 */
export function createCollector(options: CollectorOptions): Hono {
  if (!options?.store) throw new TypeError('store: expected what openSqliteStore gives');
  const work = workOn(options.store, options.now ?? Date.now, options.lookups);
  return createApp({ ...options, work: unmixed(work, options.store) }).app;
}

/**
 * Does once what the collector's own server does by itself from time to time: retention, refused batches that are old, groups of customers,
 * windows that ended, and jobs that a stop interrupted. Call it at the start and every hour.
 */
export const tend = ({
  store,
  now = Date.now,
  lookups,
}: Pick<CollectorOptions, 'store' | 'now' | 'lookups'>): Promise<void> =>
  doChores(store, workOn(store, now, lookups), now());

/** A path without a slash at its end. @throws TypeError where it is none */
export function readMount(text = ''): string {
  if (!/^(\/[\w.~-]+)*\/?$/.test(text)) throw new TypeError(`mount: expected a path such as /stagetag, got ${text}`);
  return text.replace(/\/$/, '');
}

/** The same, with what changes visitors done elsewhere; and the way in for events, which needs no framework. */
export function createApp(
  options: Omit<CollectorOptions, 'store' | 'lookups'> & { store: RemoteStore; work: Unmixed },
): {
  app: Hono;
  door: Door;
  changes: Changes;
} {
  const { store, work, now = Date.now, log, adminToken, rateLimit = 0, trustProxy = 0 } = options;
  const { siteRateLimit = 10 * rateLimit } = options;
  const mount = readMount(options.mount);
  const services: Services = {
    store,
    work,
    now,
    log: log ?? { info() {}, error() {} },
    mount,
    rateLimit,
    siteRateLimit,
    trustProxy,
    access: new Access(store, now, adminToken),
    origins: new Origins(store, now),
    metrics: createMetrics(),
    changes: new Changes(),
    reports: new SlowReports((...args) => work.report(...args), store, now, work.settled),
  };

  // Not strict: the dashboard stands at the mount with its slash, and everything else with or without one.
  const app = new Hono({ strict: false }).basePath(mount);
  app.use(async (c, next) => {
    const start = performance.now();
    await next();
    // The route's pattern, not its path: a path may hold a visitor id, which is a secret.
    // Below another Hono's router there may be none: then the request is done all the same.
    const route = attempt(() => routePath(c, -1));
    const fields = { method: c.req.method, route, status: c.res.status };
    services.log.info({ ...fields, ms: Math.round((performance.now() - start) * 10) / 10 }, 'request');
  });
  app.use(
    secureHeaders({
      crossOriginResourcePolicy: false,
      strictTransportSecurity: false,
      xFrameOptions: 'DENY',
      referrerPolicy: 'no-referrer',
    }),
  );
  app.use(async (c, next) => {
    const { incoming } = (c.env ?? {}) as { incoming?: IncomingMessage };
    if (!c.req.method.startsWith('P') || !(c.req.raw.bodyUsed || incoming?.readableDidRead)) return next();
    // Nobody's fault but the server's that this is mounted into: browsers keep what they have until that is mended.
    const error = 'the body was read before the collector saw it: mount it before what parses bodies';
    services.log.error({ method: c.req.method }, error);
    c.header('Retry-After', '5');
    return c.json({ error }, 503);
  });
  const door = eventDoor(services);
  app.route('/', eventRoutes(door));
  for (const routes of [
    healthRoutes,
    tagRoutes,
    tokenRoutes,
    pageRoutes,
    internalRoutes,
    signInRoutes,
    apiRoutes,
    dashboardRoutes,
  ]) {
    app.route('/', routes(services));
  }
  app.notFound((c) => c.json({ error: `nothing is at ${c.req.method} ${c.req.path}` }, 404));
  app.onError((error: Error & Partial<Preparing>, c) => {
    const { message, preparing } = error;
    if (preparing !== undefined) {
      c.header('Retry-After', '3');
      return c.json({ error: `${message} (${Math.round(preparing * 100)} %); ask again in a moment`, preparing }, 503);
    }
    services.log.error({ err: error }, 'request failed');
    c.header('Retry-After', '5');
    return c.json({ error: 'the collector could not do this now; nothing was stored, try again later' }, 503);
  });
  return { app, door, changes: services.changes };
}
