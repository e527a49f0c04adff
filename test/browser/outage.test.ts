/** The durability table: what becomes of 100 events in every kind of trouble, in three engines. */
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { eventually, simplePages, startWorld, type World } from '../helpers/browser.js';
import { ENGINES, openEngine, type Engine, type Tab } from '../helpers/engines.js';
import { startRoad, type Road } from '../helpers/road.js';

const EVENTS = 100;

/** Records events from `from` to `to` in one tick. */
const trackAll = (from = 0, to = EVENTS) => `for (let n = ${from}; n < ${to}; n++) stagetag.track('cell', { n });`;

interface Cell {
  engine: Engine;
  tab: Tab;
  road: Road;
  world: World;
  visit(path?: string): Promise<Tab>;
  stored(): Promise<number>;
}

interface Trouble {
  head?: string;
  run(cell: Cell): Promise<void>;
}

const NO_DATABASE = `<script>Object.defineProperty(window, 'indexedDB', { value: undefined })</script>`;
const NO_STORAGE = `<script>Object.defineProperty(window, 'localStorage', { get() { throw new Error('blocked') } })</script>`;

const track: Trouble['run'] = async ({ tab }) => tab.evaluate(`void (() => { ${trackAll()} })()`);

/** Waits until the collector was asked, so that what follows finds an attempt that failed. */
const attempted = (road: Road, count: number) => eventually(() => road.batches.length >= count);

/** By a window that closes itself: under automation WebKit's scripts open none, and there the tab is closed from outside alone. */
const NEEDS_WINDOWS = 'is closed in the same tick';

const TROUBLES: Record<string, Trouble> = {
  'leaves the page in the same tick': {
    run: async ({ tab }) => tab.evaluate(`void setTimeout(() => { ${trackAll()} location.href = '/two'; })`),
  },
  [NEEDS_WINDOWS]: {
    async run({ tab, visit, stored }) {
      await tab.click('#open');
      // What the browser could not carry on closing comes with the next visit.
      await eventually(stored, (count) => count > 0).catch(() => {});
      await visit('/two');
    },
  },
  'is closed at once': {
    async run(cell) {
      await track(cell);
      await cell.tab.close();
      await cell.visit('/two');
    },
  },
  'finds the collector gone, and then back': {
    async run(cell) {
      await cell.road.close();
      await track(cell);
      await cell.tab.evaluate('stagetag.flush()');
      await cell.road.open();
    },
  },
  'finds the collector gone, is closed, and opened again': {
    async run(cell) {
      await cell.road.close();
      await track(cell);
      await cell.tab.evaluate('stagetag.flush()');
      await cell.tab.close();
      await cell.road.open();
      await cell.visit('/two');
    },
  },
  'goes offline and online': {
    async run(cell) {
      await cell.road.close();
      await cell.tab.evaluate(`void dispatchEvent(new Event('offline'))`);
      await track(cell);
      await cell.tab.evaluate('stagetag.flush()');
      await cell.road.open();
      await cell.tab.evaluate(`void dispatchEvent(new Event('online'))`);
    },
  },
  'is answered 503': {
    async run(cell) {
      cell.road.next = [503, 503];
      await track(cell);
    },
  },
  'is answered 429': {
    async run(cell) {
      cell.road.next = [429, 429];
      await track(cell);
    },
  },
  'waits for an answer that never comes': {
    async run(cell) {
      cell.road.next = ['hang'];
      await track(cell);
    },
  },
  'loses the answer after the commit': {
    async run(cell) {
      cell.road.next = ['cut', 'cut'];
      await track(cell);
      await attempted(cell.road, 2);
    },
  },
  'has no IndexedDB': { head: NO_DATABASE, run: track },
  'has no localStorage': { head: NO_STORAGE, run: track },
  'is open in two tabs': {
    async run({ tab, visit }) {
      const second = await visit('/two');
      await Promise.all([
        tab.evaluate(`void (() => { ${trackAll(0, EVENTS / 2)} })()`),
        second.evaluate(`void (() => { ${trackAll(EVENTS / 2)} })()`),
      ]);
    },
  },
};

const table: Record<string, Record<string, string>> = {};
afterAll(() => console.table(table));

describe.each(ENGINES)('of 100 events %s loses none and has none stored twice when a page', (name) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await openEngine(name);
  });
  afterAll(() => engine.close());

  test.each(Object.entries(TROUBLES).filter(([title]) => name !== 'webkit' || title !== NEEDS_WINDOWS))(
    '%s',
    async (title, trouble) => {
      let target = '';
      const road = await startRoad(() => target);
      const closing = `<script>addEventListener('DOMContentLoaded', () => setTimeout(() => { ${trackAll()} close(); }))</script>`;
      const bodies = {
        '/': `<button id="open" onclick="window.open('/closing')">open</button>`,
        '/two': 'two',
        '/closing': closing,
      };
      const world = await startWorld(simplePages(bodies, 'data-auto="off"', trouble.head), {
        tagUrl: (collectorUrl) => {
          target = collectorUrl;
          return road.url;
        },
      });
      const tabs: Tab[] = [];
      onTestFinished(async () => {
        for (const tab of tabs) await tab.close().catch(() => {}); // Some closed themselves.
      });
      const visit = async (path = '/') => {
        const tab = await engine.newTab();
        tabs.push(tab);
        await tab.goto(world.pages + path);
        await eventually(() => tab.evaluate<boolean>('!!window.stagetag?.state'));
        return tab;
      };
      const numbers = async () => (await world.events('?name=cell')).map(({ props }) => props!.n as number);
      const stored = async () => (await numbers()).length;
      await trouble.run({ engine, tab: await visit(), road, world, visit, stored });
      const all = await eventually(numbers, (each) => new Set(each).size >= EVENTS, 60).catch(numbers);
      const lost = EVENTS - new Set(all).size;
      const twice = all.length - new Set(all).size;
      const sent = road.batches.reduce((sum, { text }) => sum + text.split('"name":"cell"').length - 1, 0);
      (table[title] ??= {})[name] = `${lost} lost, ${twice} twice (${sent} sent in ${road.batches.length})`;
      expect({ lost, twice }).toEqual({ lost: 0, twice: 0 });
      // Requests that need no leave of the collector's: no preflight, nothing of ours in the headers, no credentials.
      for (const { headers, method } of road.batches) {
        expect(method).toBe('POST');
        expect(headers['content-type']).toMatch(/^text\/plain/);
        expect(headers).not.toHaveProperty('cookie');
      }
    },
  );
});
