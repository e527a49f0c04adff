// Measures what the tag does to the web vitals of the demo site: pages with and without it, in turns, on a slow machine.
// `npm run bench:vitals`; `--rounds N` changes how often (12), `--throttle N` how slow (4). On a real site the collector is another
// machine, a network away: here it stands still from when a page is left until the next one is painted, and works after that.
// `--beside` lets it work all the time, on the cores that the browser has.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { getCookie } from 'hono/cookie';
import puppeteer from 'puppeteer-core';
import { startCollector } from '../../dist/collector/server.js';
import { addSite } from '../../dist/collector/site.js';
import { createDemoSite } from '../../dist/demo-site/server.js';
import { findBrowser } from '../findBrowsers.mjs';

/** A visit: the pages and how each is opened. */
const VISIT = [
  ['landing', '/'],
  ['link', '/products/'],
  ['link', '/pricing'],
  ['link', '/blog/'],
  ['address', '/products/'],
  ['address', '/pricing'],
];
/**
 * What of the tag is on the page: nothing, a script that does nothing in its place, the least that a tracker does (a script of the tag's
 * size that runs none of it, and sends one text when the page is left), the tag, and the tag with the head snippet.
 */
const KINDS = ['without', 'empty', 'least', 'tag', 'snippet too'];

const WATCH = `window.vitals = { lcp: 0, cls: 0, inp: 0 };
  new PerformanceObserver((list) => { for (const entry of list.getEntries()) vitals.lcp = entry.startTime; }).observe({ type: 'largest-contentful-paint', buffered: true });
  new PerformanceObserver((list) => { for (const entry of list.getEntries()) if (!entry.hadRecentInput) vitals.cls += entry.value; }).observe({ type: 'layout-shift', buffered: true });
  new PerformanceObserver((list) => { for (const entry of list.getEntries()) if (entry.interactionId) vitals.inp = Math.max(vitals.inp, entry.duration); }).observe({ type: 'event', durationThreshold: 16, buffered: true });`;

/** The collector in a process of its own, which yields to the browser. */
async function runCollector() {
  os.setPriority(19);
  const data = fs.mkdtempSync(path.join(os.tmpdir(), 'stagetag-bench-'));
  const collector = await startCollector({ host: '127.0.0.1', port: 0, data, adminToken: 'bench' });
  process.on('message', async (origin) => {
    const { siteKey } = await addSite(collector.store, { name: 'Bench', origins: [origin] }, Date.now());
    process.send({ collectorUrl: collector.url, siteKey });
  });
  process.on('disconnect', async () => {
    await collector.stop();
    fs.rmSync(data, { recursive: true, force: true });
  });
  process.send('ready');
}

/** The demo site with the tag, and with less of it where a cookie says so. */
async function runPages() {
  let site;
  let least;
  const app = new Hono();
  app.use(async (c, next) => {
    await next();
    if (!c.res.headers.get('content-type')?.includes('html')) return;
    // Its own panel lives on the tag, and its slots are content that comes and goes with the stage: neither is the tag's doing.
    const html = (await c.res.text())
      .replace(/<script defer src="\/public\/demo\.js"><\/script>/, '')
      .replace(/<aside class="offer"[\s\S]*?<\/aside>/, '');
    const kind = getCookie(c, 'kind');
    const bare = html.replace(/<script[\s\S]*?<\/script>/g, '');
    const tag = html.replace(/<script>[\s\S]*?<\/script>/g, '');
    const bodies = {
      without: bare,
      empty: bare.replace('</head>', '<script defer src="/empty.js"></script></head>'),
      tag,
      least: bare.replace('</head>', '<script defer src="/least.js"></script></head>'),
      'snippet too': html,
    };
    c.res = new Response(bodies[kind], c.res);
  });
  app.get('/empty.js', (c) => c.body('1', 200, { 'content-type': 'text/javascript', 'cache-control': 'max-age=600' }));
  app.get('/least.js', (c) =>
    c.body(least, 200, { 'content-type': 'text/javascript', 'cache-control': 'max-age=600' }),
  );
  app.all('*', (c) => site.fetch(c.req.raw));
  const server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }, ({ port }) =>
    process.send(`http://localhost:${port}`),
  );
  process.on('message', async (options) => {
    site = createDemoSite(options);
    const text = await (await fetch(`${options.collectorUrl}/t/${options.siteKey}.js`)).text();
    const post = `fetch('${options.collectorUrl}/v1/events', { method: 'POST', keepalive: true, body: '${'x'.repeat(2000)}' })`;
    least = `(() => { ${text} });\naddEventListener('pagehide', () => { ${post}.catch(() => {}); });`;
    process.send('ready');
  });
  process.on('disconnect', () => server.close());
}

