/** The dashboard on invented visitors, in a real browser: what it shows is what the API says, in both languages. */
import fs from 'node:fs';
import path from 'node:path';
import type { ElementHandle, JSHandle, Page } from 'puppeteer-core';
import { expect, onTestFinished, test } from 'vitest';
import { openSqliteStore } from '../../collector/app.js';
import { inventVisitors } from '../../collector/jobs/demoData.js';
import type { FunnelReport } from '../../collector/reports/funnel.js';
import type { SourcesReport } from '../../collector/reports/sources.js';
import type { CoverageReport } from '../../collector/reports/coverage.js';
import type { FlowReport } from '../../collector/reports/flow.js';
import type { LeavingReport } from '../../collector/reports/leaving.js';
import type { KpiReport } from '../../collector/reports/kpis.js';
import type { StagesReport } from '../../collector/reports/stages.js';
import { addSite } from '../../collector/site.js';
import type { Site } from '../../collector/store/store.js';
import type { Rules } from '../../sdk/core/index.js';
import { readTemplate } from '../../collector/templates.js';
import { startCollector } from '../../dist/collector/server.js';
import { ADMIN, newId, temporaryFolder } from '../helpers/collector.js';
import { openChromium, openPage } from '../helpers/browser.js';
import { openEngine } from '../helpers/engines.js';

/** A collector with the invented visitors of a shop. */
async function startShop() {
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
  const ask = async <T>(path: string): Promise<T> => {
    const response = await fetch(`${collector.url}/api/sites/${site.siteKey}/${path}`, {
      headers: { Authorization: `Bearer ${ADMIN}` },
    });
    if (!response.ok) throw new Error(String(response.status));
    return (await response.json()) as T;
  };
  return { collector, site, ask };
}

async function signIn(page: Page, url: string): Promise<void> {
  await page.goto(`${url}/`);
  await page.waitForSelector('input[name=token]');
  await page.type('input[name=token]', ADMIN);
  await page.click('form button');
  await page.waitForSelector('nav');
}

/** Says yes to whatever is asked. @returns what was */
function acceptAll(page: Page): string[] {
  const asked: string[] = [];
  page.on('dialog', (dialog) => {
    asked.push(dialog.message());
    void dialog.accept();
  });
  return asked;
}

async function switchLanguage(page: Page): Promise<void> {
  await page.evaluate(() => [...document.querySelectorAll('header button')].at(-1)!.dispatchEvent(new Event('click')));
  await page.waitForFunction(() => document.documentElement.lang === 'zh');
}

/** The first of the days that the flow is of where nothing is chosen. */
const NINETY = new Date(Date.now() - 89 * 86_400_000).toISOString().slice(0, 10);

const PUBLISH =
  'These rules are put in force at once. The version before is kept and can be put in force again. Publish?';

const AXE = fs.readFileSync('node_modules/axe-core/axe.min.js', 'utf8');

interface AxeResult {
  violations: Array<{ id: string; nodes: Array<{ html: string }> }>;
  passes: Array<{ id: string }>;
}

test('says where most are lost, and calls tags by their names', async () => {
  const { collector, site, ask } = await startShop();
  const report = await ask<FlowReport>(`reports/flow?from=${NINETY}`);

  const { page, problems } = await openPage(await openChromium());
  await signIn(page, collector.url);
  await page.waitForSelector('.visitors a');
  const tags = () => page.$eval('.visitors tbody tr td:last-child', (cell) => cell.textContent!);
  // Their names come a little later than they.
  await expect.poll(tags).toMatch(/Converted|Engaged|Prospects|New/);
  await page.goto(`${collector.url}/#/${site.siteKey}/flow`);
  await page.waitForSelector('.steps');
  const rows = () =>
    page.$$eval('.steps tbody tr', (all) => all.map((row) => [...row.children].map((cell) => cell.textContent)));
  const shown = await rows();
  expect(shown.map(([, reached, wentOn, , still, lost]) => [reached, wentOn, still, lost])).toEqual(
    report.steps.map(({ reached, wentOn, stillThere, lost }) =>
      [reached, wentOn, stillThere, lost].map((each) => each.toLocaleString('en-GB')),
    ),
  );
  expect(await page.$eval('.steps .worst .stage', (cell) => cell.getAttribute('data-stage'))).toBe(report.leak!.from);
  expect(await page.$eval('.leak', (text) => text.textContent)).toContain(String(report.leak!.lost));
  await page.click('section summary');
  expect((await page.$$('.moves tbody tr')).length).toBe(report.moves.length);
  const cells = await page.$$eval('.matrix td', (all) =>
    all.map((cell) => Number(cell.textContent!.replace(/\D/g, ''))),
  );
  expect(cells.reduce((sum, each) => sum + each, 0)).toBe(
    report.moves.reduce((sum, { visitors }) => sum + visitors, 0),
  );

  await switchLanguage(page);
  // Every number is still there, and no word of the other language.
  expect((await rows()).map((row) => row[1])).toEqual(shown.map((row) => row[1]));
  const words = await page.$eval('.losses', (card) => card.textContent!.replace('CSV', '').replace(/\d+ ?%/g, ''));
  expect(words).not.toMatch(/[a-z]{3,}/i);
  await page.goto(`${collector.url}/`);
  await page.waitForSelector('.visitors a');
  await expect.poll(tags).toMatch(/转化用户|活跃兴趣用户|潜在用户|新客/);
  expect(problems).toEqual([]);
});

const VIEWS = [
  'board',
  'review',
  'flow?compare=before',
  'flow?channel=Direct&compare=Email',
  'funnel?by=channel',
  'channels',
  'content',
  'customers',
  'audiences',
  'visitors',
  'rules',
  'setup',
];

test('every view is whole, readable and usable by all, in both languages and on light and dark', async () => {
  const { collector, site } = await startShop();
  const { page, problems } = await openPage(await openChromium());
  await signIn(page, collector.url);
  const isOurs = (address: string) => address.startsWith(collector.url) || /^(data|blob):/.test(address);
  const requests: string[] = [];
  page.on('request', (request) => requests.push(request.url()));
  for (const scheme of ['light', 'dark']) {
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
    for (const view of VIEWS) {
      await page.goto(`${collector.url}/#/${site.siteKey}/${view}`);
      await page.waitForSelector(
        `nav a[aria-current][href*="${view === 'board' ? site.siteKey : view.split('?')[0]!}"]`,
      );
      await page.waitForFunction(
        () => document.querySelector('main .card') && !/Loading|正在加载/.test(document.body.innerText),
      );
      await page.evaluate(() => (document.querySelector<HTMLDetailsElement>('.view-menu')!.open = true));
      await page.evaluate(AXE);
      const { violations, passes } = await page.evaluate(async () => {
        const { axe } = globalThis as unknown as { axe: { run: () => Promise<AxeResult> } };
        const found = await axe.run();
        const told = found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
        return { violations: told, passes: found.passes.map(({ id }) => id) };
      });
      expect(passes).toContain('color-contrast');
      expect(violations, `${view} ${scheme}`).toEqual([]);
      const text = await page.evaluate(() => document.body.innerText);
      // The name of a text stands where there is none.
      expect(text).not.toMatch(/\b(stages|views|tables|kinds|models|measures)\.\w/);
      expect(text).not.toMatch(/undefined|NaN|\[object/);
      const isWide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth + 1);
      expect(isWide, view).toBe(false);
      if (scheme === 'dark')
        for (const heading of await page.$$eval('main h2, main h3, nav a', (all) =>
          all.map((each) => each.textContent!),
        ))
          expect(heading).toMatch(/[\u4e00-\u9fff]/);
    }
    if (scheme === 'light') {
      await switchLanguage(page);
      await page.setViewport({ width: 390, height: 800 });
    }
  }
  expect(requests.length).toBeGreaterThan(VIEWS.length);
  expect(requests.filter((address) => !isOurs(address))).toEqual([]);
  expect(problems).toEqual([]);
});

test.each(['firefox', 'webkit'] as const)('every view is there in %s too', async (name) => {
  const { collector, site } = await startShop();
  const engine = await openEngine(name);
  onTestFinished(() => engine.close());
  const tab = await engine.newTab();
  await tab.goto(`${collector.url}/`);
  const session = `fetch('api/session', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{"token":"${ADMIN}"}' })`;
  expect(await tab.evaluate(`${session}.then(({ ok }) => ok)`)).toBe(true);
  for (const view of VIEWS) {
    await tab.goto(`about:blank`);
    await tab.goto(`${collector.url}/#/${site.siteKey}/${view}`);
    const text = () => tab.evaluate<string>(`document.querySelector('main')?.innerText ?? ''`);
    await expect.poll(text, { timeout: 20_000, message: view }).toMatch(/^(?!.*(Loading|Getting))[^]{150,}/i);
    const alerts = `[...document.querySelectorAll('[role=alert]')].map((each) => each.textContent)`;
    expect([view, await tab.evaluate(alerts)]).toEqual([view, []]);
  }
});

