import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import path from 'node:path';
import { getRequestListener } from '@hono/node-server';
import { Hono } from 'hono';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createCollector, openSqliteStore } from '../../collector/app.js';
import { eventDoor, type Door, type Knock } from '../../collector/ingest/door.js';
import { Changes } from '../../collector/changes.js';
import { createMetrics } from '../../collector/metrics.js';
import { Origins } from '../../collector/origins.js';
import type { Services } from '../../collector/services.js';
import { addSite } from '../../collector/site.js';
import type { Site } from '../../collector/store/store.js';
import type { Reply } from '../../collector/work.js';
import { startCollector } from '../../dist/collector/server.js';
import { makeEvent, newId, ORIGIN, temporaryFolder } from '../helpers/collector.js';

/** The built collector on a port of its own. */
async function serve(mount = '') {
  const lines: object[] = [];
  const log = { info: (fields: object) => lines.push(fields), error: (fields: object) => lines.push(fields) };
  const collector = await startCollector({
    host: '127.0.0.1',
    port: 0,
    data: temporaryFolder(),
    adminToken: 'admin',
    mount,
    log,
  });
  onTestFinished(() => collector.stop());
  const site = (await addSite(collector.store, { name: 'Test', origins: [ORIGIN] }, Date.now())) as Site;
  const bodyOf = (events: unknown[]) => JSON.stringify({ siteKey: site.siteKey, visitorId: newId(), events });
  const post = (body: BodyInit, headers: Record<string, string> = {}, path = '/v1/events') =>
    fetch(collector.url + path, {
      method: 'POST',
      headers: { Origin: ORIGIN, ...headers },
      body,
      duplex: 'half',
    } as RequestInit);
  return { collector, site, lines, bodyOf, post };
}

describe('the built collector', () => {
  test('stores what comes in, with CORS, nosniff and one line in the log', async () => {
    const { lines, bodyOf, post, collector, site } = await serve('/st');
    const response = await post(bodyOf([makeEvent('page_view')]), {}, '/v1/events/?x=1');
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ accepted: 1, visitor: { stage: 'awareness' } });
    expect(response.headers.get('Access-Control-Allow-Origin')).toBe(ORIGIN);
    expect(response.headers.get('X-Content-Type-Options')).toBe('nosniff');
    expect(lines).toEqual([{ method: 'POST', route: '/st/v1/events', status: 200, ms: expect.any(Number) }]);
    const preflight = await fetch(`${collector.url}/v1/events`, { method: 'OPTIONS', headers: { Origin: ORIGIN } });
    expect([preflight.status, preflight.headers.get('Access-Control-Allow-Methods')]).toEqual([204, 'POST']);
    expect((await fetch(`${collector.url}/v1/events`)).status).toBe(404);
    expect(await collector.store.visitors(site.siteKey, { limit: 9 })).toHaveLength(1);
  });

  test('takes bodies in pieces and with a byte order mark, and refuses those that are too large', async () => {
    const { bodyOf, post } = await serve();
    const pieces = (text: string, times = 1) =>
      new ReadableStream({
        start(controller) {
          const bytes = new TextEncoder().encode(text);
          for (let time = 0; time < times; time++)
            for (let at = 0; at < bytes.length; at += 7) controller.enqueue(bytes.subarray(at, at + 7));
          controller.close();
        },
      });
    expect((await post(pieces(bodyOf([makeEvent('page_view', { title: '产品' })])))).status).toBe(200);
    expect((await post(`\uFEFF${bodyOf([makeEvent('page_view')])}`)).status).toBe(200);
    const large = await post('x'.repeat(64 * 1024 + 1));
    expect([large.status, await large.json()]).toMatchObject([413, { reason: 'too_large' }]);
    expect(large.headers.get('Access-Control-Allow-Origin')).toBe(ORIGIN);
    // Whoever goes on sending without end may find the line cut.
    const endless = await post(pieces('x'.repeat(7000), 12)).then(
      ({ status }) => status,
      () => 413,
    );
    expect(endless).toBe(413);
    expect((await post(bodyOf([makeEvent('page_view')]))).status).toBe(200);
  });

  test('goes on after one who left in the middle, and after what is no HTTP', async () => {
    const { bodyOf, post, collector, lines } = await serve();
    const { port } = new URL(collector.url);
    for (const text of [
      'POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"site',
      'POST /v1/events HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
      '\u0000\u0001',
    ]) {
      const socket = net.connect(Number(port), '127.0.0.1');
      await new Promise((resolve) => socket.write(text, resolve));
      await new Promise((resolve) => setTimeout(resolve, 20));
      socket.destroy();
    }
    expect((await post(bodyOf([makeEvent('page_view')]))).status).toBe(200);
    expect(lines).toHaveLength(1);
  });

  test('who announces much and sends little takes nobody’s room', async () => {
    const { bodyOf, post, collector } = await serve();
    const { port } = new URL(collector.url);
    const half = 'POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\nExpect: 100-continue\r\n\r\n';
    const sockets = Array.from({ length: 1100 }, () => net.connect(Number(port), '127.0.0.1').setNoDelay());
    onTestFinished(() => sockets.forEach((socket) => socket.destroy()));
    // Each is told to go on once it is at the door.
    await Promise.all(
      sockets.map((socket) => {
        socket.write(half);
        return once(socket, 'data').then(() => socket.write('{'));
      }),
    );
    expect((await post(bodyOf([makeEvent('page_view')]))).status).toBe(200);
  });

  test('what is far too large is refused with words, and not with a cut line', async () => {
    const { post, site } = await serve();
    const headers = { Authorization: `Bearer ${site.secretKey}` };
    for (const size of [6, 12]) {
      const refused = await post('x'.repeat(size * 1024 * 1024), headers);
      expect([refused.status, await refused.json()]).toMatchObject([413, { reason: 'too_large' }]);
    }
  });

  test('reads and jobs are done while it writes', async () => {
    const { collector, site, bodyOf, post } = await serve();
    await Promise.all(Array.from({ length: 40 }, () => post(bodyOf([makeEvent('page_view'), makeEvent('purchase')]))));
    const ask = async <T>(path: string, init: RequestInit = {}): Promise<T> => {
      const response = await fetch(`${collector.url}/api/sites/${site.siteKey}/${path}`, {
        ...init,
        headers: { Authorization: 'Bearer admin' },
      });
      return (path.includes('ndjson') ? response.text() : response.json()) as Promise<T>;
    };
    const rules = await ask<object>('rules');
    const { job } = await ask<{ job: number }>('rules?wait=true', { method: 'PUT', body: JSON.stringify(rules) });
    expect(await ask(`jobs/${job}`)).toMatchObject({ state: 'done', done: 40, total: 40 });
    expect((await ask<string>('events.ndjson')).trim().split('\n')).toHaveLength(80);
    const { stages } = await ask<{ stages: Array<{ stage: string; current: number }> }>('reports/stages');
    expect(stages.find(({ stage }) => stage === 'action')).toMatchObject({ current: 40 });
  });
});

