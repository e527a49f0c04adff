import { beforeEach, describe, expect, test, vi } from 'vitest';
import type { StagetagEvent } from '../../sdk/core/index.js';
import { isUuidV7 } from '../../sdk/core/index.js';
import { toProps } from '../../sdk/props.js';
import { uuidV7 } from '../../sdk/uuid.js';
import vectors from '../vectors/model.json' with { type: 'json' };
import { general } from '../helpers/rules.js';

/** The SDK is one to a page and holds its state in its modules: each test begins with new ones. */
async function freshModules(storage = 'local') {
  vi.resetModules();
  const { configure } = await import('../../sdk/settings.js');
  configure({ siteKey: 'st_test', endpoint: 'https://collector.example', rules: general, storage });
  return {
    storage: await import('../../sdk/storage.js'),
    session: await import('../../sdk/session.js'),
    queue: await import('../../sdk/queue.js'),
  };
}

beforeEach(() => {
  localStorage.clear();
  vi.restoreAllMocks();
});

describe('ids', () => {
  test('are UUIDs of version 7, in order, also within a millisecond', () => {
    const ids = Array.from({ length: 5000 }, () => uuidV7(1_700_000_000_000));
    expect(ids.every(isUuidV7)).toBe(true);
    expect([...ids].sort()).toEqual(ids);
    expect(new Set(ids).size).toBe(5000);
  });
});

describe('props', () => {
  test.each<[string, unknown, unknown]>([
    ['an object', { a: 1, b: ['x', { c: null }] }, { a: 1, b: ['x', { c: null }] }],
    ['a long text', { a: 'x'.repeat(1_000_000) }, { a: 'x'.repeat(2048) }],
    ['a function and a symbol', { f() {}, s: Symbol('s'), a: 1 }, { a: 1 }],
    ['a big integer', { n: 12n, a: 1 }, { a: 1 }],
    ['nothing', undefined, undefined],
    ['null', null, undefined],
    ['a list without end', { a: Array.from({ length: 100_000 }, (_, i) => i), b: 1 }, { b: 1 }],
  ])('of %s are what can be recorded', (_, given, expected) => {
    expect(toProps(given)).toEqual(expected);
  });

  test('leave out a cycle and a getter that throws, and keep the rest', () => {
    const cycle: Record<string, unknown> = {};
    cycle.self = cycle;
    const given = {
      cycle,
      get broken(): never {
        throw new Error('of the page');
      },
      kept: true,
    };
    expect(toProps(given)).toEqual({ kept: true });
  });
});

describe('sessions', () => {
  test('end after a gap of more than 30 minutes', async () => {
    const { input, expected } = vectors.vectors.find(({ name }) => name === 'session.gap') as unknown as {
      input: string[];
      expected: string[][];
    };
    const { session } = await freshModules();
    const sessions = new Map<string, string[]>();
    for (const clock of input) {
      const [id] = session.touchSession(Date.parse(`2026-11-22T${clock}:00Z`));
      sessions.set(id, [...(sessions.get(id) ?? []), clock]);
    }
    expect([...sessions.values()]).toEqual(expected);
  });
});

describe('storage', () => {
  test('lasts as long as the page where localStorage throws', async () => {
    const { storage } = await freshModules();
    vi.spyOn(Storage.prototype, 'setItem').mockImplementation(() => {
      throw new Error('full');
    });
    vi.spyOn(Storage.prototype, 'getItem').mockImplementation(() => {
      throw new Error('blocked');
    });
    storage.writeText('a', '1');
    expect(storage.readText('a')).toBe('1');
    expect(storage.textNames('')).toEqual(['a']);
    storage.removeText('a');
    expect(storage.readText('a')).toBeNull();
  });

  test('is not touched with `none`', async () => {
    const { storage } = await freshModules('none');
    storage.writeText('a', '1');
    expect(storage.readText('a')).toBe('1');
    expect(localStorage.length).toBe(0);
  });

  test('that another hand wrote into is as if it were empty', async () => {
    const { storage } = await freshModules();
    localStorage.setItem('st1:st_test:state', '{oops');
    expect(storage.readJson('state')).toBeUndefined();
  });
});

describe('the queue', () => {
  const item = (n: number, time = Date.now()) => {
    const event: StagetagEvent = {
      id: uuidV7(time),
      name: 'e',
      time,
      sessionId: 's',
      url: 'https://a.example/',
      props: { n },
    };
    return { visitorId: 'v', event };
  };

  test('has an event in localStorage when the call returns', async () => {
    const { queue } = await freshModules();
    const one = item(1);
    queue.writeJournal(one);
    expect(JSON.parse(localStorage.getItem(`st1:st_test:e:${one.event.id}`)!)).toEqual(one);
  });

  test("gives an earlier page's events to the next, where IndexedDB is missing too", async () => {
    const first = await freshModules();
    const items = [item(1), item(2), item(3)];
    items.forEach(first.queue.writeJournal);
    const second = await freshModules();
    await second.queue.loadQueue();
    expect(second.queue.queued()).toEqual(items);
    await second.queue.removeQueued([items[1]!.event.id]);
    const third = await freshModules();
    await third.queue.loadQueue();
    expect(third.queue.queued()).toEqual([items[0], items[2]]);
  });

  test('keeps the latest 1,000 events of the last seven days', async () => {
    const { queue } = await freshModules();
    const now = Date.now();
    queue.writeJournal(item(-1, now - 8 * 86_400_000));
    for (let n = 0; n < 1005; n++) queue.writeJournal(item(n, now + n));
    await queue.loadQueue();
    expect(queue.queued().map(({ event }) => event.props!.n)).toEqual(Array.from({ length: 1000 }, (_, n) => n + 5));
    expect(localStorage.length).toBe(1000);
  });
});