test('a funnel is built step by step, and its address shows it again', async () => {
  const { collector, site, ask } = await startShop();
  const { page, problems } = await openPage(await openChromium());
  await signIn(page, collector.url);
  await page.goto(`${collector.url}/#/${site.siteKey}/funnel?steps=event:page_view,event:add_to_cart?,event:purchase`);
  const counts = async () => {
    await page.waitForFunction(
      () => document.querySelector('.funnelSteps') && !/Loading/.test(document.body.innerText),
    );
    return page.$$eval('.funnelSteps tbody tr', (all) => all.map((row) => row.children[1]!.textContent!.trim()));
  };
  const wanted = async (steps: string) =>
    (await ask<FunnelReport>(`reports/funnel?steps=${steps}`)).steps.map(({ visitors }) =>
      visitors.toLocaleString('en-GB'),
    );
  expect(await counts()).toEqual(await wanted('event:page_view,event:add_to_cart?,event:purchase'));
  await page.click('.builder li:nth-child(2) button');
  await page.waitForFunction(() => document.querySelectorAll('.funnelSteps tbody tr').length === 2);
  expect(await page.evaluate(() => decodeURIComponent(location.hash))).toContain('event:page_view,event:purchase');
  // Whoever removed it by the keyboard goes on beside where it was.
  expect(await page.evaluate(() => !!document.activeElement!.closest('.card'))).toBe(true);
  expect(await counts()).toEqual(await wanted('event:page_view,event:purchase'));
  await page.select('select[name=by]', 'device');
  await page.waitForSelector('.breakdown tbody tr');
  await page.reload();
  await page.waitForSelector('.breakdown tbody tr');
  expect(await counts()).toEqual(await wanted('event:page_view,event:purchase'));
  // In any order a row is no step's.
  const names = () => page.$$eval('.funnelSteps tbody tr', (all) => all.map((row) => row.children[0]!.textContent));
  expect(await names()).toEqual(['Page view', 'Order']);
  await page.select('select[name=order]', 'any');
  await expect.poll(names).toEqual(['Any one step', 'Any 2 steps']);
  // A page may be given as its address stands in the browser.
  await page.select('.builder li:nth-child(2) select', 'page');
  await page.waitForFunction(
    () => document.querySelector<HTMLInputElement>('.builder li:nth-child(2) input')?.value === '/*',
  );
  for (const [typed, path] of [
    ['https://demo.example/pricing?x=1#y', '/pricing'],
    ['pricing', '/pricing'],
    ['*/blog/*', '*/blog/*'],
  ] as const) {
    await page.$eval(
      '.builder li:nth-child(2) input',
      (input, text) => {
        (input as HTMLInputElement).value = text;
        input.dispatchEvent(new Event('change'));
      },
      typed,
    );
    await expect.poll(() => page.evaluate(() => decodeURIComponent(location.hash))).toContain(`,page:${path}&`);
  }
  expect(problems).toEqual([]);
});

test('a link to a view is that view after signing in too', async () => {
  const { collector, site } = await startShop();
  const { page } = await openPage(await openChromium());
  await page.goto(`${collector.url}/#/${site.siteKey}/flow?days=365`);
  await page.waitForSelector('input[name=token]');
  await page.type('input[name=token]', ADMIN);
  await page.click('form button');
  await page.waitForSelector('.steps');
  expect(await page.evaluate(() => location.hash)).toBe(`#/${site.siteKey}/flow?days=365`);
});

test('an audience is counted while it is made, saved, and opened again', async () => {
  const { collector, site, ask } = await startShop();
  const { page, problems } = await openPage(await openChromium());
  page.on('dialog', (dialog) => void dialog.accept());
  await signIn(page, collector.url);
  await page.goto(`${collector.url}/#/${site.siteKey}/audiences`);
  const { stages } = await ask<{ stages: Array<{ stage: string; current: number }> }>('reports/stages');
  const standing = (name: string) => stages.find(({ stage }) => stage === name)!.current;
  const all = stages.reduce((sum, { current }) => sum + current, 0);
  const isSaid = (count: number) =>
    page.waitForFunction(
      (text) => document.querySelector('.leak')?.textContent?.startsWith(`${text} of`),
      {},
      count.toLocaleString('en-GB'),
    );
  await isSaid(standing('consideration'));
  await page.select('.builder li:first-child select:nth-of-type(3)', 'action');
  await isSaid(standing('action'));
  await page.select('.builder li:first-child select:nth-of-type(1)', 'not');
  await isSaid(all - standing('action'));
  await page.type('section input[name=name]', 'All but buyers');
  await page.click('section form.filters button');
  await page.waitForSelector('.audiences tbody tr');
  const { audiences } = await ask<{ audiences: Array<{ id: number; when: object }> }>('audiences');
  expect(audiences).toMatchObject([{ name: 'All but buyers', when: { all: [{ not: { stage: ['action'] } }] } }]);
  const { members } = await ask<{ members: object[] }>(`audiences/${audiences[0]!.id}/members`);
  expect(members).toHaveLength(all - standing('action'));
  await page.goto(`${collector.url}/#/${site.siteKey}/audiences`);
  await isSaid(standing('consideration'));
  await page.click('.audiences td:nth-child(2) a');
  await page.waitForSelector('.who');
  const count = (all - standing('action')).toLocaleString('en-GB');
  await expect
    .poll(() => page.$eval('section [role=status]', (text) => text.textContent))
    .toBe(`Visitors who fit: ${count}.`);
  await page.goBack();
  await page.waitForSelector('.audiences td:last-child a');
  await page.click('.audiences td:last-child a');
  await isSaid(all - standing('action'));
  // What is open can be changed, or kept beside what it was.
  await page.select('.builder li:first-child select:nth-of-type(3)', 'loyalty');
  await isSaid(all - standing('loyalty'));
  await page.$eval('section input[name=name]', (input) => {
    (input as HTMLInputElement).value = 'Not loyal';
    input.dispatchEvent(new Event('input', { bubbles: true }));
  });
  await page.click('section form.filters button[name=change]');
  await page.waitForFunction(() => document.querySelector('.audiences tbody td')?.textContent === 'Not loyal');
  const changed = { id: audiences[0]!.id, name: 'Not loyal', when: { all: [{ not: { stage: ['loyalty'] } }] } };
  expect(await ask('audiences')).toMatchObject({ audiences: [changed] });
  await page.click('section form.filters button:not([name])');
  await page.waitForFunction(() => document.querySelectorAll('.audiences tbody tr').length === 2);
  expect(await ask<{ audiences: object[] }>('audiences')).toMatchObject({
    audiences: expect.arrayContaining([expect.objectContaining(changed)]),
  });
  await page.click('.audiences td button:last-of-type');
  await page.waitForFunction(() => document.querySelectorAll('.audiences tbody tr').length === 1);
  await page.click('.audiences td button:last-of-type');
  await page.waitForFunction(() => !document.querySelector('.audiences tbody tr'));
  expect(problems).toEqual([]);
});

