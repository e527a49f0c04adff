import { expect, test } from 'vitest';
import { confirmed, eventually, openChromium, openPage, simplePages, startWorld } from '../helpers/browser.js';

const LINKS = `
  <a id="pdf" href="/files/%E8%B5%84%E6%96%99.pdf?x=1#p2" target="_blank"> The <b id="inner">datasheet</b> </a>
  <a id="named" href="/export" download="list.csv" target="_blank">List</a>
  <a id="out" href="https://other.example/page" target="_blank">Other</a>
  <a id="mail" href="mailto:a@b.example">Mail</a>
  <a id="here" href="#top">Top</a>
  <a id="stopped" href="https://stopped.example/">Stopped</a>
  <button id="marked" data-st-event="add_to_cart" data-st-prop-item="a b" data-st-prop-value="12.5">Add</button>
  <script>document.getElementById('stopped').onclick = (event) => event.preventDefault();</script>`;

test('downloads, links that leave and marked elements become events, and other links none', async () => {
  const world = await startWorld(simplePages({ '/': LINKS }, 'data-auto="downloads outbound"'));
  const { page, problems } = await openPage(await openChromium());
  await page.goto(`${world.pages}/`);
  await page.waitForFunction('window.stagetag?.state');
  // Later than ours on the same target, so that the page stays where it is and we know nothing of it.
  await page.evaluate(
    `for (const type of ['click', 'auxclick']) addEventListener(type, (event) => event.preventDefault())`,
  );
  for (const id of ['inner', 'named', 'out', 'mail', 'here', 'stopped', 'marked']) {
    await page.evaluate(`document.getElementById('${id}').click()`);
  }
  const press = (button: number) =>
    page.evaluate(
      `document.getElementById('out').dispatchEvent(new MouseEvent('auxclick', { button: ${button}, bubbles: true, composed: true, cancelable: true }))`,
    );
  await press(1);
  await press(2); // The right button opens a menu, not the link.
  const events = await eventually(
    () => world.events(),
    (all) => all.length >= 6,
  );
  expect(events.map(({ name, props }) => [name, props])).toEqual([
    ['session_start', undefined],
    [
      'file_download',
      {
        file_name: '资料.pdf',
        file_extension: 'pdf',
        link_url: `${world.pages}/files/%E8%B5%84%E6%96%99.pdf?x=1`,
        link_text: 'The datasheet',
      },
    ],
    [
      'file_download',
      { file_name: 'list.csv', file_extension: '', link_url: `${world.pages}/export`, link_text: 'List' },
    ],
    ['outbound_click', { link_url: 'https://other.example/page' }],
    ['add_to_cart', { item: 'a b', value: 12.5 }],
    ['outbound_click', { link_url: 'https://other.example/page' }],
  ]);
  expect(problems.filter((problem) => !problem.includes('net::'))).toEqual([]);
});

test('routes count once each, with where they came from, and a replaced state that goes nowhere does not', async () => {
  const world = await startWorld(simplePages({ '/app': 'app' }, 'data-auto="page"'));
  const { page } = await openPage(await openChromium());
  await page.goto(`${world.pages}/app?utm_source=x&gclid=1`);
  await page.waitForFunction('window.stagetag?.state');
  await page.evaluate(`(async () => {
    history.replaceState({}, '', location.href);
    history.pushState({}, '', '/app/one');
    history.replaceState({}, '', '/app/two');
    history.pushState({}, '', '/app/two#part');
    history.back();
    await new Promise((resolve) => addEventListener('popstate', resolve, { once: true }));
    history.back();
  })()`);
  const views = await eventually(
    () => world.events('?name=page_view'),
    (all) => all.length >= 4,
  );
  const path = (url: string | undefined) => url?.replace(world.pages, '');
  expect(views.map(({ url, referrer, source }) => [path(url), path(referrer), source])).toEqual([
    ['/app?utm_source=x&gclid=1', '', { utm_source: 'x', gclid: '1' }],
    ['/app/one', '/app?utm_source=x&gclid=1', undefined],
    ['/app/two', '/app/one', undefined],
    ['/app?utm_source=x&gclid=1', '/app/two', undefined],
  ]);
});

const FORM = `
  <form id="lead" name="lead-form" action="/send?to=x" onsubmit="event.preventDefault()">
    <input name="name" id="name"><input name="email" type="email" required><input type="hidden" name="token" value="planted-hidden">
    <input name="action"><select name="size"><option>1</option><option>2</option></select>
    <textarea name="note"></textarea><input type="password" name="password"><button>Send</button>
  </form>`;

test('a form is begun once, sent only when it is valid, and its values stay where they are', async () => {
  const world = await startWorld(simplePages({ '/': FORM }, 'data-auto="forms"'));
  const { page } = await openPage(await openChromium());
  const bodies: string[] = [];
  page.on('request', (request) => bodies.push(request.postData() ?? ''));
  await page.goto(`${world.pages}/`);
  await page.waitForFunction('window.stagetag?.state');
  await page.type('input[name=name]', 'planted-name');
  await page.type('textarea', 'planted-note');
  await page.type('input[type=password]', 'planted-password');
  await page.click('button'); // The required address is missing.
  await page.type('input[name=email]', 'planted@mail.example');
  await page.click('button');
  const events = await eventually(
    () => world.events(),
    (all) => all.some(({ name }) => name === 'form_submit'),
  );
  expect(events.map(({ name }) => name)).toEqual(['session_start', 'form_start', 'form_submit']);
  const form = { form_id: 'lead', form_name: 'lead-form', form_destination: `${world.pages}/send`, fields_total: 6 };
  expect(events[1]!.props).toEqual({ ...form, fields_filled: 1 });
  expect(events[2]!.props).toMatchObject({ ...form, fields_filled: 4, last_field: 'email' });
  expect(bodies.join()).not.toContain('planted');
});