const REPLY: Reply = { status: 200, body: '{}', accepted: 1, duplicates: 0, rejected: [] };

/** A door without limits on rates. */
function openDoor(ingest: () => Promise<Reply>): Door {
  const store = openSqliteStore(temporaryFolder());
  onTestFinished(() => store.close());
  return eventDoor({
    work: { ingest },
    store,
    now: Date.now,
    metrics: createMetrics(),
    changes: new Changes(),
    rateLimit: 0,
    siteRateLimit: 0,
    trustProxy: 0,
    origins: new Origins(store, Date.now),
    log: { info() {}, error() {} },
  } as unknown as Services);
}

test('what the disk cannot take is refused before it fills the memory, and room is made again', async () => {
  const release: Array<() => void> = [];
  const door = openDoor(() => new Promise((resolve) => release.push(() => resolve(REPLY))));
  const knock: Knock = {
    method: 'POST',
    header: () => undefined,
    remote: '127.0.0.1',
    text: async (_, take) => (take(2) ? { text: '{}' } : { refused: 'busy' }),
  };
  const waiting = Array.from({ length: 1000 }, () => door(knock));
  await new Promise((resolve) => setImmediate(resolve));
  const refused = await door(knock);
  expect(refused).toMatchObject({ status: 503, headers: { 'Retry-After': '5' } });
  expect(JSON.parse(refused.body)).toMatchObject({ reason: 'busy' });
  for (const each of release.splice(0)) each();
  expect((await Promise.all(waiting)).every(({ status }) => status === 200)).toBe(true);
  const next = door(knock);
  await new Promise((resolve) => setImmediate(resolve));
  release[0]!();
  expect(await next).toMatchObject({ status: 200 });
});