test('a number opens into those who are behind it, and back', async () => {
  const { collector, site, ask } = await startShop();
  const { page, problems } = await openPage(await openChromium());
  await signIn(page, collector.url);
  const status = () => page.$eval('section [role=status]', (text) => text.textContent);
  /** Follows the first link of a cell to the list of visitors, which must hold as many as it says. */
  const follow = async (selector: string) => {
    await page.waitForSelector(selector);
    const count = await page.$eval(selector, (link) => link.textContent!);
    await page.click(selector);
    await page.waitForSelector('.who');
    await expect.poll(status).toBe(`Visitors who fit: ${count}.`);
    expect(Number(count.replace(/,/g, ''))).toBeGreaterThan(0);
    return page.$eval('.who', (text) => text.textContent!);
  };
  const open = (view: string) => page.goto(`${collector.url}/#/${site.siteKey}/${view}`);

  await open('funnel?steps=event:page_view,event:add_to_cart,event:purchase&window=1&by=tag');
  expect(await follow('.funnelSteps tr:nth-child(2) td:nth-child(6) a')).toContain('and no further');
  await page.goBack();
  expect(await follow('.breakdown tr:first-child td:nth-child(3) a')).toContain('Of the row');
  // The window begins anew with each step there too.
  await open('funnel?steps=stage:awareness,stage:interest,stage:consideration&window=1&perStep=true');
  await follow('.funnelSteps tr:nth-child(3) td:nth-child(2) a');
  await open('funnel?steps=stage:awareness,stage:interest,stage:consideration&window=1&perStep=true');
  await follow('.funnelSteps tr:nth-child(2) td:nth-child(6) a');
  await open('content');
  // Sorted by a click on a head, the other way round by the next, and then as it was.
  await page.waitForSelector('.pages th:nth-child(4) button');
  const times = () => page.$$eval('.pages tbody td:nth-child(4)', (all) => all.map((cell) => Number(cell.textContent)));
  const asRead = await times();
  const press = () => page.click('.pages th:nth-child(4) button');
  const falling = [...asRead].sort((a, b) => b - a);
  expect(asRead).not.toEqual(falling);
  await press();
  await expect.poll(times).toEqual(falling);
  await press();
  await expect.poll(times).toEqual([...falling].reverse());
  await press();
  await expect.poll(times).toEqual(asRead);
  // What is hardly chance has a mark in the table, and says so in a column of the file.
  await page.waitForSelector('.touchpoints td');
  const [marks, header, sure] = await page.evaluate(async () => {
    const card = document.querySelector('.touchpoints')!.closest('section')!;
    const make = URL.createObjectURL;
    const saved = await new Promise<string>((resolve) => {
      URL.createObjectURL = (blob: Blob) => {
        URL.createObjectURL = make;
        void blob.text().then(resolve);
        return make.call(URL, blob);
      };
      [...card.querySelectorAll('button')].find((button) => button.textContent === 'Save as CSV')!.click();
    });
    const lines = saved.trim().split('\r\n');
    const hasMark = (cell: Element) => cell.textContent.endsWith('*');
    return [
      [...card.querySelectorAll('td')].filter(hasMark).length,
      lines[0]!,
      lines.slice(1).join().split('"yes"').length - 1,
    ] as const;
  });
  expect(header).toContain('"Consideration: Beyond chance"');
  expect(sure).toBe(marks);
  expect(sure).toBeGreaterThan(0);
  expect(await follow('.pages a')).toMatch(/saw the page “.+”/);
  await page.goBack();
  await page.waitForSelector('.pages a[href*="fate=wentOn"]');
  await page.click('.pages a[href*="fate=wentOn"]');
  await page.waitForFunction(() =>
    /got to a new stage after that/.test(document.querySelector('.who')?.textContent ?? ''),
  );
  const [from, to] = [20, 10].map((days) => new Date(Date.now() - days * 86_400_000).toISOString().slice(0, 10));
  await open(`board?from=${from}&to=${to}`);
  expect(await follow('.funnel .current a')).toContain(`at the end of ${to}`);
  await page.goBack();
  await open('channels');
  expect(await follow('.sources a')).toMatch(/came from “.+”/);
  await open('customers');
  expect(await follow('.features a')).toMatch(/Those who got to Consideration .*, with “.+” before they went on/);
  await page.goBack();
  expect(await follow('.matrix td a')).toMatch(/Buyers with \d for how lately they bought, and \d for/);
  await page.goBack();
  expect(await follow('.cohorts td:nth-child(2) a')).toContain('Those who first came in the week that begins on');
  await page.goBack();
  expect(await follow('.figure dd a')).toContain('Those who bought.');
  await page.goBack();
  expect(await follow('.figure dd a[href*="nps"]')).toContain('Promoters by their latest answer');
  await page.goBack();
  expect(await follow('.tags a')).toContain('To its conditions');
  // The conditions are the audience's of the same people.
  await page.click('.who a');
  await page.waitForSelector('.leak a');
  const [people] = await page.$eval('.leak', (text) => text.textContent!.split(' '));
  await page.click('.leak a');
  await page.waitForSelector('.who');
  await expect.poll(status).toBe(`Visitors who fit: ${people}.`);

  // From a visitor back to the list as it was.
  const list = page.url();
  await page.click('.visitors tbody a');
  await page.waitForSelector('.timeline');
  await page.select('select[name=event]', 'page_view');
  await page.waitForFunction(() =>
    [...document.querySelectorAll('.timeline > li strong')].every(({ textContent }) => textContent === 'Page view'),
  );
  await page.click('main p a');
  await page.waitForSelector('.who');
  expect(page.url()).toBe(list);

  // Where they were seen last, of those who are lost.
  const { stages } = await ask<LeavingReport>(`reports/leaving?from=${NINETY}`);
  await open('flow');
  await page.waitForSelector('.leaving tbody tr');
  const last = await page.$$eval('.leaving tbody tr', (all) =>
    all.map((row) => [...row.children].slice(1, 3).map((cell) => cell.textContent)),
  );
  expect(last).toEqual(stages.flatMap(({ pages }) => pages.map(({ path, visitors }) => [path, String(visitors)])));
  expect(problems).toEqual([]);
}, 120_000);

test('conditions of an audience stand in groups', async () => {
  const { collector, site, ask } = await startShop();
  const { page, problems } = await openPage(await openChromium());
  await signIn(page, collector.url);
  await page.goto(`${collector.url}/#/${site.siteKey}/audiences`);
  const people = () => page.$eval('.leak', (text) => Number(text.textContent!.split(' ')[0]!.replace(/,/g, '')));
  await page.waitForSelector('.leak');
  await page.select('.builder select[aria-label="Kind of condition"]', 'rfm');
  await page.click('.adders button:last-child');
  await page.waitForSelector('.builder .builder');
  await page.select('.builder .builder select[aria-label="Value"]', 'loyalty');
  await page.click('.builder .builder + .adders button');
  await page.waitForSelector('.builder .builder li:nth-child(2)');
  await page.select('select[name=joined]', 'not any');
  const when = { not: { any: [{ rfm: ['new'] }, { any: [{ stage: ['loyalty'] }, { stage: ['action'] }] }] } };
  // Of a group within "one of" all must hold, until somebody says otherwise.
  await page.select('.builder select[aria-label="How the group is joined"]', 'any');
  const { count } = await ask<{ count: number }>(`visitors?limit=1&when=${encodeURIComponent(JSON.stringify(when))}`);
  expect(count).toBeGreaterThan(0);
  await expect.poll(people, { timeout: 10_000 }).toBe(count);
  await page.reload();
  await page.waitForSelector('.builder .builder li:nth-child(2)');
  await page.waitForSelector('.leak');
  expect(await people()).toBe(count);
  expect(problems).toEqual([]);
});

test('pages that were never seen are found by a sitemap', async () => {
  const { collector, site, ask } = await startShop();
  const { page, problems } = await openPage(await openChromium());
  await signIn(page, collector.url);
  await page.goto(`${collector.url}/#/${site.siteKey}/setup`);
  const { rows } = await ask<CoverageReport>('reports/coverage');
  const [seen] = rows;
  await page.waitForSelector('textarea.wide');
  await page.evaluate(() => (document.querySelector('textarea.wide')!.closest('details')!.open = true));
  await page.type(
    'textarea.wide',
    `<url><loc>https://demo.example${seen!.path}</loc></url><url><loc>https://demo.example/forgotten?a=1&amp;b=2</loc></url><loc>https://other.example/</loc>`,
  );
  await page.waitForSelector('.neverSeen');
  expect(await page.$$eval('.neverSeen td', (all) => all.map((cell) => cell.textContent))).toEqual(['/forgotten']);
  expect(problems).toEqual([]);
});

test('visitors are found among all, by what they are and by the id of their user', async () => {
  const { collector, site, ask } = await startShop();
  const { page, problems } = await openPage(await openChromium());
  await signIn(page, collector.url);
  await page.goto(`${collector.url}/#/${site.siteKey}/visitors`);
  await page.waitForSelector('.visitors tbody tr');
  const status = () => page.$eval('section [role=status]', (text) => text.textContent);
  for (const stage of ['awareness', 'loyalty']) {
    const { count } = await ask<{ count: number }>(`visitors?stage=${stage}&limit=1`);
    expect(count).toBeGreaterThan(0);
    await page.select('select[name=stage]', stage);
    await expect.poll(status).toBe(`Visitors who fit: ${count}.`);
    const stages = await page.$$eval('.visitors tbody tr .stage', (all) =>
      all.map((each) => each.getAttribute('data-stage')),
    );
    expect(new Set(stages)).toEqual(new Set([stage]));
    expect(stages).toHaveLength(Math.min(count, 200));
  }
  await page.select('select[name=stage]', '');
  const { visitors } = await ask<{ visitors: Array<{ userId: string | null }> }>('visitors?limit=200');
  const userId = visitors.find((each) => each.userId)?.userId ?? 'nobody';
  await page.type('input[name=id]', userId);
  await page.keyboard.press('Enter');
  const { count } = await ask<{ count: number }>(`visitors?find=${userId}`);
  await expect.poll(status).toBe(`Visitors who fit: ${count}.`);
  expect(page.url()).toContain(`find=${userId}`);
  expect(problems).toEqual([]);
});

