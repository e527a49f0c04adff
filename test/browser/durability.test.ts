import { expect, test } from 'vitest';
import { confirmed, eventually, openChromium, openPage, simplePages, startWorld } from '../helpers/browser.js';

const VISITS = 200;

test(`${VISITS} visits that record an event and leave in the same tick lose none, and store none twice`, async () => {
  const hop = `<script>
    addEventListener('DOMContentLoaded', () => {
      const n = Number(new URLSearchParams(location.search).get('n'));
      if (n > ${VISITS}) return (document.title = 'done');
      stagetag.track('hop', { n });
      location.href = '/hop?n=' + (n + 1);
    });
  </script>`;
  const world = await startWorld(simplePages({ '/hop': hop }, 'data-auto="off"'));
  const { page, problems } = await openPage(await openChromium());
  await page.goto(`${world.pages}/hop?n=1`);
  await page.waitForFunction('document.title === "done"', { timeout: 120_000 });
  const hops = await eventually(
    () => world.events('?name=hop'),
    (events) => events.length >= VISITS,
  );
  expect(hops.map(({ props }) => props!.n).sort((a, b) => Number(a) - Number(b))).toEqual(
    Array.from({ length: VISITS }, (_, i) => i + 1),
  );
  expect(new Set(hops.map(({ id }) => id)).size).toBe(VISITS);
  expect(new Set(hops.map(({ visitorId }) => visitorId)).size).toBe(1);
  expect(hops.map(({ seq }) => seq).sort((a, b) => a! - b!)).toEqual(Array.from({ length: VISITS }, (_, i) => i + 1));
  expect(problems).toEqual([]);
});

test('what is recorded on leaving the site is sent as the page is left', async () => {
  const form =
    '<form id="quote" action="/quote"><input name="company"><input name="people"><button>Send</button></form>';
  const world = await startWorld(simplePages({ '/': form }, 'data-auto="page forms"'));
  const { page } = await openPage(await openChromium());
  await page.goto(`${world.pages}/`);
  await confirmed(page);
  await page.type('input[name=company]', 'planted-secret');
  await confirmed(page);
  await page.goto('about:blank');
  const [abandoned] = await eventually(
    () => world.events('?name=form_abandon'),
    (events) => events.length > 0,
  );
  expect(abandoned!.props).toMatchObject({
    form_id: 'quote',
    fields_filled: 1,
    fields_total: 2,
    last_field: 'company',
  });
  expect(JSON.stringify(await world.events())).not.toContain('planted-secret');
});

test('events of an outage are sent when the collector is back, in another page of the visit', async () => {
  const world = await startWorld(simplePages({ '/': 'one', '/two': 'two' }, 'data-auto="page"'));
  const { page } = await openPage(await openChromium());
  let isDown = true;
  await page.setRequestInterception(true);
  page.on(
    'request',
    (request) =>
      void (isDown && request.url().endsWith('/v1/events') ? request.abort('connectionrefused') : request.continue()),
  );
  await page.goto(`${world.pages}/`);
  await page.waitForFunction('window.stagetag?.state');
  for (let n = 0; n < 20; n++) await page.evaluate(`void stagetag.track('during', { n: ${n} })`);
  await page.evaluate('stagetag.flush()');
  expect(await world.events()).toEqual([]);
  isDown = false;
  await page.goto(`${world.pages}/two`);
  const during = await eventually(
    () => world.events('?name=during'),
    (events) => events.length >= 20,
  );
  expect(during).toHaveLength(20);
  await confirmed(page);
});

test('two tabs share the visitor, the state and the queue', async () => {
  const world = await startWorld(simplePages({ '/': 'one' }, 'data-auto="page"'));
  const browser = await openChromium();
  const [first, second] = [await openPage(browser), await openPage(browser)];
  await first.page.goto(`${world.pages}/`);
  // What one tab writes the other's process learns a little later: tabs of the same instant may begin a session each.
  await confirmed(first.page);
  await second.page.goto(`${world.pages}/`);
  await Promise.all(
    [first, second].map(({ page }, tab) =>
      page.evaluate(`for (let n = 0; n < 50; n++) stagetag.track('tab', { tab: ${tab}, n })`),
    ),
  );
  await second.page.evaluate(`void stagetag.track('purchase', { value: 1 })`);
  await eventually(
    () => world.events('?name=tab'),
    (events) => events.length >= 100,
  );
  await confirmed(second.page);
  expect(await first.page.evaluate('stagetag.stage')).toBe('action');
  const events = await world.events();
  expect(new Set(events.map(({ visitorId }) => visitorId)).size).toBe(1);
  expect(new Set(events.map(({ seq }) => seq)).size).toBe(events.length);
  expect(new Set(events.map(({ sessionId }) => sessionId)).size).toBe(1);
});

