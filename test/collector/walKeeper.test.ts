import path from 'node:path';
import Database from 'better-sqlite3';
import { expect, onTestFinished, test, vi } from 'vitest';
import { Bell, Gate, WalKeeper } from '../../collector/store/sqlite/walKeeper.js';
import { temporaryFolder } from '../helpers/collector.js';

function makeDatabase() {
  const file = path.join(temporaryFolder(), 'database.sqlite');
  const open = () => {
    const database = new Database(file);
    onTestFinished(() => void database.close());
    return database;
  };
  const database = open();
  database.pragma('journal_mode = WAL');
  database.pragma('wal_autocheckpoint = 0');
  database.exec('CREATE TABLE rows (body BLOB)');
  const insert = database.prepare('INSERT INTO rows VALUES (zeroblob(4000))');
  /** One commit of about so many frames. */
  const write = database.transaction((rows: number) => {
    while (rows--) insert.run();
  });
  const frames = () => (database.pragma('wal_checkpoint(PASSIVE)') as [{ log: number }])[0].log;
  return { database, open, write, frames };
}

test('readers are held back until a long log has begun anew, and not otherwise', () => {
  const { database, open, write, frames } = makeDatabase();
  const gate = new Gate();
  const isShut = () => new Int32Array(gate.shared)[0] === 1;
  const keeper = new WalKeeper(database, gate);
  const commit = (rows: number) => {
    write(rows);
    keeper.afterCommit();
  };
  commit(10_000);
  expect(isShut()).toBe(false);
  commit(1);
  expect(frames()).toBeLessThan(10);

  const reader = open();
  reader.exec('BEGIN');
  reader.prepare('SELECT count(*) FROM rows').get();
  commit(14_000);
  expect(isShut()).toBe(true);
  commit(1);
  expect([isShut(), frames() > 14_000]).toEqual([true, true]);
  reader.exec('COMMIT');
  // All is brought into the file, and the next commit begins the log anew.
  commit(1);
  expect(isShut()).toBe(true);
  commit(1);
  expect(isShut()).toBe(false);
  expect(frames()).toBeLessThan(10);
});

test('another thread brings most of the log into the file, and what is left goes where it can begin anew', () => {
  const { database, open, write, frames } = makeDatabase();
  const other = open();
  const bell = new Bell();
  /** What the other thread does, here at once. */
  const ring = vi.spyOn(bell, 'ring').mockImplementation(() => {
    bell.done(0, (other.pragma('wal_checkpoint(PASSIVE)') as [{ log: number }])[0].log);
  });
  const keeper = new WalKeeper(database, new Gate(), bell);
  const step = vi.spyOn(database, 'pragma');
  const commit = (rows: number) => {
    write(rows);
    keeper.afterCommit();
  };
  for (let count = 0; count < 10; count++) commit(1000);
  // Some ten thousand frames: it is time for the rest, as soon as something is committed.
  expect([ring.mock.calls.length, step.mock.calls.length]).toEqual([1, 0]);
  commit(1);
  expect([ring.mock.calls.length, step.mock.calls.length]).toEqual([1, 1]);
  commit(1);
  expect(frames()).toBeLessThan(10);
  expect(step).toHaveBeenCalledTimes(2);
});

test.each([
  ['what was written while the other thread was at it is brought in by it too', 100, 2],
  ['one that is no faster than what comes is not asked for ever', 4000, 4],
])('%s', (_, later, rings) => {
  const { database, open, write } = makeDatabase();
  const other = open();
  const bell = new Bell();
  /** Rows that are written while the other thread works. */
  let meanwhile = 4000;
  const ring = vi.spyOn(bell, 'ring').mockImplementation(() => {
    const [{ log }] = other.pragma('wal_checkpoint(PASSIVE)') as [{ log: number }];
    write(meanwhile);
    bell.done(0, log);
  });
  const keeper = new WalKeeper(database, new Gate(), bell);
  const step = vi.spyOn(database, 'pragma');
  write(10_000);
  // While somebody reads from it, the log does not begin anew by itself.
  const reader = open();
  reader.exec('BEGIN');
  reader.prepare('SELECT count(*) FROM rows').get();
  keeper.afterCommit();
  meanwhile = later;
  while (!step.mock.calls.length && ring.mock.calls.length < 10) keeper.afterCommit();
  expect(ring).toHaveBeenCalledTimes(rings);
});