test('who begins is led from a site to the line for its pages, and to the first event', async () => {
  const collector = await startCollector({ host: '127.0.0.1', port: 0, data: temporaryFolder(), adminToken: ADMIN });
  onTestFinished(() => collector.stop());
  const { page, problems } = await openPage(await openChromium());
  await page.goto(`${collector.url}/`);
  await page.waitForSelector('input[name=token]');
  await page.type('input[name=token]', ADMIN);
  await page.click('form button');
  await page.waitForSelector('.steps-of');
  const step = () => page.$eval('.steps-of [aria-current]', (item) => item.textContent);
  expect(await step()).toBe('Your site');
  await page.type('input[name=name]', 'Shop');
  await page.type('textarea[name=origins]', 'https://www.shop.example');
  await page.waitForSelector('option[value=retail]');
  await page.select('select[name=template]', 'retail');
  expect(await page.$eval('main form', (form) => form.textContent)).toContain('Shops that sell to people');
  await page.click('main form button');
  await page.waitForSelector('main pre');
  expect(await step()).toBe('The line for its pages');
  const line = await page.$eval('main pre', (pre) => pre.textContent!);
  const siteKey = /st_\w+/.exec(line)![0];
  // It is the line of the site: an event sent as its pages do is seen at once, and the way on is shown.
  const event = {
    id: newId(Date.now()),
    name: 'page_view',
    time: Date.now(),
    seq: 1,
    sessionId: 's',
    url: 'https://www.shop.example/',
  };
  const sent = await fetch(`${collector.url}/v1/events`, {
    method: 'POST',
    headers: { Origin: 'https://www.shop.example' },
    body: JSON.stringify({
      siteKey,
      visitorId: newId(Date.now()),
      sentAt: Date.now(),
      sdk: 'test',
      rules: 1,
      events: [event],
    }),
  });
  expect(sent.status).toBe(200);
  await page.waitForFunction(() => document.querySelector('main [role=status]')?.textContent?.startsWith('✓'));
  expect(await step()).toBe('✓ The first event');
  await page.click('main a');
  await page.waitForSelector('nav');
  expect(page.url()).toContain(siteKey);
  expect(problems).toEqual([]);
});

test('an address that says nothing sensible shows the view all the same', async () => {
  const { collector, site } = await startShop();
  const { page, problems } = await openPage(await openChromium());
  await signIn(page, collector.url);
  for (const odd of [
    'flow?to=x',
    'flow?days=1e9',
    'flow?from=2026-13-45',
    'content?days=-3',
    'funnel?steps=,',
    'audiences?when=%7B',
    'nowhere',
  ]) {
    await page.goto(`${collector.url}/#/${site.siteKey}/${odd}`);
    await page.waitForSelector('main .card h2');
  }
  // Not the numbers of another site under the name of one that is not there.
  await page.goto(`${collector.url}/#/%`);
  await page.waitForSelector('main > [role=alert] a');
  expect(await page.$('main .card h2')).toBeNull();
  await page.click('main > [role=alert] a');
  await page.waitForSelector('main .card h2');
  await page.goto(`${collector.url}/#/${site.siteKey}/setup`);
  await page.waitForSelector('input[name=retentionDays]');
  // What is still to come above would push the form out of sight.
  await page.waitForFunction(() => !/Loading/.test(document.body.innerText));
  await page.type('input[name=retentionDays]', '90 days');
  await page.click('form.form button');
  await page.waitForSelector('.problem');
  expect(await page.$eval('.problem', (text) => text.textContent)).toContain('90 days');
  expect(problems).toEqual([]);
});

test('rules are checked, previewed and published, and an old version is put in force again', async () => {
  const { collector, site, ask } = await startShop();
  const { page, problems } = await openPage(await openChromium());
  const asked = acceptAll(page);
  await signIn(page, collector.url);
  await page.goto(`${collector.url}/#/${site.siteKey}/rules`);
  await page.waitForFunction(() => document.querySelector<HTMLTextAreaElement>('.editor')?.value);
  const write = (change: string) =>
    page.$eval(
      '.editor',
      (editor, body) => {
        const rules = JSON.parse((editor as HTMLTextAreaElement).value) as object;
        const next = new Function('rules', `${body}; return JSON.stringify(rules)`)(rules) as string;
        (editor as HTMLTextAreaElement).value = next;
        editor.dispatchEvent(new Event('input'));
      },
      change,
    );
  const press = (text: string) =>
    page.evaluate((label) => {
      [...document.querySelectorAll('main button')]
        .find((each) => each.textContent === label)!
        .dispatchEvent(new Event('click'));
    }, text);
  // What no signal looks at becomes one with a click.
  await page.waitForSelector('table.unclassified td button');
  const unseen = await page.$eval('table.unclassified tbody tr', (row) => row.children[1]!.textContent!);
  await page.click('table.unclassified td button');
  const written = () => page.$eval('.editor', (editor) => (editor as HTMLTextAreaElement).value);
  await expect.poll(written).toContain(JSON.stringify(unseen));
  // Where something is missing what fits is offered, and put there with a click.
  await write('delete rules.stages.loyalty');
  await page.$eval('.editor', (editor) => {
    const text = editor as HTMLTextAreaElement;
    text.value = text.value.replace('"stages":{', '"stages":{"loyalty":{"when":{},},').replace('{},}', '{}}');
    text.dispatchEvent(new Event('input'));
    const caret = text.value.indexOf('"when":{') + '"when":{'.length;
    text.setSelectionRange(caret, caret);
    text.dispatchEvent(new Event('click'));
  });
  const offered = () => page.$$eval('.completions button', (all) => all.map((button) => button.textContent));
  await expect.poll(offered).toContain('signal');
  await press('signal');
  await expect.poll(offered).toContain('order');
  await press('order');
  await expect.poll(written).toContain('"loyalty":{"when":{"signal": "order"}}');
  expect(await page.evaluate(() => document.activeElement?.className)).toBe('editor');
  await write('rules.stages.interest = { when: { signal: "product_veiw" } }');
  await press('Check');
  await page.waitForSelector('.findings');
  expect(await page.$eval('.findings', (list) => list.textContent)).toContain('product_view');
  await write('rules.stages.interest = { when: { signal: "visit" } }');
  await press('Preview');
  await page.waitForSelector('.preview .previewMoves');
  const moved = await page.$eval('.preview [role=status]', (text) =>
    Number(/^[\d,]+/.exec(text.textContent!)![0].replace(',', '')),
  );
  expect(moved).toBeGreaterThan(10);
  await press('Publish');
  await page.waitForFunction(() => document.querySelectorAll('.versions tbody tr').length === 2);
  expect(await ask<object>('rules')).toMatchObject({ version: 2, stages: { interest: { when: { signal: 'visit' } } } });
  // While visitors are made anew reports wait, which would stand on the console.
  const isCounted = () =>
    ask('reports/stages').then(
      () => true,
      () => false,
    );
  await expect.poll(isCounted, { timeout: 30_000 }).toBe(true);
  // What is written is there again after a look at something else.
  await write('rules.name = "mine"');
  await page.goto(`${collector.url}/#/${site.siteKey}/flow`);
  await page.waitForSelector('.losses');
  await page.goto(`${collector.url}/#/${site.siteKey}/rules`);
  await page.waitForFunction(() => document.querySelector<HTMLTextAreaElement>('.editor')?.value.includes('"mine"'));
  await page.waitForSelector('.versions tbody tr');
  expect(asked.splice(0)).toEqual([PUBLISH]);
  await press('Put in force again');
  await page.waitForFunction(() => document.querySelectorAll('.versions tbody tr').length === 3);
  expect(asked).toEqual([
    expect.stringContaining('Version 1 is put in force'),
    expect.stringContaining('did not publish'),
  ]);
  expect(JSON.stringify(await ask<object>('rules'))).not.toContain('"interest":{"when":{"signal":"visit"}}');
  // What is wrong is said in the language of the page, by the page itself and where the collector refuses it.
  await switchLanguage(page);
  await write('rules.stages.interest = { when: { signal: "product_veiw" } }');
  const findings = () => page.$eval('.findings', (list) => list.textContent);
  await expect.poll(findings).toContain('没有名为 "product_veiw" 的信号');
  expect(await findings()).toContain('是否想写 "product_view"？');
  expect(problems).toEqual([]);
  const alert = () => page.$eval('[role=alert]', (text) => text.textContent);
  await press('发布');
  await expect.poll(alert).toContain('规则中有 1 处错误');
  const never = {
    all: [
      { signal: 'visit', count: { lte: 0 } },
      { signal: 'visit', count: { gte: 1 } },
    ],
  };
  await write(`rules.stages.interest = { when: ${JSON.stringify(never)} }`);
  await press('发布');
  await expect.poll(alert).toContain('没有人能满足下列条件');
  expect(await findings()).toContain('没有人能满足这个条件');
  // What somebody else published meanwhile is not replaced without a word.
  await write('rules.stages.interest = { when: { signal: "visit" } }');
  const others = await page.evaluate(async (path) => {
    const { version: _, ...rules } = (await (await fetch(path)).json()) as { version: number };
    const sent = await fetch(path, { method: 'PUT', body: JSON.stringify({ ...rules, name: 'of others' }) });
    return ((await sent.json()) as { version: number }).version;
  }, `/api/sites/${site.siteKey}/rules`);
  await press('发布');
  await expect.poll(() => asked.at(-1)).toMatch(/^admin 在 .* 保存或发布了新的内容/);
  await expect.poll(() => ask<{ version: number }>('rules')).toMatchObject({ version: others + 1 });
});

