import { Window } from 'happy-dom';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Stagetag } from '../../sdk/index.js';
import { makeCollector, ORIGIN, type TestCollector } from '../helpers/collector.js';
import { seeded } from '../helpers/random.js';
import { general, generalDocument } from '../helpers/rules.js';

/** What the browser keeps between pages. */
const profile = new Window({ url: ORIGIN }).localStorage;

const startTimer = setTimeout;
const realNow = Date.now;
const timers: NodeJS.Timeout[] = [];

/** Ends the page as a crash would: its timers go, and nothing of it is told. */
function closePage(): void {
  for (const timer of timers.splice(0)) clearTimeout(timer);
}

/** What stands between the SDK and the collector; a test may put an obstacle there. */
type Road = (send: () => Promise<Response>) => Promise<Response>;

/** Opens a page with the real SDK on it, whose requests go to the real app. */
async function openPage(
  collector: TestCollector,
  options: { path?: string; road?: Road; bodies?: unknown[]; isPrerendering?: boolean } = {},
): Promise<Stagetag> {
  const { path = '/', road = (send) => send(), bodies = [] } = options;
  const page = new Window({ url: ORIGIN + path });
  const { document, location, navigator, history, Blob, CSSStyleSheet, CustomEvent, Document, Element, Event } = page;
  const { HTMLFormElement } = page;
  Object.defineProperty(Document.prototype, 'prerendering', { value: options.isPrerendering ?? false });
  const globals = {
    window: page,
    document,
    location,
    navigator,
    history,
    Blob,
    CSSStyleSheet,
    CustomEvent,
    Document,
    Element,
    Event,
    HTMLFormElement,
    localStorage: profile,
  };
  for (const [name, value] of Object.entries(globals)) vi.stubGlobal(name, value);
  closePage();
  vi.stubGlobal('setTimeout', (run: () => void, ms: number) => {
    const timer = startTimer(run, ms);
    timers.push(timer);
    return timer;
  });
  vi.stubGlobal('addEventListener', page.addEventListener.bind(page));
  vi.stubGlobal('removeEventListener', page.removeEventListener.bind(page));
  vi.stubGlobal('fetch', (url: string, init: RequestInit) => {
    bodies.push(JSON.parse(init.body as string));
    return road(async () =>
      collector.app.request(url, { method: 'POST', body: init.body, headers: { Origin: ORIGIN } }),
    );
  });
  vi.resetModules();
  const { init } = await import('../../sdk/index.js');
  const { rulesVersion: version, siteKey } = collector.site;
  const said = vi.spyOn(console, 'warn'); // With debug, errors inside are said.
  const stagetag = init({
    siteKey,
    endpoint: 'http://collector',
    rules: { ...general, version },
    auto: 'page',
    debug: true,
  });
  expect(said).not.toHaveBeenCalled();
  return stagetag;
}

const stateOf = ({ stage, peak, tags, score }: ReturnType<Stagetag['state']>) => ({ stage, peak, tags, score });

async function storedState(collector: TestCollector): Promise<object> {
  const [stored] = (
    await collector.get<{ visitors: Array<{ visitorId: string }> }>(`sites/${collector.site.siteKey}/visitors`)
  ).visitors;
  const { stage, peak, tags, score } = await collector.visitor(stored!.visitorId);
  return { stage, peak, tags, score };
}

