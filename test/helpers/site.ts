/** A site of a few pages with a tag, a collector behind a road, and a browser on it. */
import { expect, onTestFinished } from 'vitest';
import { eventually, simplePages, startWorld, type World } from './browser.js';
import type { Engine, Tab } from './engines.js';
import { startRoad, type Road } from './road.js';

/** Collects on the page what must never be there: errors, rejections and words on the console. */
const WATCH = `<script>
  window.problems = [];
  addEventListener('error', (event) => problems.push('error: ' + event.message));
  addEventListener('unhandledrejection', (event) => problems.push('rejection: ' + event.reason));
  addEventListener('securitypolicyviolation', (event) => problems.push('csp: ' + event.violatedDirective + ' ' + event.blockedURI));
  for (const level of ['log', 'info', 'warn', 'error']) {
    const original = console[level];
    console[level] = (...words) => { problems.push(level + ': ' + words.join(' ')); original.apply(console, words); };
  }
</script>`;

export interface SiteOptions {
  /** Attributes of the script tag. */
  attributes?: string;
  /** What stands in the head before the tag. */
  head?: string;
  /** Further origins of the site, made of the pages' address. */
  origins?: (pages: string) => string[];
  /** Headers of every page. */
  headers?: Record<string, string>;
}

export interface Site extends World {
  road: Road;
  tab: Tab;
  /** Opens a path in a tab, and waits until the SDK is there. */
  visit(path: string, tab?: Tab): Promise<Tab>;
  /** Waits until the tab has gone to a path by itself. */
  arrived(path: string): Promise<void>;
  /** Waits until the second file is here too. */
  complete(): Promise<void>;
  newTab(): Promise<Tab>;
  /** Names of the stored events in order, once there are so many. */
  names(count: number): Promise<string[]>;
  /** Stored events of a name, once there are so many. */
  named(name: string, count?: number): Promise<Awaited<ReturnType<World['events']>>>;
  /** Waits until nothing is unacknowledged. */
  confirmed(): Promise<{ stage: string | null; status: string }>;
}

export async function startSite(
  engine: Engine,
  bodies: Record<string, string>,
  options: SiteOptions = {},
): Promise<Site> {
  let target = '';
  const road = await startRoad(() => target);
  const world = await startWorld(
    simplePages(bodies, options.attributes, WATCH + (options.head ?? ''), options.headers),
    {
      ...(options.origins && { origins: options.origins }),
      tagUrl: (collectorUrl) => {
        target = collectorUrl;
        return road.url;
      },
    },
  );
  const tabs: Tab[] = [];
  const newTab = async () => {
    const tab = await engine.newTab();
    tabs.push(tab);
    return tab;
  };
  onTestFinished(async () => {
    for (const tab of tabs) await tab.close().catch(() => {}); // Some closed themselves.
  });
  const tab = await newTab();
  const named: Site['named'] = (name, count = 1) =>
    eventually(
      () => world.events(`?name=${name}`),
      (events) => events.length >= count,
    );
  return {
    ...world,
    road,
    tab,
    newTab,
    named,
    visit: async (path, where = tab) => {
      await where.goto(new URL(path, world.pages).href);
      await eventually(() => where.evaluate<boolean>('!!window.stagetag?.state'));
      return where;
    },
    complete: async () => {
      const isHere = `performance.getEntriesByType('resource').some(({ name, responseEnd }) => /late-/.test(name) && responseEnd)`;
      await eventually(() => tab.evaluate<boolean>(isHere));
      await tab.evaluate('new Promise((resolve) => setTimeout(resolve, 100))');
    },
    arrived: async (path) => {
      const question = `location.pathname === '${path}' && !!window.stagetag?.state`;
      // A page on its way answers nothing.
      await eventually(() => tab.evaluate<boolean>(question).catch(() => false));
    },
    names: async (count) => {
      const events = await eventually(
        () => world.events(),
        (all) => all.length >= count,
      );
      return events.map(({ name }) => name);
    },
    confirmed: () =>
      eventually(
        () => tab.evaluate<{ stage: string | null; status: string }>('stagetag.state()'),
        ({ status }) => status === 'confirmed',
      ),
  };
}

/** Sees to it that the page was left alone. */
export async function expectNoProblems(tab: Tab): Promise<void> {
  expect(await tab.evaluate('problems')).toEqual([]);
}