test('where somebody else brings it into the file just now, it is tried again, and readers stay held back', () => {
  const { database, open, write, frames } = makeDatabase();
  const gate = new Gate();
  const isShut = () => new Int32Array(gate.shared)[0] === 1;
  const keeper = new WalKeeper(database, gate);
  const reader = open();
  reader.exec('BEGIN');
  reader.prepare('SELECT count(*) FROM rows').get();
  const commit = (rows: number) => {
    write(rows);
    keeper.afterCommit();
  };
  commit(14_000);
  expect(isShut()).toBe(true);
  const pragma = vi.spyOn(database, 'pragma').mockReturnValueOnce([{ busy: 1, log: -1, checkpointed: -1 }]);
  commit(1);
  commit(1);
  expect(pragma).toHaveBeenCalledTimes(2);
  expect(isShut()).toBe(true);
  reader.exec('COMMIT');
  commit(1);
  commit(1);
  expect(isShut()).toBe(false);
  expect(frames()).toBeLessThan(10);
});

test('the thread that writes waits for one that is slower than what comes, and does without one that is gone', () => {
  const { database, write, frames } = makeDatabase();
  const bell = new Bell();
  const waits = vi.spyOn(Atomics, 'wait').mockImplementation(() => 'timed-out');
  onTestFinished(() => waits.mockRestore());
  const keeper = new WalKeeper(database, new Gate(), bell);
  const commit = () => {
    write(10_000);
    keeper.afterCommit();
  };
  commit();
  expect([bell.isDone, waits.mock.calls.length]).toEqual([false, 0]);
  // Nobody answers: it is done here, and nobody is waited for any more.
  commit();
  expect(waits).toHaveBeenCalledTimes(1);
  write(1);
  expect(frames()).toBeLessThan(10);
  commit();
  expect(waits).toHaveBeenCalledTimes(1);
});

test('a bell that rings while nobody waits is heard, once', () => {
  const heard = new Bell();
  const rung = new Bell(heard.shared);
  rung.ring();
  expect(rung.isDone).toBe(false);
  heard.done(heard.wait(), 7);
  expect([rung.untilDone(), rung.frames]).toEqual([true, 7]);
  const waits = vi.spyOn(Atomics, 'wait').mockImplementation(() => 'timed-out');
  onTestFinished(() => waits.mockRestore());
  heard.wait();
  // It would wait now: nothing has rung since.
  expect(waits).toHaveBeenCalledWith(expect.anything(), 0, 1);
});

test('where nobody writes any more, readers do not wait for ever', async () => {
  const { database, write } = makeDatabase();
  const gate = new Gate();
  const keeper = new WalKeeper(database, gate);
  write(14_000);
  keeper.afterCommit();
  // In this thread nobody opens it meanwhile: passing takes the most it may.
  gate.pass();
  await expect.poll(() => new Int32Array(gate.shared)[0], { timeout: 5000 }).toBe(0);
});

test('a step that fails is nobody else’s trouble, and is tried again', () => {
  const { database, write, frames } = makeDatabase();
  const keeper = new WalKeeper(database, new Gate());
  write(10_000);
  const pragma = vi.spyOn(database, 'pragma').mockImplementationOnce(() => {
    throw Object.assign(new Error('database or disk is full'), { code: 'SQLITE_FULL' });
  });
  keeper.afterCommit();
  expect(pragma).toHaveBeenCalledTimes(1);
  write(10_000);
  keeper.afterCommit();
  write(1);
  expect(frames()).toBeLessThan(10);
});
