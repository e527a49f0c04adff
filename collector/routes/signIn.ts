import { Hono, type Context } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import { RateLimiterMemory } from 'rate-limiter-flexible';
import { SESSION_DAYS } from '../access.js';
import { clientAddress, FOREIGN, isForeignWrite, publicBase, type Services } from '../services.js';

export const SESSION_COOKIE = 'stagetag_session';

/** Of a token. */
const MAX_BODY = 4096;

/** Tries to sign in that one address has in a minute. */
const TRIES = 20;

/** Signing in and out of the dashboard. */
export function signInRoutes(services: Services): Hono {
  const { access, mount, trustProxy } = services;
  const tries = new RateLimiterMemory({ points: TRIES, duration: 60 });
  const path = `${mount}/`;
  const isOftenTried = (c: Context) =>
    tries.consume(clientAddress(c, trustProxy)).then(
      () => false,
      () => true,
    );

  async function signIn(c: Context, token: unknown, byLink?: boolean): Promise<boolean> {
    const session = typeof token === 'string' ? await access.signIn(token, byLink) : undefined;
    if (!session) return false;
    keepSession(c, session);
    return true;
  }

  const keepSession = (c: Context, session: string) =>
    setCookie(c, SESSION_COOKIE, session, {
      path,
      httpOnly: true,
      sameSite: 'Lax',
      secure: publicBase(c, services).startsWith('https:'),
      maxAge: SESSION_DAYS * 86_400,
    });

  const routes = new Hono();
  routes.get('/sign-in', async (c) => {
    c.header('Cache-Control', 'no-store');
    // Who only looks whether there is something uses up no link.
    if (c.req.method === 'HEAD') return c.body(null);
    const isSignedIn = !(await isOftenTried(c)) && (await signIn(c, c.req.query('token'), true));
    return c.redirect(isSignedIn ? path : `${path}#/sign-in/link-expired`);
  });
  routes.get('/shared', async (c) => {
    c.header('Cache-Control', 'no-store');
    const token = c.req.query('token') ?? '';
    // Only those who guess are counted: many may follow one link from one office.
    if ((await access.whoIsIn(token))?.role !== 'guest')
      return c.redirect(`${path}#/sign-in/${(await isOftenTried(c)) ? 'too-often' : 'share-ended'}`);
    // Who is signed in sees more than a guest, and stays it. What stands after the `#` of the link goes along.
    const known = await access.whoIsIn(getCookie(c, SESSION_COOKIE) ?? '');
    if (!known || known.role === 'guest') keepSession(c, token);
    return c.redirect(path);
  });
  routes.use(
    '/api/session',
    bodyLimit({
      maxSize: MAX_BODY,
      onError: (c) => c.json({ error: 'the body is too large' }, 413, { Connection: 'close' }),
    }),
  );
  // Always a 200: whether somebody is signed in is a question, not a mistake.
  routes.get('/api/session', async (c) => {
    c.header('Cache-Control', 'no-store');
    const session = getCookie(c, SESSION_COOKIE);
    const role = session && (await access.whoIsIn(session))?.role;
    return c.json({ signedIn: !!role, ...(role && { role }) });
  });
  routes.post('/api/session', async (c) => {
    // Nobody is signed in as somebody else by a page that they happen to open.
    if (isForeignWrite(c, services)) return c.json({ error: FOREIGN }, 403);
    if (await isOftenTried(c)) {
      c.header('Retry-After', '60');
      return c.json({ error: 'too many tries from this address; wait a minute' }, 429);
    }
    const body = (await c.req.json().catch(() => null)) as { token?: unknown } | null;
    if (await signIn(c, body?.token)) return c.json({ signedIn: true });
    return c.json(
      {
        error:
          'token: expected your own, the admin token, or that of an unused sign-in link; restart the collector for a new link',
      },
      401,
    );
  });
  routes.delete('/api/session', async (c) => {
    const session = getCookie(c, SESSION_COOKIE);
    if (session) await access.signOut(session);
    deleteCookie(c, SESSION_COOKIE, { path });
    return c.json({ signedIn: false });
  });
  return routes;
}
