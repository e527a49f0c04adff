/** What is recorded by itself, with its edge cases, in three engines. */
import fs from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '../helpers/browser.js';
import { ENGINES, openEngine, type Engine } from '../helpers/engines.js';
import { expectNoProblems, startSite, type Site } from '../helpers/site.js';

const propsOf = (events: Awaited<ReturnType<Site['events']>>) => events.map(({ name, props }) => [name, props]);
const clickOn = (selector: string) => `void document.querySelector('${selector}').click()`;

const LINKS = `
  <a id="pdf" href="/stay/%E8%B5%84%E6%96%99.pdf?x=1#p2"> The <b id="inner">datasheet</b> </a>
  <a id="named" href="/stay/export" download="list.csv">List</a>
  <a id="out" href="{{other}}/stay/page?email=planted">Other</a>
  <a id="quiet" href="{{other}}/stay/quiet" onclick="event.stopImmediatePropagation()">Other, told to nobody</a>
  <svg><a id="drawn" href="/stay/drawing.pdf"><text y="20">Drawing</text></a></svg>
  <map name="m"><area id="area" href="/stay/area.zip"></map>
  <div id="host"></div>
  <a id="mail" href="mailto:a@b.example" onclick="event.preventDefault()">Mail</a>
  <a id="here" href="#top">Top</a>
  <a id="stopped" href="{{other}}/stopped">Stopped</a>
  <button id="marked" data-st-event="add_to_cart" data-st-prop-item="a b" data-st-prop-value="12.5" data-st-prop-code="12345678901234567890">Add</button>
  <script>
    document.getElementById('stopped').onclick = (event) => event.preventDefault();
    document.getElementById('host').attachShadow({ mode: 'open' }).innerHTML = '<a href="/stay/shadow.pdf">Shadow</a>';
  </script>`;

const FORM = `
  <form id="lead" name="lead-form" action="/stay/send?to=x" method="post" data-st-event="generate_lead" data-st-prop-value="5">
    <input name="name" id="name"><input name="email" type="email" required><input type="hidden" name="token" value="planted-hidden">
    <input name="action"><input name="elements"><input name="getAttribute"><select name="size"><option>1</option><option>2</option></select>
    <textarea name="note"></textarea><input type="password" name="password"><button>Send</button>
  </form>
  <script>document.querySelector('form').onsubmit = (event) => { event.preventDefault(); event.stopPropagation(); };</script>`;

/** Measures beside the tag. */
const LIBRARY = fs.readFileSync('node_modules/web-vitals/dist/web-vitals.iife.js', 'utf8');

/** What each engine measures of a page with a press of a button and nothing that moves. */
const VITALS = {
  chromium: ['FCP', 'LCP', 'CLS', 'INP'],
  firefox: ['FCP', 'LCP'],
  webkit: ['FCP'],
};