if (process.send) {
  await { runCollector, runPages }[process.argv[2]]();
} else {
  await measure();
}

async function measure() {
  const options = {
    rounds: { type: 'string', default: '12' },
    throttle: { type: 'string', default: '4' },
    beside: { type: 'boolean' },
  };
  const { rounds, throttle, beside } = parseArgs({ options }).values;
  const [collector, pages] = ['runCollector', 'runPages'].map((role) => fork(import.meta.filename, [role]));
  const said = async (child) => (await once(child, 'message'))[0];
  const [, origin] = await Promise.all([said(collector), said(pages)]);
  collector.send(origin);
  pages.send(await said(collector));
  await said(pages);

  const browser = await puppeteer.launch({
    executablePath: findBrowser('chromium'),
    args: '--no-sandbox --disable-gpu --disable-background-networking --disable-component-update --disable-sync --no-first-run'.split(
      ' ',
    ),
  });
  const seen = Object.fromEntries(KINDS.map((kind) => [kind, []]));
  for (let round = 0; round < Number(rounds); round++) {
    process.stderr.write(`round ${round + 1} of ${rounds}\r`);
    for (const kind of round % 2 ? KINDS : [...KINDS].reverse()) {
      const context = await browser.createBrowserContext();
      const tab = await context.newPage();
      await tab.setViewport({ width: 1280, height: 900 });
      await tab.evaluateOnNewDocument(WATCH);
      await tab.emulateCPUThrottling(Number(throttle));
      await context.setCookie({ name: 'kind', value: encodeURIComponent(kind), domain: 'localhost' });
      for (const [opened, page] of VISIT) {
        // The landing loads the tag from it; later pages have it in the browser's cache.
        const isAway = !beside && opened !== 'landing';
        if (isAway) process.kill(collector.pid, 'SIGSTOP');
        if (opened === 'link') await Promise.all([tab.waitForNavigation(), tab.click(`nav a[href="${page}"]`)]);
        else await tab.goto(origin + page);
        await tab.waitForFunction('vitals.lcp'); // An input before it would end the measuring.
        if (isAway) process.kill(collector.pid, 'SIGCONT');
        await tab.click('h1');
        await tab.keyboard.press('Tab');
        await new Promise((done) => setTimeout(done, 800));
        seen[kind].push({ opened, ...(await tab.evaluate('vitals')) });
      }
      await context.close();
    }
  }
  process.stderr.write('\n');

  const at = (values, share) => [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) * share)];
  const show = (values, digits) =>
    `${at(values, 0.5).toFixed(digits)} (${at(values, 0.25).toFixed(digits)}–${at(values, 0.75).toFixed(digits)})`;
  /** Median of the differences to the same page of the same visit without the tag, and the interval that holds it with 95 % (order statistics). */
  const differ = (values, base) => {
    const differences = values.map((value, index) => value - base[index]).sort((a, b) => a - b);
    const low = Math.max(0, Math.floor((values.length - 1.96 * Math.sqrt(values.length)) / 2));
    return `${at(differences, 0.5).toFixed(0)} [${differences[low].toFixed(0)}, ${differences.at(-1 - low).toFixed(0)}]`;
  };
  console.log(`| median (quartiles), ${rounds} visits, ${throttle}× throttle | ${KINDS.join(' | ')} |`);
  console.log(`| --- |${' ---: |'.repeat(KINDS.length)}`);
  const by = (way) => (each) => each.opened === way;
  for (const [title, metric, digits, pages] of [
    ['LCP of the landing, ms', 'lcp', 0, by('landing')],
    ['LCP of pages opened by a link, ms', 'lcp', 0, by('link')],
    ['LCP of pages opened by their address, ms', 'lcp', 0, by('address')],
    ['INP, ms', 'inp', 0, () => true],
    ['CLS', 'cls', 4, () => true],
  ]) {
    const cells = KINDS.map((kind) =>
      show(
        seen[kind].filter(pages).map((each) => each[metric]),
        digits,
      ),
    );
    console.log(`| ${title} | ${cells.join(' | ')} |`);
    if (metric !== 'lcp') continue;
    const [base, ...others] = KINDS.map((kind) => seen[kind].filter(pages).map((each) => each.lcp));
    console.log(`| more than without, 95 % interval | | ${others.map((values) => differ(values, base)).join(' | ')} |`);
  }
  await browser.close();
  for (const child of [collector, pages]) child.disconnect();
}
