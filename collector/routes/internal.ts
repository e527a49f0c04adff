/** `/internal`: whoever works for the site says so of a browser, with a cookie of the collector's own. */
import { Hono, type Context } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { getCookie, setCookie } from 'hono/cookie';
import { html } from 'hono/html';
import { secureHeaders } from 'hono/secure-headers';
import { publicBase, type Services } from '../services.js';

const COOKIE = 'stagetag_internal';

/** As long as browsers keep a cookie. */
const KEPT_DAYS = 400;

const TEXTS = {
  en: {
    lang: 'en',
    title: 'Visits from this browser',
    counted: 'They are counted, as any visitor’s are.',
    left: 'They are not counted: they are stored as internal, and reports leave them out.',
    leave: 'Do not count this browser',
    count: 'Count this browser again',
    when: 'It takes up to five minutes until pages that this browser has been to follow.',
  },
  zh: {
    lang: 'zh-CN',
    title: '来自这个浏览器的访问',
    counted: '与其他访客一样计入统计。',
    left: '不计入统计：事件会保存并标为内部流量，报告不包含它们。',
    leave: '不再统计这个浏览器',
    count: '重新统计这个浏览器',
    when: '这个浏览器已经打开过的页面最多五分钟后生效。',
  },
};

/** Of a form with one button. */
const smallBody = bodyLimit({
  maxSize: 1024,
  onError: (c) => c.json({ error: 'the body is too large' }, 413, { Connection: 'close' }),
});

/** Whether the browser that asks said that it is one of the site's own people's. */
export const isFlagged = (c: Context): boolean => getCookie(c, COOKIE) === '1';

export function internalRoutes(services: Services): Hono {
  const routes = new Hono();
  routes.use(
    '/internal',
    secureHeaders({
      contentSecurityPolicy: { defaultSrc: ["'none'"], formAction: ["'self'"], frameAncestors: ["'none'"] },
      crossOriginResourcePolicy: false,
      strictTransportSecurity: false,
    }),
  );
  routes.use('/internal', smallBody);
  routes.get('/internal', (c) => {
    c.header('Cache-Control', 'no-store');
    const flagged = isFlagged(c);
    const texts = /^\s*zh/i.test(c.req.header('Accept-Language') ?? '') ? TEXTS.zh : TEXTS.en;
    // Without a referrer policy of its own its form would not say where it comes from.
    return c.html(
      html`<!doctype html>
        <html lang="${texts.lang}">
          <meta charset="utf-8" />
          <meta name="viewport" content="width=device-width" />
          <meta name="color-scheme" content="light dark" />
          <meta name="referrer" content="same-origin" />
          <title>${texts.title} · Stagetag</title>
          <main>
            <h1>${texts.title}</h1>
            <p>${flagged ? texts.left : texts.counted}</p>
            <form method="post">
              <button name="internal" value="${flagged ? 'no' : 'yes'}">${flagged ? texts.count : texts.leave}</button>
            </form>
            <p>${texts.when}</p>
          </main>
        </html>`,
    );
  });
  routes.post('/internal', async (c) => {
    c.header('Cache-Control', 'no-store');
    const base = new URL(publicBase(c, services));
    // Another site's form would take its visitors out of ours. A browser names the origin of every form it sends.
    if (c.req.header('Origin') !== base.origin)
      return c.json({ error: `Origin: expected ${base.origin}; open /internal and press its button` }, 403);
    const { internal } = await c.req.parseBody().catch(() => ({ internal: undefined }));
    if (internal !== 'yes' && internal !== 'no') return c.json({ error: 'internal: expected yes or no' }, 400);
    const secure = base.protocol === 'https:';
    setCookie(c, COOKIE, internal === 'yes' ? '1' : '', {
      path: `${services.mount}/`,
      httpOnly: true,
      // The tag's file is asked for from the site's pages, which may be another site's to the browser.
      sameSite: secure ? 'None' : 'Lax',
      secure,
      maxAge: internal === 'yes' ? KEPT_DAYS * 86_400 : 0,
    });
    return c.redirect(`${services.mount}/internal`, 303);
  });
  return routes;
}