test('what was changed in the rules is undone step by step, and rules that nobody can meet are put in force again when that is meant', async () => {
  const { collector, site, ask } = await startShop();
  const rules = await ask<Rules & { version: number }>('rules');
  const publish = async (next: object, query = '') => {
    const response = await fetch(`${collector.url}/api/sites/${site.siteKey}/rules?wait=true${query}`, {
      method: 'PUT',
      headers: { Authorization: `Bearer ${ADMIN}` },
      body: JSON.stringify(next),
    });
    expect(response.status).toBe(200);
  };
  const odd = {
    ...rules.tags,
    odd: { dimension: 'intent', when: { all: [{ signal: 'visit' }, { signal: 'visit', count: { lte: 0 } }] } },
  };
  await publish({ ...rules, tags: odd }, '&confirm=true');
  await publish(rules);
  const { page, problems } = await openPage(await openChromium());
  const asked = acceptAll(page);
  await signIn(page, collector.url);
  await page.goto(`${collector.url}/#/${site.siteKey}/rules`);
  await page.waitForFunction(() => document.querySelector<HTMLTextAreaElement>('.editor')?.value.includes('"stages"'));
  const text = () => page.$eval('.editor', (editor) => (editor as HTMLTextAreaElement).value);
  const press = (label: string, at = 0) =>
    page.evaluate(
      (wanted, index) => {
        const all = [...document.querySelectorAll<HTMLElement>('main button')];
        all.filter((each) => each.textContent === wanted)[index]!.click();
      },
      label,
      at,
    );
  const first = await text();
  const tags = Object.keys(rules.tags ?? {}).length;
  const left = async () => Object.keys((JSON.parse(await text()) as Rules).tags ?? {}).length;
  // The inside of a fold is there once it was opened.
  expect(await page.$$eval('details.rule select', (all) => all.length)).toBe(0);
  await page.$$eval('details.rule', (all) => all.forEach((each) => ((each as HTMLDetailsElement).open = true)));
  await page.waitForFunction(() =>
    [...document.querySelectorAll('details.rule')].every((each) => each.querySelector('button')),
  );
  // Two tags are taken out by the form, and come back one by one.
  for (let removed = 0; removed < 2; removed++)
    await page.evaluate(() => {
      const panel = [...document.querySelectorAll('details details, details')].findLast((each) =>
        [...each.querySelectorAll('button')].some(({ textContent }) => textContent === 'Remove'),
      )!;
      [...panel.querySelectorAll('button')].findLast(({ textContent }) => textContent === 'Remove')!.click();
    });
  const changed = await text();
  expect(changed).not.toBe(first);
  await press('Undo');
  await expect.poll(text).not.toBe(changed);
  expect(await text()).not.toBe(first);
  await press('Undo');
  await expect.poll(async () => JSON.stringify(JSON.parse(await text()))).toBe(JSON.stringify(JSON.parse(first)));
  expect(await left()).toBe(tags);
  expect(asked).toEqual([]);
  await page.waitForSelector('.versions tbody tr:nth-child(3)');
  await press('Put in force again');
  await page.waitForSelector('.versions tbody tr:nth-child(4)');
  expect(asked).toEqual([
    expect.stringContaining('Version 2 is put in force'),
    expect.stringContaining('Nobody can ever meet'),
  ]);
  expect((await ask<Rules>('rules')).tags).toHaveProperty('odd');
  // Of what somebody else published meanwhile nothing is replaced without a word.
  await publish({ ...rules, name: 'of others' });
  await press('Put in force again', 2);
  await page.waitForSelector('.versions tbody tr:nth-child(6)');
  expect(asked[3]).toMatch(/^admin saved or published/);
  // What the collector asks first stands on the console as a conflict, and nothing else does.
  expect(problems.filter((problem) => !/409/.test(problem))).toEqual([]);
});

