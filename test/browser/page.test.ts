/** How the SDK lives with a page: consent, identity, exposure, linking, and pages that mean harm. In three engines. */
import fs from 'node:fs';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { eventually, simplePages, startWorld } from '../helpers/browser.js';
import { ENGINES, openEngine, type Engine } from '../helpers/engines.js';
import { expectNoProblems, startSite } from '../helpers/site.js';
import { seeded } from '../helpers/random.js';

/** The head snippet as the README gives it. */
const HEAD = (siteKey: string) =>
  /<script>try\{.*<\/script>/.exec(fs.readFileSync('README.md', 'utf8'))![0].replace('YOUR_SITE_KEY', siteKey);

describe.each(ENGINES)('in %s', (name) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await openEngine(name);
  });
  afterAll(() => engine.close());

  const LOOK = `(async () => ({
    stage: stagetag.stage, ready: (await stagetag.ready).stage, html: document.documentElement.dataset.stage ?? null,
    storage: Object.keys(localStorage), session: Object.keys(sessionStorage), cookies: document.cookie,
    databases: (await indexedDB.databases()).length,
  }))()`;

  test('before consent nothing is stored, sent or shown; on consent the visit so far is kept; on denial all of it goes', async () => {
    const site = await startSite(engine, { '/': 'one' }, { attributes: 'data-consent="required"' });
    const { tab } = await site.visit('/?utm_source=ad').then(() => site);
    await tab.evaluate(`void stagetag.track('purchase', { value: 3 })`);
    const nothing = { stage: null, ready: null, html: null, storage: [], session: [], cookies: '', databases: 0 };
    expect(await tab.evaluate(LOOK)).toEqual(nothing);
    await tab.evaluate('new Promise((resolve) => setTimeout(resolve, 600))');
    expect(await tab.evaluate(LOOK)).toEqual(nothing);
    expect(site.road.batches).toEqual([]);
    await tab.evaluate(`stagetag.consent('granted')`);
    expect(await tab.evaluate('stagetag.stage')).toBe('action');
    await site.confirmed();
    const events = (await site.events()).filter((event) => event.name !== 'web_vital');
    expect(events.map((event) => event.name)).toEqual(['session_start', 'page_view', 'purchase']);
    expect(events[1]).toMatchObject({ source: { utm_source: 'ad' } });

    // Whatever is in the queue goes too, and at once.
    await site.road.close();
    await tab.evaluate(`void (stagetag.track('more'), stagetag.consent('denied'))`);
    const key = `stagetag-1-${site.site.siteKey}:consent`;
    expect(await tab.evaluate(LOOK)).toEqual({ ...nothing, storage: [key] });
    await site.road.open();
    await site.visit('/');
    await tab.evaluate(`stagetag.track('later')`);
    await tab.evaluate('stagetag.flush()');
    expect(await site.events('?name=later')).toEqual([]);
    expect(await tab.evaluate(LOOK)).toEqual({ ...nothing, storage: [key] });
    await expectNoProblems(tab);
  });

  test('an app that changes the address as it starts takes nothing of how its visitor came', async () => {
    const body = `<script defer src="data:text/javascript,history.replaceState({}, '', '/home')"></script>one`;
    const site = await startSite(engine, { '/': body });
    await site.visit('/?utm_source=ad');
    const [landing, home] = await site.named('page_view', 2);
    expect([landing!.url, home!.url].map((url) => url!.replace(site.pages, ''))).toEqual(['/?utm_source=ad', '/home']);
    expect(landing!.source).toEqual({ utm_source: 'ad' });
    expect(home!.source).toBeUndefined();
    await expectNoProblems(site.tab);
  });

  test("the page's import map comes before what is loaded of ours", async () => {
    const tag = `'<script src="' + document.querySelector('script[defer]').src + '"></scr' + 'ipt>'`;
    const body = `<script>document.write(${tag})</script><script>stagetag.state()</script>
      <script type="importmap">{"imports":{"app":"data:text/javascript,window.hasRun=true"}}</script>
      <script type="module">import 'app'</script>`;
    const site = await startSite(engine, { '/': body });
    const { tab } = await site.visit('/').then(() => site);
    await site.confirmed();
    expect(await tab.evaluate('window.hasRun')).toBe(true);
    await expectNoProblems(tab);
  });

  test("whoever presses the button at /internal is stored as one of the site's own people", async () => {
    const world = await startWorld(simplePages({ '/': 'one' }), {
      tagUrl: (url) => url.replace('127.0.0.1', 'localhost'),
    });
    const tab = await engine.newTab();
    const page = `${world.collector.url.replace('127.0.0.1', 'localhost')}/internal`;
    const button = 'document.querySelector("button")?.value';
    // A cookie is the same for all ports: the tests after this one are to find none.
    onTestFinished(async () => {
      await tab.goto(page);
      if ((await tab.evaluate(button)) === 'no') await tab.click('button');
      await eventually(
        () => tab.evaluate(button).catch(() => undefined),
        (value) => value === 'yes',
      );
      await tab.close();
    });
    await tab.goto(page);
    expect(await tab.evaluate(button)).toBe('yes');
    await tab.click('button');
    await eventually(
      () => tab.evaluate(button).catch(() => undefined), // A page on its way answers nothing.
      (value) => value === 'no',
    );
    await tab.goto(world.pages);
    await eventually(() => tab.evaluate<boolean>(`window.stagetag?.state().status === 'confirmed'`));
    const events = await world.events();
    expect(events.map(({ name, bot }) => `${name} ${bot}`)).toEqual(
      expect.arrayContaining(['session_start internal', 'page_view internal']),
    );
    expect(events.every(({ bot }) => bot === 'internal')).toBe(true);
  });

  test.each([
    ['Global Privacy Control', 'globalPrivacyControl', 'true', ''],
    ['Do Not Track, where the site wants it so,', 'doNotTrack', `'1'`, 'data-dnt'],
  ])('%s counts as no until an explicit yes', async (_, property, value, attributes) => {
    const head = `<script>Object.defineProperty(Navigator.prototype, '${property}', { get: () => ${value}, configurable: true })</script>`;
    const site = await startSite(engine, { '/': 'one' }, { head, attributes });
    const { tab } = await site.visit('/').then(() => site);
    expect(await tab.evaluate('[stagetag.stage, localStorage.length]')).toEqual([null, 0]);
    await tab.evaluate(`stagetag.consent('granted')`);
    expect(await site.confirmed()).toMatchObject({ stage: 'awareness' });
  });

  test('what an earlier visit left waits for consent too, and no tag is shown without it', async () => {
    const no = `<script>if (location.search === '?no')
      Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', { get: () => true, configurable: true })</script>`;
    const slot = `<p id="slot" data-st-show="tag:prospect">For you</p>`;
    const site = await startSite(engine, { '/': slot }, { head: no, attributes: 'data-auto="off"' });
    const { tab } = await site.visit('/').then(() => site);
    await site.road.close();
    await tab.evaluate(`void stagetag.track('before')`);
    await tab.evaluate('stagetag.flush()');
    await site.road.open();
    await site.visit('/?no');
    // What was on its way may be sent again only when that is over: it is made to be over.
    const key = `stagetag-1-${site.site.siteKey}:`;
    await tab.evaluate(`['lease', 'wait'].forEach((name) => localStorage.removeItem('${key}' + name))`);
    const kept = await tab.evaluate('JSON.stringify({ ...localStorage })');
    await tab.evaluate('stagetag.flush()');
    await tab.evaluate('new Promise((resolve) => setTimeout(resolve, 600))');
    expect(await tab.evaluate('JSON.stringify({ ...localStorage })')).toBe(kept);
    expect(await site.events()).toEqual([]);
    expect(await tab.evaluate('[stagetag.stage, stagetag.state().tags, getComputedStyle(slot).display]')).toEqual([
      null,
      [],
      'none',
    ]);
    await tab.evaluate(`stagetag.consent('granted')`);
    expect((await site.named('before')).map(({ name: each }) => each)).toEqual(['before']);
    await expectNoProblems(tab);
  });

  test('who is identified before consent is linked on a yes, and not after a no', async () => {
    const site = await startSite(engine, { '/': 'one' }, { attributes: 'data-consent="required" data-auto="page"' });
    const { tab } = await site.visit('/').then(() => site);
    const ours = 'Object.keys(localStorage).map((key) => key.split(":")[1])';
    await tab.evaluate(`void (stagetag.identify('early', { plan: 'pro' }), stagetag.consent('denied'))`);
    expect(await tab.evaluate(ours)).toEqual(['consent']);
    await tab.evaluate(`void (stagetag.identify('none'), stagetag.consent('granted'), stagetag.track('first'))`);
    const [first] = await site.named('first');
    await site.confirmed();
    expect((await site.visitor(first!.visitorId)).userId).toBeUndefined();
    expect(await tab.evaluate(ours)).not.toContain('user');

    await tab.evaluate('localStorage.clear()');
    await site.visit('/');
    await tab.evaluate(
      `void (stagetag.identify('gone', { plan: 'pro' }), stagetag.reset(), stagetag.consent('granted'))`,
    );
    await tab.evaluate(`void stagetag.track('second')`);
    const [second] = await site.named('second');
    await site.confirmed();
    expect((await site.visitor(second!.visitorId)).userId).toBeUndefined();
    expect(await tab.evaluate(ours)).not.toContain('user');
    expect((await site.events()).map((event) => event.name)).not.toContain('identify');

    await tab.evaluate('localStorage.clear()');
    await site.visit('/');
    await tab.evaluate(`void (() => {
      const traits = { plan: 'pro' };
      stagetag.identify('u9', traits, '${'ab'.repeat(32)}');
      traits.plan = 'changed later';
      stagetag.identify('u9', { team: 4 });
    })()`);
    expect(await tab.evaluate('localStorage.length')).toBe(0);
    await tab.evaluate(`stagetag.consent('granted')`);
    const [identified, again] = await site.named('identify', 2);
    await site.confirmed();
    expect(await site.visitor(identified!.visitorId)).toMatchObject({ userId: 'u9' });
    expect([identified!.props, again!.props]).toEqual([{ plan: 'pro' }, { team: 4 }]);
    // Who was proven is so too where it is only told more of them before anything is sent.
    expect(site.road.batches.map(({ text }) => JSON.parse(text) as object)).toContainEqual(
      expect.objectContaining({ userId: 'u9', proof: 'ab'.repeat(32) }),
    );
    // What was queued is sent for the user of then.
    await tab.evaluate(`void (stagetag.identify('u10'), stagetag.reset(), stagetag.track('next'))`);
    const [next] = await site.named('next');
    const last = (await site.named('identify', 3)).find(({ props }) => !props);
    expect(next!.visitorId).not.toBe(last!.visitorId);
    expect([(await site.visitor(last!.visitorId)).userId, (await site.visitor(next!.visitorId)).userId]).toEqual([
      'u10',
      undefined,
    ]);
    expect(identified!.visitorId).not.toBe(first!.visitorId);
    await expectNoProblems(tab);
  });

  test('calls made before the script are kept, and a second tag on the page does nothing', async () => {
    const early = `<script>window.stagetag = { q: [['track', 'early', { n: 1 }], ['identify', 'u7', { plan: 'pro' }]] };</script>`;
    const again = `<script>addEventListener('DOMContentLoaded', () => {
      const copy = document.createElement('script');
      copy.src = document.querySelector('script[src*="/t/"]').src + '?again';
      document.head.append(copy);
    })</script>`;
    const site = await startSite(engine, { '/': early + again }, { attributes: 'data-auto="off" data-datalayer' });
    const { tab } = await site.visit('/').then(() => site);
    await site.named('identify');
    await site.confirmed();
    const events = await site.events();
    expect(events.map((event) => [event.name, event.props])).toEqual([
      ['early', { n: 1 }],
      ['identify', { plan: 'pro' }],
    ]);
    expect((await site.visitor(events[0]!.visitorId)).userId).toBe('u7');
    expect(
      await tab.evaluate('dataLayer.length > 0 && dataLayer.every(({ event }) => event === "stagetag_state")'),
    ).toBe(true);
    await expectNoProblems(tab);
  });

  test('the visitor can be kept in a cookie, and goes with it on denial', async () => {
    const site = await startSite(engine, { '/': 'one' }, { attributes: 'data-storage="cookie" data-auto="page"' });
    const { tab } = await site.visit('/').then(() => site);
    await site.confirmed();
    const kept = await tab.evaluate<string>('document.cookie');
    expect(kept).toMatch(new RegExp(`^stagetag-1-${site.site.siteKey}=[0-9a-f-]{36}$`));
    expect(await tab.evaluate(`localStorage.getItem('stagetag-1-${site.site.siteKey}:visitor')`)).toBeNull();
    await site.visit('/');
    await site.named('page_view', 2);
    expect(await tab.evaluate('document.cookie')).toBe(kept);
    expect(new Set((await site.events()).map(({ visitorId }) => visitorId)).size).toBe(1);
    await tab.evaluate(`stagetag.consent('denied')`);
    expect(await tab.evaluate('document.cookie')).toBe('');
  });

  test('a page whose storage is emptied goes on as who it was, and shows it whatever is drawn anew', async () => {
    const site = await startSite(engine, { '/': 'a page' }, { attributes: 'data-auto="page"' });
    const { tab } = await site.visit('/').then(() => site);
    // A clock with fractions, as some pages make one.
    await tab.evaluate(`void (Date.now = () => performance.timeOrigin + performance.now())`);
    await tab.evaluate(`void stagetag.track('purchase')`);
    await site.named('purchase');
    // As pages do when somebody signs out; and as frameworks do that draw the whole document.
    await tab.evaluate(`void (localStorage.clear(), document.documentElement.removeAttribute('data-stage'))`);
    await tab.evaluate(`stagetag.flush().then(() => stagetag.track('contact'))`);
    const { visitorId } = (await site.named('contact'))[0]!;
    expect((await site.named('purchase')).map((event) => event.visitorId)).toEqual([visitorId]);
    expect(await tab.evaluate(`[stagetag.stage, document.documentElement.dataset.stage]`)).toEqual([
      'action',
      'action',
    ]);
    await expectNoProblems(tab);
    // The next page is of somebody new: whoever cleared the browser's data is.
    await site.visit('/');
    expect(await tab.evaluate(`stagetag.ready.then(() => stagetag.stage)`)).toBe('awareness');
  });

  test('a clock that is days ahead loses nothing, nor does it once it is put right', async () => {
    const head = `<script>
      if (location.pathname === '/ahead') Date.now = ((now) => () => now() + 8 * 864e5)(Date.now);
    </script>`;
    const site = await startSite(engine, { '/': 'a', '/ahead': 'b' }, { head, attributes: 'data-auto="page"' });
    for (const [path, count] of [
      ['/ahead', 1],
      ['/ahead', 2],
      ['/', 3],
    ] as const) {
      const { tab } = await site.visit(path).then(() => site);
      // The collector's answer says how far ahead it is.
      await site.confirmed();
      await tab.evaluate(`void stagetag.track('purchase', { transaction_id: 'A-${count}' })`);
      await tab.evaluate('stagetag.flush()');
      await site.named('purchase', count);
      await expectNoProblems(tab);
    }
  });

  test('what another hand kept in our place breaks no page', async () => {
    const site = await startSite(engine, { '/': 'a page' }, { attributes: 'data-auto="page"' });
    const { tab } = await site.visit('/').then(() => site);
    await site.confirmed();
    const key = `stagetag-1-${site.site.siteKey}`;
    await tab.evaluate(
      `void (localStorage['${key}:state'] = JSON.stringify({ visitorId: localStorage['${key}:visitor'], rev: 99 }))`,
    );
    await site.visit('/');
    expect(await tab.evaluate('stagetag.stage')).toBeNull();
    await tab.evaluate(`void stagetag.track('purchase')`);
    await site.named('purchase');
    await expectNoProblems(tab);
  });

  test('of two tabs that wait for consent the yes of one makes one visitor', async () => {
    const site = await startSite(engine, { '/': 'a page' }, { attributes: 'data-auto="page" data-consent="required"' });
    await site.visit('/?utm_source=one');
    const other = await engine.newTab();
    await other.goto(`${site.pages}/`);
    await site.tab.evaluate(`void (stagetag.identify('u1'), stagetag.consent('granted'))`);
    const views = await site.named('page_view', 2);
    expect(new Set(views.map(({ visitorId }) => visitorId)).size).toBe(1);
    await other.close();
  });

  test('a route has the title that it is given after the page went there, and what was there before its own', async () => {
    const site = await startSite(engine, { '/': 'one' }, { attributes: 'data-auto="page"' });
    const { tab } = await site.visit('/').then(() => site);
    await site.complete();
    await tab.evaluate(
      `void (stagetag.track('before'), history.pushState(null, '', '/next'), (document.title = 'Next'))`,
    );
    const titles = (await site.named('page_view', 2)).map(({ title }) => title);
    expect(titles).toEqual(['Page /', 'Next']);
    expect((await site.named('before')).map(({ title }) => title)).toEqual(['Page /']);
  });

  test('a visitor goes along to another domain of the site, and the address shows nothing of it', async () => {
    const body = `<a id="over" href="{{other}}/there?a=1#part">Over</a>`;
    const bodies = { '/': body, '/there': 'there' };
    const origins = (pages: string) => [pages.replace('localhost', '127.0.0.1')];
    const site = await startSite(engine, bodies, { attributes: 'data-auto="page outbound"', origins });
    const { tab } = await site.visit('/').then(() => site);
    await site.complete();
    await tab.click('#over');
    await site.arrived('/there');
    expect(await tab.evaluate('location.search + location.hash')).toBe('?a=1#part');
    const views = await site.named('page_view', 2);
    expect(new Set(views.map(({ visitorId }) => visitorId)).size).toBe(1);
    // It is one visit, whose numbers go on.
    expect(new Set(views.map(({ sessionId }) => sessionId)).size).toBe(1);
    expect(await site.events('?name=session_start')).toHaveLength(1);
    expect(new Set(views.map(({ seq }) => seq)).size).toBe(2);
    expect(await site.events('?name=outbound_click')).toEqual([]);
    expect(JSON.stringify(await site.events())).not.toContain('st_link');
    // The link itself is as it was, and an id from anywhere else is not taken.
    await tab.evaluate('void setTimeout(() => history.back())');
    const href = `document.querySelector('#over')?.getAttribute('href')`;
    expect(await eventually(() => tab.evaluate(href).catch(() => undefined))).toMatch(/there\?a=1#part$/);
    const stranger = '01890000-0000-7000-8000-000000000000';
    const second = await site.newTab();
    await site.visit(`/?st_link=${stranger}.${Date.now()}.7`, second);
    await site.named('page_view', 3);
    expect(await second.evaluate('location.search')).toBe('');
    expect((await site.events()).map(({ visitorId }) => visitorId)).not.toContain(stranger);
  });

  test('of an address that nobody saw typed its own values are masked, and no others', async () => {
    const body = `<a id="first" href="/p?id=7&page=2">One</a><a id="later" href="/p?id=5">Other</a>`;
    const origins = (pages: string) => [pages.replace('localhost', '127.0.0.1')];
    const attributes = 'data-auto="page" data-consent="required"';
    const site = await startSite(engine, { '/': body, '/p': 'p' }, { attributes, origins });
    const { tab } = await site.visit('/').then(() => site);
    await tab.click('#first');
    await site.arrived('/p');
    await tab.evaluate(`void stagetag.consent('granted')`);
    await tab.evaluate(`void history.pushState({}, '', '/p?id=8&page=3')`);
    await site.named('page_view', 2);
    await site.visit('/p?id=7&k=1');
    await site.visit('/');
    await tab.click('#later');
    await site.arrived('/p');
    const views = await site.named('page_view', 5);
    expect(views.map(({ url }) => url!.slice(site.pages.length))).toEqual([
      '/p?id=***&page=***',
      '/p?id=8&page=3',
      '/p?id=***&k=1',
      '/',
      '/p?id=5',
    ]);
    expect(await tab.evaluate('JSON.stringify({ ...localStorage })')).not.toContain('id=7');
  });

  test('what a script fills in and sends by GET, with no key pressed, never leaves the page', async () => {
    const body = `<form id="quiet" action="/next"><input name="message"><input name="q"><input name="kind" type="hidden" value="a"></form>`;
    const site = await startSite(engine, { '/': body, '/next': 'next' });
    const { tab } = await site.visit('/').then(() => site);
    await tab.evaluate(`void (() => {
      const form = document.querySelector('form');
      const late = Object.assign(document.createElement('input'), { name: 'added', value: 'planted-b' });
      form.append(late);
      form.elements.message.value = 'planted-a';
      form.elements.q.value = 'kites';
      form.submit();
    })()`);
    await site.arrived('/next');
    await tab.evaluate(`void stagetag.track('there')`);
    const [there] = await site.named('there');
    expect(there!.url).toBe(`${site.pages}/next?message=***&q=kites&kind=a&added=***`);
    expect(site.road.seen.join()).not.toContain('planted');
  });

  test('a field that comes while another is filled in is masked as well', async () => {
    const body = `<form id="steps" onsubmit="return false"><input name="city"></form>`;
    const site = await startSite(engine, { '/': body, '/next': 'next' });
    const { tab } = await site.visit('/').then(() => site);
    await tab.type('[name=city]', 'planted-a');
    await tab.evaluate(
      `void document.querySelector('form').append(Object.assign(document.createElement('input'), { name: 'story' }))`,
    );
    await tab.type('[name=story]', 'planted-b');
    await tab.evaluate(`void (() => {
      const { city, story } = document.querySelector('form').elements;
      history.replaceState({}, '', '?story=' + story.value);
      location.assign('/next?city=' + city.value + '&story=' + story.value);
    })()`);
    await site.arrived('/next');
    await tab.evaluate(`void stagetag.track('there')`);
    const [there] = await site.named('there');
    expect(there!.url).toBe(`${site.pages}/next?city=***&story=***`);
    expect(site.road.seen.join()).not.toContain('planted');
  });

  test('what a form sends by GET, and what looks personal, never leaves the page', async () => {
    const body = `
      <form id="get" action="/next"><input name="message"><input name="q"><input type="search" name="filter">
        <textarea name="note"></textarea><button>Go</button></form>
      <a id="profile" href="/profile?email=planted-a@mail.example&phone=planted-b&id=7">Profile</a>`;
    const bodies = { '/': body, '/next': 'next', '/profile': '<a id="on" href="/next?plain=1">on</a>' };
    const site = await startSite(engine, bodies);
    const { tab } = await site.visit('/').then(() => site);
    for (const [field, text] of [
      ['message', 'planted-c'],
      ['filter', 'planted-d'],
      ['q', 'kites'],
    ])
      await tab.type(`[name=${field}]`, text!);
    await tab.type('textarea', 'planted-e');
    await tab.click('button');
    await site.arrived('/next');
    await tab.evaluate(`void stagetag.track('there')`);
    const [there] = await site.named('there');
    expect(there!.url).toBe(`${site.pages}/next?message=***&q=kites&filter=***&note=***`);
    await site.visit('/');
    await tab.click('#profile');
    await site.arrived('/profile');
    await tab.click('#on');
    const views = await site.named('page_view', 5);
    expect(views[3]!.url).toBe(`${site.pages}/profile?email=***&phone=***&id=7`);
    expect(views[4]!.referrer).toBe(`${site.pages}/profile?email=***&phone=***&id=7`);
    // The browser's own Referer goes to other origins without its query.
    expect(site.road.seen.join()).not.toContain('planted');
  });

  test('no value of any field leaves the page, nor what a form sends before consent', async () => {
    const types = 'text password email tel url search number date time color range hidden checkbox radio file'.split(
      ' ',
    );
    const fields = types.map(
      (type) => `<input type="${type}" name="f-${type}" id="f-${type}" value="planted-${type}">`,
    );
    const body = `<form id="all" action="/next">${fields.join('')}<textarea name="area">planted-area</textarea>
      <select name="choice"><option value="planted-option">planted-label</option></select>
      <div contenteditable id="rich">planted-rich</div><button>Go</button></form>`;
    const site = await startSite(engine, { '/': body, '/next': 'next' }, { attributes: 'data-consent="required"' });
    const { tab } = await site.visit('/').then(() => site);
    await tab.evaluate(`(() => {
      for (const field of document.querySelectorAll('input, textarea, select, [contenteditable]')) {
        if (!/number|date|time|color|range|file/.test(field.type) && 'value' in field) field.value = 'planted-' + (field.type || 'rich');
        field.dispatchEvent(new InputEvent('input', { bubbles: true, composed: true }));
        field.dispatchEvent(new Event('change', { bubbles: true }));
      }
      document.querySelector('form').noValidate = true;
    })()`);
    await tab.evaluate(`void setTimeout(() => document.querySelector('button').click())`);
    await site.arrived('/next');
    await tab.evaluate(`stagetag.consent('granted')`);
    await site.confirmed();
    await site.named('page_view');
    expect(site.road.seen.length).toBeGreaterThan(2);
    expect(site.road.seen.join()).not.toContain('planted');
  });

  test('blocks are shown and hidden by stage and tag, before the first paint on the next page', async () => {
    const body = `<p id="none" data-st-hide="consideration">hidden once considering</p>
      <p id="yes" data-st-show="consideration action">for who considers</p>
      <p id="tagged" data-st-show="tag:pricing">for who saw prices</p><p id="never" data-st-show="loyalty">loyal</p>
      <script>window.early = ['none', 'yes', 'tagged', 'never'].map((id) => getComputedStyle(document.getElementById(id)).display);</script>`;
    const site = await startSite(engine, { '/pricing': '', '/products/x': '' });
    const key = site.site.siteKey;
    expect(HEAD(key).length).toBeLessThan(300);
    for (const path of ['/pricing', '/products/x']) {
      await site.visit(path);
      await site.confirmed();
    }
    expect(await site.tab.evaluate('stagetag.stage')).toBe('consideration');
    const shown = `['none', 'yes', 'tagged', 'never'].map((id) => getComputedStyle(document.getElementById(id)).display)`;
    await site.tab.evaluate(`void (document.body.innerHTML = ${JSON.stringify(body)})`);
    expect(await site.tab.evaluate(shown)).toEqual(['none', 'block', 'block', 'none']);
    // The head snippet alone, on a page without the tag.
    const bare = `<!doctype html><html><head>${HEAD(key)}</head><body>${body}</body></html>`;
    const early = await site.tab.evaluate(`new Promise((resolve) => {
      const frame = document.createElement('iframe');
      frame.onload = () => frame.contentWindow.early && resolve([frame.contentWindow.early, frame.contentDocument.documentElement.dataset.stage]);
      frame.srcdoc = ${JSON.stringify(bare).replace(/<\/script/g, '<\\/script')};
      document.body.append(frame);
    })`);
    expect(early).toEqual([['none', 'block', 'block', 'none'], 'consideration']);
  });

  test('the page hears of each stage that is entered and left', async () => {
    const site = await startSite(engine, { '/': 'one' }, { attributes: 'data-auto="page"' });
    const { tab } = await site.visit('/').then(() => site);
    await tab.evaluate(`void (() => {
      window.heard = [];
      for (const stage of ['awareness', 'interest', 'consideration', 'action']) {
        stagetag.on('enter:' + stage, () => heard.push('+' + stage));
        stagetag.on('leave:' + stage, () => heard.push('-' + stage));
      }
      stagetag.track('sign_up');
      stagetag.track('purchase', { value: 1 });
    })()`);
    await site.confirmed();
    expect(await tab.evaluate('heard')).toEqual(['-awareness', '+consideration', '-consideration', '+action']);
  });

  test('where a handler records something, everybody hears of each state once, in order', async () => {
    const site = await startSite(engine, { '/': 'one' }, { attributes: 'data-auto="page" data-datalayer' });
    const { tab } = await site.visit('/').then(() => site);
    await tab.evaluate(`void (() => {
      window.heard = [];
      window.states = [];
      dataLayer.length = 0;
      for (const stage of ['awareness', 'interest', 'consideration', 'action', 'loyalty']) {
        stagetag.on('enter:' + stage, () => heard.push('+' + stage));
        stagetag.on('leave:' + stage, () => heard.push('-' + stage));
      }
      stagetag.on('state', ({ stage }) => stage === 'consideration' && stagetag.track('purchase', { value: 1 }));
      stagetag.on('enter:action', () => stagetag.track('invite'));
      document.addEventListener('stagetag:state', ({ detail }) => states.push(detail.stage));
      stagetag.track('sign_up');
    })()`);
    await site.confirmed();
    const stages = ['consideration', 'action', 'loyalty'];
    expect(await tab.evaluate('heard')).toEqual(
      ['awareness', ...stages].flatMap((stage, at) => [`-${stage}`, `+${stages[at]}`]).slice(0, -2),
    );
    const once = '(list) => list.filter((stage, at) => stage !== list[at - 1])';
    expect(await tab.evaluate(`(${once})(states)`)).toEqual(stages);
    expect(await tab.evaluate(`(${once})(dataLayer.map(({ stage }) => stage))`)).toEqual(stages);
    expect(await tab.evaluate('document.documentElement.dataset.stage')).toBe('loyalty');
    await site.named('invite');
  });

  test('a strict content security policy is kept', async () => {
    const site = await startSite(
      engine,
      { '/': '<p data-st-show="loyalty" id="p">loyal</p>' },
      {
        headers: {
          'Content-Security-Policy': `default-src 'none'; script-src http://localhost:* 'sha256-none'; connect-src http://localhost:*; img-src data:`,
        },
      },
    );
    await site.tab.goto(`${site.pages}/`);
    await eventually(() => site.tab.evaluate('!!window.stagetag?.state && stagetag.state().status === "confirmed"'));
    expect(await site.tab.evaluate('getComputedStyle(p).display')).toBe('none');
    expect((await site.events()).map((event) => event.name)).toContain('page_view');
  });

  test('a page that means harm still works, and so do we as far as can be', async () => {
    const head = `<script>
      Array.prototype.toJSON = function () { return JSON.stringify([...this]); };
      Object.prototype.extra = function () {};
      Array.prototype.extra = 'polluted';
      for (const name of ['pushState', 'replaceState']) history[name] = ((original) => function (...args) { original.apply(this, args); return 'moved'; })(history[name]);
    </script>`;
    const clobbers =
      'title referrer cookie currentScript documentElement head hidden dispatchEvent addEventListener createElement adoptedStyleSheets'.split(
        ' ',
      );
    const fields = 'matches form elements getAttribute querySelectorAll getRootNode isConnected addEventListener id';
    const body = `${clobbers.map((id) => `<img name="${id}" id="${id}" src="data:,"><form name="${id}"></form>`).join('')}
      <a id="stagetag" href="/stay/x.pdf">clobbered</a><div id="dataLayer"></div>
      <form id="f">${fields
        .split(' ')
        .map((field) => `<input name="${field}">`)
        .join('')}</form>
      ${'<a href="/stay/many.pdf">many</a>'.repeat(5000)}
      <script>
        addEventListener('load', async () => {
          await new Promise((resolve) => setTimeout(resolve, 100)); // Nobody is quicker.
          stagetag.on('enter:interest', () => (window.isEntered = true));
          const { querySelector, querySelectorAll } = Document.prototype;
          querySelector.call(document, '[name=matches]').dispatchEvent(new InputEvent('input', { bubbles: true, composed: true }));
          querySelectorAll.call(document, 'a')[3000].click();
          stagetag.track('harm', { list: [1, 2], at: new Date(0) });
          await new Promise((resolve) => setTimeout(resolve, 300));
          await stagetag.flush();
          // The tools that look at this page live under the same prototypes.
          delete Array.prototype.toJSON; delete Object.prototype.extra; delete Array.prototype.extra;
          window.isOver = true;
        });
      </script>`;
    const site = await startSite(engine, { '/': body }, { head, attributes: 'data-datalayer' });
    const { tab } = site;
    await tab.goto(`${site.pages}/?utm_source=x`);
    await eventually(() => tab.evaluate<boolean>('!!window.isOver').catch(() => false));
    const [harm] = await site.named('harm');
    expect(harm!.props).toEqual({ list: [1, 2], at: '1970-01-01T00:00:00.000Z' });
    expect(harm!.title).toBe('Page /');
    expect(await tab.evaluate('window.isEntered')).toBe(true);
    expect(await tab.evaluate(`history.replaceState({}, '', location.href)`)).toBe('moved');
    const foreign = `Object.keys(localStorage).filter((key) => !key.startsWith('stagetag-1-'))`;
    expect(await tab.evaluate(foreign)).toEqual([]);
    const names = (await site.events()).map((event) => event.name);
    for (const expected of ['page_view', 'form_start', 'file_download']) expect(names).toContain(expected);
    expect(await tab.evaluate(`Document.prototype.querySelector.call(document, 'html').dataset.stage`)).toBe(
      'interest',
    );
    await expectNoProblems(tab);
  });

  test.each([
    ['fetch throws', `window.fetch = () => { throw new Error('mine') }`],
    ['fetch answers nothing', `window.fetch = () => undefined`],
    [
      'history throws',
      `for (const name of ['pushState', 'replaceState']) Object.defineProperty(history, name, { get() { throw new Error('mine') } })`,
    ],
    [
      'prototypes are frozen',
      `for (const it of [Object, Array, Function, Promise, String]) Object.freeze(it.prototype)`,
    ],
    [
      'crypto, locks and the observers are gone',
      `for (const name of ['IntersectionObserver', 'MutationObserver', 'PerformanceObserver', 'CSSStyleSheet', 'requestIdleCallback']) Object.defineProperty(window, name, { value: undefined }); Object.defineProperty(Navigator.prototype, 'locks', { get() { throw new Error('mine') } })`,
    ],
  ])('where %s the page hears no error of ours, and still knows its stage', async (what, harm) => {
    const site = await startSite(engine, { '/': 'one' }, { head: `<script>${harm}</script>` });
    const { tab } = await site.visit('/').then(() => site);
    await tab.evaluate(`void stagetag.track('purchase', { value: 1 })`);
    await tab.evaluate(`new Promise((resolve) => setTimeout(resolve, 500))`);
    expect(await tab.evaluate('stagetag.stage')).toBe('action');
    // Without fetch nothing is sent; all else is no reason for it.
    if (!what.startsWith('fetch')) expect(await site.named('purchase')).toHaveLength(1);
    await expectNoProblems(tab);
  });

  test('in a frame it counts like any page', async () => {
    const bodies = { '/': '<iframe src="/inside"></iframe>', '/inside': 'inside' };
    const site = await startSite(engine, bodies, { attributes: 'data-auto="page"' });
    await site.visit('/');
    const views = await site.named('page_view', 2);
    expect(views.map(({ url }) => new URL(url!).pathname).sort()).toEqual(['/', '/inside']);
    expect(new Set(views.map(({ visitorId }) => visitorId)).size).toBe(1);
  });

  test('what was given wrongly is said once with debug, and not at all without', async () => {
    const calls = `<script>addEventListener('DOMContentLoaded', () => setTimeout(() => {
      const again = document.createElement('script');
      again.src = document.querySelector('script[src*="/t/"]').src;
      document.head.append(again);
      const cycle = {}; cycle.self = cycle;
      for (let times = 0; times < 2; times++) {
        stagetag.track('purchase', { transactionId: 'a', value: 'many' });
        stagetag.track('add_to_card');
        stagetag.track('odd', { cycle, f() {}, n: 12n, long: 'x'.repeat(1e6), kept: 1 });
        stagetag.track(7);
        stagetag.consent('yes');
      }
    }))</script>`;
    const attributes = 'data-auto="page" data-storage="session" data-consnet="required" data-queue="many"';
    for (const debug of ['', ' data-debug']) {
      const site = await startSite(engine, { '/': calls }, { attributes: attributes + debug });
      await site.visit('/');
      const [odd] = await site.named('odd', 2);
      expect(odd!.props).toEqual({ kept: 1, long: 'x'.repeat(2048) });
      const said = await eventually(
        () => site.tab.evaluate<string[]>('problems'),
        (texts) => !debug || texts.length >= 11,
      );
      if (!debug) expect(said).toEqual([]);
      else
        expect(said.sort()).toEqual(
          [
            'stagetag: "purchase" has no prop "transactionId"; did you mean "transaction_id"?',
            'stagetag: the prop "value" of "purchase" must be a number, got "many": it will not be added up',
            'stagetag: the event "add_to_card" is one of your own; did you mean "add_to_cart"?',
            ...['cycle', 'f', 'n'].map(
              (prop) =>
                `stagetag: the prop "${prop}" cannot be written as JSON (a cycle, a function, a BigInt?): it was left out`,
            ),
            `stagetag: track(name, props?) expects the event's name as a text, got 7: nothing was recorded`,
            `stagetag: consent() expects 'granted' or 'denied', got yes`,
            'stagetag: no attribute is called data-consnet; did you mean "data-consent"?',
            'stagetag: data-storage expects "local", "cookie" or "none", got "session"',
            'stagetag: the prop "long" is longer than 16,384 characters: it was cut or left out',
            'stagetag: data-queue expects a whole number from 1, got "many"',
            'stagetag: expected one tag a page, got 2: the first one counts',
          ]
            .map((text) => `warn: ${text}`)
            .sort(),
        );
    }
  });

  test('in random streams provisional, confirmed and stored state are equal', async () => {
    const site = await startSite(engine, {
      '/': 'x',
      '/pricing': 'x',
      '/products/a': 'x',
      '/blog/a': 'x',
      '/blog/b': 'x',
    });
    const { tab } = site;
    const names = ['sign_up', 'purchase', 'add_to_cart', 'nps', 'file_download', 'invite', 'contact', 'form_submit'];
    const paths = ['/', '/pricing', '/products/a', '/blog/a', '/blog/b'];
    const random = seeded(20261122);
    for (let visitor = 0; visitor < 12; visitor++) {
      for (let pages = 1 + Math.floor(random() * 3); pages > 0; pages--) {
        await site.visit(paths[Math.floor(random() * paths.length)]!);
        for (let count = Math.floor(random() * 4); count > 0; count--) {
          const props = {
            value: Math.floor(random() * 3) * 10,
            transaction_id: `t${Math.floor(random() * 3)}`,
            score: 8 + Math.floor(random() * 3),
            file_name: `f${Math.floor(random() * 3)}`,
          };
          const event = names[Math.floor(random() * names.length)];
          await tab.evaluate(`void stagetag.track('${event}', ${JSON.stringify(props)})`);
        }
      }
      const pick = `({ stage, peak, tags, score }) => ({ stage, peak, tags, score })`;
      const [provisional, confirmed] = await tab.evaluate<[object, object]>(`(async () => {
        const before = stagetag.state();
        for (let tries = 0; stagetag.state().status !== 'confirmed' && tries < 100; tries++) await stagetag.flush();
        return [before, stagetag.state()].map(${pick});
      })()`);
      expect(confirmed).toEqual(provisional);
      const id = await tab.evaluate<string>(`localStorage['stagetag-1-${site.site.siteKey}:visitor']`);
      const { stage, peak, tags, score } = await site.visitor(id);
      expect({ stage, peak, tags, score }).toEqual(provisional);
      await tab.evaluate('stagetag.reset()');
    }
  });
});