test('before consent nothing is stored, sent or shown; on consent the visit so far is kept; on denial all of it goes', async () => {
  const world = await startWorld(simplePages({ '/': 'one' }, 'data-consent="required" data-auto="page"'));
  const { page } = await openPage(await openChromium());
  await page.goto(`${world.pages}/?utm_source=ad`);
  await page.waitForFunction('window.stagetag?.state');
  await page.evaluate(`void stagetag.track('purchase', { value: 3 })`);
  const look = () =>
    page.evaluate(`(async () => ({
      stage: stagetag.stage, ready: (await stagetag.ready).stage, html: document.documentElement.dataset.stage ?? null,
      storage: Object.keys(localStorage), cookies: document.cookie,
      databases: await Promise.all((await indexedDB.databases()).map(({ name }) => new Promise((resolve) => {
        indexedDB.open(name).onsuccess = ({ target: { result } }) => {
          const count = result.transaction('queue').objectStore('queue').count();
          count.onsuccess = () => { result.close(); resolve(count.result); };
        };
      }))),
    }))()`) as Promise<Record<string, unknown>>;
  expect(await look()).toEqual({ stage: null, ready: null, html: null, storage: [], cookies: '', databases: [] });
  await page.evaluate(`stagetag.consent('granted')`);
  expect(await page.evaluate('stagetag.stage')).toBe('action');
  await confirmed(page);
  const events = await world.events();
  expect(events.map(({ name }) => name)).toEqual(['session_start', 'page_view', 'purchase']);
  expect(events[1]).toMatchObject({ source: { utm_source: 'ad' } });
  await page.evaluate(`stagetag.track('more'); stagetag.consent('denied')`);
  expect(await page.evaluate('stagetag.stage')).toBeNull();
  const after = await eventually(look, ({ databases }) => (databases as number[]).every((count) => count === 0));
  expect(after).toMatchObject({ stage: null, html: null, storage: [`st1:${world.site.siteKey}:consent`], cookies: '' });
  await page.reload();
  await page.waitForFunction('window.stagetag?.state');
  await page.evaluate(`stagetag.track('later')`);
  await page.evaluate('stagetag.flush()');
  expect((await world.events()).map(({ name }) => name)).toEqual(['session_start', 'page_view', 'purchase']);
});

test('Global Privacy Control counts as no until an explicit yes', async () => {
  const world = await startWorld(simplePages({ '/': 'one' }));
  const { page } = await openPage(await openChromium());
  await page.evaluateOnNewDocument(
    `Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', { get: () => true })`,
  );
  await page.goto(`${world.pages}/`);
  await page.waitForFunction('window.stagetag?.state');
  expect(await page.evaluate('[stagetag.stage, localStorage.length]')).toEqual([null, 0]);
  await page.evaluate(`stagetag.consent('granted')`);
  expect(await confirmed(page)).toMatchObject({ stage: 'awareness' });
});

test('calls made before the script are kept, and a second tag on the page does nothing', async () => {
  const early = `<script>window.stagetag = { q: [['track', 'early', { n: 1 }], ['identify', 'u7', { plan: 'pro' }]] };</script>`;
  const world = await startWorld(({ collectorUrl, siteKey }) =>
    simplePages(
      { '/': `${early}<script defer src="${collectorUrl}/t/${siteKey}.js?again"></script>` },
      'data-auto="off" data-datalayer',
    )({ collectorUrl, siteKey }),
  );
  const { page, problems } = await openPage(await openChromium());
  await page.goto(`${world.pages}/`);
  await eventually(
    () => world.events(),
    (events) => events.length >= 2,
  );
  await confirmed(page);
  const events = await world.events();
  expect(events.map(({ name, props }) => [name, props])).toEqual([
    ['early', { n: 1 }],
    ['identify', { plan: 'pro' }],
  ]);
  expect((await world.visitor(events[0]!.visitorId)).userId).toBe('u7');
  expect(
    await page.evaluate('dataLayer.every(({ event }) => event === "stagetag_state") && dataLayer.length > 0'),
  ).toBe(true);
  expect(problems).toEqual([]);
});

test('the visitor can be kept in a cookie, and goes with it on denial', async () => {
  const world = await startWorld(simplePages({ '/': 'one' }, 'data-storage="cookie" data-auto="page"'));
  const { page } = await openPage(await openChromium());
  await page.goto(`${world.pages}/`);
  await confirmed(page);
  const kept = (await page.evaluate('document.cookie')) as string;
  expect(kept).toMatch(new RegExp(`^st1_${world.site.siteKey}=[0-9a-f-]{36}$`));
  expect(await page.evaluate(`localStorage.getItem('st1:${world.site.siteKey}:visitor')`)).toBeNull();
  await page.reload();
  await confirmed(page);
  await eventually(
    () => world.events('?name=page_view'),
    (events) => events.length === 2,
  );
  expect(await page.evaluate('document.cookie')).toBe(kept);
  expect(new Set((await world.events()).map(({ visitorId }) => visitorId)).size).toBe(1);
  await page.evaluate(`stagetag.consent('denied')`);
  expect(await page.evaluate('document.cookie')).toBe('');
});