test('rules are made by a form as well, which is the same document as the text beside it', async () => {
  const { collector, site, ask } = await startShop();
  const { page, problems } = await openPage(await openChromium());
  await signIn(page, collector.url);
  await page.goto(`${collector.url}/#/${site.siteKey}/rules`);
  await page.waitForSelector('.rulesForm details');
  const written = async () =>
    JSON.parse(await page.$eval('.editor', (editor) => (editor as HTMLTextAreaElement).value)) as Rules;
  const before = await written();
  /** The field of that label in the rule that begins so. */
  const field = (rule: string, label: string) =>
    page.waitForFunction(
      (start, name) => {
        const all = [...document.querySelectorAll<HTMLDetailsElement>('.rulesForm > details')];
        const own = all.find((each) => each.querySelector('strong')!.textContent === start);
        if (own) own.open = true;
        const labels = [...(own?.querySelectorAll('label') ?? [])];
        return (
          own?.querySelector(`[aria-label="${name}"]`) ??
          labels.find((each) => each.textContent!.trim().startsWith(name))?.querySelector('input, select')
        );
      },
      {},
      rule,
      label,
    ) as unknown as Promise<JSHandle<HTMLInputElement>>;
  const put = async (rule: string, label: string, value: string) =>
    (await field(rule, label)).evaluate((input, text) => {
      if (input.type === 'checkbox') return input.click();
      input.value = text;
      input.dispatchEvent(new Event('change', { bubbles: true }));
    }, value);
  const press = (within: string, text: string) =>
    page.evaluate(
      (selector, label) =>
        [...document.querySelectorAll(`${selector} button`)]
          .find((each) => each.textContent!.includes(label))!
          .dispatchEvent(new Event('click')),
      within,
      text,
    );
  await press('.rulesForm', 'Add a signal');
  await put('signal', 'Page (path)', '/offers/*, /sale');
  await put('signal', 'Points of the score', '3');
  await put('signal', 'Name', 'offer_view');
  expect(await written()).toMatchObject({
    signals: { offer_view: { event: 'page_view', path: ['/offers/*', '/sale'] } },
    score: { weights: { offer_view: 3 } },
  });
  expect((await written()).signals).not.toHaveProperty('signal');
  // A stage asks for something else, and for more of it.
  await put('Interest', 'Kind of condition', 'signal');
  await put('Interest', 'Signal', 'offer_view');
  await put('Interest', 'times ≥', '2');
  await put('Interest', 'within (days)', '30');
  await put('Interest', 'Kind of condition', 'any');
  expect((await written()).stages.interest!.when).toEqual({
    any: [{ signal: 'offer_view', count: { gte: 2 }, within: 30 }],
  });
  // A signal's new name is known wherever it is asked for.
  await put('offer_view', 'Name', 'bargain_view');
  expect(JSON.stringify(await written())).not.toContain('offer_view');
  expect((await written()).stages.interest!.when).toEqual({
    any: [{ signal: 'bargain_view', count: { gte: 2 }, within: 30 }],
  });
  // What the form was not asked to change is as it was.
  const { signals, stages, score, ...rest } = await written();
  const { signals: signalsBefore, stages: stagesBefore, score: _, ...restBefore } = before;
  expect(rest).toEqual(restBefore);
  expect(signals).toMatchObject(signalsBefore);
  expect({ ...stages, interest: undefined }).toEqual({ ...stagesBefore, interest: undefined });
  expect(score!.weights).toHaveProperty('bargain_view');
  // Properties and campaign labels, who fits and who is left out: nothing is in the text alone.
  await field('bargain_view', 'Name');
  await press('.rulesForm details[open]', 'Property');
  await put('bargain_view', 'Test', 'gte');
  await put('bargain_view', 'in value', '20');
  await put('bargain_view', 'Property', 'discount');
  await put('bargain_view', 'its points tell of intent', '');
  await press('.rulesForm', 'Leave somebody out');
  await put('staff', 'in value', 'employee');
  await put('staff', 'Name', 'colleague');
  await press('.rulesForm', 'Add points');
  const fit = 'company_size is at least 50';
  await put(fit, 'Points', '25');
  const whole = await written();
  expect(whole.signals.bargain_view).toMatchObject({ props: { discount: { gte: 20 } } });
  expect(whole.exclude).toEqual({ ...before.exclude, colleague: { when: { trait: 'role', eq: 'employee' } } });
  expect(whole.score!.intent).toContain('bargain_view');
  expect(whole.score!.fit!.at(-1)).toEqual({ when: { trait: 'company_size', gte: 50 }, points: 25 });
  expect(await ask<object>('rules')).not.toHaveProperty('exclude.colleague');
  await put('bargain_view', 'its points tell of intent', '');
  expect((await written()).score!.intent ?? []).not.toContain('bargain_view');
  // People call it otherwise, in conditions too; what was opened is still open.
  await put('bargain_view', 'Shown as', 'Bargains');
  expect((await written()).signals.bargain_view!.label).toBe('Bargains');
  await page.waitForFunction(() =>
    [...document.querySelectorAll<HTMLDetailsElement>('.rulesForm > details[open]')].some(
      (each) => each.querySelector('strong')!.textContent === 'Bargains',
    ),
  );
  expect(
    await page.$$eval('.rulesForm option[value=bargain_view]', (options) =>
      options.map(({ textContent }) => textContent),
    ),
  ).toContain('Bargains');
  await put('Bargains', 'Shown as', '');
  expect((await written()).signals.bargain_view).not.toHaveProperty('label');
  // What is written wrong is found by itself, with its line; and the form says that it cannot show what is no document.
  await page.$eval('.editor', (editor) => {
    const text = (editor as HTMLTextAreaElement).value;
    (editor as HTMLTextAreaElement).value = text.replace('"signal": "bargain_view"', '"signal": "bargain_veiw"');
    editor.dispatchEvent(new Event('input'));
  });
  await page.waitForSelector('.findings button');
  await page.click('.findings button');
  const chosen = await page.$eval('.editor', (element) => {
    const { value, selectionStart, selectionEnd } = element as HTMLTextAreaElement;
    return value.slice(selectionStart, selectionEnd);
  });
  expect(chosen.trim()).toBe('"signal": "bargain_veiw",');
  await page.$eval('.editor', (editor) => {
    (editor as HTMLTextAreaElement).value = '{"signals": ';
    editor.dispatchEvent(new Event('input'));
  });
  await page.waitForSelector('.beside [role=alert]');
  // Whatever somebody writes, the view stays.
  const rule = (when: unknown) => ({ signals: { a: { event: 'x' } }, stages: { interest: { when } } });
  for (const odd of [
    { signals: { a: null }, stages: {} },
    { signals: { a: { label: null } }, stages: {}, tags: { x: { when: {}, label: null } } },
    { signals: {}, stages: { interest: 3 }, tags: { x: 3 } },
    { '': 1, signals: {}, stages: {}, tags: { '': { dimension: 'intent' } } },
    { signals: {}, stages: {}, score: 7 },
    ...[{ all: {} }, { all: null }, { any: '' }, { not: null }, { any: [3] }, [], 'x', { signal: 3, count: 3 }].map(
      rule,
    ),
  ]) {
    await page.$eval(
      '.editor',
      (editor, text) => {
        (editor as HTMLTextAreaElement).value = text;
        editor.dispatchEvent(new Event('input'));
      },
      JSON.stringify(odd),
    );
    await page.waitForSelector('.findings button');
  }
  const asked = acceptAll(page);
  await press('main', 'Discard');
  expect(asked).toEqual(['What you changed in the rules and did not publish is lost. Go on?']);
  await page.waitForSelector('.rulesForm details');
  expect(await written()).toEqual(before);
  expect(await ask<Rules>('rules')).toMatchObject({ version: 1 });
  expect(problems).toEqual([]);
});