test('a page that was left comes back from the back/forward cache, and counts a view', async () => {
  const world = await startWorld(simplePages({ '/': 'one', '/two': 'two' }, 'data-auto="page"'));
  const { page } = await openPage(await openChromium());
  await page.goto(`${world.pages}/`);
  await confirmed(page);
  await page.evaluate('window.isSamePage = true');
  await page.goto(`${world.pages}/two`);
  await confirmed(page);
  await page.goBack();
  expect(await page.evaluate('window.isSamePage')).toBe(true);
  const views = await eventually(
    () => world.events('?name=page_view'),
    (events) => events.length >= 3,
  );
  expect(views.map(({ url }) => new URL(url!).pathname)).toEqual(['/', '/two', '/']);
});

test.each([
  ['localStorage throws', `Object.defineProperty(window, 'localStorage', { get() { throw new Error('blocked') } })`],
  ['there is no IndexedDB', `Object.defineProperty(window, 'indexedDB', { value: undefined })`],
  [
    'neither is there, nor locks',
    `Object.defineProperty(window, 'localStorage', { get() { throw new Error('blocked') } });
     Object.defineProperty(window, 'indexedDB', { value: undefined });
     Object.defineProperty(Navigator.prototype, 'locks', { value: undefined })`,
  ],
])('where %s the page still knows its stage, and its events are stored', async (_, obstacle) => {
  const world = await startWorld(simplePages({ '/': 'one' }, 'data-auto="page"'));
  const { page, problems } = await openPage(await openChromium());
  await page.evaluateOnNewDocument(obstacle);
  await page.goto(`${world.pages}/`);
  await page.waitForFunction('window.stagetag?.state');
  await page.evaluate(`void stagetag.track('purchase', { value: 2 })`);
  expect(await page.evaluate('stagetag.stage')).toBe('action');
  expect(await confirmed(page)).toMatchObject({ stage: 'action' });
  expect((await world.events()).map(({ name }) => name)).toEqual(['session_start', 'page_view', 'purchase']);
  expect(problems).toEqual([]);
});

test('a reset in one tab begins the new visitor in every tab', async () => {
  const world = await startWorld(simplePages({ '/': 'one' }, 'data-auto="off"'));
  const browser = await openChromium();
  const [first, second] = [await openPage(browser), await openPage(browser)];
  for (const { page } of [first, second]) {
    await page.goto(`${world.pages}/`);
    await page.waitForFunction('window.stagetag?.state');
  }
  await first.page.evaluate(`stagetag.identify('alice'); void stagetag.track('purchase', { value: 1 })`);
  await eventually(() => second.page.evaluate('stagetag.stage === "action"'));
  await first.page.evaluate('stagetag.reset()');
  await eventually(() => second.page.evaluate('stagetag.stage === null'));
  await second.page.evaluate(`void stagetag.track('sign_up')`);
  const events = await eventually(
    () => world.events(),
    (all) => all.length >= 3,
  );
  const owner = (name: string) => events.find((event) => event.name === name)!.visitorId;
  expect(owner('sign_up')).not.toBe(owner('purchase'));
  expect((await world.visitor(owner('sign_up'))).userId).toBeUndefined();
});

test('a queue that overflows gives up what is worth least, and owns up to it', async () => {
  const world = await startWorld(simplePages({ '/': 'one' }, 'data-auto="off" data-queue="50"'));
  const { page } = await openPage(await openChromium());
  let isDown = true;
  await page.setRequestInterception(true);
  page.on(
    'request',
    (request) => void (isDown && request.url().endsWith('/v1/events') ? request.abort() : request.continue()),
  );
  await page.goto(`${world.pages}/`);
  await page.waitForFunction('window.stagetag?.state');
  await page.evaluate(`(() => {
    for (let n = 0; n < 40; n++) stagetag.track('scroll', { n });
    for (let n = 0; n < 40; n++) stagetag.track('click_through', { n });
  })()`);
  await page.evaluate('stagetag.flush()');
  isDown = false;
  await page.evaluate(`void dispatchEvent(new Event('online'))`);
  const kept = await eventually(
    () => world.events(),
    (events) => events.length >= 50,
  );
  expect(kept.filter(({ name }) => name === 'click_through')).toHaveLength(40);
  expect(kept.filter(({ name }) => name === 'scroll').map(({ props }) => props!.n)).toEqual(
    Array.from({ length: 10 }, (_, n) => n + 30),
  );
  expect(Math.max(...kept.map(({ seq }) => seq!))).toBe(80);
  expect(await world.visitor(kept[0]!.visitorId)).toMatchObject({ lost: 30 });
});
