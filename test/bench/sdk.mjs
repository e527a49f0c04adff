// Measures the tag beside other trackers, all in one run and in one browser: what they weigh, what loading and starting them costs
// on a slow machine, how many requests fifty events take, and how many of twenty events an outage loses.
// `npm run bench:sdk` installs the others and runs it; `--rounds N` changes how often times are taken (15).
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import zlib from 'node:zlib';
import { parseArgs } from 'node:util';
import resolve from '@rollup/plugin-node-resolve';
import puppeteer from 'puppeteer-core';
import { rollup } from 'rollup';
import { minify } from 'terser';
import { addSite } from '../../dist/collector/site.js';
import { startCollector } from '../../dist/collector/server.js';
import { findBrowser } from '../findBrowsers.mjs';

const here = import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname);
const { rounds } = parseArgs({ options: { rounds: { type: 'string', default: '15' } } }).values;
const THROTTLE = 4;
const EVENTS = 50;
const OUTAGE_EVENTS = 20;
const SETTLE_MS = 6_000;
/** What trackers that retry may take after an outage. */
const RECOVER_MS = 45_000;

/** Each peer as its documentation starts it, with its address changed to ours. `URL` is the place of the sink. */
const PEERS = {
  Plausible: `import { init, track } from '@plausible-analytics/tracker';
    init({ domain: 'bench.example', endpoint: URL + '/api/event', captureOnLocalhost: true, logging: false });
    window.benchTrack = (name) => track(name, {});`,
  Ahoy: `import ahoy from 'ahoy.js';
    ahoy.configure({ urlPrefix: URL, visitsUrl: '/ahoy/visits', eventsUrl: '/ahoy/events', startOnReady: false });
    ahoy.start();
    ahoy.trackView();
    window.benchTrack = (name) => ahoy.track(name, {});`,
  Snowplow: `import { newTracker, trackPageView, trackStructEvent } from '@snowplow/browser-tracker';
    newTracker('sp', URL, { appId: 'bench' });
    trackPageView();
    window.benchTrack = (name) => trackStructEvent({ category: 'bench', action: name });`,
  PostHog: `import posthog from 'posthog-js';
    posthog.init('phc_bench', { api_host: URL, disable_compression: true, advanced_disable_flags: true, disable_external_dependency_loading: true, opt_out_useragent_filter: true });
    window.benchTrack = (name) => posthog.capture(name);`,
  Mixpanel: `import mixpanel from 'mixpanel-browser';
    mixpanel.init('bench', { api_host: URL, track_pageview: true, persistence: 'localStorage' });
    window.benchTrack = (name) => mixpanel.track(name);`,
  'Sensors Analytics': `import sensors from 'sa-sdk-javascript/dist/web/sensorsdata.es6.js';
    sensors.init({ server_url: URL + '/sa?project=bench', show_log: false });
    sensors.quick('autoTrack');
    window.benchTrack = (name) => sensors.track(name, {});`,
};

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
const brotli = (text) => zlib.brotliCompressSync(Buffer.from(text)).length;
const wait = (ms) => new Promise((done) => setTimeout(done, ms));

async function bundle(code) {
  const built = await rollup({
    input: 'entry',
    onwarn() {},
    plugins: [
      {
        name: 'entry',
        resolveId: (id) => (id === 'entry' ? path.join(here, 'entry.js') : null),
        load: (id) => (id === path.join(here, 'entry.js') ? code : null),
      },
      resolve({ browser: true }),
    ],
  });
  const { output } = await built.generate({ format: 'iife', inlineDynamicImports: true });
  return (await minify(output[0].code, { ecma: 2020 })).code;
}

/** All texts that may hold an event's name, however a tracker wrote it down. */
function readable(url, body) {
  const texts = [url, body];
  for (const text of texts.slice()) {
    try {
      texts.push(decodeURIComponent(text.replace(/\+/g, ' ')));
    } catch {
      // Not an encoded text.
    }
  }
  for (const text of texts.slice())
    for (const [, data] of text.matchAll(/(?:data|data_list)=([A-Za-z0-9+/=%]+)/g))
      texts.push(Buffer.from(decodeURIComponent(data), 'base64').toString());
  return texts.join('\n');
}

/** A server that says yes to everything, or passes on to the collector; it notes what came, and can be gone for a while. */
async function startSink(target) {
  const seen = [];
  let server;
  let port = 0;
  const answer = async (request, response) => {
    const parts = [];
    for await (const part of request) parts.push(part);
    const body = Buffer.concat(parts);
    if (request.method !== 'OPTIONS') seen.push(readable(request.url, body.toString()));
    const cors = {
      'Access-Control-Allow-Origin': request.headers.origin ?? '*',
      'Access-Control-Allow-Credentials': 'true',
      'Access-Control-Allow-Headers': request.headers['access-control-request-headers'] ?? '*',
      'Access-Control-Allow-Methods': 'GET, POST',
    };
    if (!target || request.method === 'OPTIONS') {
      response.writeHead(200, { ...cors, 'Content-Type': 'application/json' });
      return response.end('{}');
    }
    const { origin, 'content-type': type } = request.headers;
    const passed = await fetch(target + request.url, {
      method: request.method,
      headers: { ...(origin && { origin }), ...(type && { 'content-type': type }) },
      ...(request.method === 'POST' && { body }),
    });
    const text = await passed.text();
    response.writeHead(passed.status, { ...cors, 'Content-Type': passed.headers.get('content-type') ?? '' });
    return response.end(text);
  };
  const open = () =>
    new Promise((done) => {
      server = http.createServer((request, response) => void answer(request, response).catch(() => response.destroy()));
      server.listen(port, '127.0.0.1', () => {
        ({ port } = server.address());
        done();
      });
    });
  const close = () =>
    new Promise((done) => {
      server.close(done);
      server.closeAllConnections();
    });
  await open();
  return { url: `http://localhost:${port}`, seen, open, close };
}

