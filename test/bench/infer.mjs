// Measures how long it takes to say where one visitor stands, under every template: the model in Node, and the tag itself on a page at a
// throttle; beside each, parsing the same visitor's facts from JSON. `npm run bench:infer`; `--throttle N` (4), `--events N` (200).
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import puppeteer from 'puppeteer-core';
import { startCollector } from '../../dist/collector/server.js';
import { addSite } from '../../dist/collector/site.js';
import { readTemplate, templateNames } from '../../dist/collector/templates.js';
import {
  compactFacts,
  compileRules,
  emptyFacts,
  eventFacts,
  inferState,
  mergeFacts,
  placeOf,
} from '../../dist/sdk/core/index.js';
import { findBrowser } from '../findBrowsers.mjs';

const options = { throttle: { type: 'string', default: '4' }, events: { type: 'string', default: '200' } };
const { throttle, events: count } = parseArgs({ options }).values;
const DAY_MS = 86_400_000;
const ORIGIN = 'https://www.example.com';
const ROUNDS = 301;
/** Enough for what runs in a collector all day to be compiled. */
const WARM = 3000;
const now = Date.now();

/** Events that a template's own invented visitors make, over sixty days. */
function eventsOf({ demo }) {
  const steps = Object.values(demo).flat(2);
  return Array.from({ length: Number(count) }, (_, index) => {
    const { path: place = '/', event = 'page_view', props = {} } = steps[index % steps.length];
    const time = now - Math.floor((index * 60 * DAY_MS) / Number(count));
    return {
      id: `00000000-0000-7000-8000-${String(index).padStart(12, '0')}`,
      name: event,
      time,
      sessionId: `s${Math.floor(index / 5)}`,
      url: ORIGIN + place,
      props: Object.fromEntries(
        Object.entries(props).map(([name, value]) => [
          name,
          value === '#' ? `t${index}` : Array.isArray(value) ? value[0] : value,
        ]),
      ),
    };
  });
}

const median = (times) => times.sort((a, b) => a - b)[times.length >> 1];
function timed(run) {
  for (let warm = 0; warm < WARM; warm++) run();
  return median(
    Array.from({ length: ROUNDS }, () => {
      const start = performance.now();
      run();
      return (performance.now() - start) * 1000;
    }),
  );
}

const rows = templateNames().map((name) => {
  const template = readTemplate(name);
  const rules = compileRules({ ...template.rules, version: 1 });
  const all = eventsOf(template)
    .map((event) => eventFacts(rules, event, placeOf(new URL(event.url))))
    .reduce(mergeFacts, emptyFacts());
  const facts = compactFacts(rules, all, now);
  const text = JSON.stringify(facts);
  return { name, facts, text, node: timed(() => inferState(rules, facts, now)), parse: timed(() => JSON.parse(text)) };
});

const data = fs.mkdtempSync(path.join(os.tmpdir(), 'stagetag-bench-'));
const collector = await startCollector({ host: '127.0.0.1', port: 0, data, adminToken: 'bench' });
let snippet = '';
const app = new Hono().get('/', (c) => c.html(`<!doctype html><html><head>${snippet}</head><body></body></html>`));
const pages = await new Promise((resolve) => {
  const server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }, () => resolve(server));
});
const origin = `http://127.0.0.1:${pages.address().port}`;
const browser = await puppeteer.launch({
  executablePath: findBrowser('chromium'),
  args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'],
});
for (const row of rows) {
  const { siteKey } = await addSite(collector.store, { name: row.name, origins: [origin], template: row.name }, now);
  // The second file would send, and forget what is put there.
  snippet = `<script src="${collector.url}/t/${siteKey}.js" data-auto="off"></script>`;
  const page = await browser.newPage();
  await page.setRequestInterception(true);
  page.on('request', (request) => void (request.url().includes('/t/late-') ? request.abort() : request.continue()));
  await page.goto(origin);
  await page.evaluate('stagetag.ready');
  await page.emulateCPUThrottling(Number(throttle));
  Object.assign(
    row,
    await page.evaluate(
      (key, facts, text, rounds) => {
        const visitorId = localStorage[`stagetag-1-${key}:visitor`];
        const state = { visitorId, facts, rev: 1, offset: 0, have: [], rules: 1 };
        localStorage[`stagetag-1-${key}:state`] = JSON.stringify(state);
        dispatchEvent(new Event('pageshow'));
        const timed = (run) => {
          const once = (times) => {
            const start = performance.now();
            for (let at = 0; at < times; at++) run();
            return ((performance.now() - start) * 1000) / times;
          };
          const first = once(1);
          once(50);
          const all = Array.from({ length: rounds }, () => once(10)).sort((a, b) => a - b);
          return { first, usual: all[rounds >> 1] };
        };
        const { first, usual } = timed(() => stagetag.state());
        return { stage: stagetag.stage, first, page: usual, pageParse: timed(() => JSON.parse(text)).usual };
      },
      siteKey,
      row.facts,
      row.text,
      51,
    ),
  );
  await page.close();
}
await browser.close();
pages.close();
await collector.stop();
fs.rmSync(data, { recursive: true });

console.log(
  `| ${count} events in 60 days, µs | Node | to parsing | on a page, ${throttle}× throttle | to parsing | facts, kB |`,
);
console.log('| --- | ---: | ---: | ---: | ---: | ---: |');
for (const { name, node, parse, page, pageParse, text, stage } of rows) {
  if (!stage) throw new Error(`${name}: the tag did not take the facts over`);
  console.log(
    `| ${name} | ${node.toFixed(0)} | ${(node / parse).toFixed(2)} | ${page.toFixed(0)} | ${(page / pageParse).toFixed(2)} | ${(text.length / 1000).toFixed(1)} |`,
  );
}
