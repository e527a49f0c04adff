import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { expect, onTestFinished, test, vi } from 'vitest';
import { openSqliteStore } from '../../collector/app.js';
import { makeCollector, makeEvent, newId, temporaryFolder } from '../helpers/collector.js';
import { seeded } from '../helpers/random.js';

const CUTS = 40;
const VISITORS = 12;
/** SQLite's words for `synchronous = FULL`. */
const FULL = 2;
const FRAME = 24 + 4096;

test(`a power cut in ${CUTS} moments takes no acknowledged event, whatever it tears after the last sync`, async () => {
  const opened = vi.spyOn(Database.prototype, 'pragma');
  onTestFinished(() => opened.mockRestore());
  const { send, folder, site } = await makeCollector();
  const connection = opened.mock.contexts[0] as Database.Database;
  // Each commit is synced, the log that it is in before it is answered: the rest of this test takes that for what FULL means.
  expect(connection.pragma('synchronous', { simple: true })).toBe(FULL);
  expect(connection.pragma('journal_mode', { simple: true })).toBe('wal');

  const random = seeded(7);
  const acknowledged: string[] = [];
  const cuts: Array<{ copy: string; ids: string[] }> = [];
  let isOver = false;
  /** The files as a disk may have them: all that was synced, and after it a torn piece of what was about to be written. */
  const cut = () => {
    const copy = temporaryFolder();
    for (const file of ['stagetag.sqlite', 'stagetag.sqlite-wal'])
      fs.copyFileSync(path.join(folder, file), path.join(copy, file));
    const log = path.join(copy, 'stagetag.sqlite-wal');
    const torn = randomBytes(Math.floor(random() * 3 * FRAME));
    // Frames that were being written carry the log's salts and a checksum that does not fit.
    const salts = fs.readFileSync(log).subarray(16, 24);
    if (torn.length >= 16) salts.copy(torn, 8);
    fs.appendFileSync(log, torn);
    cuts.push({ copy, ids: [...acknowledged] });
  };
  const clients = Array.from({ length: VISITORS }, async () => {
    const visitorId = newId();
    while (!isOver) {
      const events = Array.from({ length: 1 + Math.floor(random() * 5) }, () => makeEvent('page_view'));
      expect((await send(visitorId, events)).status).toBe(200);
      acknowledged.push(...events.map(({ id }) => id));
      if (random() < 0.1 && cuts.length < CUTS) cut();
      isOver = cuts.length === CUTS;
    }
  });
  await Promise.all(clients);

  expect(acknowledged.length).toBeGreaterThan(500);
  for (const { copy, ids } of cuts) {
    const database = new Database(path.join(copy, 'stagetag.sqlite'));
    expect(database.pragma('integrity_check', { simple: true })).toBe('ok');
    database.close();
    const store = openSqliteStore(copy);
    const kept = new Map<string, number>();
    const stored = new Set<string>();
    for await (const { event, visitorId } of store.events(site.siteKey, {})) {
      stored.add(event.id);
      kept.set(visitorId, (kept.get(visitorId) ?? 0) + 1);
    }
    expect(ids.filter((id) => !stored.has(id))).toEqual([]);
    // A visitor's facts are of the events that are there, and of no others.
    for (const [visitorId, count] of kept) {
      const record = (await store.visitor(site.siteKey, visitorId))!;
      const visits = Object.values(record.facts.signals.visit!).reduce((sum, each) => sum + each, 0);
      expect([record.events, visits]).toEqual([count, count]);
    }
    await store.close();
  }
});
