/** Events that came later than a window lasts: an offline queue, or a file. */
import { expect, test } from 'vitest';
import { makeCollector, makeEvent, newId, NOW, ORIGIN } from '../helpers/collector.js';
import { seeded } from '../helpers/random.js';

const DAY = 86_400_000;
const day = (time: number) => new Date(time).toISOString().slice(0, 10);

const RULES = {
  signals: {
    visit: { event: 'page_view' },
    product: { event: 'page_view', path: '/product*' },
    cart: { event: 'add_to_cart' },
    order: { event: 'purchase' },
  },
  stages: {
    awareness: { when: { signal: 'visit' } },
    interest: { when: { signal: 'product', within: 30 } },
    consideration: { when: { signal: 'cart', within: 30 } },
    action: { when: { signal: 'order' } },
  },
};

/** A visit, and one a day later. @param daysAgo when the first was */
const journey = (daysAgo: number) => {
  const at = NOW - daysAgo * DAY;
  const view = (path: string, time: number) => makeEvent('page_view', { time, url: `${ORIGIN}${path}` });
  return [
    view('/', at),
    view('/product', at + 60_000),
    makeEvent('add_to_cart', { time: at + 120_000 }),
    makeEvent('purchase', { time: at + DAY, sessionId: 'later' }),
  ];
};

test.each([0, 1, 46])('are told as they would have been then (%s days late)', async (late) => {
  const collector = await makeCollector();
  const { send, visitor, clock, putRules } = collector;
  await putRules(RULES);
  const id = newId();
  const first = NOW - 60 * DAY;
  const events = journey(60);
  if (!late) {
    for (const event of events) {
      clock.now = event.time;
      await send(id, [event]);
    }
  } else {
    clock.now = first + late * DAY + 1000;
    await send(id, events);
  }
  clock.now = NOW;
  const { stage, transitions } = await visitor(id);
  expect(stage).toBe('action');
  expect(transitions.map(({ from, to, at }) => [from, to, at])).toEqual([
    [null, 'awareness', first],
    ['awareness', 'interest', first + 60_000],
    ['interest', 'consideration', first + 120_000],
    ['consideration', 'action', first + DAY],
  ]);
});

test('stages whose window ended before they came were entered and left', async () => {
  const { send, visitor, clock, putRules } = await makeCollector();
  await putRules(RULES);
  const id = newId();
  const [view, product] = journey(46);
  await send(id, [view, product]);
  clock.now = NOW;
  const { stage, transitions } = await visitor(id);
  expect(stage).toBe('awareness');
  expect(transitions.map(({ from, to, at, cause }) => [from, to, at, cause.kind])).toEqual([
    [null, 'awareness', view!.time, 'event'],
    ['awareness', 'interest', product!.time, 'event'],
    ['interest', 'awareness', (Math.floor(product!.time / DAY) + 30) * DAY, 'expiry'],
  ]);
});

test('of very many days at once every step follows from the one before, to where the visitor stands', async () => {
  const { send, visitor, clock, putRules } = await makeCollector();
  await putRules(RULES);
  const id = newId();
  clock.now = NOW;
  // In each of a dozen months somebody looks at a product and then stays away.
  const events = Array.from({ length: 12 }, (_, month) =>
    Array.from({ length: 5 }, (__, day) =>
      makeEvent('page_view', { time: NOW - ((12 - month) * 60 - day) * DAY, url: `${ORIGIN}/${day ? '' : 'product'}` }),
    ),
  ).flat();
  await send(id, events);
  const { stage, transitions } = await visitor(id);
  expect(stage).toBe('awareness');
  expect(transitions.filter(({ to }) => to === 'interest')).toHaveLength(12);
  for (const [index, { from, at }] of transitions.entries()) {
    expect(from).toBe(transitions[index - 1]?.to ?? null);
    expect(at).toBeGreaterThanOrEqual(transitions[index - 1]?.at ?? 0);
  }
  expect(transitions.at(-1)!.to).toBe(stage);
});

/** Two visits of one day, an order that the shop's server tells between them, and invitations before and after it. */
const shopDay = (start: number) => {
  const view = (at: number, sessionId: string, path: string, source?: Record<string, string>) =>
    makeEvent('page_view', { time: start + at, sessionId, url: `${ORIGIN}${path}`, ...(source && { source }) });
  return [
    view(0, 'one', '/', { utm_source: 'nl', utm_medium: 'email' }),
    view(60_000, 'one', '/product'),
    makeEvent('purchase', { time: start + 360_000, sessionId: 'one', props: { transaction_id: 'o1', value: 50 } }),
    makeEvent('share', { time: start + 400_000, sessionId: 'one' }),
    view(3_600_000, 'two', '/', { utm_source: 'google', utm_medium: 'cpc' }),
    makeEvent('add_to_cart', { time: start + 3_610_000, sessionId: 'two' }),
    makeEvent('purchase', { time: start + 3_620_000, sessionId: 'two', props: { transaction_id: 'o2', value: 9 } }),
  ];
};

