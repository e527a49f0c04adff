import type { Page } from 'puppeteer-core';
import { expect, test } from 'vitest';
import { ADMIN } from '../helpers/collector.js';
import {
  confirmed,
  eventually,
  openChromium,
  openPage,
  startWorld,
  visitorIdOf,
  type World,
} from '../helpers/browser.js';

/** The stage's name on the dashboard, as a person reads it there. */
async function stageOnDashboard(page: Page): Promise<string> {
  return eventually(() =>
    page.$eval('.stage-now .stage', (element) => element.getAttribute('data-stage') ?? '').catch(() => ''),
  );
}

async function click(page: Page, selector: string): Promise<void> {
  await Promise.all([page.waitForNavigation(), page.click(selector)]);
}

test('a visitor walks from awareness to loyalty, and page, collector and dashboard agree at each step', async () => {
  const world = await startWorld();
  const browser = await openChromium();
  const { page, problems } = await openPage(browser);
  await page.goto(`${world.pages}/?utm_source=newsletter&utm_medium=email`);
  await confirmed(page);
  const visitorId = await visitorIdOf(page, world.site.siteKey);

  const { page: dashboard, problems: dashboardProblems } = await openPage(await openChromium());
  await dashboard.goto(`${world.collector.url}/`);
  await dashboard.waitForSelector('input[name=token]');
  await dashboard.type('input[name=token]', ADMIN);
  await dashboard.click('form button');
  await dashboard.waitForSelector('table.visitors a');

  const agree = async (stage: string, via: string) => {
    expect((await confirmed(page)).stage, via).toBe(stage);
    // Web vitals may come at any time and be unacknowledged for a moment.
    const dataset = await eventually(
      () => page.$eval('html', (html) => ({ ...html.dataset })),
      ({ stageStatus }) => stageStatus === 'confirmed',
    );
    expect(dataset, via).toMatchObject({ stage });
    const stored = await world.visitor(visitorId);
    expect(stored.stage, via).toBe(stage);
    const { to, cause } = stored.transitions.at(-1)!;
    expect(to).toBe(stage);
    expect(cause).toMatchObject({ kind: 'event', rule: stage, rules: 1 });
    expect(stored.events.map(({ id }) => id)).toContain(cause.event);
    await dashboard.goto(`${world.collector.url}/#/`);
    await dashboard.goto(`${world.collector.url}/#/${world.site.siteKey}/visitors/${visitorId}`);
    await dashboard.reload();
    expect(await stageOnDashboard(dashboard), via).toBe(stage);
    const shown = await dashboard.$$eval('.history > li', (items) => items.map((item) => item.getAttribute('data-to')));
    expect(shown[0], via).toBe(stage);
    // The block of the page that changes with the stage.
    const offers = await page.$$eval('.offer p', (paragraphs) =>
      paragraphs.filter((each) => each.offsetHeight > 0).map((each) => each.dataset.stShow ?? 'awareness'),
    );
    expect(offers, via).toEqual([stage]);
  };

  await agree('awareness', 'landing');
  await click(page, 'a[href="/products/"]');
  await click(page, 'a[href="/products/plan"]');
  await agree('interest', 'a product page');
  await page.click('a[href$="datasheet.pdf"]');
  await click(page, 'main a[href="/pricing"]');
  await agree('consideration', 'the price list');
  await click(page, 'a[href="/checkout?plan=studio"]');
  await click(page, '#pay');
  await agree('action', 'the checkout');
  await page.click('button[data-st-prop-score="10"]');
  await agree('loyalty', 'a recommendation');

  const names = new Set((await world.events()).map(({ name }) => name));
  for (const name of ['session_start', 'page_view', 'begin_checkout', 'form_submit', 'purchase', 'nps'])
    expect(names).toContain(name);
  const ids = (await world.events()).map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  expect(await world.visitor(visitorId)).toMatchObject({
    firstTouch: { channel: 'Email', source: 'newsletter' },
    peak: 'loyalty',
  });
  expect(problems).toEqual([]);
  expect(dashboardProblems).toEqual([]);
});

test('the stage is on the page before any answer: provisional first, then confirmed', async () => {
  const world = await startWorld();
  const { page } = await openPage(await openChromium());
  // The collector is held back, so that nothing but the browser can know.
  let letGo = () => {};
  const held = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  await page.setRequestInterception(true);
  page.on('request', (request) => {
    if (request.url().endsWith('/v1/events')) void held.then(() => request.continue());
    else void request.continue();
  });
  await page.goto(`${world.pages}/`);
  await page.waitForFunction('window.stagetag?.state');
  const purchase = await page.evaluate(`(() => {
    const id = stagetag.track('purchase', { transaction_id: 'T1', value: 49, currency: 'EUR' });
    return { id, stage: stagetag.stage, status: stagetag.state().status, html: document.documentElement.dataset.stage };
  })()`);
  expect(purchase).toMatchObject({ stage: 'action', status: 'provisional', html: 'action' });
  expect(await world.events()).toEqual([]);
  letGo();
  expect(await confirmed(page)).toMatchObject({ stage: 'action' });
  const visitorId = await visitorIdOf(page, world.site.siteKey);
  const stored = await world.visitor(visitorId);
  expect(stored.stage).toBe('action');
  expect(stored.transitions.at(-1)).toMatchObject({
    to: 'action',
    cause: { rule: 'action', event: (purchase as { id: string }).id },
  });
  expect(await page.evaluate('JSON.stringify(stagetag.why())')).toContain('"signal":"order"');
  // Its words come when they are asked for, and not before.
  const loaded = () =>
    page.evaluate(`performance.getEntriesByType('resource').filter(({ name }) => /why/.test(name)).length`);
  expect(await loaded()).toBe(0);
  const said = await page.evaluate(
    `import('${world.collector.url}/t/why.js').then(({ sayWhy }) => sayWhy(stagetag.why(), 'zh', (name) => (name === 'order' ? '订单' : '订单页')))`,
  );
  expect(said).toMatch(
    /^✓ 行动 · 永久保留\n {2}✓ 满足其一\n {4}✓ 订单：至少 1 次（目前 1），任何时候\n {4}○ 订单页：.*\n下一阶段（忠诚）还需要：\n {2}○ 订单/,
  );
  expect(await loaded()).toBe(1);
});

test('the Chinese page speaks Chinese, and its signals are those of every page', async () => {
  const world: World = await startWorld();
  const { page, problems } = await openPage(await openChromium());
  await page.goto(`${world.pages}/zh/`);
  await confirmed(page);
  expect(await page.$eval('#panel', (panel) => panel.textContent)).toMatch(/认知.*已确认|已确认.*认知/s);
  expect(problems).toEqual([]);
});