test('the board follows what happens, by itself', async () => {
  const { collector, site, ask } = await startShop();
  const { page, problems } = await openPage(await openChromium());
  await signIn(page, collector.url);
  await page.waitForSelector('.visitors a');
  const names = () => page.$$eval('.visitors a', (all) => all.map((each) => each.textContent));
  expect(await names()).not.toContain('newcomer');
  const now = Date.now();
  const event = { id: newId(now), name: 'page_view', time: now, url: 'https://demo.example/' };
  await fetch(`${collector.url}/v1/events`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${site.secretKey}` },
    body: JSON.stringify({ siteKey: site.siteKey, visitorId: newId(now), userId: 'newcomer', events: [event] }),
  });
  await page.waitForFunction(() =>
    [...document.querySelectorAll('.visitors a')].some((each) => each.textContent === 'newcomer'),
  );
  const { visitors } = await ask<{ visitors: Array<{ userId?: string }> }>('visitors?limit=1');
  expect(visitors[0]!.userId).toBe('newcomer');
  // So do the measures and the stages.
  const { kpis } = await ask<KpiReport>('reports/kpis');
  const shown = (selector: string) => page.$eval(selector, (cell) => cell.textContent);
  await expect
    .poll(() => shown('.kpis tbody tr:first-child td:nth-child(3)'), { timeout: 5000 })
    .toBe(kpis[0]!.value!.toLocaleString('en-GB'));
  const { stages, days } = await ask<StagesReport>('reports/stages');
  await expect
    .poll(() => shown('.funnel li .current'), { timeout: 5000 })
    .toBe(stages[0]!.current.toLocaleString('en-GB'));
  const today = days.at(-1)!;
  await expect
    .poll(() => shown('.funnel li .detail'), { timeout: 5000 })
    .toContain(`${today.entered.awareness} entered today · ${today.left.awareness} left today`);
  expect(problems).toEqual([]);
});

test('what was spent is taken in from a table, told by campaign, and taken back', async () => {
  const { collector, site, ask } = await startShop();
  const { page, problems } = await openPage(await openChromium());
  page.on('dialog', (dialog) => void dialog.accept());
  await signIn(page, collector.url);
  await page.goto(`${collector.url}/#/${site.siteKey}/channels?by=campaign&measure=cac&days=90`);
  const file = path.join(temporaryFolder(), 'costs.csv');
  const take = async (text: string) => {
    fs.writeFileSync(file, text);
    const input = await page.waitForSelector('input[type=file]');
    await (input as ElementHandle<HTMLInputElement>).uploadFile(file);
  };
  const day = new Date(Date.now() - 86_400_000).toISOString().slice(0, 10);
  const costs = () =>
    page.$$eval('.costs tbody tr', (all) =>
      all.map((row) => [...row.children].slice(0, 6).map((cell) => cell.textContent)),
    );
  await page.waitForSelector('.costs tbody tr');
  const before = await costs();
  await take('day,channel,cost\nyesterday,Email,3');
  await page.waitForSelector('.problem');
  expect(await page.$eval('.problem', (text) => text.textContent)).toContain('line 2: day: expected one such as');
  expect(await costs()).toEqual(before);
  await take(`day,channel,campaign,cost\n${day},Email,may,12.5\n${day},Email,,4`);
  await expect.poll(async () => (await costs()).length).toBe(before.length + 2);
  expect(await costs()).toContainEqual(['Email', '–', '–', 'may', '1', expect.stringContaining('12.5')]);
  expect(await page.$('.problem')).toBeNull();
  // The report beside it knows.
  await page.waitForFunction(() =>
    [...document.querySelectorAll('.attribution tbody tr')].some(({ textContent }) => /^may.*12\.5/.test(textContent!)),
  );
  await page.evaluate(() => {
    const row = [...document.querySelectorAll('.costs tbody tr')].find((each) => /may/.test(each.textContent!))!;
    row.querySelector('button')!.click();
  });
  await expect.poll(async () => (await costs()).length).toBe(before.length + 1);
  const { costs: left } = await ask<{ costs: Array<{ day: string; channel: string; cost: number }> }>(
    `costs?from=${day}`,
  );
  // What else was said of the day is still there.
  expect(left.filter(({ channel }) => channel === 'Email')).toEqual([{ day, channel: 'Email', cost: 4 }]);
  expect(problems.filter((each) => !each.includes('400'))).toEqual([]);
});

test('a source is given a channel, a campaign its link, and a person is erased with a receipt', async () => {
  const { collector, site, ask } = await startShop();
  const { page, problems } = await openPage(await openChromium());
  page.on('dialog', (dialog) => void dialog.accept());
  await signIn(page, collector.url);
  await page.goto(`${collector.url}/#/${site.siteKey}/channels`);
  await page.waitForSelector('.sources select');
  const source = await page.$eval('.sources tbody td', (cell) => cell.firstChild!.textContent!);
  await page.select('.sources select', 'Affiliates');
  await page.waitForFunction(
    () => document.querySelector('.sources tbody tr td:nth-child(4)')!.textContent === 'Affiliates',
  );
  const { sources } = await ask<SourcesReport>('reports/sources');
  expect(sources.find((each) => each.source === source)).toMatchObject({ channel: 'Affiliates', isGiven: true });
  // Two at once: none takes the place of the other.
  await page.evaluate(() => {
    for (const select of [...document.querySelectorAll<HTMLSelectElement>('.sources select')].slice(1, 3)) {
      select.value = 'Email';
      select.dispatchEvent(new Event('change'));
    }
  });
  await expect
    .poll(async () => (await ask<SourcesReport>('reports/sources')).sources.filter(({ isGiven }) => isGiven).length)
    .toBe(3);
  await page.type('input[name=utm_source]', '小红书');
  expect(await page.$eval('.link', (link) => link.textContent)).toBe(
    `https://demo.example/?utm_source=${encodeURIComponent('小红书')}`,
  );
  await page.goto(`${collector.url}/#/${site.siteKey}/visitors?stage=loyalty`);
  await page.waitForSelector('.visitors a');
  await page.waitForFunction(() => !/Loading/.test(document.body.innerText));
  expect(
    new Set(await page.$$eval('.visitors .stage', (all) => all.map((each) => each.getAttribute('data-stage')))),
  ).toEqual(new Set(['loyalty']));
  await page.click('.visitors a');
  await page.waitForSelector('.timeline > li');
  const visitorId = await page.$eval('h2.id', (heading) => heading.textContent!);
  await page.evaluate(() =>
    [...document.querySelectorAll('main button')]
      .find((each) => each.textContent === 'Erase for good')!
      .dispatchEvent(new Event('click')),
  );
  await page.waitForSelector('section[role=status] dl');
  expect(
    await page.$$eval('section[role=status] dl > :nth-child(-n+2)', (all) => all.map((each) => each.textContent)),
  ).toEqual(['Visitors', '1']);
  await expect(ask(`visitors/${visitorId}`)).rejects.toThrow('404');
  // The page goes on asking for who is gone.
  expect(problems.filter((each) => !each.includes('404'))).toEqual([]);
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
  await page.waitForFunction(() => !/Loading/.test(document.body.innerText));
  await page.click('.visitors a');
  await page.waitForSelector('.history > li');
  const history = () => page.$$eval('.history > li', (all) => all.map((item) => item.textContent!).join(' '));
  expect(await history()).toContain('it turned out whose visitor this is');
  await page.evaluate(() => [...document.querySelectorAll('header button')].at(-1)!.dispatchEvent(new Event('click')));
  await page.waitForFunction(() => document.documentElement.lang === 'zh');
  expect(await history()).toContain('属于某位用户');

  // Another browser of the user, which turns out to be somebody else's.
  const other = newId(Date.now());
  await send({ visitorId: other, events: [event()], userId: 'u1' });
  const press = (text: string) =>
    page.waitForFunction(
      (label) => {
        const button = [...document.querySelectorAll('main button')].find((each) => each.textContent === label);
        button?.dispatchEvent(new Event('click'));
        return !!button;
      },
      {},
      text,
    );
  page.on('dialog', (dialog) => void dialog.accept());
  await press('此浏览器属于其他人');
  await expect.poll(async () => (await collector.store.visitor(site.siteKey, visitorId))!.personId).toBeNull();
  await page.waitForFunction(
    () => ![...document.querySelectorAll('main button')].some((each) => /其他人/.test(each.textContent)),
  );
  expect(problems).toEqual([]);
});

test('what people leave beside the numbers is there again: notes, views, users, and a link that shows reports alone', async () => {
  const { collector, site, ask } = await startShop();
  const { page, problems } = await openPage(await openChromium());
  page.on('dialog', (dialog) => void dialog.accept());
  await signIn(page, collector.url);
  await page.waitForSelector('form.note');
  // What comes a little later stands above it, and would move the button away from under the pointer. One connection stays open.
  await page.waitForNetworkIdle({ idleTime: 300, concurrency: 1 });
  const today = new Date().toISOString().slice(0, 10);
  await page.type('form.note input[name=text]', 'Sale <b>begins</b>');
  await page.click('form.note button');
  await page.waitForFunction(() => document.querySelector('.notes')?.textContent?.includes('Sale <b>begins</b>'));
  expect(await ask('annotations')).toMatchObject({ annotations: [{ day: today, text: 'Sale <b>begins</b>' }] });
  // Each stands in the chart by its number, beside those of the same day.
  const marked = () => page.$$eval('.chart svg text', (all) => all.map((each) => each.textContent));
  await expect.poll(marked).toContain('1 2');
  await page.click('.notes button');
  await page.waitForFunction(() => !document.querySelector('.notes')?.textContent?.includes('Sale'));

  await page.goto(`${collector.url}/#/${site.siteKey}/flow?days=90`);
  await page.waitForSelector('.losses');
  await page.click('.view-menu summary');
  await page.type('.view-menu input[name=name]', 'The leak');
  await page.click('.view-menu form:nth-of-type(1) button');
  await page.waitForSelector('.view-menu a');
  await page.goto(`${collector.url}/#/${site.siteKey}/content`);
  await page.waitForSelector('.view-menu summary');
  await page.click('.view-menu summary');
  await page.waitForSelector('.view-menu a');
  await page.click('.view-menu a');
  await page.waitForFunction(() => location.hash.endsWith('/flow?days=90'));
  await page.waitForSelector('.view-menu:not([open])');
  await page.click('.view-menu summary');
  await page.click('.view-menu form:nth-of-type(2) button');
  await page.waitForSelector('input.link');
  const link = await page.$eval('input.link', (input) => (input as HTMLInputElement).value);

  await page.goto(`${collector.url}/#/${site.siteKey}/setup`);
  await page.waitForSelector('.users input[name=name]');
  // What is still to come above would push the form out of sight.
  await page.waitForFunction(() => !/Loading/.test(document.body.innerText));
  await page.type('.users input[name=name]', 'Ada');
  await page.click('.users form button');
  await page.waitForSelector('.users code');
  const token = await page.$eval('.users code', (code) => code.textContent);
  const asAda = await fetch(`${collector.url}/api/sites`, { headers: { Authorization: `Bearer ${token}` } });
  expect(asAda.status).toBe(200);
  await page.waitForFunction(() => document.querySelector('table.audit')?.textContent?.includes('added a user'));
  expect(await page.$eval('table.audit', (table) => table.textContent)).toContain('made a link for others');
  await page.click('table.users td button');
  await page.waitForFunction(() => !document.querySelector('table.users'));

  const { page: guest, problems: others } = await openPage(await openChromium());
  await guest.goto(link);
  await guest.waitForSelector('.losses');
  expect(await guest.evaluate(() => location.hash)).toBe(`#/${site.siteKey}/flow?days=90`);
  const seen = (of: Page) => of.$$eval('nav a', (all) => all.map((each) => each.textContent));
  expect(await seen(guest)).toEqual(['Board', 'Week', 'Flow', 'Funnel', 'Channels', 'Content', 'Customers']);
  for (const view of ['board', 'review', 'funnel', 'channels', 'content', 'customers']) {
    await guest.goto(`${collector.url}/#/${site.siteKey}/${view}`);
    await guest.waitForFunction(() => document.querySelector('main .card') && !/Loading/.test(document.body.innerText));
    expect(await guest.$('.problem')).toBeNull();
  }
  await guest.goto(`${collector.url}/#/${site.siteKey}/visitors`);
  await guest.waitForFunction(() => /Sign in to see more/.test(document.body.innerText));
  await page.click('table.shares button');
  await page.waitForFunction(() => !document.querySelector('table.shares'));
  await guest.goto('about:blank');
  await guest.goto(link);
  await guest.waitForSelector('.sign-in .problem');
  expect(await guest.$eval('.sign-in .problem', (text) => text.textContent)).toMatch(/ended/);
  expect([...problems, ...others]).toEqual([]);
});

test('is light or dark as was chosen, and a chart can be taken along as a picture', async () => {
  const { collector } = await startShop();
  const { page, problems } = await openPage(await openChromium());
  await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: 'light' }]);
  await signIn(page, collector.url);
  await page.waitForSelector('.chart svg');
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await ground();
  const choose = (name: string) => page.select('header select:not(.site select)', name);
  await choose('dark');
  const dark = await ground();
  expect(dark).not.toBe(light);
  await page.reload();
  await page.waitForSelector('.chart svg');
  expect(await ground()).toBe(dark);
  await choose('system');
  expect(await ground()).toBe(light);

  await page.evaluate(() => {
    const made: Blob[] = [];
    Object.assign(window, { made });
    const create = URL.createObjectURL.bind(URL);
    URL.createObjectURL = (blob: Blob) => {
      made.push(blob);
      return create(blob);
    };
  });
  await page.waitForSelector('.chart svg');
  await page.click('.chart + button');
  await page.waitForFunction(() => (window as unknown as { made: Blob[] }).made.length === 1);
  const look = (at: number) =>
    page.evaluate(async (place) => {
      const blob = (window as unknown as { made: Blob[] }).made[place];
      const image = await createImageBitmap(blob!);
      const canvas = Object.assign(document.createElement('canvas'), { width: image.width, height: image.height });
      const context = canvas.getContext('2d')!;
      context.drawImage(image, 0, 0);
      const { data } = context.getImageData(0, 0, image.width, image.height);
      const colors = new Set<string>();
      for (let at = 0; at < data.length; at += 4 * 97) colors.add(data.slice(at, at + 3).join());
      return { type: blob!.type, width: image.width, colors: colors.size };
    }, at);
  const picture = await look(0);
  expect(picture.type).toBe('image/png');
  expect(picture.width).toBeGreaterThan(1000);
  // Bars and words, not the ground alone.
  expect(picture.colors).toBeGreaterThan(5);
  // So is what the page draws itself.
  await page.click('.funnel ~ span button');
  await page.waitForFunction(() => (window as unknown as { made: Blob[] }).made.length === 2);
  const drawn = await look(1);
  expect(drawn.width).toBeGreaterThan(1000);
  expect(drawn.colors).toBeGreaterThan(10);
  expect(problems).toEqual([]);
});

