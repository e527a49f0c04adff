// Measures what publishing rules costs: a replay of all events, a change of conditions alone, and a preview; beside them a plain
// reading of all events in the order of their visitors. Ingestion goes on meanwhile. `npm run bench:recompute`;
// `--events N` says how many there are (500000), `--data DIR` keeps them for the next time.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import Database from 'better-sqlite3';
import { addSite } from '../../dist/collector/site.js';
import { openThreads } from '../../dist/collector/threads/threads.js';
import { pick, uuid } from './data.mjs';

const ORIGIN = 'https://www.example.com';
const PATHS = ['/', '/products/', '/products/plan', '/pricing', '/blog/a', '/blog/b', '/contact'];
const DAY_MS = 86_400_000;
const BATCH = 10;
/** Of which a visitor is new in six of ten batches, so that each has some 17 events. */
const NEW = 0.6;

const { values } = parseArgs({
  options: { events: { type: 'string', default: '500000' }, data: { type: 'string' } },
});
const folder = values.data ?? fs.mkdtempSync(path.join(os.tmpdir(), 'stagetag-bench-'));
fs.mkdirSync(folder, { recursive: true });

const threads = openThreads({ folder }, (error) => {
  throw error;
});
const { store, work } = threads;
const isFilled = (await store.sites()).length > 0;
if (!isFilled) await addSite(store, { name: 'Bench', origins: [ORIGIN] }, Date.now());
const [site] = await store.sites();
const { siteKey } = site;
const known = [];

function batch() {
  const now = Date.now();
  const isNew = !known.length || Math.random() < NEW;
  const visitor = isNew ? { id: uuid(now), seq: 0 } : pick(known);
  if (isNew && known.length < 50_000) known.push(visitor);
  const sessionId = uuid(now);
  const ago = isNew ? 0 : Math.floor(Math.random() * 20) * DAY_MS;
  const events = Array.from({ length: BATCH }, (_, index) => ({
    id: uuid(now),
    name: index ? 'page_view' : 'session_start',
    time: now - (BATCH - index) * 1000 - ago,
    seq: ++visitor.seq,
    sessionId,
    url: ORIGIN + pick(PATHS),
    title: 'A page of the site',
    referrer: 'https://www.google.com/',
  }));
  const text = JSON.stringify({ siteKey, visitorId: visitor.id, sentAt: now, sdk: 'bench', rules: 1, events });
  return { text, origin: ORIGIN, bearer: undefined, receivedAt: now };
}

if (!isFilled) {
  const batches = Number(values.events) / BATCH;
  for (let done = 0; done < batches; done += 64) {
    await Promise.all(Array.from({ length: Math.min(64, batches - done) }, () => work.ingest(batch())));
    if (process.stderr.isTTY) process.stderr.write(`\rstoring ${Math.round((done / batches) * 100)} %`);
  }
}

/** Runs it while one batch after another is stored, and says what all threads together took. */
async function measure(name, run, isBusy = true) {
  const times = [];
  let isDone = false;
  const ingesting = (async () => {
    while (isBusy && !isDone) {
      const start = performance.now();
      await work.ingest(batch());
      times.push(performance.now() - start);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  })();
  const [cpu, start] = [process.cpuUsage(), performance.now()];
  const result = await run();
  const wall = (performance.now() - start) / 1000;
  isDone = true;
  await ingesting;
  const { user, system } = process.cpuUsage(cpu);
  times.sort((a, b) => a - b);
  return {
    name,
    cpu: (user + system) / 1e6,
    wall,
    p99: times[Math.floor(times.length * 0.99)],
    memory: process.memoryUsage.rss() / 1e6,
    result,
  };
}

async function publish(rules, since) {
  const version = await store.publishRules(siteKey, rules, { publishedAt: Date.now(), since });
  await work.recompute(await store.addJob(siteKey, version));
}

const { rules } = (await store.rules(siteKey)).at(-1);
const { length: before } = await store.rules(siteKey);
const otherSignals = {
  ...rules,
  signals: {
    ...rules.signals,
    visit: { ...rules.signals.visit, label: `${before} ${Date.now()}` },
    contact_view: { event: 'page_view', path: '*/contact*' },
  },
};
const otherConditions = {
  ...otherSignals,
  stages: { ...rules.stages, interest: { when: { signal: 'pricing_view', within: 5 + (before % 20) } } },
};
const plain = () => {
  const database = new Database(path.join(folder, 'stagetag.sqlite'), { readonly: true });
  let count = 0;
  for (const { body } of database.prepare('SELECT body FROM batches ORDER BY site_id, visitor_id, last_time').iterate())
    count += JSON.parse(body).length;
  database.close();
  return count;
};
const rows = [
  await measure('all events, read and parsed by visitor', plain, false),
  await measure('preview, signals changed', () => work.preview(site, otherSignals, 'all', Date.now())),
  await measure('preview, conditions changed', () =>
    work.preview(site, { ...rules, stages: otherConditions.stages }, 'all', Date.now()),
  ),
  await measure('published, signals changed', () => publish(otherSignals, 0)),
  await measure('published, conditions changed', () => publish(otherConditions, Date.now())),
];
const visitors = rows[1].result.visitors;
process.stderr.write('\r');
console.log(`${rows[0].result} events of ${visitors} visitors`);
console.log('| | CPU, s | to plain | wall, s | p99 of a batch meanwhile, ms | memory, MB |');
console.log('| --- | ---: | ---: | ---: | ---: | ---: |');
for (const { name, cpu, wall, p99, memory } of rows)
  console.log(
    `| ${name} | ${cpu.toFixed(1)} | ${(cpu / rows[0].cpu).toFixed(2)} | ${wall.toFixed(1)} | ${p99?.toFixed(0) ?? ''} | ${memory.toFixed(0)} |`,
  );
await threads.close();
if (!values.data) fs.rmSync(folder, { recursive: true });
