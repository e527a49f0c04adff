import path from 'node:path';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { openSqliteStore } from '../../collector/app.js';
import { MIGRATIONS } from '../../collector/store/sqlite/migrations.js';
import { toBlob } from '../../collector/store/sqlite/uuid.js';
import type { StoredEvent } from '../../collector/store/store.js';
import { makeEvent, newId, NOW, temporaryFolder } from '../helpers/collector.js';
import { describeStore } from './storeContract.js';

describeStore('the SQLite store', openSqliteStore);

test('events of an older schema, each in a row of its own, are all there after the update', async () => {
  const folder = temporaryFolder();
  const old = new Database(path.join(folder, 'stagetag.sqlite'));
  for (const step of MIGRATIONS.slice(0, 6)) old.exec(step);
  old.pragma('user_version = 6');
  old.exec(`INSERT INTO sites (id, site_key, secret_key, name, origins, time_zone, template, rules_version, created_at)
    VALUES (1, 'st_a', 's', 'A', '[]', 'UTC', 'general', 1, 0)`);
  const insert = old.prepare(`
    INSERT INTO events (site_id, id, visitor_id, time, received_at, name, body, traits, bot, is_proven)
    VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?)`);
  const visitors = [newId(), newId()];
  const wanted = new Map<string, StoredEvent & { visitorId: string }>();
  for (let index = 0; index < 300; index++) {
    const event = makeEvent(index % 3 ? 'page_view' : 'purchase', {
      time: NOW - index * 60_000,
      ...(index % 4 === 0 && { title: `Page ${index}`, referrer: 'https://a.example/' }),
      ...(index % 5 && { props: { coupon: null, value: index / 7, text: '"\\u00e9\n\u2028' } }),
    });
    if (index % 7 === 0) delete (event as Partial<typeof event>).url;
    const visitorId = visitors[index % 2]!;
    // Many of one moment, as an import brings them.
    const receivedAt = NOW + (index < 200 ? 0 : index);
    const bot = index % 10 ? null : 'crawler';
    const traits = index % 4 ? undefined : { plan: null, seats: index };
    const isProven = index % 5 === 0;
    const text = traits ? JSON.stringify(traits) : null;
    const { id, time, name } = event;
    insert.run(toBlob(id), toBlob(visitorId), time, receivedAt, name, JSON.stringify(event), text, bot, +isProven);
    wanted.set(id, { event, receivedAt, bot, visitorId, ...(isProven && { isProven }), ...(traits && { traits }) });
  }
  old.close();

  const store = openSqliteStore(folder);
  let count = 0;
  for await (const stored of store.events('st_a', {})) {
    expect(stored).toEqual(wanted.get(stored.event.id));
    count++;
  }
  expect(count).toBe(300);
  const latest = await store.latestEvents('st_a', visitors[0]!, 3);
  expect(latest.map(({ event }) => event.time)).toEqual([4, 2, 0].map((index) => NOW - index * 60_000));
  const seen = [...wanted.values()].filter(({ event, bot }) => event.name === 'page_view' && bot === null).length;
  expect(await store.pageViews('st_a', NOW - 86_400_000, NOW + 900_000)).toBe(seen);
  expect(
    await store.erase('st_a', visitors[0]!, NOW, { rulesVersion: 1, keepsFacts: () => true, foldOf: () => never }),
  ).toMatchObject({ events: 150 });
  await store.close();
  const database = new Database(path.join(folder, 'stagetag.sqlite'));
  expect(database.prepare('SELECT count(*) FROM event_ids').pluck().get()).toBe(150);
  expect(database.prepare('SELECT max(json_array_length(body)) FROM batches').pluck().get()).toBeLessThanOrEqual(50);
  database.close();
});

test('orders that stood by the names of their events stand by signals after the update, the first of each', async () => {
  const folder = temporaryFolder();
  const old = new Database(path.join(folder, 'stagetag.sqlite'));
  for (const step of MIGRATIONS.slice(0, 15)) old.exec(step);
  old.pragma('user_version = 15');
  old.exec(`INSERT INTO sites (id, site_key, secret_key, name, origins, time_zone, template, rules_version, created_at)
    VALUES (1, 'st_a', 's', 'A', '[]', 'UTC', 'general', 1, 0)`);
  const [first, second, day] = [newId(), newId(), '2026-11-22'];
  const keys = { item: { [day]: { x: [5, second, 0] } }, '~buys': { [day]: { 's.x': [5, second, 0] } } };
  const one = (signal: string, units?: number) => ({
    signals: { [signal]: { [day]: 1 } },
    values: units === undefined ? {} : { [signal]: { [day]: units } },
  });
  const facts = {
    v: 1,
    signals: { visit: { [day]: 3 } },
    values: {},
    keys: {},
    orders: {
      'purchase\nt\n"1': [
        5,
        second,
        { signals: { order: { [day]: 1 }, buys: { [day]: 1 } }, values: { order: { [day]: 70 } }, keys },
      ],
      'order_paid\nt\n"1': [4, first, { ...one('order', 60), keys: {} }],
      'refund\n2': [6, second, { ...one('refund', 9), keys: { refund: { [day]: { y: [6, second, 9] } } } }],
    },
    traits: { plan: [1, first, 'pro'] },
  };
  const insert = old.prepare(`INSERT INTO visitors
    (site_id, id, first_seen, last_seen, events, rev, rules, tags, score, have, last_time, stage_since, facts)
    VALUES (1, ?, 0, 0, 4, 1, 1, '[]', 0, '[]', 0, 0, ?)`);
  const [visitor, plain] = [newId(), newId()];
  insert.run(toBlob(visitor), JSON.stringify(facts));
  insert.run(toBlob(plain), JSON.stringify({ ...facts, orders: {} }));
  old.close();

  const store = openSqliteStore(folder);
  expect((await store.visitor('st_a', visitor))!.facts).toEqual({
    ...facts,
    orders: {
      'order\nt\n"1': [4, first, { ...one('order', 60), keys: {} }],
      'buys\nt\n"1': [5, second, { ...one('buys'), keys: { '~buys': keys['~buys'] } }],
      'refund\n2': facts.orders['refund\n2'],
    },
  });
  expect((await store.visitor('st_a', plain))!.facts).toEqual({ ...facts, orders: {} });
  // Theirs are counted anew from their events, which may stand for more signals than they did.
  expect(await store.staleVisitors('st_a', 1, 10)).toEqual([visitor]);
  expect(await store.runningJobs()).toMatchObject([{ siteKey: 'st_a', rules: 1, total: 1, done: 0 }]);
  await store.close();
});

const never = () => {
  throw new Error('nobody is folded here');
};
