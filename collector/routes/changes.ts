import { Hono } from 'hono';
import { streamSSE } from 'hono/streaming';
import type { Services } from '../services.js';
import type { SiteEnv } from './api.js';

/** Many things that are stored in so short a time are told once. */
const PAUSE_MS = 1000;
/** Proxies close what is silent for longer. */
const BEAT_MS = 15_000;
/** Then it is asked for anew, and whoever may hear no more is told so. */
const STREAM_MS = 5 * 60_000;

/** Tells the dashboard when there is something new, as server-sent events: `ready` at first, then a `change` each time. */
export function changeRoutes({ changes }: Services): Hono<SiteEnv> {
  const routes = new Hono<SiteEnv>();
  routes.get('/changes', (c) => {
    c.header('Cache-Control', 'no-store');
    // nginx would keep it until there is more.
    c.header('X-Accel-Buffering', 'no');
    // Whoever asks for the head alone reads no stream to its end.
    if (c.req.raw.method === 'HEAD') return c.body(null);
    return streamSSE(c, async (stream) => {
      let isOver = false;
      let isNew = false;
      let wake = () => {};
      const off = changes.listen(c.get('site').siteKey, (over) => {
        isOver ||= over;
        isNew = true;
        wake();
      });
      stream.onAbort(() => {
        isOver = true;
        wake();
      });
      const end = setTimeout(() => {
        isOver = true;
        wake();
      }, STREAM_MS).unref();
      try {
        await stream.writeSSE({ event: 'ready', data: '' });
        while (!isOver) {
          if (!isNew)
            await new Promise<void>((resolve) => {
              const timer = setTimeout(resolve, BEAT_MS);
              wake = () => {
                clearTimeout(timer);
                resolve();
              };
            });
          if (isOver) return;
          const event = isNew ? 'change' : 'beat';
          isNew = false;
          await stream.writeSSE({ event, data: '' });
          if (event === 'change')
            await new Promise<void>((resolve) => {
              const timer = setTimeout(resolve, PAUSE_MS);
              wake = () => {
                if (!isOver) return;
                clearTimeout(timer);
                resolve();
              };
            });
        }
      } finally {
        clearTimeout(end);
        off();
      }
    });
  });
  return routes;
}
