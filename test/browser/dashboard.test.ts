/** The dashboard on invented visitors, in a real browser: what it shows is what the API says, in both languages. */
import { expect, onTestFinished, test } from 'vitest';
import { openSqliteStore } from '../../collector/app.js';
import { inventVisitors } from '../../collector/jobs/demoData.js';
import type { FlowReport } from '../../collector/reports/flow.js';
import { addSite } from '../../collector/site.js';
import type { Site } from '../../collector/store/store.js';
import { readTemplate } from '../../collector/templates.js';
import { startCollector } from '../../dist/collector/server.js';
import { ADMIN, newId, temporaryFolder } from '../helpers/collector.js';
import { openChromium, openPage } from '../helpers/browser.js';

test('says where most are lost, when it is asked, and calls tags by their names', async () => {
  const data = temporaryFolder();
  const store = openSqliteStore(data);
  const site = (await addSite(
    store,
    { name: 'Shop', origins: ['https://demo.example'], template: 'retail' },
    Date.now(),
  )) as Site;
  await inventVisitors(store, site, readTemplate('retail')!, { days: 60, visitors: 400, seed: 2, now: Date.now() });
  await store.close();
  const collector = await startCollector({ host: '127.0.0.1', port: 0, data, adminToken: ADMIN });
  onTestFinished(() => collector.stop());
  const answer = await fetch(`${collector.url}/api/sites/${site.siteKey}/reports/flow`, {
    headers: { Authorization: `Bearer ${ADMIN}` },
  });
  const report = (await answer.json()) as FlowReport;

  const { page, problems } = await openPage(await openChromium());
  await page.goto(`${collector.url}/`);
  await page.waitForSelector('input[name=token]');
  await page.type('input[name=token]', ADMIN);
  await page.click('form button');
  await page.waitForSelector('.losses button');
  expect(await page.$('.steps')).toBeNull();
  await page.click('.losses button');
  await page.waitForSelector('.steps');
  const rows = () =>
    page.$$eval('.steps tbody tr', (all) => all.map((row) => [...row.children].map((cell) => cell.textContent)));
  const shown = await rows();
  expect(shown.map(([, reached, wentOn, , lost]) => [reached, wentOn, lost])).toEqual(
    report.steps.map(({ reached, wentOn, lost }) =>
      [reached, wentOn, lost].map((each) => each.toLocaleString('en-GB')),
    ),
  );
  expect(await page.$eval('.steps .worst .stage', (cell) => cell.getAttribute('data-stage'))).toBe(report.leak!.from);
  expect(await page.$eval('.leak', (text) => text.textContent)).toContain(String(report.leak!.lost));
  await page.click('.losses summary');
  expect((await page.$$('.moves tbody tr')).length).toBe(report.moves.length);

  const tags = () => page.$eval('.visitors tbody tr td:last-child', (cell) => cell.textContent!);
  expect(await tags()).toMatch(/Converted|Engaged|Prospects|New/);
  await page.evaluate(() => [...document.querySelectorAll('header button')].at(-1)!.dispatchEvent(new Event('click')));
  await page.waitForFunction(() => document.documentElement.lang === 'zh');
  expect(await tags()).toMatch(/转化用户|活跃兴趣用户|潜在用户|新客/);
  // Every number is still there, and no word of the other language.
  expect((await rows()).map((row) => row[1])).toEqual(shown.map((row) => row[1]));
  expect(await page.$eval('.losses', (card) => card.textContent!.replace(/\d+ ?%/g, ''))).not.toMatch(/[a-z]{3,}/i);
  expect(problems).toEqual([]);
});

test('says of a user why the journey has the step of a login in it', async () => {
  const data = temporaryFolder();
  const collector = await startCollector({ host: '127.0.0.1', port: 0, data, adminToken: ADMIN });
  onTestFinished(() => collector.stop());
  const site = (await addSite(collector.store, { name: 'S', origins: ['https://a.example'] }, Date.now())) as Site;
  const visitorId = newId(Date.now());
  const send = (more: object) =>
    fetch(`${collector.url}/v1/events`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${site.secretKey}` },
      body: JSON.stringify({ siteKey: site.siteKey, visitorId, ...more }),
    });
  const event = () => ({
    id: newId(Date.now()),
    name: 'page_view',
    time: Date.now(),
    url: 'https://a.example/pricing',
  });
  await send({ events: [event()] });
  expect((await send({ events: [event()], userId: 'u1' })).status).toBe(200);

  const { page, problems } = await openPage(await openChromium());
  await page.goto(`${collector.url}/`);
  await page.waitForSelector('input[name=token]');
  await page.type('input[name=token]', ADMIN);
  await page.click('form button');
  await page.waitForSelector('.visitors a');
  await page.click('.visitors a');
  await page.waitForSelector('.history > li');
  const history = () => page.$$eval('.history > li', (all) => all.map((item) => item.textContent!).join(' '));
  expect(await history()).toContain('it turned out whose visitor this is');
  await page.evaluate(() => [...document.querySelectorAll('header button')].at(-1)!.dispatchEvent(new Event('click')));
  await page.waitForFunction(() => document.documentElement.lang === 'zh');
  expect(await history()).toContain('属于某位用户');
  expect(problems).toEqual([]);
});