test('whoever sends half of many bodies keeps nobody else out', async () => {
  const door = openDoor(async () => REPLY);
  const give: Array<() => void> = [];
  /** Sends all of 64 KiB but the end, which comes when it is asked for. */
  const half = (remote: string): Knock => ({
    method: 'POST',
    header: () => undefined,
    remote,
    text: async (_, take) => {
      if (!take(64 * 1024 - 1)) return { refused: 'busy' };
      await new Promise<void>((resolve) => give.push(resolve));
      return { text: '{}' };
    },
  });
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  const slow = Array.from({ length: 1100 }, () => door(half('203.0.113.7')));
  await settle();
  const whole: Knock = { ...half('203.0.113.8'), text: async (_, take) => (take(2), { text: '{}' }) };
  expect(await door(whole)).toMatchObject({ status: 200 });
  // A quarter of the room is theirs.
  expect(give.length).toBe(256);
  for (const each of give.splice(0)) each();
  const statuses = (await Promise.all(slow)).map(({ status }) => status);
  expect(statuses.filter((status) => status === 200)).toHaveLength(256);
  expect(statuses.filter((status) => status === 503)).toHaveLength(844);
  // What came whole makes room again.
  const next = door(half('203.0.113.7'));
  await settle();
  give[0]!();
  expect(await next).toMatchObject({ status: 200 });
});

test('a database that is damaged anywhere is not served, and left as it is', async () => {
  const data = temporaryFolder();
  const file = path.join(data, 'stagetag.sqlite');
  const options = { host: '127.0.0.1', port: 0, data, rateLimit: 0 };
  const collector = await startCollector(options);
  const { siteKey } = (await addSite(collector.store, { name: 'Test', origins: [ORIGIN] }, Date.now())) as Site;
  const fill = () =>
    fetch(`${collector.url}/v1/events`, {
      method: 'POST',
      headers: { Origin: ORIGIN },
      body: JSON.stringify({ siteKey, visitorId: newId(), events: [makeEvent('page_view')] }),
    });
  for (let count = 0; count < 200; count++) expect((await fill()).status).toBe(200);
  await collector.stop();
  const bytes = fs.readFileSync(file);
  bytes.fill(0xff, bytes.length / 2, bytes.length / 2 + 3000);
  fs.writeFileSync(file, bytes);
  await expect(startCollector(options)).rejects.toThrow(/is damaged .*restore/s);
  expect(fs.readFileSync(file).equals(bytes)).toBe(true);
});

test('a long body is nobody’s right who has no secret key', async () => {
  const { bodyOf, post, site } = await serve();
  const long = bodyOf(Array.from({ length: 400 }, () => makeEvent('page_view', { title: 'x'.repeat(300) })));
  expect(long.length).toBeGreaterThan(64 * 1024);
  for (const [bearer, status] of [
    ['nonsense', 413],
    [site.secretKey, 200],
  ] as const)
    expect((await post(long, { Authorization: `Bearer ${bearer}` })).status).toBe(status);
});

test('the collector runs inside another Hono app, and inside a Node server', async () => {
  const store = openSqliteStore(temporaryFolder());
  onTestFinished(() => store.close());
  const site = (await addSite(store, { name: 'Test', origins: [ORIGIN] }, Date.now())) as Site;
  const collector = createCollector({ store, mount: '/st', adminToken: 'admin' });
  const app = new Hono();
  app.get('/hello', (c) => c.text('hello'));
  for (const path of ['/st', '/st/*']) app.all(path, (c) => collector.fetch(c.req.raw, c.env));
  const body = () => JSON.stringify({ siteKey: site.siteKey, visitorId: newId(), events: [makeEvent('page_view')] });
  const inside = await app.request('/st/v1/events', { method: 'POST', headers: { Origin: ORIGIN }, body: body() });
  expect(await inside.json()).toMatchObject({ accepted: 1 });
  expect(await (await app.request('/hello')).text()).toBe('hello');
  expect((await app.request('/st')).headers.get('Location')).toMatch(/\/st\/$/);
  expect(await (await app.request('/st/')).text()).toMatch(/<!doctype html>/i);
  expect(await (await app.request('/st/nothing')).json()).toHaveProperty('error');

  const server = http.createServer(getRequestListener(collector.fetch));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as net.AddressInfo;
  const url = `http://127.0.0.1:${port}/st/v1/events`;
  const post = (text: string) => fetch(url, { method: 'POST', headers: { Origin: ORIGIN }, body: text });
  expect(await (await post(body())).json()).toMatchObject({ accepted: 1 });
  expect((await post('x'.repeat(64 * 1024 + 1))).status).toBe(413);
});
