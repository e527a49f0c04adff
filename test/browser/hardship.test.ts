/** Cases in which something was lost, told or repeated once, in Chromium. */
import fs from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '../helpers/browser.js';
import { openEngine, type Engine } from '../helpers/engines.js';
import { expectNoProblems, startSite } from '../helpers/site.js';

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine('chromium');
});
afterAll(() => engine.close());

const track = (name: string, count: number) =>
  `void (() => { for (let n = 0; n < ${count}; n++) stagetag.track('${name}', { n }); })()`;

test('a visitor who goes along to another domain loses nothing there, although both number for themselves', async () => {
  const bodies = { '/': '<a id="over" href="{{other}}/there">Over</a>', '/there': 'there' };
  const origins = (pages: string) => [pages.replace('localhost', '127.0.0.1')];
  const site = await startSite(engine, bodies, { attributes: 'data-auto="off"', origins });
  const { tab } = await site.visit('/').then(() => site);
  await tab.evaluate(track('here', 150));
  await site.named('here', 150);
  await tab.click('#over');
  await site.arrived('/there');
  await tab.evaluate(track('there', 200));
  expect(await site.named('there', 200)).toHaveLength(200);
  const events = await site.events();
  expect(new Set(events.map(({ visitorId }) => visitorId)).size).toBe(1);
  expect(new Set(events.map(({ seq }) => seq)).size).toBe(350);
});

test.each(['7200', '-1', 'soon'])('a Retry-After of %s makes no storm of requests', async (value) => {
  const site = await startSite(engine, { '/': 'one' }, { attributes: 'data-auto="off"' });
  await site.visit('/');
  site.road.retryAfter = value;
  site.road.next = Array.from({ length: 50 }, () => 429 as const);
  await site.tab.evaluate(track('e', 3));
  await eventually(() => site.road.batches.length > 0);
  await site.tab.evaluate('new Promise((resolve) => setTimeout(resolve, 1500))');
  expect(site.road.batches.length).toBeLessThan(6);
});

test('leaving does not disregard what the collector asked for', async () => {
  const site = await startSite(engine, { '/': 'one' }, { attributes: 'data-auto="off"' });
  await site.visit('/');
  site.road.retryAfter = '600';
  site.road.next = [429];
  await site.tab.evaluate(track('e', 1));
  await eventually(() => site.road.batches.length > 0);
  await site.tab.evaluate(`new Promise((resolve) => setTimeout(() => {
    for (let n = 0; n < 3; n++) dispatchEvent(new PageTransitionEvent('pagehide'));
    setTimeout(resolve, 300);
  }, 300))`);
  expect(site.road.batches).toHaveLength(1);
});

test('the queue keeps its bound while the collector has asked to wait', async () => {
  const site = await startSite(engine, { '/': 'one' }, { attributes: 'data-auto="off" data-queue="50"' });
  const { tab } = await site.visit('/').then(() => site);
  site.road.retryAfter = '600';
  site.road.next = [429];
  await tab.evaluate(track('e', 1));
  await eventually(() => tab.evaluate(`Object.keys(localStorage).some((key) => key.endsWith(':wait'))`));
  await tab.evaluate(track('more', 200));
  const left = `Object.keys(localStorage).filter((key) => key.includes(':e:')).map((key) => JSON.parse(localStorage[key]).event.props.n)`;
  const kept = await tab.evaluate<number[]>(left);
  expect(kept.sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, n) => n + 150));
  expect(await tab.evaluate(`Object.entries(localStorage).find(([key]) => key.includes(':lost:'))[1]`)).toBe('151');
});

