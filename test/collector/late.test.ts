/** Events that came later than a window lasts: an offline queue, or a file. */
import { expect, test } from 'vitest';
import { makeCollector, makeEvent, newId, NOW, ORIGIN } from '../helpers/collector.js';

const DAY = 86_400_000;

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
