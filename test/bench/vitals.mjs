// Measures what the tag does to the web vitals of the demo site: pages with and without it, in turns, on a slow machine.
// `npm run bench:vitals`; `--rounds N` changes how often (12).
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import puppeteer from 'puppeteer-core';
import { startCollector } from '../../dist/collector/server.js';
import { addSite } from '../../dist/collector/site.js';
import { createDemoSite } from '../../dist/demo-site/server.js';
import { findBrowser } from '../findBrowsers.mjs';

const { rounds } = parseArgs({ options: { rounds: { type: 'string', default: '12' } } }).values;
const PAGES = ['/', '/products/', '/pricing'];
const THROTTLE = 4;

const data = fs.mkdtempSync(path.join(os.tmpdir(), 'stagetag-bench-'));
const collector = await startCollector({ host: '127.0.0.1', port: 0, data, adminToken: 'bench' });
let site;
const app = new Hono();
app.use(async (c, next) => {
  await next();
  // The same page without the tag, and without the demo's own panel, which lives on it.
  if (!c.res.headers.get('content-type')?.includes('html')) return;
  const html = (await c.res.text()).replace(/<script defer src="\/public\/demo\.js"><\/script>/, '');
  const isWithout = c.req.query('without') !== undefined;
  c.res = new Response(isWithout ? html.replace(/<script[\s\S]*?<\/script>/g, '') : html, c.res);
});
app.all('*', (c) => site.fetch(c.req.raw));
const server = await new Promise((done) => {
  const started = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }, () => done(started));
});
const origin = `http://localhost:${server.address().port}`;
const { siteKey } = await addSite(collector.store, { name: 'Bench', origins: [origin] }, Date.now());
site = createDemoSite({ collectorUrl: collector.url, siteKey });

const browser = await puppeteer.launch({
  executablePath: findBrowser('chromium'),
  args: '--no-sandbox --disable-gpu --disable-background-networking --disable-component-update --disable-sync --no-first-run'.split(
    ' ',
  ),
});
const WATCH = `window.vitals = { lcp: 0, cls: 0, inp: 0 };
  new PerformanceObserver((list) => { for (const entry of list.getEntries()) vitals.lcp = entry.startTime; }).observe({ type: 'largest-contentful-paint', buffered: true });
  new PerformanceObserver((list) => { for (const entry of list.getEntries()) if (!entry.hadRecentInput) vitals.cls += entry.value; }).observe({ type: 'layout-shift', buffered: true });
  new PerformanceObserver((list) => { for (const entry of list.getEntries()) if (entry.interactionId) vitals.inp = Math.max(vitals.inp, entry.duration); }).observe({ type: 'event', durationThreshold: 16, buffered: true });`;

const seen = { with: [], without: [] };
for (let round = 0; round < Number(rounds); round++) {
  process.stderr.write(`round ${round + 1} of ${rounds}\r`);
  for (const kind of round % 2 ? ['with', 'without'] : ['without', 'with']) {
    const context = await browser.createBrowserContext();
    const tab = await context.newPage();
    await tab.setViewport({ width: 1280, height: 900 });
    await tab.evaluateOnNewDocument(WATCH);
    await tab.emulateCPUThrottling(THROTTLE);
    for (const page of PAGES) {
      await tab.goto(`${origin}${page}${kind === 'without' ? '?without' : ''}`);
      await tab.click('h1');
      await tab.keyboard.press('Tab');
      await new Promise((done) => setTimeout(done, 800));
      seen[kind].push(await tab.evaluate('vitals'));
    }
    await context.close();
  }
}
process.stderr.write('\n');

const at = (values, share) => [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) * share)];
const show = (values, digits) =>
  `${at(values, 0.5).toFixed(digits)} (${at(values, 0.25).toFixed(digits)}–${at(values, 0.75).toFixed(digits)})`;
console.log(`| median (quartiles) of ${seen.with.length} page views, ${THROTTLE}× throttle | without | with |`);
console.log('| --- | ---: | ---: |');
for (const [metric, unit, digits] of [
  ['lcp', 'LCP, ms', 0],
  ['inp', 'INP, ms', 0],
  ['cls', 'CLS', 4],
])
  console.log(
    `| ${unit} | ${show(
      seen.without.map((each) => each[metric]),
      digits,
    )} | ${show(
      seen.with.map((each) => each[metric]),
      digits,
    )} |`,
  );
await browser.close();
server.close();
await collector.stop();
fs.rmSync(data, { recursive: true, force: true });
