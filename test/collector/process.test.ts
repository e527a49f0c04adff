import fs from 'node:fs';
import { connect, createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { ADMIN, makeEvent, newId, ORIGIN, temporaryFolder } from '../helpers/collector.js';
import { runCommand, startServe } from '../helpers/process.js';
import { seeded } from '../helpers/random.js';

function addSite(data: string): { siteKey: string; secretKey: string; snippet: string } {
  const { stdout, stderr, status } = runCommand(['site', 'add', '--name', 'Shop', '--origin', ORIGIN, '--data', data]);
  expect(stderr).toBe('');
  expect(status).toBe(0);
  return JSON.parse(stdout) as ReturnType<typeof addSite>;
}

test('what is set and empty is not set, and a health check of the older kind needs no host', async () => {
  const data = temporaryFolder();
  const empty = { STAGETAG_HOST: '', STAGETAG_MOUNT: '', STAGETAG_RATE_LIMIT: '', STAGETAG_ADMIN_TOKEN: '' };
  const { url } = await startServe(data, [], empty);
  const { port } = new URL(url);
  const answer = await new Promise<string>((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port: Number(port) }, () =>
      socket.end('GET /healthz HTTP/1.0\r\n\r\n'),
    );
    let text = '';
    socket.on('data', (part) => (text += part.toString()));
    socket.on('end', () => resolve(text));
    socket.on('error', reject);
  });
  expect(answer).toMatch(/^HTTP\/1\.1 200 /);
  // This machine alone is listened to: another of its addresses is not.
  const others = Object.values(networkInterfaces())
    .flat()
    .filter((each) => each?.family === 'IPv4' && !each.internal);
  for (const other of others) await expect(fetch(`http://${other!.address}:${port}/healthz`)).rejects.toThrow();
});

test('a log that cannot be written holds nothing up', async () => {
  const data = temporaryFolder();
  const full = fs.openSync('/dev/full', 'w');
  const { url, child, ended } = await startServe(data, ['--admin-token', ADMIN], {}, undefined, full);
  fs.closeSync(full);
  for (let index = 0; index < 20; index++)
    expect((await fetch(`${url}/api/sites`, { headers: { Authorization: `Bearer ${ADMIN}` } })).status).toBe(200);
  child.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);
});

test('an admin token that no header can carry is refused in one line', () => {
  const { status, stderr } = runCommand([
    'serve',
    '--port',
    '0',
    '--data',
    temporaryFolder(),
    '--admin-token',
    'tökén',
  ]);
  expect([status, stderr]).toEqual([1, expect.stringMatching(/^stagetag: the admin token .*ASCII.*\n$/)]);
});

const KILLS = 50;

test(`kill -9 in ${KILLS} moments under load loses no acknowledged event, and stores none twice`, async () => {
  const data = temporaryFolder();
  const { siteKey } = addSite(data);
  const random = seeded(1);
  const acknowledged = new Set<string>();
  const unanswered: Array<{ visitorId: string; events: unknown[] }> = [];
  const send = (url: string, visitorId: string, events: unknown[]) =>
    fetch(`${url}/v1/events`, {
      method: 'POST',
      headers: { Origin: ORIGIN, 'Content-Type': 'text/plain' },
      body: JSON.stringify({ siteKey, visitorId, events }),
    });
  const visitors = Array.from({ length: 16 }, () => newId());
  for (let round = 0; round < KILLS; round++) {
    const server = await startServe(data, ['--rate-limit', '0']);
    const clients = visitors.map(async (visitorId) => {
      for (;;) {
        const events = Array.from({ length: 5 }, () => makeEvent('page_view'));
        try {
          const response = await send(server.url, visitorId, events);
          expect(response.status).toBe(200);
          await response.json();
          for (const { id } of events) acknowledged.add(id);
        } catch (error) {
          if ((error as Error).name === 'AssertionError') throw error;
          unanswered.push({ visitorId, events });
          return; // The collector is gone.
        }
      }
    });
    const before = acknowledged.size;
    const enough = before + 20 + Math.floor(random() * 300);
    while (acknowledged.size < enough) await new Promise(setImmediate);
    server.child.kill('SIGKILL');
    await Promise.all(clients);
    expect((await server.ended)[1]).toBe('SIGKILL');
  }

  const server = await startServe(data, ['--admin-token', ADMIN, '--rate-limit', '0']);
  const read = async (where: string) =>
    (
      await fetch(`${server.url}/api/sites/${siteKey}/${where}`, { headers: { Authorization: `Bearer ${ADMIN}` } })
    ).text();
  const storedIds = async () =>
    (await read('events.ndjson'))
      .split('\n')
      .filter(Boolean)
      .map((line) => (JSON.parse(line) as { id: string }).id);
  const stored = await storedIds();
  expect(new Set(stored).size).toBe(stored.length);
  const kept = new Set(stored);
  expect([...acknowledged].filter((id) => !kept.has(id))).toEqual([]);
  expect(acknowledged.size).toBeGreaterThan(1000);

  // What was cut off before its answer is sent again, as the SDK would: it ends up once, whether it was stored or not.
  for (const { visitorId, events } of unanswered) expect((await send(server.url, visitorId, events)).status).toBe(200);
  const all = await storedIds();
  expect(new Set(all).size).toBe(all.length);
  expect(all).toHaveLength(acknowledged.size + unanswered.length * 5);
  // Facts and events were written together, so they agree.
  const counted = await Promise.all(
    visitors.map(
      async (visitorId) =>
        JSON.parse(await read(`visitors/${visitorId}`)) as {
          facts: { signals: Record<string, Record<string, number>> };
        },
    ),
  );
  const sum = counted.reduce(
    (total, { facts }) => total + Object.values(facts.signals.visit!).reduce((a, b) => a + b, 0),
    0,
  );
  expect(sum).toBe(all.length);
  server.child.kill('SIGTERM');
  expect(await server.ended).toEqual([0, null]);
  const database = new Database(path.join(data, 'stagetag.sqlite'));
  expect(database.pragma('integrity_check', { simple: true })).toBe('ok');
  database.close();
}, 240_000);