test('with the head snippet blocks stand where they stay from the first paint on: nothing shifts', async () => {
  const snippet = /<script>try\{.*<\/script>/.exec(fs.readFileSync('README.md', 'utf8'))![0];
  const ids = ['hidden', 'shown', 'never', 'text'];
  const blocks = `<p id="hidden" data-st-hide="consideration">hidden</p><p id="shown" data-st-show="consideration">shown</p>
    <p id="never" data-st-show="loyalty">never</p><p id="text">${'text '.repeat(500)}</p>
    <script>
      window.displays = () => ${JSON.stringify(ids)}.map((id) => getComputedStyle(document.getElementById(id)).display);
      window.early = displays();
      window.shift = 0;
      new PerformanceObserver((list) => list.getEntries().forEach(({ value }) => (shift += value))).observe({ type: 'layout-shift', buffered: true });
    </script>`;
  const bodies = { '/pricing': '', '/products/x': '', '/with': snippet + blocks, '/without': blocks };
  const site = await startSite(engine, bodies, { attributes: 'data-auto="page"' });
  for (const path of ['/pricing', '/products/x']) {
    await site.visit(path);
    await site.confirmed();
  }
  const look = async (path: string) => {
    await site.visit(path);
    await site.confirmed();
    return site.tab.evaluate<object>(
      'new Promise((resolve) => setTimeout(() => resolve({ early, late: displays(), shift, stage: stagetag.stage }), 500))',
    );
  };
  const right = ['none', 'block', 'none', 'block'];
  expect(await look('/with')).toEqual({ early: right, late: right, shift: 0, stage: 'consideration' });
  // Without it they come and go with the tag.
  expect(await look('/without')).toMatchObject({ early: ['block', 'block', 'block', 'block'], late: right });
});

test('a grant after a denial on the same page begins anew', async () => {
  const site = await startSite(engine, { '/': 'one' }, { attributes: 'data-auto="off"' });
  await site.visit('/');
  await site.complete();
  await site.tab.evaluate(`(stagetag.track('before'), stagetag.flush())`);
  await site.tab.evaluate(
    `(stagetag.consent('denied'), stagetag.track('between'), stagetag.consent('granted'), stagetag.track('after'), stagetag.flush())`,
  );
  expect(await site.names(2)).toEqual(['before', 'after']);
  expect(await site.tab.evaluate('document.documentElement.dataset.stageStatus')).toBe('confirmed');
  const [before, after] = await site.events();
  expect(after!.visitorId).not.toBe(before!.visitorId);
});

test('what waits is sent on leaving although the page keeps it from everybody that it is hidden', async () => {
  const head = `<script>document.addEventListener('visibilitychange', (event) => event.stopImmediatePropagation(), true);</script>`;
  const site = await startSite(engine, { '/': 'one' }, { head, attributes: 'data-auto="off"' });
  await site.visit('/');
  await site.complete();
  await site.tab.evaluate(`(stagetag.track('last'), location.assign('about:blank'))`);
  expect(await site.names(1)).toEqual(['last']);
});

test('the web vitals of a page that is left for another site are sent with it', async () => {
  const site = await startSite(engine, { '/': '<h1>Something to paint</h1>' }, { attributes: 'data-auto="vitals"' });
  await site.visit('/');
  await site.complete();
  await site.tab.evaluate('new Promise((resolve) => setTimeout(resolve, 500))');
  await site.tab.evaluate(`location.assign('about:blank')`);
  const vitals = await site.named('web_vital', 3);
  expect(vitals.map(({ props }) => props!.metric)).toEqual(expect.arrayContaining(['FCP', 'LCP', 'CLS']));
});

test('a wish to wait may be a date', async () => {
  const site = await startSite(engine, { '/': 'one' }, { attributes: 'data-auto="off"' });
  const { tab } = await site.visit('/').then(() => site);
  const until = Date.now() + 600_000;
  site.road.retryAfter = new Date(until).toUTCString();
  site.road.next = [503];
  await tab.evaluate(track('e', 1));
  const wait = `localStorage[Object.keys(localStorage).find((key) => key.endsWith(':wait'))]`;
  const waits = Number(await eventually(() => tab.evaluate<string | undefined>(wait)));
  expect(Math.abs(waits - until)).toBeLessThan(2000); // A date says seconds.
});

test('the queue has a bound where the second file never comes', async () => {
  const site = await startSite(engine, { '/': 'one' }, { attributes: 'data-auto="off"' });
  site.road.missing = /late-/;
  const { tab } = await site.visit('/').then(() => site);
  await tab.evaluate(track('e', 1100));
  const left = `Object.keys(localStorage).filter((key) => key.includes(':e:')).map((key) => JSON.parse(localStorage[key]).event.props.n)`;
  const kept = await tab.evaluate<number[]>(left);
  expect(kept.sort((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, n) => n + 100));
  expect(site.road.batches).toEqual([]);
});

test('an event that is too large for everybody is dropped with a word, and does not hold up the next', async () => {
  const site = await startSite(engine, { '/': 'one' }, { attributes: 'data-auto="off"' });
  const { tab } = await site.visit('/').then(() => site);
  await tab.evaluate(`void (() => {
    window.errors = [];
    stagetag.on('error', ({ reason, events }) => errors.push([reason, events.length]));
    const props = Object.fromEntries(Array.from({ length: 45 }, (_, n) => ['p' + n, 'x'.repeat(2000)]));
    stagetag.track('big', props);
    stagetag.track('after');
  })()`);
  await site.named('after');
  expect(
    await eventually(
      () => tab.evaluate<unknown[]>('errors'),
      (errors) => errors.length > 0,
    ),
  ).toEqual([['413', 1]]);
});

test('an answer that stops halfway is given up, and the lock with it', async () => {
  const site = await startSite(engine, { '/': 'one' }, { attributes: 'data-auto="off"' });
  await site.visit('/');
  site.road.next = ['stall'];
  await site.tab.evaluate(track('e', 3));
  expect(await site.named('e', 3)).toHaveLength(3);
  expect(await eventually(() => site.tab.evaluate('stagetag.state().status === "confirmed"'))).toBe(true);
});

test('what happens on leaving the second page of a visit is sent as it is left', async () => {
  const site = await startSite(engine, { '/': 'one', '/two': 'two' }, { attributes: 'data-auto="page"' });
  const { tab } = await site.visit('/').then(() => site);
  await tab.evaluate(`void (stagetag.track('first_word'), (location.href = '/two'))`);
  await site.arrived('/two');
  await tab.evaluate('new Promise((resolve) => setTimeout(resolve, 800))');
  await tab.evaluate(`void (stagetag.track('last_word'), setTimeout(() => (location.href = 'about:blank')))`);
  await site.named('last_word');
});

test('a denial stays one although an answer is under way', async () => {
  const site = await startSite(engine, { '/': 'one' }, { attributes: 'data-auto="off"' });
  const { tab } = await site.visit('/').then(() => site);
  site.road.next = ['slow'];
  await tab.evaluate(track('e', 1));
  await eventually(() => site.road.batches.length > 0);
  await tab.evaluate(`stagetag.consent('denied')`);
  await tab.evaluate('new Promise((resolve) => setTimeout(resolve, 1500))');
  expect(await tab.evaluate('Object.keys(localStorage)')).toEqual([`stagetag-1-${site.site.siteKey}:consent`]);
});

test('files made by the page, mail forms and forms in shadow trees tell nothing of what is in them', async () => {
  const body = `<a id="made" download="list.csv" href="data:text/csv,planted-a">Save</a>
    <form id="mail" action="mailto:planted-b@mail.example"><input name="b"></form>
    <form id="broken" action="http://"><input name="c"></form><div id="host"></div>
    <form id="post" method="post" action="/stay/x"><input name="remark"><button formmethod="get" formaction="/next">Go</button></form>
    <script>host.attachShadow({ mode: 'open' }).innerHTML = '<form action="/next"><input name="message"></form>';</script>`;
  const site = await startSite(engine, { '/': body, '/next': 'next' });
  const { tab } = await site.visit('/').then(() => site);
  await tab.evaluate('document.querySelector("#made").click()');
  await tab.type('#mail input', 'x');
  await tab.type('#broken input', 'x');
  await tab.evaluate(`(() => {
    const form = host.shadowRoot.querySelector('form');
    form.elements.message.value = 'planted-c';
    form.elements.message.dispatchEvent(new InputEvent('input', { bubbles: true, composed: true }));
    setTimeout(() => form.requestSubmit());
  })()`);
  await site.arrived('/next');
  await site.visit('/');
  await tab.type('#post input', 'planted-d');
  await tab.click('#post button');
  await site.arrived('/next');
  const urls = (await site.named('page_view', 4)).map(({ url }) => url!.replace(site.pages, ''));
  expect(urls).toEqual(['/', '/next?message=***', '/', '/next?remark=***']);
  expect((await site.named('file_download'))[0]!.props).toMatchObject({ file_name: 'list.csv', link_url: 'data:' });
  const starts = (await site.named('form_start', 4)).map(({ props }) => [props!.form_id, props!.form_destination]);
  expect(starts.slice(0, 2)).toEqual([
    ['mail', ''],
    ['broken', undefined],
  ]);
  expect(site.road.seen.join()).not.toContain('planted');
});

test('where TextEncoder throws the page hears nothing of it', async () => {
  const harm = `window.TextEncoder = function () { throw new Error('mine') };`;
  const site = await startSite(engine, { '/': 'one' }, { head: `<script>${harm}</script>` });
  const { tab } = await site.visit('/').then(() => site);
  await tab.evaluate(track('e', 3));
  await tab.evaluate(
    `new Promise((resolve) => { dispatchEvent(new PageTransitionEvent('pagehide')); setTimeout(resolve, 500); })`,
  );
  await expectNoProblems(tab);
});

test('eight hundred events of an outage are all stored, and the time that each took is told', async () => {
  const site = await startSite(engine, { '/': 'one' }, { attributes: 'data-auto="off"' });
  const { tab } = await site.visit('/').then(() => site);
  await site.road.close();
  // Against as many events without a queue behind them: a ratio, since machines differ.
  const [first, last] = await tab.evaluate<[number, number]>(`(() => {
    const time = (count) => { const start = performance.now(); for (let n = 0; n < count; n++) stagetag.track('e', { n }); return performance.now() - start; };
    const first = time(100); time(600); return [first, time(100)];
  })()`);
  console.log(`100 events: ${first.toFixed(0)} ms at first, ${last.toFixed(0)} ms behind 700 others`);
  await site.road.open();
  await tab.evaluate(`void dispatchEvent(new Event('online'))`);
  expect(await site.named('e', 800)).toHaveLength(800);
});

test('rules that only the full tag can infer with are left to the collector by a plain one that is open, and nothing throws', async () => {
  const site = await startSite(engine, { '/': 'one' });
  const { tab } = await site.visit('/').then(() => site);
  await site.complete();
  await site.confirmed();
  const rules = {
    signals: { visit: { event: 'page_view' } },
    stages: { awareness: { when: { signal: 'visit' } }, loyalty: { when: { trait: 'plan', eq: 'paid' } } },
  };
  const { siteKey } = site.site;
  await site.collector.store.publishRules(siteKey, rules as never, { publishedAt: Date.now(), since: 0 });
  await tab.evaluate(`void stagetag.identify('u1', { plan: 'paid' })`);
  const shown = () => tab.evaluate<string | null>('document.documentElement.dataset.stage ?? null');
  expect(await eventually(shown, (stage) => stage === 'loyalty')).toBe('loyalty');
  expect(await tab.evaluate('stagetag.state().rules')).toBe(2);
  // What the collector told of the visitor is nobody else's business.
  expect(await tab.evaluate('Object.keys(stagetag.state()).sort().join()')).toBe(
    'asOf,peak,rules,score,stage,status,tags',
  );
  expect(await tab.evaluate(`(stagetag.reset(), stagetag.stage)`)).toBeNull();
  expect(await shown()).toBeNull();
  await tab.evaluate(`void stagetag.track('again')`);
  expect(await tab.evaluate(`(stagetag.consent('denied'), stagetag.stage)`)).toBeNull();
  expect(await shown()).toBeNull();
  await expectNoProblems(tab);
});

test('a denial erases and is remembered although the page filled the storage', async () => {
  const site = await startSite(engine, { '/': 'one' });
  const { tab } = await site.visit('/').then(() => site);
  await site.complete();
  await site.confirmed();
  await tab.evaluate(`(() => {
    let text = 'x'.repeat(1 << 20);
    for (let at = 0; text.length > 1; )
      try { localStorage['fill' + at++] = text; } catch { text = text.slice(text.length >> 1); }
  })()`);
  await tab.evaluate(`void (stagetag.track('more'), stagetag.consent('denied'))`);
  const ours = `Object.keys(localStorage).filter((key) => key.startsWith('stagetag')).map((key) => key.split(':')[1]).join()`;
  expect(await tab.evaluate(ours)).toBe('consent');
  const before = (await site.events()).length;
  await site.visit('/');
  await tab.evaluate('new Promise((resolve) => setTimeout(resolve, 800))');
  expect(await tab.evaluate(ours)).toBe('consent');
  expect((await site.events()).length).toBe(before);
});

test('a denial from a handler of what was held leaves nothing behind', async () => {
  const handler = `<script>document.addEventListener('stagetag:event', () => stagetag.consent('denied'))</script>`;
  const site = await startSite(engine, { '/': handler }, { attributes: 'data-consent="required"' });
  const { tab } = await site.visit('/').then(() => site);
  await site.complete();
  await tab.evaluate(`void (stagetag.track('a'), stagetag.track('b'), stagetag.consent('granted'))`);
  expect(await tab.evaluate(`Object.keys(localStorage).map((key) => key.split(':')[1]).join()`)).toBe('consent');
});

test('a form that is left counts as left although a handler meanwhile says yes once more', async () => {
  const body = `<form id="form"><input id="field" name="field"></form><script>
    document.addEventListener('stagetag:event', () => window.isLeaving && stagetag.consent('granted'));</script>`;
  const site = await startSite(engine, { '/': body, '/b': 'b' });
  const { tab } = await site.visit('/').then(() => site);
  await site.complete();
  await tab.type('#field', 'x');
  await tab.evaluate('new Promise((resolve) => setTimeout(resolve, 1300))');
  await tab.evaluate(`void (window.isLeaving = true, location.href = '/b')`);
  await site.arrived('/b');
  expect(await site.named('form_abandon', 1)).toHaveLength(1);
});
