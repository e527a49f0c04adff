import { Hono, type Context, type MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { RateLimiterMemory, type RateLimiterRes } from 'rate-limiter-flexible';
import { MAX_BYTES } from '../ingest/ingest.js';
import { clientAddress, type Services } from '../services.js';

/** POST /v1/events: the one way in for events. */
export function eventRoutes(services: Services): Hono {
  const { work, now, metrics, rateLimit, trustProxy, log } = services;
  const routes = new Hono();

  routes.use('/v1/*', allowOrigin(services));
  routes.options('/v1/*', (c) => {
    c.header('Access-Control-Allow-Methods', 'POST');
    c.header('Access-Control-Allow-Headers', 'Content-Type, Authorization');
    c.header('Access-Control-Max-Age', '86400');
    return c.body(null, 204);
  });
  if (rateLimit)
    routes.use(
      '/v1/*',
      limitRate(rateLimit, trustProxy, () => metrics.batches.inc({ reason: 'rate_limited' })),
    );
  const limits = { fromPage: limitBody(MAX_BYTES.fromPage), fromServer: limitBody(MAX_BYTES.fromServer) };
  routes.use('/v1/*', (c, next) => limits[bearerOf(c) === undefined ? 'fromPage' : 'fromServer'](c, next));

  routes.post('/v1/events', async (c) => {
    const text = await c.req.text();
    const request = { text, origin: c.req.header('Origin'), bearer: bearerOf(c), receivedAt: now() };
    try {
      const { status, body, refusal, accepted, duplicates, rejected } = await work.ingest(request);
      if (refusal) metrics.batches.inc({ reason: refusal });
      metrics.events.inc({ outcome: 'stored', reason: '' }, accepted);
      metrics.events.inc({ outcome: 'duplicate', reason: '' }, duplicates);
      for (const reason of rejected) metrics.events.inc({ outcome: 'rejected', reason });
      return c.body(body, status, { 'Content-Type': 'application/json' });
    } catch (error) {
      log.error({ err: error }, 'a batch could not be stored');
      metrics.batches.inc({ reason: 'unavailable' });
      c.header('Retry-After', '5');
      return c.json(
        { error: 'the batch could not be stored; nothing was acknowledged, send it again', reason: 'unavailable' },
        503,
      );
    }
  });
  return routes;
}

function bearerOf(c: Context): string | undefined {
  return /^Bearer +(.+)$/i.exec(c.req.header('Authorization') ?? '')?.[1];
}

/** Lets pages of every site's origins read answers, refusals too; which site's page may do what is decided in ingest. */
function allowOrigin({ origins }: Services): MiddlewareHandler {
  return async (c, next) => {
    const origin = c.req.header('Origin');
    const isKnown = origin && (await origins.has(origin));
    await next();
    c.header('Vary', 'Origin');
    if (!isKnown) return;
    c.header('Access-Control-Allow-Origin', origin);
    c.header('Access-Control-Expose-Headers', 'Retry-After');
  };
}

function limitBody(maxSize: number): MiddlewareHandler {
  const error = `the body is larger than ${maxSize} bytes; send it in several batches`;
  const refuse = (c: Context) => c.json({ error, reason: 'too_large' }, 413);
  const limitStream = bodyLimit({ maxSize, onError: refuse });
  return async (c, next) => {
    // Where the length is said, as every browser does, it is not worth a stream to find it out.
    const { 'content-length': length, 'transfer-encoding': encoding } = c.req.header();
    if (!length || encoding) return limitStream(c, next);
    return Number(length) > maxSize ? refuse(c) : next();
  };
}

function limitRate(points: number, trustProxy: number, onRefused: () => void): MiddlewareHandler {
  const limiter = new RateLimiterMemory({ points, duration: 1 });
  return async (c, next) => {
    if (c.req.method === 'OPTIONS') return next();
    try {
      await limiter.consume(clientAddress(c, trustProxy));
    } catch (refused) {
      onRefused();
      c.header('Retry-After', String(Math.ceil((refused as RateLimiterRes).msBeforeNext / 1000) || 1));
      const error = `more than ${points} batches a second came from this address; send again after Retry-After seconds`;
      return c.json({ error, reason: 'rate_limited' }, 429);
    }
    return next();
  };
}
