// Measures how long reports take: of a shop with many visitors, over and over, while events go on coming; and how long it takes until they
// can be made, when the site is read for the first time and when that was cached. Beside them a plain reading of all events from the
// same file. `npm run bench:reports`; `--events N` says how many there are (500000), `--rounds N` how often each report is asked for (5),
// `--data DIR` keeps the events for the next time.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import Database from 'better-sqlite3';
import { addSite } from '../../dist/collector/site.js';
import { openThreads } from '../../dist/collector/threads/threads.js';
import { pick, uuid } from './data.mjs';

const ORIGIN = 'https://shop.example.com';
const DAY_MS = 86_400_000;
const DAYS = 90;
/** Events of a batch on average; of ten batches six are of a visitor who is new, so that each has some 17 events. */
const BATCH = 10;
const NEW = 0.6;

const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '500000' },
    rounds: { type: 'string', default: '5' },
    data: { type: 'string' },
  },
});
const folder = values.data ?? fs.mkdtempSync(path.join(os.tmpdir(), 'stagetag-bench-'));
fs.mkdirSync(folder, { recursive: true });

const PRODUCTS = Array.from({ length: 400 }, (_, index) => `/products/p-${index}`);
const SOURCES = [
  {},
  { referrer: 'https://www.google.com/' },
  { referrer: 'https://www.baidu.com/' },
  { source: { utm_source: 'newsletter', utm_medium: 'email', utm_campaign: 'spring' } },
  { referrer: 'https://www.google.com/', source: { utm_source: 'google', utm_medium: 'cpc', gclid: 'x' } },
  { referrer: 'https://www.xiaohongshu.com/' },
];

/** What somebody does beside opening pages, and how often in a hundred events. */
const DEEDS = [
  [14, () => ({ name: 'user_engagement', props: { engagement_time_msec: Math.floor(Math.random() * 60_000) } })],
  [8, () => ({ name: 'scroll', props: { percent: pick([25, 50, 75, 90]) } })],
  [
    10,
    () => ({ name: 'web_vital', props: { metric: pick(['LCP', 'CLS', 'INP', 'FCP']), value: Math.random() * 3000 } }),
  ],
  [2, () => ({ name: 'search', props: { search_term: pick(['shoes', 'rain jacket', 'backpack', '背包']) } })],
  [1, () => ({ name: 'file_download', props: { file_name: pick(['size-guide.pdf', 'catalogue.pdf']) } })],
  [1, () => ({ name: 'form_start', props: { form_id: 'newsletter' } })],
  [3, () => ({ name: 'add_to_cart', props: { item_id: pick(PRODUCTS) } })],
  [
    1,
    (now) => ({
      name: 'purchase',
      props: { transaction_id: uuid(now), value: 10 + Math.random() * 90, currency: 'EUR' },
    }),
  ],
];

function deed(now) {
  let roll = Math.random() * 100;
  for (const [share, make] of DEEDS) if ((roll -= share) < 0) return make(now);
  return { name: 'page_view' };
}

const known = [];

function batch(siteKey) {
  const now = Date.now();
  const isNew = !known.length || Math.random() < NEW;
  const visitor = isNew ? { id: uuid(now), seq: 0, begin: Math.random() ** 0.7 * DAYS } : pick(known);
  if (isNew && known.length < 50_000) known.push(visitor);
  const sessionId = uuid(now);
  const start = now - (isNew ? visitor.begin : Math.random() * visitor.begin) * DAY_MS;
  const from = pick(SOURCES);
  const length = 1 + Math.floor(Math.random() * (2 * BATCH - 1));
  const events = Array.from({ length }, (_, index) => ({
    id: uuid(now),
    time: Math.floor(Math.min(now, start + index * 20_000)),
    seq: ++visitor.seq,
    sessionId,
    url: ORIGIN + (index % 3 ? pick(PRODUCTS) : pick(['/', '/cart', '/about', '/search'])),
    title: 'A page of the shop',
    ...(index ? deed(now) : { name: 'session_start' }),
    ...from,
  }));
  const text = JSON.stringify({ siteKey, visitorId: visitor.id, sentAt: now, sdk: 'bench', rules: 1, events });
  return { text, origin: ORIGIN, bearer: undefined, receivedAt: now };
}