test('on a full disk nothing is acknowledged that is not stored, and it goes on when there is room', async () => {
  const data = temporaryFolder();
  const { siteKey } = addSite(data);
  const send = async (url: string, events: unknown[]) => {
    const response = await fetch(`${url}/v1/events`, {
      method: 'POST',
      headers: { Origin: ORIGIN },
      body: JSON.stringify({ siteKey, visitorId: newId(), events }),
    });
    return { response, answer: (await response.json()) as { accepted?: number; reason?: string } };
  };
  const batch = () => Array.from({ length: 20 }, () => makeEvent('page_view', { title: 'x'.repeat(500) }));
  const acknowledged: string[] = [];
  const statuses = new Set<number>();
  const full = await startServe(data, ['--admin-token', ADMIN], {}, 1500);
  for (let round = 0; round < 120; round++) {
    const batches = Array.from({ length: 4 }, batch);
    const answers = await Promise.all(batches.map((events) => send(full.url, events)));
    answers.forEach(({ response, answer }, index) => {
      statuses.add(response.status);
      if (response.status === 200) acknowledged.push(...batches[index]!.map(({ id }) => id));
      else expect([answer.reason, response.headers.get('Retry-After')]).toEqual(['unavailable', '5']);
    });
  }
  expect([...statuses].sort()).toEqual([200, 503]);
  expect((await fetch(`${full.url}/healthz`)).status).toBe(200);
  full.child.kill('SIGKILL');
  await full.ended;

  const roomy = await startServe(data, ['--admin-token', ADMIN]);
  const { response } = await send(roomy.url, batch());
  expect(response.status).toBe(200);
  const lines = await fetch(`${roomy.url}/api/sites/${siteKey}/events.ndjson`, {
    headers: { Authorization: `Bearer ${ADMIN}` },
  }).then((stored) => stored.text());
  const stored = lines
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { id: string }).id);
  expect(new Set(stored).size).toBe(stored.length);
  expect(stored).toHaveLength(acknowledged.length + 20);
  expect(acknowledged.filter((id) => !stored.includes(id))).toEqual([]);
});

test('a SIGTERM under load ends cleanly, and what was acknowledged is stored', async () => {
  const data = temporaryFolder();
  const { siteKey } = addSite(data);
  const server = await startServe(data, ['--rate-limit', '0']);
  const acknowledged: string[] = [];
  let isOver = false;
  const clients = Array.from({ length: 8 }, async () => {
    while (!isOver) {
      const event = makeEvent('page_view');
      const body = JSON.stringify({ siteKey, visitorId: newId(), events: [event] });
      const response = await fetch(`${server.url}/v1/events`, {
        method: 'POST',
        headers: { Origin: ORIGIN },
        body,
      }).catch(() => undefined);
      if (!response) return;
      if (response.status === 200) acknowledged.push(event.id);
    }
  });
  while (acknowledged.length < 100) await new Promise(setImmediate);
  server.child.kill('SIGTERM');
  expect(await server.ended).toEqual([0, null]);
  isOver = true;
  await Promise.all(clients);
  const database = new Database(path.join(data, 'stagetag.sqlite'), { readonly: true });
  const stored = new Set(database.prepare('SELECT lower(hex(id)) FROM event_ids').pluck().all());
  database.close();
  expect(acknowledged.filter((id) => !stored.has(id.replaceAll('-', '')))).toEqual([]);
});