describe.each(ENGINES)('in %s', (name) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await openEngine(name);
  });
  afterAll(() => engine.close());

  test('downloads, links that leave and marked elements become events, and other links none', async () => {
    const site = await startSite(engine, { '/': LINKS }, { attributes: 'data-auto="downloads outbound"' });
    const { tab } = await site.visit('/').then(() => site);
    await site.complete(); // What happened before comes all at once, in another order.
    for (const id of ['inner', 'named', 'out', 'quiet', 'area', 'mail', 'here', 'stopped', 'marked'])
      await tab.evaluate(clickOn(`#${id}`));
    const press = (target: string, type: string, button: number) =>
      tab.evaluate(
        `void ${target}.dispatchEvent(new MouseEvent('${type}', { button: ${button}, bubbles: true, composed: true, cancelable: true }))`,
      );
    await press(`document.querySelector('#drawn text')`, 'click', 0);
    await press(`document.querySelector('#host').shadowRoot.querySelector('a')`, 'click', 0);
    await press(`document.querySelector('#out')`, 'auxclick', 1);
    await press(`document.querySelector('#out')`, 'auxclick', 2); // The right button opens a menu, not the link.
    await tab.evaluate(
      `void (document.body.insertAdjacentHTML('beforeend', '<a id="later" href="/stay/later.mp4"></a>'), later.click())`,
    );
    const other = site.pages.replace('localhost', '127.0.0.1');
    const download = (file_name: string, file_extension: string, path: string, link_text: string) => [
      'file_download',
      { file_name, file_extension, link_url: `${site.pages}/stay/${path}`, link_text },
    ];
    const out = ['outbound_click', { link_url: `${other}/stay/page?email=***` }];
    expect(
      propsOf(
        await eventually(
          () => site.events(),
          (all) => all.length >= 11,
        ),
      ),
    ).toEqual([
      ['session_start', undefined],
      download('资料.pdf', 'pdf', '%E8%B5%84%E6%96%99.pdf?x=1', 'The datasheet'),
      download('list.csv', 'csv', 'export', 'List'),
      out,
      ['outbound_click', { link_url: `${other}/stay/quiet` }],
      download('area.zip', 'zip', 'area.zip', ''),
      ['add_to_cart', { item: 'a b', value: 12.5, code: '12345678901234567890' }],
      download('drawing.pdf', 'pdf', 'drawing.pdf', 'Drawing'),
      download('shadow.pdf', 'pdf', 'shadow.pdf', 'Shadow'),
      out,
      download('later.mp4', 'mp4', 'later.mp4', ''),
    ]);
    await expectNoProblems(tab);
  });

  test('what is searched for is told by the page that finds it, and not as a form; nor is one that closes a dialog', async () => {
    const body = `<form action="/found" id="find"><input type="search" name="q"><button>Find</button></form>
      <form action="/found" id="text" role="search" onsubmit="return false"><input name="s"><button>Find</button></form>
      <dialog open style="position: static"><form method="dialog" id="close"><button>No thanks</button></form></dialog>
      <form id="ask" onsubmit="return false"><input name="query"><button>Ask</button></form>`;
    const site = await startSite(engine, { '/': body, '/found': 'found' }, { attributes: 'data-auto="forms search"' });
    const { tab } = await site.visit('/').then(() => site);
    await tab.type('[name=query]', 'planted');
    await tab.type('[name=s]', 'boots');
    await tab.click('#text button');
    await tab.click('#close button');
    await tab.click('#ask button');
    await site.named('form_submit');
    await tab.type('[name=q]', 'shoes');
    await tab.click('#find button');
    await site.named('search');
    const seen = (await site.events()).map(({ name, props }) => [name, props?.form_id ?? props?.search_term]);
    expect(seen).toEqual([
      ['session_start', undefined],
      ['form_start', 'ask'],
      ['form_submit', 'ask'],
      ['search', 'shoes'],
    ]);
    await expectNoProblems(tab);
  });

  test('a button that closes a dialog and a form that is not on the page send nothing; a field within an element of its own is one', async () => {
    const body = `<form id="offer" method="post" action="/no"><input name="plan"><button id="cancel" formmethod="dialog">Cancel</button></form>
      <form id="ask" onsubmit="return false"><x-field></x-field><button>Ask</button></form>
      <script>
        customElements.define('x-field', class extends HTMLElement {
          connectedCallback() { this.attachShadow({ mode: 'open' }).innerHTML = '<input name="inner">'; }
        });
        document.getElementById('cancel').parentNode.addEventListener('submit', (event) => {
          // Outside of a dialog an engine may do what it likes with it: the page stays.
          event.preventDefault();
        });
      </script>`;
    const site = await startSite(engine, { '/': body }, { attributes: 'data-auto="forms"' });
    const { tab } = await site.visit('/').then(() => site);
    await site.complete();
    await tab.click('#cancel');
    await tab.evaluate(`void document.createElement('form').submit()`);
    await tab.evaluate(`void (() => {
      const field = document.querySelector('x-field').shadowRoot.querySelector('input');
      field.value = 'planted';
      field.dispatchEvent(new Event('input', { bubbles: true, composed: true }));
    })()`);
    await tab.click('#ask button');
    await site.named('form_submit');
    const seen = (await site.events()).map(({ name, props }) => [name, props?.form_id, props?.fields_filled]);
    expect(seen).toEqual([
      ['session_start', undefined, undefined],
      ['form_start', 'ask', 1],
      ['form_submit', 'ask', 1],
    ]);
    await expectNoProblems(tab);
  });

  test('routes of a router that calls no method of the page’s history count, where the browser tells of them', async () => {
    const site = await startSite(engine, { '/app': 'app' }, { attributes: 'data-auto="page"' });
    await site.visit('/app');
    const { told } = await site.tab.evaluate<{ told: boolean }>(`(async () => {
      if (!window.navigation) return { told: false };
      navigation.addEventListener('navigate', (event) => event.intercept({ handler: async () => {} }));
      await navigation.navigate('/app/one').finished;
      History.prototype.pushState.call(history, {}, '', '/app/two');
      history.pushState({}, '', '/app/three');
      return { told: true };
    })()`);
    const views = await site.named('page_view', told ? 4 : 1);
    expect(views.map(({ url }) => url?.replace(site.pages, ''))).toEqual(
      told ? ['/app', '/app/one', '/app/two', '/app/three'] : ['/app'],
    );
    expect(told || name !== 'chromium').toBe(true);
    await expectNoProblems(site.tab);
  });

  test('routes count once each, with where they came from, and a replaced state that goes nowhere does not', async () => {
    const site = await startSite(engine, { '/app': 'app' }, { attributes: 'data-auto="page"' });
    await site.visit('/app?utm_source=%E5%BE%AE%E4%BF%A1&gclid=1&utm_term=a+b');
    await site.tab.evaluate(`(async () => {
      history.replaceState({}, '', location.href);
      history.pushState({}, '', '/app/one');
      history.replaceState({}, '', '/app/two');
      history.pushState({}, '', '/app/two#part');
      const moved = () => new Promise((resolve) => addEventListener('popstate', resolve, { once: true }));
      history.back();
      await moved();
      history.back();
      await moved();
    })()`);
    const views = await site.named('page_view', 4);
    const path = (url: string | undefined) => url?.replace(site.pages, '');
    const landing = '/app?utm_source=%E5%BE%AE%E4%BF%A1&gclid=1&utm_term=a+b';
    expect(views.map(({ url, referrer, source }) => [path(url), path(referrer), source])).toEqual([
      [landing, '', { utm_source: '微信', gclid: '1', utm_term: 'a b' }],
      ['/app/one', landing, undefined],
      ['/app/two', '/app/one', undefined],
      [landing, '/app/two', undefined],
    ]);
  });

  test('routes in the fragment count where the site says so, and those of a frozen history do no harm', async () => {
    const frozen = '<script>Object.freeze(history)</script>';
    const site = await startSite(
      engine,
      { '/': 'app' },
      { attributes: 'data-auto="page" data-hash-routing', head: frozen },
    );
    await site.visit('/#/one');
    await site.tab.evaluate(`location.hash = '#/pricing?email=planted'`);
    const views = await site.named('page_view', 2);
    expect(views.map(({ url }) => url!.replace(site.pages, ''))).toEqual(['/#/one', '/#/pricing?email=***']);
    await expectNoProblems(site.tab);
  });

  test('a form is begun once, sent only when it is valid, and its values stay where they are', async () => {
    const site = await startSite(engine, { '/': FORM }, { attributes: 'data-auto="forms"' });
    const { tab } = site;
    await site.visit('/');
    await tab.type('input[name=name]', 'planted-name');
    await tab.type('textarea', 'planted-note');
    await tab.type('input[type=password]', 'planted-password');
    await tab.click('button'); // The required address is missing.
    await tab.type('input[name=email]', 'planted@mail.example');
    await tab.click('button');
    await site.named('generate_lead');
    const events = await site.events();
    expect(events.map((event) => event.name)).toEqual(['session_start', 'form_start', 'form_submit', 'generate_lead']);
    const form = {
      form_id: 'lead',
      form_name: 'lead-form',
      form_destination: `${site.pages}/stay/send`,
      fields_total: 8,
    };
    expect(events[1]!.props).toEqual({ ...form, fields_filled: 1, last_field: 'name', seconds: expect.any(Number) });
    expect(events[2]!.props).toMatchObject({ ...form, fields_filled: 4, last_field: 'email' });
    expect(events[2]!.props!.seconds).toBeLessThan(60);
    expect(events[3]!.props).toEqual({ value: 5 });
    expect(site.road.seen.join()).not.toContain('planted');
    await expectNoProblems(tab);
  });

  test('a form that a script found wanting is not sent, and one in a shadow tree is', async () => {
    const body = `
      <form id="strict" novalidate><input name="must" required><button>Send</button></form>
      <form id="marked" novalidate><input name="odd"><button>Send</button></form>
      <form id="cleared"><input name="need" required value="x"><button>Send</button></form>
      <div id="host"></div>
      <script>
        for (const form of document.forms) form.onsubmit = (event) => {
          event.preventDefault();
          if (form.id === 'marked') form.elements.odd.setAttribute('aria-invalid', 'true');
          if (form.id === 'cleared') form.elements.need.value = '';
        };
        const root = host.attachShadow({ mode: 'open' });
        root.innerHTML = '<form id="deep"><input name="inside"><button>Send</button></form>';
        root.querySelector('form').onsubmit = (event) => event.preventDefault();
      </script>`;
    const site = await startSite(engine, { '/': body }, { attributes: 'data-auto="forms"' });
    const { tab } = site;
    await site.visit('/');
    await site.complete(); // What is sent in a shadow tree is heard of only once a field of it was touched.
    for (const id of ['strict', 'marked', 'cleared'])
      await tab.evaluate(`void document.querySelector('#${id}').requestSubmit()`);
    await tab.evaluate(`(() => {
      const form = host.shadowRoot.querySelector('form');
      form.querySelector('input').dispatchEvent(new InputEvent('input', { bubbles: true, composed: true }));
      form.requestSubmit();
    })()`);
    await site.named('form_submit', 2);
    const forms = (await site.events()).filter((event) => event.name.startsWith('form'));
    expect(forms.map((event) => [event.name, event.props!.form_id, event.props!.last_field])).toEqual([
      // One that a script sends itself may be empty by then.
      ['form_submit', 'cleared', ''],
      ['form_start', 'deep', 'inside'],
      ['form_submit', 'deep', 'inside'],
    ]);
  });

  test('of pages that are left out nothing is told, and the time on them is no other page’s', async () => {
    const site = await startSite(engine, { '/admin/secret': 'secret' }, { attributes: 'data-exclude="/admin/*"' });
    const { tab } = await site.visit('/admin/secret').then(() => site);
    await site.complete();
    await tab.evaluate(`new Promise((resolve) => setTimeout(resolve, 1200))`);
    await tab.evaluate(`void history.pushState({}, '', '/public')`);
    await site.named('page_view');
    await tab.evaluate(`void history.pushState({}, '', '/admin/two')`);
    await tab.evaluate(`new Promise((resolve) => setTimeout(resolve, 1200))`);
    await tab.evaluate(`void history.pushState({}, '', '/open')`);
    await site.named('page_view', 2);
    await site.confirmed();
    const told = await site.events();
    expect(told.map(({ url }) => new URL(url!).pathname)).toEqual(['/public', '/public', '/open']);
    expect(told.map(({ name }) => name)).toEqual(['session_start', 'page_view', 'page_view']);
  });

  test('a form that is left is abandoned: with the page, or when a route takes it away', async () => {
    const body = `<form id="one"><input name="a"><input name="b"></form><form id="two"><input name="c"></form>`;
    const site = await startSite(engine, { '/': body, '/end': 'end' }, { attributes: 'data-auto="page forms"' });
    const { tab } = site;
    await site.visit('/');
    await tab.type('input[name=b]', 'x');
    await tab.type('input[name=a]', 'x');
    await tab.type('input[name=c]', 'x');
    await tab.evaluate(`void (document.querySelector('#one').remove(), history.pushState({}, '', '/route'))`);
    const [gone] = await site.named('form_abandon');
    expect(gone!.props).toMatchObject({ form_id: 'one', fields_filled: 2, last_field: 'a' });
    expect(gone!.url).toBe(`${site.pages}/`);
    await tab.goto(`${site.pages}/end`);
    const abandoned = await site.named('form_abandon', 2);
    expect(abandoned[1]!.props).toMatchObject({ form_id: 'two', fields_filled: 1, fields_total: 1, last_field: 'c' });
  });

  test('a form that a script sends with no word is sent, not abandoned, and gathering its fields sends none', async () => {
    const body = `<form id="quiet" action="/end" data-st-event="contact"><input name="a"></form><form id="kept"><input name="b"></form>
      <div id="host"></div><script>
        document.querySelector('#host').attachShadow({ mode: 'open' }).innerHTML =
          '<form id="deep" action="/stay/deep"><input name="c" type="hidden"></form>';
        const kept = document.querySelector('#kept');
        kept.addEventListener('input', () => new FormData(kept));
        addEventListener('beforeunload', () => void new FormData(kept));
      </script>`;
    const site = await startSite(engine, { '/': body, '/end': 'end' }, { attributes: 'data-auto="forms"' });
    const { tab } = await site.visit('/').then(() => site);
    await site.complete();
    await tab.type('input[name=b]', 'x');
    await tab.type('input[name=a]', 'x');
    // One that nobody touched, in a shadow tree, is sent too.
    await tab.evaluate(`void document.querySelector('#host').shadowRoot.querySelector('form').submit()`);
    await site.named('form_submit');
    await tab.evaluate(`void HTMLFormElement.prototype.submit.call(document.querySelector('#quiet'))`);
    await site.arrived('/end');
    const told = async (name: string, count = 1) => (await site.named(name, count)).map(({ props }) => props!.form_id);
    expect(await told('form_submit', 2)).toEqual(['deep', 'quiet']);
    expect(await told('form_abandon')).toEqual(['kept']);
    expect(await site.named('contact')).toHaveLength(1);
  });

  test('a form whose submission a script stops, to send it itself a little later, is sent once', async () => {
    const body = `<form id="now" target="frame" action="/stay/now" data-st-event="contact"
        onsubmit="event.preventDefault(); this.submit()"><input name="a"><button>Now</button></form>
      <form id="soon" target="frame" action="/stay/soon"
        onsubmit="event.preventDefault(); setTimeout(() => this.submit(), 60)"><input name="b"><button>Soon</button></form>
      <form id="often" onsubmit="return false"><button>Often</button></form><iframe name="frame"></iframe>`;
    const site = await startSite(engine, { '/': body }, { attributes: 'data-auto="forms"' });
    const { tab } = await site.visit('/').then(() => site);
    await site.complete();
    await tab.type('[name=a]', 'x');
    await tab.click('#now button');
    await tab.type('[name=b]', 'x');
    await tab.click('#soon button');
    // What a script sends in its own way each time is sent each time.
    await tab.click('#often button');
    await tab.click('#often button');
    await tab.evaluate(`new Promise((resolve) => setTimeout(resolve, 300))`);
    await tab.evaluate(`void stagetag.track('last')`);
    await site.named('last');
    const sent = (await site.named('form_submit', 4)).map(({ props }) => [props!.form_id, props!.fields_filled]);
    expect(sent.sort()).toEqual([
      ['now', 1],
      ['often', 0],
      ['often', 0],
      ['soon', 1],
    ]);
    expect(await site.named('contact')).toHaveLength(1);
  });

  test('what a form names is recorded where nothing else of forms is', async () => {
    const body = `<form data-st-event="contact" data-st-prop-topic="price" onsubmit="return false"><input name="a"><button>Send</button></form>`;
    const site = await startSite(engine, { '/': body }, { attributes: 'data-auto="page"' });
    const { tab } = await site.visit('/').then(() => site);
    await tab.type('input', 'x');
    await tab.click('button');
    expect((await site.named('contact')).map(({ props }) => props)).toEqual([{ topic: 'price' }]);
    expect(await site.names(3)).toEqual(['session_start', 'page_view', 'contact']);
  });

  test('a search is recorded once, also when its next pages are turned', async () => {
    const site = await startSite(engine, { '/results': 'results' }, { attributes: 'data-auto="page search"' });
    await site.visit('/results?q=%E9%A3%8E%E7%AD%9D+string&page=1');
    await site.tab.evaluate(`void history.pushState({}, '', '?q=%E9%A3%8E%E7%AD%9D+string&page=2')`);
    await site.tab.evaluate(`void history.pushState({}, '', '?q=kite')`);
    await site.tab.evaluate(`void history.pushState({}, '', '?q=jane@mail.example')`);
    expect((await site.named('search', 3)).map(({ props }) => props!.search_term)).toEqual([
      '风筝 string',
      'kite',
      '***',
    ]);
    expect(await site.named('page_view', 4)).toHaveLength(4);
  });

  test('scrolling is recorded by steps, on long and growing pages, and not on short ones', async () => {
    const long = '<div id="long" style="height: 6000px"></div>';
    const bodies = { '/short': 'short', '/long': long };
    const site = await startSite(engine, bodies, { attributes: 'data-auto="page scroll"' });
    const { tab } = site;
    const settled = () => tab.evaluate('new Promise((resolve) => setTimeout(resolve, 300))');
    await site.visit('/short');
    await tab.evaluate('scrollTo(0, 1000)');
    await settled();
    await site.visit('/long');
    const scroll = async (top: number) => {
      await tab.evaluate(`scrollTo(0, ${top})`);
      await settled();
    };
    await scroll(1800); // A third of it, with what the window shows.
    await scroll(0);
    await scroll(1800);
    await tab.evaluate(`long.style.height = '60000px'`);
    await scroll(3000); // Less of it than before.
    await scroll(60000);
    const scrolls = await site.named('scroll', 2);
    expect(scrolls.map(({ props, url }) => [props!.percent, new URL(url!).pathname])).toEqual([
      [25, '/long'],
      [90, '/long'],
    ]);
  });

  test('the time with a page is told when it is left, with its own address', async () => {
    const site = await startSite(engine, { '/': 'one', '/end': 'end' }, { attributes: 'data-auto="page engagement"' });
    const { tab } = site;
    await site.visit('/');
    await tab.evaluate('new Promise((resolve) => setTimeout(resolve, 1500))');
    await tab.evaluate(`void history.pushState({}, '', '/route')`);
    await tab.evaluate('new Promise((resolve) => setTimeout(resolve, 1200))');
    await tab.goto(`${site.pages}/end`);
    const told = await site.named('user_engagement', 2);
    expect(told.map(({ url }) => new URL(url!).pathname)).toEqual(['/', '/route']);
    for (const { props } of told) {
      expect(props!.engagement_time_msec).toBeGreaterThan(1000);
      expect(props!.engagement_time_msec).toBeLessThan(30_000);
    }
  });

  test('routes before consent are looked at and scrolled each for itself', async () => {
    const bodies = { '/': '<div style="height: 6000px"></div>', '/end': 'end' };
    const attributes = 'data-consent="required" data-auto="page scroll engagement"';
    const site = await startSite(engine, bodies, { attributes });
    const { tab } = site;
    const settled = (ms: number) => tab.evaluate(`new Promise((resolve) => setTimeout(resolve, ${ms}))`);
    await site.visit('/');
    await site.complete();
    await tab.evaluate('scrollTo(0, 6000)');
    await settled(1200);
    await tab.evaluate(`void history.pushState({}, '', '/route')`);
    await tab.evaluate('scrollTo(0, 0)');
    await settled(300);
    await tab.evaluate('scrollTo(0, 6000)');
    await settled(1200);
    expect(site.road.batches).toEqual([]);
    await tab.evaluate(`stagetag.consent('granted')`);
    await tab.goto(`${site.pages}/end`);
    const paths = async (event: string) =>
      (await site.named(event, 2)).map(({ url }) => new URL(url!).pathname).filter((path) => path !== '/end');
    expect(await paths('user_engagement')).toEqual(['/', '/route']);
    expect(await paths('scroll')).toEqual(['/', '/route']);
  });

  test('an element that was in view for a second is recorded once, one added later too', async () => {
    const body = `<div data-st-view="view_banner" data-st-prop-place="top">Banner</div>
      <div style="height: 5000px"></div><div data-st-view="view_footer">Footer</div>`;
    const site = await startSite(engine, { '/': body }, { attributes: 'data-auto="views"' });
    await site.visit('/');
    await site.named('view_banner');
    await site.tab.evaluate(
      `void document.body.insertAdjacentHTML('afterbegin', '<p><span data-st-view="view_offer">Offer</span></p>')`,
    );
    await site.named('view_offer');
    const seen = (await site.events()).filter((event) => event.name.startsWith('view_'));
    expect(propsOf(seen)).toEqual([
      ['view_banner', { place: 'top' }],
      ['view_offer', {}],
    ]);
  });

  test('each web vital is recorded once a page, with the value that the library web-vitals finds', async () => {
    const body = '<h1>Something to paint</h1><button>Press</button>';
    const head = `<script>${LIBRARY}</script><script>
      for (const name of ['FCP', 'LCP', 'CLS', 'INP'])
        webVitals['on' + name](({ value, rating }) => (localStorage['found ' + name] ??= JSON.stringify([name, +value.toFixed(4), rating])));
      let isHidden = false;
      Object.defineProperty(Document.prototype, 'hidden', { get: () => isHidden });
      Object.defineProperty(Document.prototype, 'visibilityState', { get: () => (isHidden ? 'hidden' : 'visible') });
      const turn = (to) => { isHidden = to; document.dispatchEvent(new Event('visibilitychange', { bubbles: true })); };
      const move = (px) => { document.querySelector('h1').style.marginTop = px + 'px'; };
      const block = () => { for (const start = performance.now(); performance.now() < start + 150;); };
    </script>`;
    const site = await startSite(engine, { '/': body, '/end': 'end' }, { attributes: 'data-auto="vitals"', head });
    const wait = (ms: number) => site.tab.evaluate(`new Promise((resolve) => setTimeout(resolve, ${ms}))`);
    await site.visit('/');
    await site.complete();
    await wait(300);
    await site.tab.click('button');
    await site.tab.evaluate(`void (document.querySelector('button').onclick = block)`);
    await site.tab.click('button');
    await wait(700); // What moves soon after an input is meant to.
    await site.tab.evaluate('move(100)');
    await wait(1200); // What comes later counts for itself.
    await site.tab.evaluate('move(180)');
    await wait(300);
    // To another tab and back, and something less still than before.
    await site.tab.evaluate('(turn(true), turn(false))');
    await site.tab.evaluate('move(400)');
    await wait(300);
    const found = await site.tab.evaluate<string[]>(
      `Object.keys(localStorage).filter((key) => key.startsWith('found ')).map((key) => localStorage[key])`,
    );
    await site.visit('/end');
    const vitals = await eventually(
      async () => (await site.named('web_vital')).filter(({ url }) => new URL(url!).pathname === '/'),
      (events) => events.length >= found.length,
    );
    const stored = vitals.map(({ props }) => [props!.metric, props!.value, props!.rating]);
    expect(stored.sort()).toEqual(found.map((text) => JSON.parse(text) as unknown[]).sort());
    expect(stored.map(([metric]) => metric)).toEqual(expect.arrayContaining(VITALS[name]));
  });

  test('coming back from a payment begins no visit and is no source', async () => {
    const head = `<script>
      const { get } = Object.getOwnPropertyDescriptor(Document.prototype, 'referrer');
      Object.defineProperty(Document.prototype, 'referrer', {
        get() { return location.pathname === '/thanks' ? 'https://checkout.stripe.com/pay' : get.call(this); }, configurable: true,
      });
      if (location.pathname === '/thanks') {
        const key = Object.keys(localStorage).find((name) => name.endsWith(':session'));
        const [id, last] = JSON.parse(localStorage[key]);
        localStorage[key] = JSON.stringify([id, last - 45 * 60_000]);
      }
    </script>`;
    const site = await startSite(
      engine,
      { '/': 'shop', '/thanks': 'thanks' },
      { attributes: 'data-auto="page"', head },
    );
    await site.visit('/?utm_source=newsletter&utm_medium=email');
    await site.confirmed();
    await site.visit('/thanks?gclid=x');
    await site.tab.evaluate(`void stagetag.track('purchase', { value: 3 })`);
    await site.named('purchase');
    const events = await site.events();
    expect(events.map((event) => event.name)).toEqual(['session_start', 'page_view', 'page_view', 'purchase']);
    expect(new Set(events.map(({ sessionId }) => sessionId)).size).toBe(1);
    expect(events[2]).toMatchObject({ referrer: '' });
    expect(events[2]!.source).toEqual({});
    expect((await site.visitor(events[0]!.visitorId)).lastTouch).toMatchObject({ source: 'newsletter' });
  });
});
