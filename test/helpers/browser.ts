import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import puppeteer, { type Browser, type Page } from 'puppeteer-core';
import { onTestFinished } from 'vitest';
import type { RunningCollector } from '../../collector/server.js';
import { startCollector } from '../../dist/collector/server.js';
import { addSite } from '../../collector/site.js';
import type { Site } from '../../collector/store/store.js';
import { createDemoSite } from '../../demo-site/server.js';
import { findBrowser } from '../findBrowsers.mjs';
import { ADMIN, temporaryFolder, type VisitorJson } from './collector.js';
import { CHROMIUM_ARGS } from './engines.js';

/** A real Chromium with an empty profile, which closes when the test ends. */
export async function openChromium(): Promise<Browser> {
  const browser = await puppeteer.launch({
    executablePath: findBrowser('chromium')!,
    args: CHROMIUM_ARGS,
  });
  onTestFinished(() => browser.close());
  return browser;
}

/** Listens on a free port of this machine. */
export async function listen(app: Hono): Promise<{ url: string; close: () => Promise<void> }> {
  const server = await new Promise<Server>((resolve) => {
    const started = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }, () => resolve(started as Server));
  });
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export interface World {
  collector: RunningCollector;
  site: Site;
  /** Address of the pages, without a slash at its end. */
  pages: string;
  visitor(visitorId: string): Promise<VisitorJson>;
  /** Stored events in the order of their times. */
  events(query?: string): Promise<Array<VisitorJson['events'][number] & { visitorId: string; bot: string | null }>>;
}

/** Starts a collector and pages on another origin that carry its tag; both stop when the test ends. */
export async function startWorld(
  makePages: (options: { collectorUrl: string; siteKey: string }) => Hono = createDemoSite,
  options: { origins?: (pages: string) => string[]; tagUrl?: (collectorUrl: string) => string } = {},
): Promise<World> {
  const collector = await startCollector({ host: '127.0.0.1', port: 0, data: temporaryFolder(), adminToken: ADMIN });
  // The pages' port must be known to the site before the site is known to the pages.
  let pagesApp: Hono | undefined;
  const front = new Hono();
  front.all('*', (c) => pagesApp!.fetch(c.req.raw, c.env));
  const listening = await listen(front);
  onTestFinished(async () => {
    await listening.close();
    await collector.stop();
  });
  const site = await addSite(
    collector.store,
    { name: 'Test', origins: [listening.url, ...(options.origins?.(listening.url) ?? [])] },
    Date.now(),
  );
  if (typeof site === 'string') throw new Error(site);
  pagesApp = makePages({ collectorUrl: options.tagUrl?.(collector.url) ?? collector.url, siteKey: site.siteKey });
  const read = (path: string) =>
    fetch(`${collector.url}/api/sites/${site.siteKey}/${path}`, { headers: { Authorization: `Bearer ${ADMIN}` } });
  return {
    collector,
    site,
    pages: listening.url,
    visitor: async (visitorId) => (await read(`visitors/${visitorId}`)).json() as Promise<VisitorJson>,
    events: async (query = '') =>
      (await (await read(`events.ndjson${query}`)).text())
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line))
        .sort((a, b) => a.time - b.time || a.seq - b.seq),
  };
}

/** Pages of one test, each a body in a document that carries the tag. `{{other}}` is the same server under another host, `YOUR_SITE_KEY` the site's key. */
export function simplePages(
  bodies: Record<string, string>,
  attributes = '',
  head = '',
  headers: Record<string, string> = {},
) {
  return ({ collectorUrl, siteKey }: { collectorUrl: string; siteKey: string }): Hono => {
    const app = new Hono();
    // Where a link leads that must not take the page away.
    app.get('/stay/*', (c) => c.body(null, 204));
    for (const [path, body] of Object.entries(bodies)) {
      app.get(path, (c) =>
        c.html(
          `<!doctype html><html><head><meta charset="utf-8"><link rel="icon" href="data:,"><title>Page ${path}</title>${head}<script defer src="${collectorUrl}/t/${siteKey}.js" ${attributes}></script></head><body>${body.replaceAll('{{other}}', new URL(c.req.url).origin.replace('localhost', '127.0.0.1')).replaceAll('YOUR_SITE_KEY', siteKey)}</body></html>`,
          200,
          headers,
        ),
      );
    }
    return app;
  };
}

/** A page whose errors and warnings are collected. */
export async function openPage(browser: Browser): Promise<{ page: Page; problems: string[] }> {
  const page = await browser.newPage();
  await page.setViewport({ width: 1280, height: 1000 });
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warn') problems.push(message.text());
  });
  return { page, problems };
}

/** Waits until a question has an answer that is not false, and says what it last was where that takes too long. */
export async function eventually<T>(
  ask: () => T | Promise<T>,
  isRight: (answer: T) => boolean = Boolean,
  seconds = 30,
): Promise<T> {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const answer = await ask();
    if (isRight(answer)) return answer;
    if (Date.now() > end)
      throw new Error(`waited ${seconds} s in vain; last: ${JSON.stringify(answer)?.slice(0, 20000)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** The state that the page shows, once it is confirmed. */
export async function confirmed(page: Page): Promise<{ stage: string | null; status: string }> {
  return eventually(
    () =>
      page.evaluate(
        () =>
          (window as unknown as { stagetag?: { state?(): { stage: string; status: string } } }).stagetag?.state?.() ?? {
            stage: null,
            status: '',
          },
      ),
    ({ status }) => status === 'confirmed',
  );
}

/** The id of the page's visitor, as the browser keeps it. */
export async function visitorIdOf(page: Page, siteKey: string): Promise<string> {
  return (await page.evaluate((name) => localStorage.getItem(name), `stagetag-1-${siteKey}:visitor`))!;
}