test('a session that ends while something is saved leaves it on the page, and asks to sign in elsewhere', async () => {
  const { collector, site } = await startShop();
  const { page } = await openPage(await openChromium());
  await signIn(page, collector.url);
  await page.waitForSelector('form.note');
  await page.waitForFunction(() => !/Loading/.test(document.body.innerText));
  await page.deleteCookie(...(await page.cookies()));
  await page.type('form.note input[name=text]', 'Sale begins');
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => /your session has ended/.test(document.body.innerText));
  // Looking at the page again reads it again.
  const refused = page.waitForResponse(
    (response) => response.status() === 401 && response.request().method() === 'GET',
  );
  await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
  await refused;
  expect(await page.$eval('form.note input[name=text]', (input) => (input as HTMLInputElement).value)).toBe(
    'Sale begins',
  );
  await page.evaluate((key) => (location.hash = `#/${key}/content`), site.siteKey);
  await page.waitForSelector('input[name=token]');
});

test('whoever signs out leaves nothing of the rules that were being written, and is asked before', async () => {
  const { collector, site } = await startShop();
  const { page } = await openPage(await openChromium());
  const text = () => page.$eval('.editor', (editor) => (editor as HTMLTextAreaElement).value);
  const rules = `#/${site.siteKey}/rules`;
  await signIn(page, collector.url);
  await page.evaluate((hash) => (location.hash = hash), rules);
  await page.waitForSelector('.editor');
  await page.waitForFunction(() => document.querySelector<HTMLTextAreaElement>('.editor')?.value.includes('"stages"'));
  await page.$eval('.editor', (editor) => {
    const field = editor as HTMLTextAreaElement;
    field.value = field.value.replace('{', '{"name": "half of it",');
    field.dispatchEvent(new Event('input'));
  });
  const answers = [false, true];
  const asked: string[] = [];
  page.on('dialog', (dialog) => {
    asked.push(dialog.message());
    void (answers.shift() ? dialog.accept() : dialog.dismiss());
  });
  const leave = () =>
    page.evaluate(() => document.querySelector<HTMLElement>('header > button, header .plain')!.click());
  const isAsked = (times: number) => expect.poll(() => asked.length).toBe(times);
  await leave();
  await isAsked(1);
  expect(await text()).toContain('half of it');
  await leave();
  await isAsked(2);
  await page.waitForSelector('input[name=token]');
  await page.type('input[name=token]', ADMIN);
  await page.click('form button');
  await page.waitForSelector('nav');
  await page.evaluate((hash) => (location.hash = hash), rules);
  await page.waitForFunction(() => document.querySelector<HTMLTextAreaElement>('.editor')?.value.includes('"stages"'));
  expect(await text()).not.toContain('half of it');
  expect(asked).toHaveLength(2);
});

test('changes are heard again after a proxy has answered in the place of the collector', async () => {
  const { collector } = await startShop();
  const { page } = await openPage(await openChromium());
  let tries = 0;
  await page.setRequestInterception(true);
  page.on('request', (request) => {
    if (request.url().endsWith('/changes') && !tries++) void request.respond({ status: 502, body: 'Bad gateway' });
    else void request.continue();
  });
  const opened = page.waitForResponse((response) => response.url().endsWith('/changes') && response.status() === 200);
  await signIn(page, collector.url);
  await opened;
  expect(tries).toBe(2);
});

test('the way back leads to where somebody was on the page, and another view begins at its top', async () => {
  const { collector } = await startShop();
  const { page } = await openPage(await openChromium());
  await page.setViewport({ width: 1000, height: 500 });
  await signIn(page, collector.url);
  await page.click('nav a[href*="visitors"]');
  await page.waitForSelector('tbody tr:nth-child(20)');
  const place = () => page.evaluate(() => scrollY);
  const at = (wanted: number) => page.waitForFunction((y) => Math.abs(scrollY - y) < 2, {}, wanted);
  await page.evaluate(() => document.querySelector('tbody tr:nth-child(18)')!.scrollIntoView());
  await page.waitForFunction(() => (history.state as { place?: number } | null)?.place === scrollY);
  const left = await place();
  expect(left).toBeGreaterThan(300);
  await page.evaluate(() => document.querySelector<HTMLElement>('tbody tr:nth-child(18) a')!.click());
  await page.waitForSelector('.timeline');
  expect(await place()).toBe(0);
  await page.goBack();
  await at(left);
  await page.reload();
  await at(left);
  await page.goForward();
  await page.waitForSelector('.timeline');
  expect(await place()).toBe(0);
  // What was chosen in a view is another address, and the same place.
  await page.goBack();
  await at(left);
  await page.evaluate(() => (location.hash += '?stage=interest'));
  await page.waitForFunction(() => location.hash.includes('interest'));
  expect(await place()).toBeGreaterThan(0);
});

test('what cannot be had says so, and is there again by itself', async () => {
  const { collector, site, ask } = await startShop();
  const { page } = await openPage(await openChromium());
  await signIn(page, collector.url);
  const says = (text: string) =>
    page.waitForFunction((part) => document.querySelector('main')!.textContent.includes(part), {}, text);
  await page.setRequestInterception(true);
  page.on('request', (request) => void (/chart-/.test(request.url()) ? request.abort() : request.continue()));
  await page.goto(`${collector.url}/#/${site.siteKey}/customers`);
  await says('The charts could not be loaded.');
  await page.setOfflineMode(true);
  await page.goto(`${collector.url}/#/${site.siteKey}/flow`);
  await says('the collector cannot be reached');
  await switchLanguage(page);
  await page.setOfflineMode(false);
  await page.waitForSelector('.steps tbody tr');
  // The number of those who are lost is the way to them.
  const { steps } = await ask<FlowReport>(`reports/flow?from=${NINETY}`);
  const { from, lost } = steps.find((step) => step.lost)!;
  await page.click(`.steps a[href*="reached=${from}"][href*="fate=lost"]`);
  await page.waitForFunction(
    (count) => document.querySelector('section [role=status]')?.textContent.includes(String(count)),
    {},
    lost,
  );
  await page.goto(`${collector.url}/#/${site.siteKey}/flow?from=1990-02-02`);
  await says('时间范围最多 3660 天');
  // The other way round, they are the same days.
  await page.goto(`${collector.url}/#/${site.siteKey}/flow?from=2026-02-02&to=2026-01-01`);
  await says('2026-01-01 至 2026-02-02 之间没有人到达任何阶段');
}, 120_000);
