import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Hono } from 'hono';
import { onTestFinished } from 'vitest';
import { createCollector, openSqliteStore, type CollectorOptions, type Store } from '../../collector/app.js';
import { addSite } from '../../collector/site.js';
import type { Site } from '../../collector/store/store.js';
import { uuidV7 } from '../../sdk/uuid.js';
import type { StagetagEvent } from '../../sdk/core/index.js';

export const ORIGIN = 'https://www.example.com';
export const ADMIN = 'admin-token';
export const NOW = Date.UTC(2026, 10, 22, 12);

type AtEnd = (run: () => void | Promise<void>) => void;

/** A new folder that goes when the test ends. */
export function temporaryFolder(atEnd: AtEnd = onTestFinished): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'stagetag-'));
  atEnd(() => fs.rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Everything that the files of a folder hold, one character a byte. */
export const bytesIn = (folder: string): string =>
  fs
    .readdirSync(folder)
    .map((file) => fs.readFileSync(path.join(folder, file), 'latin1'))
    .join('');

export interface TestCollector {
  app: Hono;
  store: Store;
  site: Site;
  folder: string;
  /** The collector's clock. */
  clock: { now: number };
  /** @param rewrite changes the body's text, for what JSON.stringify cannot write */
  send(
    visitorId: string,
    events: unknown,
    more?: object,
    headers?: Record<string, string>,
    rewrite?: (text: string) => string,
  ): Promise<Response>;
  /** Reads with the admin token. */
  get<T>(path: string): Promise<T>;
  ndjson(query?: string): Promise<Array<StagetagEvent & { visitorId: string; receivedAt: number; bot: string | null }>>;
  visitor(visitorId: string): Promise<VisitorJson>;
  putRules(rules: object, query?: string): Promise<Response>;
}

export interface VisitorJson {
  visitorId: string;
  userId?: string;
  stage: string | null;
  peak: string | null;
  tags: string[];
  score: number;
  rules: number;
  facts: { signals: Record<string, Record<string, number>>; traits: Record<string, unknown> };
  transitions: Array<{ from: string | null; to: string | null; at: number; cause: Record<string, unknown> }>;
  events: StagetagEvent[];
  firstTouch: { channel: string; source: string | null } | null;
  lastTouch: { channel: string; source: string | null } | null;
}

/** A collector on a real SQLite file with one site, which stops when the test ends. */
export async function makeCollector(
  options: Partial<CollectorOptions> = {},
  given?: string,
  atEnd: AtEnd = onTestFinished,
): Promise<TestCollector> {
  const folder = given ?? temporaryFolder(atEnd);
  const store = openSqliteStore(folder);
  atEnd(() => store.close());
  const clock = { now: NOW };
  const app = createCollector({ store, now: () => clock.now, adminToken: ADMIN, ...options });
  const site = (await store.sites())[0] ?? (await addSite(store, { name: 'Test', origins: [ORIGIN] }, clock.now));
  if (typeof site === 'string') throw new Error(site);
  const authorised = { headers: { Authorization: `Bearer ${ADMIN}` } };
  const mount = options.mount ?? '';
  const collector: TestCollector = {
    app,
    store,
    site,
    folder,
    clock,
    send: async (visitorId, events, more = {}, headers = {}, rewrite = (text) => text) =>
      app.request(`${mount}/v1/events`, {
        method: 'POST',
        headers: { 'Content-Type': 'text/plain;charset=UTF-8', Origin: ORIGIN, ...headers },
        body: rewrite(
          JSON.stringify({
            siteKey: site.siteKey,
            visitorId,
            sentAt: clock.now,
            sdk: 'test',
            rules: 1,
            events,
            ...more,
          }),
        ),
      }),
    get: async <T>(where: string) => (await app.request(`${mount}/api/${where}`, authorised)).json() as Promise<T>,
    ndjson: async (query = '') => {
      const response = await app.request(`${mount}/api/sites/${site.siteKey}/events.ndjson${query}`, authorised);
      const text = await response.text();
      return text
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line));
    },
    visitor: (visitorId) => collector.get(`sites/${site.siteKey}/visitors/${visitorId}`),
    putRules: async (rules, query = '?wait=true') =>
      app.request(`${mount}/api/sites/${site.siteKey}/rules${query}`, {
        method: 'PUT',
        ...authorised,
        body: JSON.stringify(rules),
      }),
  };
  return collector;
}

export const newId = (time = NOW): string => uuidV7(time);

let seq = 0;

/** An event that is well formed. */
export function makeEvent(name: string, more: Partial<StagetagEvent> = {}): StagetagEvent {
  return { id: newId(), name, time: NOW, seq: ++seq, sessionId: 'session', url: `${ORIGIN}/`, ...more };
}
