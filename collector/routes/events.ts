import { Hono } from 'hono';
import type { Door, Knock } from '../ingest/door.js';
import { remoteAddress } from '../services.js';

/** POST /v1/events, for whoever mounts the app: the collector's own server knocks at the door without it. */
export function eventRoutes(door: Door): Hono {
  const routes = new Hono();
  routes.on(['POST', 'OPTIONS'], '/v1/events', async (c) => {
    const { status, headers, body } = await door({
      method: c.req.method as 'POST' | 'OPTIONS',
      header: (name) => c.req.header(name),
      remote: remoteAddress(c),
      text: (maxBytes, take) => readText(c.req.raw, maxBytes, take),
    });
    return c.newResponse(body || null, { status, headers });
  });
  return routes;
}

async function readText(
  request: Request,
  maxBytes: number,
  take: (bytes: number) => boolean,
): ReturnType<Knock['text']> {
  // Where the length is said, as every browser does, it is not worth a stream to find it out.
  const length = request.headers.get('Content-Length');
  if (length && !request.headers.has('Transfer-Encoding')) {
    if (Number(length) > maxBytes) return { refused: 'too_large' };
    const text = await request.text();
    return take(Number(length)) ? { text } : { refused: 'busy' };
  }
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for await (const chunk of request.body ?? []) {
    bytes += chunk.length;
    if (bytes > maxBytes) return { refused: 'too_large' };
    if (!take(chunk.length)) return { refused: 'busy' };
    text += decoder.decode(chunk, { stream: true });
  }
  return { text: text + decoder.decode() };
}