const open = () =>
  openThreads({ folder }, (error) => {
    throw error;
  });
let threads = open();
if (!(await threads.store.sites()).length) {
  await addSite(threads.store, { name: 'Bench', origins: [ORIGIN], template: 'retail' }, Date.now());
  const [{ siteKey }] = await threads.store.sites();
  const batches = Number(values.events) / BATCH;
  for (let done = 0; done < batches; done += 64) {
    await Promise.all(Array.from({ length: Math.min(64, batches - done) }, () => threads.work.ingest(batch(siteKey))));
    if (process.stderr.isTTY) process.stderr.write(`\rstoring ${Math.round((done / batches) * 100)} %`);
  }
}
const [site] = await threads.store.sites();

function readAll() {
  const database = new Database(path.join(folder, 'stagetag.sqlite'), { readonly: true });
  let count = 0;
  for (const { body } of database.prepare('SELECT body FROM batches').iterate()) count += JSON.parse(body).length;
  const visitors = database.prepare('SELECT count(*) FROM visitors').pluck().get();
  database.close();
  return { count, visitors };
}

const since = (start) => (performance.now() - start) / 1000;
let start = performance.now();
const { count, visitors } = readAll();
const plain = since(start);

const day = (ago) => new Date(Date.now() - ago * DAY_MS).toISOString().slice(0, 10);
const REPORTS = [
  ['stages', {}],
  ['flow', {}],
  ['leaving', {}],
  ['funnel', {}],
  ['funnel', { steps: 'event:page_view,page:/products/*,event:add_to_cart,signal:order', by: 'channel' }],
  ['common', { stage: 'action' }],
  ['attribution', { stage: 'action' }],
  ['attribution', { stage: 'action', by: 'campaign' }],
  ['sources', {}],
  ['content', {}],
  ['coverage', {}],
  ['kpis', {}],
  ['tags', {}],
  ['rfm', {}],
  ['lifecycle', {}],
  ['cohorts', {}],
  ['value', {}],
  ['nps', {}],
  ['loss', {}],
  ['alerts', {}],
  ['unclassified', {}],
];
const readings = [];
for (const isFirst of [true, false]) {
  await threads.close();
  if (isFirst)
    for (const name of fs.readdirSync(folder)) if (name.includes('.cache-')) fs.rmSync(path.join(folder, name));
  threads = open();
  start = performance.now();
  await threads.work.prepare(site, Date.now());
  readings.push(since(start));
}
const { work } = threads;
const times = REPORTS.map(() => []);
for (let round = 0; round < Number(values.rounds); round++)
  for (const [index, [name, query]] of REPORTS.entries()) {
    for (let each = 0; each < 5; each++) await work.ingest(batch(site.siteKey));
    // Another range each time: nothing of it was made before.
    const range = { from: day(DAYS - round), to: day(0) };
    start = performance.now();
    const report = await work.report(name, site, { ...range, ...query }, Date.now());
    times[index].push(since(start));
    if (typeof report === 'string') throw new Error(`${name}: ${report}`);
  }
process.stderr.write('\r');
console.log(
  `${count} events of ${visitors} visitors: all read and parsed in ${plain.toFixed(1)} s; the site read for its reports in ${readings[0].toFixed(1)} s, and in ${readings[1].toFixed(1)} s where that was cached; ${Math.round(process.memoryUsage.rss() / 1e6)} MB`,
);
console.log('| report of 90 days | median, s | longest, s | longest to reading all |');
console.log('| --- | ---: | ---: | ---: |');
for (const [index, [name, { steps, by }]] of REPORTS.entries()) {
  const sorted = times[index].sort((a, b) => a - b);
  const [median, longest] = [sorted[Math.floor(sorted.length / 2)], sorted.at(-1)];
  console.log(
    `| ${name}${steps ? ' of events' : by ? ` by ${by}` : ''} | ${median.toFixed(2)} | ${longest.toFixed(2)} | ${(longest / plain).toFixed(2)} |`,
  );
}
await threads.close();
if (!values.data) fs.rmSync(folder, { recursive: true });