const shuffled = <T>(items: T[], random: () => number): T[] =>
  items
    .map((item) => [random(), item] as const)
    .sort(([a], [b]) => a - b)
    .map(([, item]) => item);

test.each([1, 2, 3])(
  'in whatever order the events of a day come, entries are credited as they happened (%s)',
  async (seed) => {
    const random = seeded(seed);
    const read = async (isShuffled: boolean) => {
      const collector = await makeCollector();
      await collector.putRules({ ...RULES, signals: { ...RULES.signals, share: { event: 'share' } } });
      for (let person = 0; person < 12; person++) {
        const id = newId(NOW - person);
        const events = shopDay(NOW - (2 + (person % 5)) * DAY - 7_200_000);
        const batches = events.map((event) => [event]);
        // One by one, two of them together, and one half again.
        if (person % 3 === 1) batches.splice(1, 2, events.slice(1, 3));
        for (const batch of isShuffled ? shuffled(batches, random) : batches) await collector.send(id, batch);
      }
      const days = `from=${day(NOW - 10 * DAY)}&to=${day(NOW)}`;
      const report = (name: string) => collector.get<object>(`sites/${collector.site.siteKey}/reports/${name}&${days}`);
      const { channels, entries } = (await report('attribution?stage=action')) as {
        channels: unknown[];
        entries: number;
      };
      expect(entries).toBe(12);
      const { steps } = (await report('funnel?steps=stage:action,signal:share,signal:cart')) as { steps: unknown[] };
      const { features } = (await report('common?stage=action&support=1')) as { features: unknown[] };
      return { channels, steps, features };
    };
    const inOrder = await read(false);
    expect(inOrder.steps).toMatchObject([{ visitors: 12 }, { visitors: 12 }, { visitors: 12 }]);
    expect(await read(true)).toEqual(inOrder);
  },
);

test.each([1, 2, 3])('in parts, one after the other, they are told as in one (seed %s)', async (seed) => {
  const random = seeded(seed);
  const [whole, parts] = [await makeCollector(), await makeCollector()];
  const days = ({ get, site }: typeof whole) =>
    get<{ days: unknown[] }>(`sites/${site.siteKey}/reports/stages?from=2026-07-01&to=2026-11-22`);
  for (const { putRules } of [whole, parts]) await putRules(RULES);
  let expired = 0;
  for (let index = 0; index < 30; index++) {
    const id = newId(NOW - index);
    let time = NOW - 120 * DAY;
    const events = Array.from({ length: 12 }, () => {
      time += Math.round(random() ** 3 * 30 * DAY);
      const name = random() < 0.7 ? 'page_view' : random() < 0.8 ? 'add_to_cart' : 'purchase';
      return makeEvent(name, { time, url: `${ORIGIN}${random() < 0.5 ? '/' : '/product'}` });
    }).filter((event) => event.time < NOW);
    await whole.send(id, events);
    const cuts = [0, 1 + Math.floor(random() * 5), 7, events.length];
    for (const [at, from] of cuts.slice(0, -1).entries()) {
      const own = events.slice(from, cuts[at + 1]);
      if (own.length) await parts.send(id, own);
      // Whoever looks meanwhile sees what is known by then.
      if (index % 10 === 0) await days(parts);
    }
    const told = async ({ visitor }: typeof whole) =>
      (await visitor(id)).transitions.map(({ from, to, at, cause: { kind } }) => [from, to, at, kind]);
    expect(await told(parts)).toEqual(await told(whole));
    expired += (await told(whole)).filter(([, , , kind]) => kind === 'expiry').length;
  }
  expect(expired).toBeGreaterThan(20);
  expect((await days(parts)).days).toEqual((await days(whole)).days);
});

test('an order that the shop tells later is entered on its day, though a window has ended since', async () => {
  const { send, visitor, putRules, get, site } = await makeCollector();
  await putRules(RULES);
  const first = NOW - 60 * DAY;
  const other = newId();
  await send(other, [makeEvent('page_view', { time: first, url: `${ORIGIN}/product` })]);
  await send(other, [makeEvent('purchase', { time: first + 4 * DAY })]);
  expect((await visitor(other)).transitions.map(({ from, to, at }) => [from, to, at])).toEqual([
    [null, 'interest', first],
    ['interest', 'action', first + 4 * DAY],
  ]);
  const { days } = await get<{ days: Array<{ day: string; entered: Record<string, number> }> }>(
    `sites/${site.siteKey}/reports/stages?from=2026-09-01&to=2026-11-22`,
  );
  expect(days.filter(({ entered }) => entered.action).map((each) => each.day)).toEqual([day(first + 4 * DAY)]);
});