const data = fs.mkdtempSync(path.join(os.tmpdir(), 'stagetag-bench-'));
const pages = http.createServer((request, response) => {
  response.setHeader('Content-Type', 'text/html');
  response.end('<!doctype html><title>Bench</title><link rel="icon" href="data:,"><h1>Bench</h1>');
});
await new Promise((done) => pages.listen(0, '127.0.0.1', done));
const page = `http://localhost:${pages.address().port}/`;
const collector = await startCollector({ host: '127.0.0.1', port: 0, data, adminToken: 'bench' });
const site = await addSite(collector.store, { name: 'Bench', origins: [new URL(page).origin] }, Date.now());

const trackers = {};
{
  const sink = await startSink(collector.url);
  const code = await (await fetch(`${collector.url}/t/${site.siteKey}.js`)).text();
  const parts = fs.readdirSync('dist/tag').filter((name) => name.startsWith('late-'));
  const later = parts.map((name) => fs.readFileSync(path.join('dist/tag', name), 'utf8'));
  trackers.Stagetag = {
    sink,
    code: `${code};window.benchTrack = (name) => stagetag.track(name);`,
    endpoint: sink.url,
    bytes: brotli(code) + later.reduce((sum, text) => sum + brotli(text), 0),
    first: brotli(code),
  };
}
for (const [name, source] of Object.entries(PEERS)) {
  const sink = await startSink();
  const code = await bundle(source.replaceAll('URL', JSON.stringify(sink.url)));
  trackers[name] = { sink, code, bytes: brotli(code), first: brotli(code) };
}

const browser = await puppeteer.launch({
  executablePath: findBrowser('chromium'),
  args: '--no-sandbox --disable-gpu --disable-background-networking --disable-component-update --disable-sync --no-first-run'.split(
    ' ',
  ),
});

/** Runs a tracker's script on a page, and says how long that took, start included. */
const run = (tab, { code, endpoint }) =>
  tab.evaluate(
    (text, address) => {
      const script = document.createElement('script');
      script.textContent = text;
      if (address) script.dataset.endpoint = address;
      const start = performance.now();
      document.head.append(script);
      return performance.now() - start;
    },
    code,
    endpoint,
  );

const scriptMs = async (tab) => (await tab.metrics()).ScriptDuration * 1000;

for (const [name, tracker] of Object.entries(trackers)) {
  tracker.init = [];
  tracker.script = [];
  process.stderr.write(`${name}: ${tracker.bytes} bytes\n`);
}
for (let round = 0; round < Number(rounds); round++) {
  process.stderr.write(`round ${round + 1} of ${rounds}\r`);
  for (const tracker of Object.values(trackers)) {
    const context = await browser.createBrowserContext();
    const tab = await context.newPage();
    await tab.goto(page);
    await tab.emulateCPUThrottling(THROTTLE);
    const before = await scriptMs(tab);
    tracker.init.push(await run(tab, tracker));
    await wait(1500);
    tracker.script.push((await scriptMs(tab)) - before);
    await context.close();
  }
}
process.stderr.write('\n');

const countOf = (seen, mark, count) =>
  Array.from({ length: count }, (_, n) => `${mark}_${n}_`).filter((name) => seen.some((text) => text.includes(name)))
    .length;

await Promise.all(
  Object.entries(trackers).map(async ([name, tracker]) => {
    const { sink } = tracker;
    const context = await browser.createBrowserContext();
    const tab = await context.newPage();
    await tab.goto(page);
    await run(tab, tracker);
    await wait(SETTLE_MS);
    sink.seen.length = 0;
    await tab.evaluate((count) => {
      for (let n = 0; n < count; n++) window.benchTrack(`bench_${n}_`);
    }, EVENTS);
    await wait(SETTLE_MS);
    tracker.requests = sink.seen.filter((text) => text.includes('bench_')).length;
    tracker.arrived = countOf(sink.seen, 'bench', EVENTS);

    sink.seen.length = 0;
    await sink.close();
    await tab.evaluate((count) => {
      for (let n = 0; n < count; n++) window.benchTrack(`outage_${n}_`);
    }, OUTAGE_EVENTS);
    await wait(SETTLE_MS);
    await sink.open();
    await tab.goto(page); // The visitor goes on to another page.
    await run(tab, tracker);
    await wait(RECOVER_MS);
    tracker.lost = OUTAGE_EVENTS - countOf(sink.seen, 'outage', OUTAGE_EVENTS);
    process.stderr.write(`${name} done\n`);
    await context.close();
  }),
);

const plausible = median(trackers.Plausible.init);
console.log(
  `| | bytes (brotli) | load + init, ms at ${THROTTLE}× throttle | to Plausible's | script in 1.5 s, ms | requests for ${EVENTS} events | lost of ${OUTAGE_EVENTS} in an outage |`,
);
console.log('| --- | ---: | ---: | ---: | ---: | ---: | ---: |');
for (const [name, { bytes, first, init, script, requests, arrived, lost }] of Object.entries(trackers)) {
  const weight = first === bytes ? bytes : `${first} + ${bytes - first}`;
  const count = arrived === EVENTS ? requests : `${requests} (${arrived} arrived)`;
  console.log(
    `| ${name} | ${weight} | ${median(init).toFixed(1)} | ${(median(init) / plausible).toFixed(2)} | ${median(script).toFixed(1)} | ${count} | ${lost} |`,
  );
}
await browser.close();
await collector.stop();
pages.close();
for (const { sink } of Object.values(trackers)) await sink.close();
fs.rmSync(data, { recursive: true, force: true });
