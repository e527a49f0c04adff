/** POST /v1/token: what the collector knows of a visitor, signed, for whoever has to trust it without asking. */
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { exportJWK, generateKeyPair, importJWK, SignJWT, type JWK } from 'jose';
import { RateLimiterMemory } from 'rate-limiter-flexible';
import { isRecord, isUuidV7 } from '../../sdk/core/index.js';
import { allow, PREFLIGHT } from '../ingest/door.js';
import { clientAddress, publicBase, type Services } from '../services.js';

const ALGORITHM = 'EdDSA';
const LIFETIME_SECONDS = 300;
const MAX_BODY = 4096;
/** Tokens that one address may ask for in a minute. */
const ASKED = 60;

export function tokenRoutes(services: Services): Hono {
  const { store, work, now, origins, trustProxy, rateLimit } = services;
  const asked = new RateLimiterMemory({ points: ASKED, duration: 60 });
  const routes = new Hono();
  let key: Promise<JWK> | undefined;
  const signingKey = () =>
    (key ??= openKey(services).catch((error: unknown) => {
      key = undefined;
      throw error;
    }));

  routes.get('/.well-known/jwks.json', async (c) => {
    const { d: _, ...published } = await signingKey();
    c.header('Access-Control-Allow-Origin', '*');
    c.header('Cache-Control', 'max-age=3600');
    return c.json({ keys: [published] });
  });

  routes.use('/v1/token', async (c, next) => {
    const allowed = await allow(origins, c.req.header('Origin'));
    await next();
    for (const [name, value] of Object.entries(allowed)) c.header(name, value);
  });
  routes.options('/v1/token', (c) => c.body(null, 204, PREFLIGHT));
  routes.use(
    '/v1/token',
    bodyLimit({
      maxSize: MAX_BODY,
      onError: (c) => c.json({ error: 'the body is too large' }, 413, { Connection: 'close' }),
    }),
  );
  routes.post('/v1/token', async (c) => {
    c.header('Cache-Control', 'no-store');
    if (rateLimit) {
      const refused = await asked.consume(clientAddress(c, trustProxy)).then(
        () => false,
        () => true,
      );
      if (refused) {
        c.header('Retry-After', '60');
        return c.json({ error: `more than ${ASKED} tokens a minute were asked for from this address` }, 429);
      }
    }
    const body = await c.req.json<unknown>().catch(() => undefined);
    if (!isRecord(body) || typeof body.siteKey !== 'string' || !isUuidV7(body.visitorId))
      return c.json({ error: 'expected JSON {siteKey, visitorId}' }, 400);
    const site = await store.site(body.siteKey);
    if (!site) return c.json({ error: 'siteKey: no site has this key' }, 403);
    const origin = c.req.header('Origin');
    if (!origin || !site.origins.includes(origin))
      return c.json({ error: "Origin: expected one of the site's origins" }, 403);

    const visitorId = body.visitorId.toLowerCase();
    const { record, person = record } = await work.refresh(site.siteKey, visitorId, now());
    if (!record || record.isPerson) return c.json({ error: 'visitorId: nothing of this visitor is stored' }, 404);
    const { stage, peak, tags, rules } = person!;
    const { kid, ...secret } = await signingKey();
    const issuedAt = Math.floor(now() / 1000);
    const token = await new SignJWT({
      visitor: visitorId,
      stage,
      provenStage: await work.provenStage(site.siteKey, visitorId, now()),
      peak,
      tags,
      rules,
    })
      .setProtectedHeader({ alg: ALGORITHM, kid: kid!, typ: 'JWT' })
      .setIssuer(publicBase(c, services))
      .setAudience(site.siteKey)
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + LIFETIME_SECONDS)
      .sign(await importJWK(secret, ALGORITHM));
    return c.json({ token, expiresIn: LIFETIME_SECONDS });
  });
  return routes;
}

/** The key of this collector, made at its first use. */
async function openKey({ store }: Services): Promise<JWK> {
  const known = await store.signingKey();
  if (known) return JSON.parse(known) as JWK;
  const { privateKey } = await generateKeyPair(ALGORITHM, { crv: 'Ed25519', extractable: true });
  const jwk = await exportJWK(privateKey);
  const offered = { ...jwk, alg: ALGORITHM, use: 'sig', kid: jwk.x!.slice(0, 16) };
  return JSON.parse((await store.signingKey(JSON.stringify(offered)))!) as JWK;
}
