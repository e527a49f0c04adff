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
