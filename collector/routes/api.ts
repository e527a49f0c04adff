import { Hono, type Context, type MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { getCookie } from 'hono/cookie';
import { RateLimiterMemory } from 'rate-limiter-flexible';
import { version } from '../assets.js';
import { mayAct } from '../access.js';
import { openapiFor, operationAt, roleOf } from '../openapi.js';
import { clientAddress, FOREIGN, isForeignWrite, publicBase, type Services } from '../services.js';
import type { Site, Who } from '../store/store.js';
import { demoOf } from '../jobs/templateDemo.js';
import { readTemplate, templateNames, type Template } from '../templates.js';
import { audienceRoutes } from './audiences.js';
import { changeRoutes } from './changes.js';
import { costRoutes } from './costs.js';
import { noteRoutes } from './notes.js';
import { reportRoutes } from './reports.js';
import { ruleRoutes } from './rules.js';
import { secretKeyRoutes } from './secretKey.js';
import { SESSION_COOKIE } from './signIn.js';
import { healthOfSiteRoutes } from './healthOfSite.js';
import { siteRoutes } from './sites.js';
import { userRoutes } from './users.js';
import { visitorRoutes } from './visitors.js';

/** What routes below a site find in their context. */
export interface SiteEnv {
  Variables: { site: Site; who: Who; /** What was changed, where its address does not say it. */ target?: string };
}

const MAX_BODY = 1024 * 1024;

/** Everything under /api that is read with the admin token or a session. */
export function apiRoutes(services: Services): Hono {
  const { store } = services;
  const routes = new Hono();
  routes.use('/api/*', requireAccess(services));
  routes.use(
    '/api/*',
    bodyLimit({
      maxSize: MAX_BODY,
      // What comes after it on this connection would be taken for the rest of it.
      onError: (c) => c.json({ error: `the body is larger than ${MAX_BODY} bytes` }, 413, { Connection: 'close' }),
    }),
  );
  routes.get('/api/openapi.json', (c) => c.json(openapiFor(publicBase(c, services), version)));
  routes.get('/api/templates', (c) =>
    c.json({ templates: templateNames().map((name) => summaryOf(readTemplate(name)!)) }),
  );
  routes.get('/api/templates/:name', (c) => {
    const template = readTemplate(c.req.param('name'));
    if (!template) return c.json({ error: `expected one of ${templateNames().join(', ')}` }, 404);
    return c.json({ ...summaryOf(template), rules: template.rules });
  });
  routes.get('/api/templates/:name/demo', async (c) => {
    const template = readTemplate(c.req.param('name'));
    if (!template) return c.json({ error: `expected one of ${templateNames().join(', ')}` }, 404);
    return c.json(await demoOf(template, services.now()));
  });
  routes.route('/api/sites', siteRoutes(services));
  routes.route('/api', userRoutes(services));

  const ofSite = new Hono<SiteEnv>();
  ofSite.use(async (c, next) => {
    const site = await store.site(c.req.param('siteKey')!);
    if (!site) return c.json({ error: 'no site has this key' }, 404);
    c.set('site', site);
    return next();
  });
  for (const make of [
    visitorRoutes,
    ruleRoutes,
    reportRoutes,
    costRoutes,
    changeRoutes,
    audienceRoutes,
    noteRoutes,
    healthOfSiteRoutes,
    secretKeyRoutes,
  ])
    ofSite.route('/', make(services));
  routes.route('/api/sites/:siteKey', ofSite);
  return routes;
}

const summaryOf = ({ name, title, about, kpis }: Template) => ({ name, title, about, kpis });

/** Wrong tokens that one address may send in a minute: far above what a program does that has an old one, far below what finds one. */
const GUESSES = 1000;

function requireAccess(services: Services): MiddlewareHandler<SiteEnv> {
  const { access, mount, store, reports, log, now, trustProxy } = services;
  const guesses = new RateLimiterMemory({ points: GUESSES, duration: 60 });
  return async (c, next) => {
    c.header('Cache-Control', 'no-store');
    const bearer = /^Bearer +(.+)$/i.exec(c.req.header('Authorization') ?? '')?.[1];
    const address = clientAddress(c, trustProxy);
    if (bearer !== undefined && (await guesses.get(address))?.remainingPoints === 0) {
      c.header('Retry-After', '60');
      return c.json({ error: 'too many tries from this address; wait a minute' }, 429);
    }
    const session = bearer === undefined ? getCookie(c, SESSION_COOKIE) : undefined;
    const who = bearer !== undefined ? await access.whoHas(bearer) : session && (await access.whoIsIn(session));
    if (!who) {
      if (bearer !== undefined) await guesses.penalty(address);
      c.header('WWW-Authenticate', 'Bearer');
      return c.json({ error: 'sign in, or send Authorization: Bearer with the admin token' }, 401);
    }
    if (session && isForeignWrite(c, services)) return c.json({ error: FOREIGN }, 403);
    const { method } = c.req;
    const at = operationAt(method, c.req.path.slice(mount.length));
    const needed = roleOf(at);
    if (!mayAct(who.role, needed))
      return c.json({ error: `this takes the role ${needed}, and yours is ${who.role}` }, 403);
    const { siteKey, visitorId: _, who: __, ...rest } = at?.values ?? {};
    // A guest's site is the only one there is.
    if (who.siteKey && siteKey && siteKey !== who.siteKey) return c.json({ error: 'no site has this key' }, 404);
    c.set('who', who);
    await next();
    // What takes no more than a viewer changes nothing. A visitor's id is not noted: it would outlive the visitor.
    if (!at || !c.res.ok || !mayAct(needed, 'editor') || method === 'GET' || method === 'HEAD') return;
    if (siteKey) reports.outdate(siteKey);
    const entry = {
      at: now(),
      who: who.name ?? 'admin',
      action: at.operation.operationId,
      siteKey: siteKey ?? null,
      target: c.get('target') ?? Object.values(rest)[0] ?? null,
    };
    // It is done: that it could not be noted must not be told as if it were not.
    await store
      .addAudit(entry)
      .catch((error: unknown) => log.error({ err: error, ...entry }, 'a change could not be noted'));
  };
}

/** Reads a JSON body, or undefined where it is none. */
export async function readJson(c: Context): Promise<unknown> {
  try {
    return await c.req.json();
  } catch {
    return undefined; // The route says what was expected.
  }
}
