import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { StagetagEvent } from '../../sdk/core/index.js';
import { isUuidV7 } from '../../sdk/core/index.js';
import { toProps } from '../../sdk/props.js';
import { configure } from '../../sdk/settings.js';
import { uuidV7 } from '../../sdk/uuid.js';
import vectors from '../vectors/model.json' with { type: 'json' };
import { general } from '../helpers/rules.js';

/** The SDK is one to a page and holds its state in its modules: each test begins with new ones. */
async function freshModules(storage = 'local') {
  vi.resetModules();
  const { configure } = await import('../../sdk/settings.js');
  configure({ siteKey: 'st_test', endpoint: 'https://collector.example', rules: general, storage });
  const stores = await import('../../sdk/storage.js');
  stores.openStorage();
  return {
    storage: stores,
    session: await import('../../sdk/session.js'),
    identity: await import('../../sdk/identity.js'),
    queue: await import('../../sdk/queue.js'),
    numbering: await import('../../sdk/later/numbering.js'),
  };
}

beforeEach(() => {
  configure({ siteKey: 'st_test', endpoint: 'https://collector.example' });
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
    ['a text for all props', 'x'.repeat(1_000_000), undefined],
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

describe('identity', () => {
  test('whom the cookie of another sub-domain names is nobody’s user, in no session', async () => {
    const { identity, session, storage } = await freshModules('cookie');
    identity.openIdentity();
    const { visitorId } = identity.who();
    identity.linkUser({ userId: 'ada', proof: 'p' });
    const [first] = session.touchSession(1_700_000_000_000);
    identity.openIdentity();
    expect(identity.who()).toEqual({ visitorId, user: { userId: 'ada', proof: 'p' } });
    expect(session.touchSession(1_700_000_060_000)[0]).toBe(first);
    expect(Object.values(localStorage).join()).not.toContain(visitorId);
    // There somebody was reset.
    const other = uuidV7(1_700_000_100_000);
    document.cookie = `stagetag-1-st_test=${other};path=/`;
    identity.openIdentity();
    expect(identity.who()).toEqual({ visitorId: other, user: null });
    expect(session.touchSession(1_700_000_120_000)[0]).not.toBe(first);
    expect(storage.readText('user')).toBeNull();
  });
});

describe('storage', () => {
  const full = new Proxy({} as Record<string, string>, {
    set() {
      throw new Error('full');
    },
  });
  const blocked = () => {
    throw new Error('blocked');
  };
  test.each([
    ['throws', blocked],
    ['is full', () => full],
  ])('lasts as long as the page where localStorage %s', async (_, get) => {
    const original = Object.getOwnPropertyDescriptor(globalThis, 'localStorage')!;
    Object.defineProperty(globalThis, 'localStorage', { get, configurable: true });
    onTestFinished(() => void Object.defineProperty(globalThis, 'localStorage', original));
    const { storage } = await freshModules();
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
    localStorage.setItem('stagetag-1-st_test:state', '{oops');
    expect(storage.readJson('state')).toBeUndefined();
  });
});

describe('the queue', () => {
  /** New modules, and a visitor who has consented. */
  async function freshVisit() {
    const modules = await freshModules();
    modules.identity.openIdentity();
    return modules;
  }
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

  const numbers = (items: Array<{ event: StagetagEvent }>) => items.map(({ event }) => event.props!.n);

  test('has an event in localStorage when the call returns', async () => {
    const { queue } = await freshModules();
    const one = item(1);
    queue.enqueue(one);
    expect(JSON.parse(localStorage.getItem(`stagetag-1-st_test:e:${one.event.id}`)!)).toEqual(one);
  });

  test("gives an earlier page's events to the next", async () => {
    const first = await freshVisit();
    const items = [item(1), item(2), item(3)];
    items.forEach(first.queue.enqueue);
    const second = await freshVisit();
    expect(second.queue.queued()).toEqual(items);
    second.queue.dequeue([items[1]!]);
    const third = await freshVisit();
    expect(third.queue.queued()).toEqual([items[0], items[2]]);
    // Without consent there is no visitor, and nothing to be sent.
    const fourth = await freshModules();
    fourth.numbering.trimQueue();
    expect(fourth.queue.queued()).toEqual([]);
    fourth.identity.openIdentity();
    expect(fourth.queue.queued()).toEqual([items[0], items[2]]);
  });

  test('keeps the latest 1,000 events of the last seven days, and counts those it gave up', async () => {
    const { queue, numbering } = await freshVisit();
    const now = Date.now();
    queue.enqueue(item(-1, now - 8 * 86_400_000));
    for (let n = 0; n < 1005; n++) queue.enqueue(item(n, now + n));
    numbering.trimQueue();
    expect(numbers(queue.queued())).toEqual(Array.from({ length: 1000 }, (_, n) => n + 5));
    expect(localStorage.getItem('stagetag-1-st_test:lost:v')).toBe('6');
  });

  test('gives up scrolling, engagement and vitals first, and leaves a gap in the numbers', async () => {
    const { queue, numbering } = await freshVisit();
    const now = Date.now();
    const names = ['page_view', 'scroll', 'purchase', 'web_vital', 'page_view', 'user_engagement', 'sign_up'];
    names.forEach((name, n) => {
      const one = item(n, now + n);
      one.event.name = name;
      queue.enqueue(one);
    });
    const { settings } = await import('../../sdk/settings.js');
    settings.queue = '3';
    numbering.trimQueue();
    expect(queue.queued().map(({ event }) => event.name)).toEqual(['purchase', 'page_view', 'sign_up']);
    expect(localStorage.getItem('stagetag-1-st_test:lost:v')).toBe('4');
    expect(queue.queued().map((each) => numbering.number(each).event.seq)).toEqual([5, 6, 7]);
  });
});

describe('masking', () => {
  test.each([
    ['https://a.example/?email=a%40b.example&x=1', 'https://a.example/?email=***&x=1'],
    [
      'https://a.example/?E-Mail=x&contact_phone=1&Mobile=2',
      'https://a.example/?E-Mail=***&contact_phone=***&Mobile=***',
    ],
    [
      'https://a.example/?access_token=t&password=p&new_passwd=q',
      'https://a.example/?access_token=***&password=***&new_passwd=***',
    ],
    [
      'https://a.example/?name=n&firstName=f&last_name=l&user[name]=u',
      'https://a.example/?name=***&firstName=***&last_name=***&user[name]=***',
    ],
    ['https://a.example/?%65mail=x&%E6%89%8B%E6%9C%BA=1', 'https://a.example/?%65mail=***&%E6%89%8B%E6%9C%BA=***'],
    ['https://a.example/?q=jane%40mail.example', 'https://a.example/?q=***'],
    ['https://a.example/#access_token=t&state=s', 'https://a.example/#access_token=***&state=s'],
    ['https://a.example/#/app?email=x', 'https://a.example/#/app?email=***'],
    ['https://a.example/?ssn=1&birth_day=2', 'https://a.example/?ssn=***&birth_day=***'],
    [
      'https://a.example/?filename=f&q=phone&utm_source=email&id=%',
      'https://a.example/?filename=f&q=phone&utm_source=email&id=%',
    ],
    ['https://a.example/?hotel=h&page=2', 'https://a.example/?hotel=h&page=2'],
    ['https://a.example/?next=/reset?token=x&b=1', 'https://a.example/?next=***&b=1'],
    ['https://a.example/?next=%2Fin%3Fgo%3D%252Fb%253Fphone%253D1', 'https://a.example/?next=***'],
    ['https://a.example/?next=%252Freset%253Ftoken%253Dx&a=%2525', 'https://a.example/?next=***&a=%2525'],
    [`https://a.example/${'?a='.repeat(4000)}`, 'https://a.example/?a=***'],
    ['https://a.example/?next=/list?page=2&q=what?%20phone', 'https://a.example/?next=/list?page=2&q=what?%20phone'],
  ])('of %s gives %s', async (given, expected) => {
    await freshModules();
    const { settings } = await import('../../sdk/settings.js');
    settings.mask = 'ssn birth*';
    const { mask } = await import('../../sdk/mask.js');
    expect(mask(given)).toBe(expected);
  });

  test('covers the fields of a form, but not what is declared as a search', async () => {
    await freshModules();
    const { mask, maskFields } = await import('../../sdk/mask.js');
    maskFields([['note'], ['q'], ['utm_source'], [null]]);
    expect(mask('/?note=planted&q=shoes&utm_source=ad')).toBe('/?note=***&q=shoes&utm_source=ad');
  });
});
