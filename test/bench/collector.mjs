// Measures the built collector beside a bare server that only stores the same events as durably: `npm run bench:collector`.
// `--seconds N` (10) for each measurement, `--connections N` (64), `--rounds N` (3). Both servers and the load run in processes
// of their own; the servers take turns, so that what else the machine does falls on both. Then the collector alone: how long answers
// take at half that load, and at half that load while somebody asks for reports without a pause.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { uuid } from './data.mjs';

const BATCH = 10;
const ORIGIN = 'https://www.example.com';
const DAY_MS = 86_400_000;

const roles = { runCollector, runBare, runLoad };
if (process.send) await roles[process.argv[2]]();
else await measure();

/** The product, as `serve` runs it, without a limit on batches and without a log. */
async function runCollector() {
  const { startCollector } = await import('../../dist/collector/server.js');
  const { addSite } = await import('../../dist/collector/site.js');
  const data = folder();
  const collector = await startCollector({ host: '127.0.0.1', port: 0, data, adminToken: 'bench', rateLimit: 0 });
  const { siteKey } = await addSite(collector.store, { name: 'Bench', origins: [ORIGIN] }, Date.now());
  process.on('message', () => process.send({ rss: process.memoryUsage.rss() }));
  process.on('disconnect', () => collector.stop().then(() => fs.rmSync(data, { recursive: true })));
  process.send({ port: Number(new URL(collector.url).port), siteKey });
}

/** Parses a batch and stores its events: one transaction for all requests that wait, synced before any is answered. */
async function runBare() {
  const { default: Database } = await import('better-sqlite3');
  const data = folder();
  const database = new Database(path.join(data, 'bare.sqlite'));
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = FULL');
  database.exec(`CREATE TABLE events (id BLOB PRIMARY KEY, visitor_id BLOB, time INTEGER, name TEXT, body TEXT) WITHOUT ROWID;
    CREATE INDEX by_visitor ON events (visitor_id, id)`);
  const insert = database.prepare('INSERT OR IGNORE INTO events VALUES (?, ?, ?, ?, ?)');
  const blob = (uuid) => Buffer.from(uuid.replaceAll('-', ''), 'hex');
  let waiting = [];
  const commit = database.transaction((batches) => {
    for (const [{ visitorId, events }] of batches)
      for (const event of events)
        insert.run(blob(event.id), blob(visitorId), event.time, event.name, JSON.stringify(event));
  });
  const flush = () => {
    const batches = waiting;
    waiting = [];
    commit.immediate(batches);
    for (const [{ events }, response] of batches) response.end(JSON.stringify({ accepted: events.length }));
  };
  const server = http.createServer((request, response) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      if (!waiting.length) setImmediate(flush);
      waiting.push([JSON.parse(Buffer.concat(chunks).toString()), response]);
    });
  });
  server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
  process.on('message', () => process.send({ rss: process.memoryUsage.rss() }));
  process.on('disconnect', () => {
    server.close();
    database.close();
    fs.rmSync(data, { recursive: true });
  });
}

/** Sends batches over some connections for some seconds, as fast as it is answered or so many events a second: 7 of 10 visitors are new. */
async function runLoad() {
  const [{ port, siteKey, seconds, connections, perSecond }] = await once(process, 'message');
  const known = [];
  const paths = ['/', '/products/', '/products/plan', '/pricing', '/blog/a', '/blog/b', '/contact'];
  const makeBody = () => {
    const now = Date.now();
    const isNew = !known.length || Math.random() < 0.7;
    const visitor = isNew ? { id: uuid(now), seq: 0 } : known[Math.floor(Math.random() * known.length)];
    if (isNew && known.length < 50_000) known.push(visitor);
    const session = uuid(now);
    // A visit is of one day; of those who come back, on another than before.
    const day = isNew ? 0 : Math.floor(Math.random() * 20) * DAY_MS;
    let events = '';
    for (let index = 0; index < BATCH; index++) {
      const path = paths[Math.floor(Math.random() * paths.length)];
      const time = now - (BATCH - index) * 1000 - day;
      events += `${events && ','}{"id":"${uuid(now)}","name":"${index ? 'page_view' : 'session_start'}","time":${time},"seq":${++visitor.seq},"sessionId":"${session}","url":"${ORIGIN}${path}","title":"A page of the site","referrer":"https://www.google.com/"}`;
    }
    return `{"siteKey":"${siteKey}","visitorId":"${visitor.id}","sentAt":${now},"sdk":"bench","rules":1,"events":[${events}]}`;
  };
  const times = [];
  let acknowledged = 0;
  const end = performance.now() + seconds * 1000;
  await Promise.all(
    Array.from({ length: connections }, async (_, index) => {
      const { post, close } = await connect(port);
      const everyMs = perSecond ? (connections * BATCH * 1000) / perSecond : 0;
      let next = performance.now() + (everyMs * index) / connections;
      while (performance.now() < end) {
        const body = makeBody();
        const waitMs = next - performance.now();
        if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
        // What has to wait for the answer before it waits since it was due.
        const start = everyMs ? next : performance.now();
        next += everyMs;
        await post(body);
        times.push(performance.now() - start);
        acknowledged += BATCH;
      }
      close();
    }),
  );
  times.sort((a, b) => a - b);
  process.send({ perSecond: acknowledged / seconds, p99: times[Math.floor(times.length * 0.99)] });
}

