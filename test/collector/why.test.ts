import { expect, test } from 'vitest';
import type { Why } from '../../collector/reports/why.js';
import { makeCollector, makeEvent, newId, NOW, ORIGIN } from '../helpers/collector.js';

const DAY = 86_400_000;

test('why a stage or a tag holds, with the events behind it, when it ends and what is missing', async () => {
  const { send, get, site, clock, app } = await makeCollector();
  const id = newId();
  const price = makeEvent('page_view', { url: `${ORIGIN}/pricing`, time: NOW - 3 * DAY });
  await send(id, [price, makeEvent('page_view', { time: NOW - 2 * DAY })]);
  const why = (query = '') => get<Why>(`sites/${site.siteKey}/visitors/${id}/why${query}`);

  const stage = await why();
  expect(stage).toMatchObject({ stage: 'interest', met: true, rules: 1, next: { stage: 'consideration' } });
  expect(stage.events).toMatchObject([
    { name: 'page_view', signals: ['visit'] },
    { id: price.id, time: price.time, url: price.url, signals: expect.arrayContaining(['pricing_view']) },
  ]);
  expect(await why('?stage=action')).toMatchObject({ stage: 'action', met: false, events: [] });
  const tag = await why('?tag=pricing');
  expect(tag).toMatchObject({
    tag: 'pricing',
    met: true,
    missing: [],
    because: { signal: 'pricing_view', expires: '2026-12-19' },
  });
  expect(tag.events.map((event) => event.id)).toEqual([price.id]);
  clock.now += 40 * DAY;
  expect(await why('?tag=pricing')).toMatchObject({ met: false, missing: [{ signal: 'pricing_view', within: 30 }] });

  const ask = (where: string) =>
    app.request(`/api/sites/${site.siteKey}/${where}`, { headers: { Authorization: 'Bearer admin-token' } });
  expect((await ask(`visitors/${id}/why?tag=none`)).status).toBe(400);
  expect((await ask(`visitors/${id}/why?tag=constructor`)).status).toBe(400);
  expect((await ask(`visitors/${id}/why?stage=nowhere`)).status).toBe(400);
  expect((await ask(`visitors/${newId()}/why`)).status).toBe(404);
});

test('of a user all browsers are asked', async () => {
  const { send, get, site } = await makeCollector();
  const secret = { Authorization: `Bearer ${site.secretKey}` };
  const [one, two] = [newId(), newId()];
  await send(one, [makeEvent('purchase', { props: { value: 5 } })], { userId: 'u' }, secret);
  await send(two, [makeEvent('purchase', { props: { value: 7 } })], { userId: 'u' }, secret);
  const why = await get<Why>(`sites/${site.siteKey}/visitors/${one}/why?stage=loyalty`);
  expect(why).toMatchObject({ met: true });
  expect(why.events.length).toBe(2);
});

const rulesOf = (interest: object) => ({
  signals: { visit: { event: 'page_view' }, buy: { event: 'purchase' }, ping: { event: 'ping' } },
  stages: { awareness: { when: { signal: 'visit' } }, interest },
});
const at = (name: string, daysAgo: number, props = {}) => makeEvent(name, { time: NOW - daysAgo * DAY, props });

test('of a stage that is kept the events that keep it are named, and only those of its windows', async () => {
  const { send, get, putRules, site, visitor } = await makeCollector();
  await putRules(
    rulesOf({
      when: { signal: 'buy', within: 9 },
      keep: {
        all: [
          { signal: 'ping', within: 10 },
          { trait: 'plan', eq: 'pro' },
        ],
      },
    }),
  );
  const id = newId();
  await send(id, [
    at('page_view', 40),
    at('purchase', 12),
    at('ping', 30),
    at('ping', 7),
    at('identify', 20, { plan: 'pro' }),
  ]);
  await send(id, [at('page_view', 0)]);
  const why = await get<Why>(`sites/${site.siteKey}/visitors/${id}/why`);
  expect(why).toMatchObject({ stage: 'interest', met: true, because: { met: true } });
  expect(why.events.map(({ name, signals, traits }) => [name, signals, traits])).toEqual([
    ['ping', ['ping'], undefined],
    ['identify', [], ['plan']],
  ]);
  // Of who is not in it only what it takes to enter counts.
  const other = newId();
  await send(other, [at('ping', 1)]);
  const not = await get<Why>(`sites/${site.siteKey}/visitors/${other}/why?stage=interest`);
  expect(not).toMatchObject({ met: false, events: [] });
  // The move into it names what holds it.
  const { transitions } = (await visitor(id)) as unknown as {
    transitions: Array<{ to: string; cause: { because: object } }>;
  };
  expect(transitions.at(-1)).toMatchObject({ to: 'interest', cause: { because: { met: true } } });
});

test('of a stage that is kept for good what met it once is why', async () => {
  const { send, get, putRules, site, visitor } = await makeCollector();
  await putRules(rulesOf({ when: { signal: 'buy', within: 5 }, sticky: true }));
  const id = newId();
  await send(id, [at('page_view', 0)]);
  await send(id, [at('purchase', 8)]);
  const { transitions } = (await visitor(id)) as unknown as {
    transitions: Array<{ to: string; cause: { because: object } }>;
  };
  expect(transitions.at(-1)).toMatchObject({
    to: 'interest',
    cause: { because: { signal: 'buy', met: true, have: { count: 1 } } },
  });
  const why = await get<Why>(`sites/${site.siteKey}/visitors/${id}/why`);
  expect(why.events.map(({ name }) => name)).toEqual(['purchase']);
});