beforeEach(() => profile.clear());
afterEach(async () => {
  closePage();
  // What a page had begun ends before the browser around it does.
  for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

const makeWorld = () => makeCollector({ now: () => Date.now() });

describe('the real SDK and the real collector', () => {
  test('agree for random visitors on random pages, before and after each answer', async () => {
    const collector = await makeWorld();
    const paths = ['/', '/products/a', '/products/b', '/pricing', '/blog/a', '/blog/b'];
    const names = ['sign_up', 'purchase', 'add_to_cart', 'nps', 'file_download', 'invite', 'contact'];
    for (let seed = 1; seed <= 40; seed++) {
      const random = seeded(seed);
      profile.clear();
      for (let pages = 1 + Math.floor(random() * 4); pages > 0; pages--) {
        const page = await openPage(collector, { path: paths[Math.floor(random() * paths.length)] });
        await page.ready;
        for (let count = Math.floor(random() * 4); count > 0; count--) {
          const name = names[Math.floor(random() * names.length)]!;
          page.track(name, {
            value: Math.floor(random() * 3) * 10,
            transaction_id: `t${Math.floor(random() * 3)}`,
            score: 8 + Math.floor(random() * 3),
          });
        }
        const provisional = stateOf(page.state());
        await page.flush();
        expect(page.state().status).toBe('confirmed');
        expect(stateOf(page.state()), `seed ${seed}`).toEqual(provisional);
        expect(await storedState(collector), `seed ${seed}`).toEqual(provisional);
      }
    }
  });

  test('count once what was stored although its answer was lost', async () => {
    const collector = await makeWorld();
    let isLosing = true;
    const road: Road = async (send) => {
      const response = await send();
      if (isLosing) throw new TypeError('the line was cut after the commit');
      return response;
    };
    const page = await openPage(collector, { road });
    page.track('purchase', { value: 5, transaction_id: 'a' });
    await page.flush();
    expect(page.state()).toMatchObject({ stage: 'action', status: 'provisional' });
    isLosing = false;
    const next = await openPage(collector, { path: '/pricing', road });
    await next.ready;
    expect(next.stage).toBe('action');
    await next.flush();
    expect(next.state().status).toBe('confirmed');
    const events = await collector.ndjson();
    expect(new Set(events.map(({ id }) => id)).size).toBe(events.length);
    expect(events.filter(({ name }) => name === 'purchase')).toHaveLength(1);
    expect(stateOf(next.state())).toEqual(await storedState(collector));
  });

  test('keep events through 503 and 429, and drop what is answered 400 with an error to be heard', async () => {
    const collector = await makeWorld();
    const statuses = [503, 429];
    const road: Road = async (send) =>
      statuses.length ? new Response('{}', { status: statuses.shift()!, headers: { 'Retry-After': '3600' } }) : send();
    const page = await openPage(collector, { road });
    page.track('sign_up');
    await page.flush();
    await page.flush();
    expect(await collector.ndjson()).toEqual([]);
    await page.flush();
    expect(await collector.ndjson()).toEqual([]); // Not before the collector wishes, whoever asks.
    vi.spyOn(Date, 'now').mockImplementation(() => realNow() + 3_600_000);
    await page.flush();
    await page.flush();
    vi.mocked(Date.now).mockImplementation(() => realNow() + 7_300_000);
    await page.flush();
    expect((await collector.ndjson()).map(({ name }) => name)).toContain('sign_up');

    const errors: unknown[] = [];
    statuses.push(400);
    page.on('error', (error) => errors.push(error));
    const id = page.track('bad');
    await page.flush();
    expect(errors).toMatchObject([{ reason: '400', events: expect.arrayContaining([id]) }]);
    expect(page.state().status).toBe('confirmed');
  });

  test('split a batch that is too large', async () => {
    const collector = await makeWorld();
    const page = await openPage(collector);
    for (let n = 0; n < 90; n++) page.track('big', { n, text: 'x'.repeat(2000) });
    await page.flush();
    expect(
      (await collector.ndjson('?name=big')).map(({ props }) => props!.n).sort((a, b) => Number(a) - Number(b)),
    ).toEqual(Array.from({ length: 90 }, (_, n) => n));
  });

  test('send fifty events of one moment in at most two requests', async () => {
    const collector = await makeWorld();
    const bodies: unknown[] = [];
    const page = await openPage(collector, { bodies });
    for (let n = 0; n < 50; n++) page.track('moment', { n });
    await page.flush();
    expect(await collector.ndjson('?name=moment')).toHaveLength(50);
    expect(bodies.length).toBeLessThanOrEqual(2);
  });

  test('adopt newer rules with the next answer', async () => {
    const collector = await makeWorld();
    const page = await openPage(collector);
    page.track('vip');
    await page.flush();
    expect(page.stage).toBe('awareness');
    await collector.putRules({
      ...generalDocument,
      tags: {},
      score: undefined,
      signals: { ...generalDocument.signals, vip: { event: 'vip' } },
      stages: { action: { when: { signal: 'vip' } } },
    });
    page.track('other');
    await page.flush();
    expect(page.state()).toMatchObject({ stage: 'action', rules: 2, status: 'confirmed' });
    const next = await openPage(collector);
    expect(next.state()).toMatchObject({ stage: 'action', rules: 2 });
  });

  test('tell who listens: the state at once and on each change, and every event', async () => {
    const collector = await makeWorld();
    const page = await openPage(collector);
    const heard: string[] = [];
    const stop = page.on('state', ({ stage, status }) => heard.push(`${stage} ${status}`));
    page.on('event', ({ name }) => heard.push(name));
    page.track('purchase');
    stop();
    page.track('invite');
    expect(heard).toEqual(['awareness provisional', 'purchase', 'action provisional', 'invite']);
  });

  test('begin a new visitor on reset, and still send what was queued for the old one', async () => {
    const collector = await makeWorld();
    const page = await openPage(collector);
    page.track('purchase', { value: 1 });
    page.identify('u1');
    page.reset();
    expect(page.stage).toBeNull();
    page.track('contact');
    expect(page.stage).toBe('consideration');
    await page.flush();
    const events = await collector.ndjson();
    const owner = (name: string) => events.find((event) => event.name === name)!.visitorId;
    expect(owner('purchase')).not.toBe(owner('contact'));
    expect((await collector.visitor(owner('purchase'))).stage).toBe('action');
    expect((await collector.visitor(owner('contact'))).stage).toBe('consideration');
    expect(events.filter(({ visitorId }) => visitorId === owner('contact')).map(({ seq }) => seq)).toContain(1);
  });

  test('count the view of a prerendered page when it is shown, and not before', async () => {
    const collector = await makeWorld();
    const page = await openPage(collector, { isPrerendering: true });
    await page.flush();
    expect(page.stage).toBeNull();
    expect(await collector.ndjson()).toEqual([]);
    document.dispatchEvent(new Event('prerenderingchange'));
    expect(page.stage).toBe('awareness');
    await page.flush();
    expect(await collector.ndjson('?name=page_view')).toHaveLength(1);
  });

  test('no call throws, whatever it is given', async () => {
    const collector = await makeWorld();
    const page = (await openPage(collector)) as unknown as Record<string, (...args: unknown[]) => unknown>;
    for (const call of ['track', 'page', 'identify', 'consent', 'on', 'why', 'state', 'reset', 'flush']) {
      for (const given of [undefined, null, 7, {}, [], '', () => {}, Symbol('s'), Object.create(null)]) {
        expect(() => page[call]!(given, given, given), call).not.toThrow();
      }
    }
  });

  test('an answer that is not ours acknowledges nothing', async () => {
    const collector = await makeWorld();
    const page = await openPage(collector, { road: async () => new Response('<html>Please pay for the wifi</html>') });
    page.track('sign_up');
    await page.flush();
    expect(page.state().status).toBe('provisional');
    const next = await openPage(collector);
    await next.flush();
    expect((await collector.ndjson()).map(({ name }) => name)).toContain('sign_up');
  });
});