/** A connection that is written to and read from by hand: what a client takes of the cores, the servers have not. */
async function connect(port) {
  const socket = net.connect(port, '127.0.0.1').setNoDelay();
  await once(socket, 'connect');
  let text = '';
  let waiting;
  socket.on('data', (chunk) => {
    text += chunk.latin1Slice();
    const end = text.indexOf('\r\n\r\n');
    const length = Number(/content-length: (\d+)/i.exec(text)?.[1]);
    if (end < 0 || text.length < end + 4 + length) return;
    const isOk = text.startsWith('HTTP/1.1 200 ') && text.length === end + 4 + length;
    if (isOk) waiting.resolve();
    else waiting.reject(new Error(text));
    text = '';
  });
  socket.on('error', (error) => waiting?.reject(error));
  socket.on('close', () => waiting?.reject(new Error('the connection was closed')));
  const head = `POST /v1/events HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nOrigin: ${ORIGIN}\r\nContent-Type: text/plain\r\n`;
  return {
    post: (body) =>
      new Promise((resolve, reject) => {
        waiting = { resolve, reject };
        // Nothing in it is more than ASCII.
        socket.write(`${head}Content-Length: ${body.length}\r\n\r\n${body}`, 'latin1');
      }),
    close: () => socket.destroy(),
  };
}

function folder() {
  return fs.mkdtempSync(path.join(os.tmpdir(), 'stagetag-bench-'));
}

async function measure() {
  const number = (value) => ({ type: 'string', default: String(value) });
  const { values } = parseArgs({ options: { seconds: number(10), connections: number(64), rounds: number(3) } });
  const seconds = Number(values.seconds);
  const said = async (child) => (await once(child, 'message'))[0];
  const start = async (role) => {
    const child = fork(import.meta.filename, [role]);
    return { child, ...(await said(child)) };
  };
  const load = async ({ port, siteKey }, connections, perSecond) => {
    const child = fork(import.meta.filename, ['runLoad']);
    child.send({ port, siteKey, seconds, connections, perSecond });
    const result = await said(child);
    child.disconnect();
    return result;
  };
  const servers = { bare: await start('runBare'), collector: await start('runCollector') };
  const seen = { bare: [], collector: [] };
  for (let round = 0; round < Number(values.rounds); round++)
    for (const name of round % 2 ? ['collector', 'bare'] : ['bare', 'collector'])
      seen[name].push(await load(servers[name], Number(values.connections)));
  const median = (numbers) => [...numbers].sort((a, b) => a - b)[(numbers.length - 1) >> 1];
  console.log(`| ${values.connections} connections, batches of ${BATCH} | events/s | p99, ms | resident, MB |`);
  console.log('| --- | ---: | ---: | ---: |');
  for (const [name, results] of Object.entries(seen)) {
    servers[name].child.send('rss');
    const { rss } = await said(servers[name].child);
    const cells = [median(results.map((each) => each.perSecond)), median(results.map((each) => each.p99)), rss / 1e6];
    console.log(`| ${name} | ${cells.map((cell) => cell.toFixed(0)).join(' | ')} |`);
  }
  const ratios = seen.collector.map(({ perSecond }, round) => perSecond / seen.bare[round].perSecond);
  console.log(`\nratio, median of rounds: ${median(ratios).toFixed(2)}`);

  const half = median(seen.collector.map((each) => each.perSecond)) / 2;
  const quiet = await load(servers.collector, Number(values.connections), half);
  const asking = askForReports(servers.collector);
  const asked = await load(servers.collector, Number(values.connections), half);
  const reports = await asking.stop();
  console.log(`\n| the collector at ${half.toFixed(0)} events/s | events/s | p99, ms |\n| --- | ---: | ---: |`);
  console.log(`| alone | ${quiet.perSecond.toFixed(0)} | ${quiet.p99.toFixed(0)} |`);
  console.log(`| while ${reports} reports were asked for | ${asked.perSecond.toFixed(0)} | ${asked.p99.toFixed(0)} |`);
  for (const { child } of Object.values(servers)) child.disconnect();
}

/** Asks for one report after the other until it is stopped, and says how many they were. */
function askForReports({ port, siteKey }) {
  let count = 0;
  let isOver = false;
  const run = async () => {
    for (; !isOver; count++) {
      const name = count % 2 ? 'loss' : 'stages';
      const response = await fetch(`http://127.0.0.1:${port}/api/sites/${siteKey}/reports/${name}`, {
        headers: { Authorization: 'Bearer bench' },
      });
      // What reports need is being read.
      if (response.status === 503) await new Promise((resolve) => setTimeout(resolve, 1000));
      else if (response.status !== 200) throw new Error(`${response.status}`);
      await response.arrayBuffer();
    }
    return count;
  };
  const running = run();
  return {
    stop() {
      isOver = true;
      return running;
    },
  };
}