describe('what cannot work is one clear line and a non-zero exit', () => {
  test('a port in use', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as { port: number };
    const { status, stderr } = runCommand(['serve', '--port', String(port), '--data', temporaryFolder()]);
    server.close();
    expect(status).toBe(1);
    expect(stderr).toBe(
      `stagetag: port ${port} on 127.0.0.1 is in use; stop the other program or choose another with --port\n`,
    );
  });

  test('a data folder that cannot be written', () => {
    const folder = temporaryFolder();
    const data = path.join(folder, 'file');
    fs.writeFileSync(data, '');
    const { status, stderr } = runCommand(['serve', '--port', '0', '--data', data]);
    expect(status).toBe(1);
    expect(stderr).toMatch(/^stagetag: cannot use the data folder .*--data.*\n$/);
  });

  test('a database of a newer version', () => {
    const data = temporaryFolder();
    const database = new Database(path.join(data, 'stagetag.sqlite'));
    database.pragma('user_version = 99');
    database.close();
    const { status, stderr } = runCommand(['serve', '--port', '0', '--data', data]);
    expect(status).toBe(1);
    expect(stderr).toMatch(/^stagetag: .*newer Stagetag \(schema 99, .*nothing was changed\n$/);
  });

  test.each([
    [['serve', '--port', 'x'], /port: expected a whole number/],
    [['serve', '--mount', 'no slash'], /mount: expected a path/],
    [['serve', '--prot', '1'], /Did you mean --port/],
    [['sreve'], /Did you mean serve/],
    [['site', 'add', '--name', 'x'], /--origin/],
    [['site', 'add', '--name', 'x', '--origin', 'example.com'], /https:\/\/example\.com/],
    [['site', 'add', '--name', 'x', '--origin', ORIGIN, '--template', 'nope'], /general/],
  ])('%j', (args, message) => {
    const { status, stderr } = runCommand(args, { STAGETAG_DATA: temporaryFolder() });
    expect(status).toBe(1);
    expect(stderr).toMatch(message);
  });
});

test('settings come from the environment, and flags win', async () => {
  const data = temporaryFolder();
  const { siteKey } = addSite(data);
  const env = { STAGETAG_ADMIN_TOKEN: 'from-env', STAGETAG_MOUNT: '/a', STAGETAG_PORT: '1' };
  const server = await startServe(data, ['--mount', '/b'], env);
  expect(server.url).toMatch(/\/b$/);
  const response = await fetch(`${server.url}/api/sites`, { headers: { Authorization: 'Bearer from-env' } });
  expect(JSON.stringify(await response.json())).toContain(siteKey);
});

test('the sign-in link works once, and the log holds no visitor id and no token', async () => {
  const data = temporaryFolder();
  const { siteKey } = addSite(data);
  const server = await startServe(data, ['--admin-token', ADMIN]);
  const link = /sign in once at (\S+)/.exec(server.output.stderr)![1]!;
  const follow = () => fetch(link, { redirect: 'manual' });
  const first = await follow();
  expect([first.status, first.headers.get('Location')]).toEqual([302, '/']);
  const cookie = first.headers.get('Set-Cookie')!.split(';')[0]!;
  expect((await fetch(`${server.url}/api/sites`, { headers: { cookie } })).status).toBe(200);
  const second = await follow();
  expect([second.status, second.headers.get('Location')]).toEqual([302, '/#/sign-in/link-expired']);
  expect(second.headers.get('Set-Cookie')).toBeNull();

  const visitorId = newId();
  await fetch(`${server.url}/api/sites/${siteKey}/visitors/${visitorId}`, {
    headers: { Authorization: `Bearer ${ADMIN}` },
  });
  server.child.kill('SIGTERM');
  await server.ended;
  const lines = server.output.stdout.trim().split('\n');
  expect(lines).toHaveLength(4);
  for (const line of lines)
    expect(JSON.parse(line)).toMatchObject({ msg: 'request', status: expect.any(Number) as unknown });
  expect(server.output.stdout).toContain('/api/sites/:siteKey/visitors/:visitorId');
  for (const secret of [visitorId, ADMIN, new URL(link).searchParams.get('token')!, cookie.split('=')[1]!]) {
    expect(server.output.stdout).not.toContain(secret);
  }
});
