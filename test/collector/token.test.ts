import { createLocalJWKSet, jwtVerify, type JSONWebKeySet } from 'jose';
import { expect, test } from 'vitest';
import { makeCollector, makeEvent, newId, NOW, ORIGIN, type TestCollector } from '../helpers/collector.js';

const ask = async ({ app, site }: TestCollector, body: unknown, origin = ORIGIN): Promise<Response> =>
  app.request('/v1/token', {
    method: 'POST',
    headers: { 'Content-Type': 'text/plain', Origin: origin },
    body: typeof body === 'string' ? body : JSON.stringify({ siteKey: site.siteKey, ...(body as object) }),
  });

async function claimsOf(collector: TestCollector, visitorId: string) {
  const response = await ask(collector, { visitorId });
  expect(response.status).toBe(200);
  expect(response.headers.get('Access-Control-Allow-Origin')).toBe(ORIGIN);
  const { token, expiresIn } = (await response.json()) as { token: string; expiresIn: number };
  expect(expiresIn).toBe(300);
  const keys = (await (await collector.app.request('/.well-known/jwks.json')).json()) as JSONWebKeySet;
  expect(JSON.stringify(keys)).not.toContain('"d"');
  const { payload } = await jwtVerify(token, createLocalJWKSet(keys), {
    audience: collector.site.siteKey,
    currentDate: new Date(NOW),
  });
  return { payload, token, keys };
}

test('a token says where a visitor stands, and what of it came with the secret key', async () => {
  const collector = await makeCollector();
  const id = newId();
  await collector.send(id, [makeEvent('purchase'), makeEvent('purchase')]);
  expect((await claimsOf(collector, id)).payload).toMatchObject({
    visitor: id,
    stage: 'loyalty',
    provenStage: null,
    peak: 'loyalty',
    rules: 1,
    iat: NOW / 1000,
    exp: NOW / 1000 + 300,
  });
  const secret = { Authorization: `Bearer ${collector.site.secretKey}`, Origin: '' };
  await collector.send(id, [makeEvent('purchase')], {}, secret);
  const { payload, token, keys } = await claimsOf(collector, id);
  expect(payload).toMatchObject({ stage: 'loyalty', provenStage: 'action' });
  // Recomputing keeps what was proven.
  await collector.store.markStale(collector.site.siteKey);
  expect((await claimsOf(collector, id)).payload).toMatchObject({ provenStage: 'action' });

  const [head, body, signature] = token.split('.') as [string, string, string];
  const forged = Buffer.from(JSON.stringify({ ...payload, provenStage: 'loyalty' })).toString('base64url');
  await expect(jwtVerify(`${head}.${forged}.${signature}`, createLocalJWKSet(keys))).rejects.toThrow();
  await expect(
    jwtVerify(`${head}.${body}.${signature}`, createLocalJWKSet(keys), { currentDate: new Date(NOW + 301_000) }),
  ).rejects.toThrow(/exp/);
});

test('the key outlives the process', async () => {
  const first = await makeCollector();
  const id = newId();
  await first.send(id, [makeEvent('page_view')]);
  const { token } = await claimsOf(first, id);
  const second = await makeCollector({}, first.folder);
  const { keys } = await claimsOf(second, id);
  await expect(jwtVerify(token, createLocalJWKSet(keys), { currentDate: new Date(NOW) })).resolves.toBeTruthy();
});

test('nobody else gets one', async () => {
  const collector = await makeCollector();
  const id = newId();
  await collector.send(id, [makeEvent('page_view')]);
  const statuses = await Promise.all([
    ask(collector, { visitorId: newId() }).then(({ status }) => status),
    ask(collector, { visitorId: id }, 'https://evil.example').then(({ status }) => status),
    ask(collector, { visitorId: id, siteKey: 'st_other' }).then(({ status }) => status),
    ask(collector, { visitorId: 'x' }).then(({ status }) => status),
    ask(collector, '{oops').then(({ status }) => status),
    ask(collector, 'x'.repeat(5000)).then(({ status }) => status),
  ]);
  expect(statuses).toEqual([404, 403, 403, 400, 400, 413]);
});

test('what a page said under the id of a server’s event is not proven by it', async () => {
  const collector = await makeCollector();
  const { send, site, visitor } = collector;
  const id = newId();
  const secret = { Authorization: `Bearer ${site.secretKey}`, Origin: '' };
  const event = makeEvent('page_view');
  // The page is first, with something better under the same id: the server's word takes its place.
  await send(id, [{ ...event, name: 'purchase' }]);
  expect(await visitor(id)).toMatchObject({ stage: 'action' });
  await send(id, [event], {}, secret);
  expect(await visitor(id)).toMatchObject({ stage: 'awareness', peak: 'awareness' });
  expect((await claimsOf(collector, id)).payload).toMatchObject({ provenStage: 'awareness' });
  // The page is second: neither its event nor its traits change what was proven.
  await send(id, [{ ...event, name: 'purchase' }], { traits: { planted: 'x' } });
  expect((await claimsOf(collector, id)).payload).toMatchObject({ stage: 'awareness', provenStage: 'awareness' });
  expect(JSON.stringify(await visitor(id))).not.toContain('planted');
});
