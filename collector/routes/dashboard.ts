import { Hono, type Context } from 'hono';
import { secureHeaders } from 'hono/secure-headers';
import { readBuilt } from '../assets.js';
import type { Services } from '../services.js';

const TYPES: Record<string, string> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
};

/** The web page for people. */
export function dashboardRoutes({ mount }: Services): Hono {
  const files = readBuilt('dashboard');
  const self = ["'self'"];
  const headers = secureHeaders({
    contentSecurityPolicy: {
      defaultSrc: ["'none'"],
      scriptSrc: self,
      styleSrc: self,
      imgSrc: ["'self'", 'data:'],
      connectSrc: self,
      baseUri: ["'none'"],
      formAction: self,
      frameAncestors: ["'none'"],
    },
    referrerPolicy: 'no-referrer',
    strictTransportSecurity: false,
    xFrameOptions: 'DENY',
  });
  const send = (c: Context, name: string) => {
    const body = files.get(name);
    if (!body) return c.notFound();
    c.header('Content-Type', TYPES[name.split('.').at(-1)!] ?? 'application/octet-stream');
    // Built names hold a hash of their contents; the page that names them does not.
    c.header('Cache-Control', name === 'index.html' ? 'no-cache' : 'public, max-age=31536000, immutable');
    return c.body(new Uint8Array(body));
  };

  const routes = new Hono();
  // Assets stand beside the page, so under a mount its address must end with a slash.
  routes.get('/', headers, (c) =>
    mount && !new URL(c.req.url).pathname.endsWith('/') ? c.redirect(`${mount}/`) : send(c, 'index.html'),
  );
  routes.get('/assets/:name', headers, (c) => send(c, `assets/${c.req.param('name')}`));
  return routes;
}
