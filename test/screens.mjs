// Renders every view of the dashboard from invented visitors into one folder: `npm run screens -- --out DIR`.
// `--widths 390,1024,1600`, `--languages en,zh`, `--schemes light,dark`, `--views board,flow,…` render less.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import puppeteer from 'puppeteer-core';
import { openSqliteStore } from '../dist/collector/app.js';
import { inventVisitors } from '../dist/collector/jobs/demoData.js';
import { startCollector } from '../dist/collector/server.js';
import { addSite } from '../dist/collector/site.js';
import { readTemplate } from '../dist/collector/templates.js';
import { findBrowser } from './findBrowsers.mjs';

const list = (value) => ({ type: 'string', default: value });
const { values } = parseArgs({
  options: {
    out: { type: 'string' },
    widths: list('390,1024,1600'),
    languages: list('en,zh'),
    schemes: list('light,dark'),
    views: list('board,review,flow,funnel,channels,content,customers,audiences,visitors,visitor,rules,setup'),
    visitors: list('1500'),
  },
});
if (!values.out) throw new Error('expected --out DIR');
const [widths, languages, schemes, views] = ['widths', 'languages', 'schemes', 'views'].map((name) =>
  values[name].split(','),
);
fs.mkdirSync(values.out, { recursive: true });

const data = fs.mkdtempSync(path.join(os.tmpdir(), 'stagetag-screens-'));
const store = openSqliteStore(data);
const now = Date.now();
const site = await addSite(
  store,
  { name: 'Shop', origins: ['https://demo.example'], template: 'retail', currency: 'USD' },
  now,
);
const invented = { days: 90, visitors: Number(values.visitors), seed: 1, now };
await inventVisitors(store, site, readTemplate('retail'), invented);
/** Whoever of the latest did most. */
const latest = await store.visitors(site.siteKey, { limit: 200 });
const someone = latest.sort((a, b) => b.events - a.events)[0].visitorId;
await store.close();
const collector = await startCollector({ host: '127.0.0.1', port: 0, data, adminToken: 'screens' });
const browser = await puppeteer.launch({
  executablePath: findBrowser('chromium'),
  args: ['--no-sandbox', '--disable-gpu', '--no-first-run'],
});
try {
  for (const language of languages) {
    const context = await browser.createBrowserContext();
    const page = await context.newPage();
    page.on('pageerror', (error) => console.error(error.message));
    await page.goto(collector.url);
    await page.evaluate((chosen) => localStorage.setItem('stagetag:language', chosen), language);
    await page.reload();
    await page.waitForSelector('input[name=token]');
    await page.type('input[name=token]', 'screens');
    await page.click('form button');
    await page.waitForSelector('nav');
    for (const scheme of schemes)
      for (const width of widths) {
        await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
        await page.setViewport({ width: Number(width), height: 900 });
        for (const view of views) {
          const address = view === 'visitor' ? `visitors/${someone}` : view;
          await page.goto(`${collector.url}/#/${site.siteKey}/${address}`);
          await page.reload();
          await page.waitForSelector('main .card');
          await page.waitForFunction(() => !/Loading|正在加载/.test(document.body.innerText));
          await page.evaluate(() =>
            Promise.all(
              [...document.querySelectorAll('.chart')].map(
                (place) =>
                  new Promise((resolve) => {
                    const look = () => (place.querySelector('svg') ? resolve() : setTimeout(look, 50));
                    look();
                  }),
              ),
            ),
          );
          const name = `${view}-${language}-${scheme}-${width}.png`;
          await page.screenshot({ path: path.join(values.out, name), fullPage: true });
          console.log(name);
        }
      }
    await context.close();
  }
} finally {
  await browser.close();
  await collector.stop();
  fs.rmSync(data, { recursive: true });
}
