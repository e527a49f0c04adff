import fc from 'fast-check';
import { expect, test } from 'vitest';
import { makeCollector, makeEvent, newId, NOW, ORIGIN } from '../helpers/collector.js';

const RUNS = 4000;

/** Values that nobody expects where they stand. */
const odd = fc.oneof(
  fc.jsonValue(),
  fc.constantFrom<unknown[]>(
    null,
    '',
    0,
    -1,
    -0,
    1e308,
    1e21,
    2 ** 53,
    0.1,
    '\u0000',
    '\ud800',
    '__proto__',
    'constructor',
    '💥'.repeat(3000),
    'https://[',
    'data:,x',
    '//x',
    'HTTP://USER:PASS@HOST:99999/%',
    '%E0%A4%A',
    '-1',
    '1e999',
    'Infinity',
    'NaN',
    NOW,
    NOW + 1e12,
    253402300799999,
    253402300800000,
    newId(),
    newId().toUpperCase(),
  ),
  fc.record({ toString: fc.jsonValue(), __proto__: fc.jsonValue(), length: fc.nat() }),
);

/** Where in a value something can be changed: the way to it, as keys. */
function waysIn(value: unknown, way: string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return [way];
  return [way, ...Object.entries(value).flatMap(([key, each]) => waysIn(each, [...way, key]))];
}

/** The value with something else at the end of a way; where that is undefined, with nothing. */
function changed(value: unknown, [key, ...rest]: string[], to: unknown): unknown {
  if (key === undefined) return to;
  const copy = (Array.isArray(value) ? [...(value as unknown[])] : { ...(value as object) }) as Record<string, unknown>;
  copy[key] = changed(copy[key], rest, to);
  return copy;
}

test(`${RUNS} batches with something wrong in them: never a 5xx, and the next good batch is stored`, async () => {
  const { app, site, send, ndjson, visitor } = await makeCollector();
  const statuses = new Map<number, number>();
  const good = newId();
  let stored = 0;
  const makeBatch = () => ({
    siteKey: site.siteKey,
    visitorId: newId(),
    userId: 'user',
    traits: { city: 'Bern', age: 7 },
    sentAt: NOW,
    sdk: 'js',
    rules: 1,
    lost: 2,
    events: [
      makeEvent('page_view', { title: 'T', referrer: 'https://a.example/', source: { utm_source: 'x' } }),
      makeEvent('purchase', { props: { value: 20, transaction_id: 'T1', items: [{ id: 1 }] } }),
      makeEvent('identify', { props: { plan: 'pro' } }),
    ],
  });
  const changes = fc.array(fc.tuple(fc.nat(), fc.option(odd, { nil: undefined })), { minLength: 1, maxLength: 4 });
  const cut = fc.option(fc.tuple(fc.nat(), fc.nat({ max: 9 }), fc.string({ unit: 'binary', maxLength: 3 })), {
    freq: 6,
  });
  const fromServer = fc.boolean();
  await fc.assert(
    fc.asyncProperty(changes, cut, fromServer, async (given, cutting, isServer) => {
      let batch: unknown = makeBatch();
      for (const [pick, to] of given) {
        const ways = waysIn(batch);
        batch = changed(batch, ways[pick % ways.length]!, to);
      }
      let body = JSON.stringify(batch) ?? '';
      if (cutting) {
        const at = cutting[0] % (body.length + 1);
        body = body.slice(0, at) + cutting[2] + body.slice(at + cutting[1]);
      }
      const headers: Record<string, string> = isServer
        ? { Authorization: `Bearer ${site.secretKey}` }
        : { Origin: ORIGIN };
      const response = await app.request('/v1/events', { method: 'POST', headers, body });
      statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
      expect(response.status).toBeLessThan(500);
      const answer = (await response.json()) as { error?: string; accepted: number; rejected: unknown[] };
      if (response.status !== 200) expect(answer.error).toMatch(/./);
      else {
        const { events } = JSON.parse(body) as { events: unknown[] };
        expect(answer.accepted + answer.rejected.length).toBeLessThanOrEqual(events.length);
      }
      if (stored++ % 40) return;
      const next = await send(good, [makeEvent('page_view')]);
      expect(next.status).toBe(200);
      expect(await next.json()).toMatchObject({ accepted: 1, rejected: [] });
    }),
    { numRuns: RUNS, seed: 7 },
  );
  // Both kinds were met: a test that only ever sees refusals shows nothing.
  expect(statuses.get(200)).toBeGreaterThan(RUNS / 10);
  expect(statuses.get(400)).toBeGreaterThan(RUNS / 10);
  expect(await ndjson(`?visitor=${good}`)).toHaveLength(Math.ceil(RUNS / 40));
  expect((await visitor(good)).facts.signals.visit).toEqual({ '2026-11-22': Math.ceil(RUNS / 40) });
});
