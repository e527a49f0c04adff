/** What reports hold in memory, after whatever happened to a site, against the same made anew. */
import { createHmac } from 'node:crypto';
import v8 from 'node:v8';
import { expect, test } from 'vitest';
import { restageDue } from '../../collector/jobs/restage.js';
import { Projection } from '../../collector/projection/projection.js';
import { createApp } from '../../collector/app.js';
import { Preparing, Projections } from '../../collector/projection/projections.js';
import { OwnedRows } from '../../collector/projection/table.js';
import { View } from '../../collector/projection/view.js';
import { timelineOf } from '../../collector/ingest/timeline.js';
import { countAudience, listAudience, type Member } from '../../collector/reports/audience.js';
import type { ContentReport } from '../../collector/reports/content.js';
import { readPeople } from '../../collector/reports/people.js';
import type { ReportQuery } from '../../collector/reports/range.js';
import { makeReport, REPORTS, type ReportName } from '../../collector/reports/reports.js';
import { readTemplate } from '../../collector/templates.js';
import { workOn } from '../../collector/work.js';
import { DAY_MS, holds, STAGES, viewFacts, type Condition } from '../../sdk/core/index.js';
import { ADMIN, bytesIn, makeCollector, makeEvent, newId, type TestCollector } from '../helpers/collector.js';
import { seeded } from '../helpers/random.js';

const QUERIES: Array<[ReportName, ReportQuery]> = [
  ...REPORTS.map((name): [ReportName, ReportQuery] => [name, {}]),
  ['funnel', { steps: 'event:page_view,signal:pricing_view,event:purchase', by: 'channel' }],
  ['funnel', { steps: 'event:page_view,stage:interest', order: 'strict', by: 'browser' }],
  ['funnel', { steps: 'event:page_view,page:/pricing', hold: 'path', window: 2 }],
  ['flow', { channel: 'Email' }],
  ['common', { stage: 'interest' }],
];
const RANGE = { from: '2026-10-01', to: '2026-12-31' };

async function reportsOf({ store, site: { siteKey } }: TestCollector, projections: Projections, now: number) {
  const site = (await store.site(siteKey))!;
  const made: Record<string, unknown> = {};
  for (const [name, query] of QUERIES)
    made[`${name} ${JSON.stringify(query)}`] = await makeReport(
      { store, projections },
      name,
      site,
      { ...RANGE, ...query },
      now,
    );
  return made;
}

/** Does things at random to a site, as browsers, its server, its owner and time do. */
async function makeActs(collector: TestCollector, random: () => number) {
  const { app, store, site, clock, send } = collector;
  const { siteKey } = site;
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)]!;
  const visitors = Array.from({ length: 12 }, () => newId());
  const known: Array<[visitorId: string, event: ReturnType<typeof makeEvent>]> = [];
  const agents = [
    'Mozilla/5.0 (Windows NT 10.0) Chrome/130.0.0.0',
    'Mozilla/5.0 (iPhone) Version/17.5 Safari/604.1',
    'Googlebot',
  ];
  const proofOf = (userId: string) => createHmac('sha256', site.secretKey).update(userId).digest('hex');
  const admin = { Authorization: `Bearer ${ADMIN}` };
  const call = async (method: string, where: string, body?: object) =>
    app.request(`/api/sites/${siteKey}${where}`, {
      method,
      headers: admin,
      ...(body && { body: JSON.stringify(body) }),
    });

  const anEvent = () => {
    const name = pick([
      'page_view',
      'page_view',
      'page_view',
      'purchase',
      'search',
      'form_start',
      'form_abandon',
      'web_vital',
      'nps',
      'invite',
    ]);
    const props = {
      purchase: { transaction_id: `t${Math.floor(random() * 40)}`, value: Math.floor(random() * 90) - 5 },
      search: { search_term: pick(['shoes', 'hats']) },
      form_abandon: { form_id: 'f', last_field: pick(['name', 'mail']), seconds: Math.floor(random() * 50) },
      form_start: { form_id: 'f' },
      web_vital: { metric: pick(['LCP', 'CLS']), value: random() * 100 },
      nps: { score: Math.floor(random() * 12) },
    }[name as 'nps'];
    const source = random() < 0.3 ? `?utm_source=${pick(['x', 'Y'])}&utm_medium=${pick(['email', 'cpc', 'odd'])}` : '';
    return makeEvent(name, {
      time: clock.now - Math.floor(random() ** 3 * 70 * DAY_MS),
      sessionId: `s${Math.floor(random() * 30)}`,
      url: `https://www.example.com${pick(['/', '/pricing', '/pricing/', '/a', '/b', '/blog/a', '/blog/b'])}${source}`,
      title: pick(['One', 'Two']),
      seq: 1 + Math.floor(random() * 60),
      ...(props && { props }),
    });
  };
  const acts: Array<[weight: number, act: () => Promise<unknown>]> = [
    [
      30,
      async () => {
        const visitorId = pick(visitors);
        const events = Array.from({ length: 1 + Math.floor(random() * 4) }, anEvent);
        for (const event of events) known.push([visitorId, event]);
        const userId = pick(['u1', 'u2', 'u3']);
        const more = random() < 0.15 ? { userId, proof: proofOf(userId) } : {};
        await send(visitorId, events, { ...more, lost: Math.floor(random() * 9) }, { 'User-Agent': pick(agents) });
      },
    ],
    [
      4,
      // The server says the same event otherwise: its word holds.
      async () => {
        const found = known.length && pick(known);
        if (!found) return;
        const [visitorId, event] = found;
        const said = {
          ...event,
          name: pick(['purchase', 'page_view', 'search']),
          props: { search_term: 'amended', value: 7 },
        };
        await send(visitorId, [said], {}, { Authorization: `Bearer ${site.secretKey}`, Origin: '' });
      },
    ],
    [2, () => call('DELETE', `/visitors/${pick(visitors)}/link`)],
    [2, () => call('PUT', `/visitors/${pick(visitors)}/bot`, { bot: random() < 0.5 ? 'manual' : null })],
    [1, () => call('DELETE', `/visitors/${pick(visitors)}/bot`)],
    [
      1,
      async () => {
        const place = Math.floor(random() * visitors.length);
        await call('DELETE', `/people/${visitors[place]}`);
        visitors[place] = newId();
      },
    ],
    [
      3,
      async () => {
        clock.now += Math.floor(random() * 20 * DAY_MS);
        if (random() < 0.7) await restageDue(store, clock.now);
      },
    ],
    [1, () => call('PATCH', '', { channels: pick([{ x: 'Email' }, { y: 'Partners', x: 'Ads' }, {}]) })],
    [
      1,
      async () => {
        await store.updateSite(siteKey, { retentionDays: 60 });
        await workOn(store, () => clock.now).expire(clock.now);
      },
    ],
    [
      1,
      async () => {
        const { rules } = readTemplate('general')!;
        const within = 5 + Math.floor(random() * 30);
        const signals =
          random() < 0.5 ? { ...rules.signals, a_view: { event: 'page_view', path: '/a' } } : rules.signals;
        const next = {
          ...rules,
          signals,
          stages: { ...rules.stages, interest: { when: { signal: 'pricing_view', within } } },
        };
        await collector.putRules(next, `?wait=true&confirm=true&apply=${pick(['all', 'now'])}`);
      },
    ],
  ];
  const all = acts.reduce((sum, [weight]) => sum + weight, 0);
  return async () => {
    let roll = random() * all;
    for (const [weight, act] of acts) if ((roll -= weight) < 0) return void (await act());
  };
}

const CONDITIONS: Array<Extract<Condition, { signal: string }>> = [
  { signal: 'visit', count: { gte: 3 } },
  { signal: 'visit', count: { gte: 1 }, within: 20 },
  { signal: 'visit', days: { gte: 2 }, within: 40 },
  { signal: 'order', value: { gte: 20 } },
  { signal: 'order', value: { gte: 1, lte: 60 }, within: 30 },
  { signal: 'content_view', distinct: { gte: 2 } },
];

/** What conditions make of the columns, against the same asked of everybody's record. */
async function recountAudiences({ store, site, clock }: TestCollector, projection: Projection) {
  const view = new View(store, projection, (await store.site(site.siteKey))!, clock.now);
  const { current } = timelineOf(await store.rules(site.siteKey));
  for (const when of CONDITIONS) {
    const { signal, within, ...need } = when;
    const condition = { signal, need, ...(within && { within }) };
    const who: string[] = [];
    await readPeople(store, site.siteKey, ({ visitorId, facts }) => {
      const seen = viewFacts(current, facts, clock.now);
      if (holds(seen, condition, seen.today)) who.push(visitorId);
    });
    const members = (await listAudience(view, when, clock.now)) as Member[];
    expect([when, members.map(({ visitorId }) => visitorId).sort()]).toEqual([when, who.sort()]);
    expect(await countAudience(view, when, clock.now)).toMatchObject({ people: who.length, of: view.people.length });
  }
}

/** When everybody first reached each stage. */
async function reachedIn({ store, site, clock }: TestCollector, projection: Projection) {
  await projection.date(clock.now);
  const view = new View(store, projection, (await store.site(site.siteKey))!, clock.now);
  const of = (person: number) => STAGES.map((stage) => view.reachedAt(person, stage) ?? null);
  const all = Array.from(view.people, (person): [string, Array<number | null>] => [
    projection.idOf(person),
    of(person),
  ]);
  return Object.fromEntries(all.sort(([a], [b]) => (a < b ? -1 : 1)));
}

test.each([101, 102, 103, 104, 105, 106, 107, 108])(
  'when stages were reached is the same of what follows as of what is made anew (seed %i)',
  async (seed) => {
    const collector = await makeCollector();
    const act = await makeActs(collector, seeded(seed));
    const { store, site, clock } = collector;
    let projection = await Projection.of(store, site.siteKey, clock.now);
    let dated = 0;
    for (let step = 0; step < 160; step++) {
      await act();
      if (step % 4) continue;
      if (!(await projection.follow(clock.now))) projection = await Projection.of(store, site.siteKey, clock.now);
      const anew = await reachedIn(collector, await Projection.of(store, site.siteKey, clock.now));
      expect(await reachedIn(collector, projection)).toEqual(anew);
      for (const times of Object.values(anew)) {
        // Nobody gets to a stage before the ones below it.
        const known = times.filter((time) => time !== null);
        expect([...known].sort((a, b) => a - b)).toEqual(known);
        dated += known.filter((time) => time % DAY_MS !== DAY_MS - 1).length;
      }
    }
    expect(dated).toBeGreaterThan(100);
  },
);

/** All that a view tells of everybody, by their ids. */
function tell(view: View, { idOf }: { idOf: (person: number) => string }) {
  const { ways } = view;
  const all = Array.from(view.people, (person): [string, unknown] => {
    const sessions: unknown[] = [];
    view.eachSession(person, (at, way) => sessions.push([at, ways[way]!.channel, ways[way]!.medium]));
    const days = view.counted(person, 'visit').sort((a, b) => a.day - b.day);
    const reached = STAGES.map((stage) => view.reachedAt(person, stage) ?? null);
    return [idOf(person), [sessions, view.lastSign(person), days, reached, view.activeDays(person).sort()]];
  });
  return Object.fromEntries(all.sort(([a], [b]) => (a < b ? -1 : 1)));
}

test.each([201, 202, 203, 204])(
  'whoever reads while it follows leaves nothing of the past in it (seed %i)',
  async (seed) => {
    const collector = await makeCollector();
    const random = seeded(seed);
    const act = await makeActs(collector, seeded(seed + 1000));
    const { store, site, clock } = collector;
    let projection: Projection | undefined;
    let [peeks, isLent] = [0, false];
    const peek = () => {
      if (!isLent || random() < 0.6) return;
      tell(new View(store, projection!, site, clock.now), { idOf: (person) => projection!.idOf(person) });
      peeks++;
    };
    // Before and after everything that is asked of the store others have their turn.
    const watched = new Proxy(store, {
      get(target, name: keyof typeof store) {
        const own = target[name] as (...args: unknown[]) => unknown;
        if (name === 'events') return own;
        return async (...args: unknown[]) => {
          peek();
          const found = await own(...args);
          peek();
          return found;
        };
      },
    });
    projection = await Projection.of(watched, site.siteKey, clock.now);
    for (let step = 0; step < 120; step++) {
      await act();
      if (step % 3) continue;
      isLent = random() < 0.6;
      projection.lent += +isLent;
      const isCurrent = await projection.follow(clock.now);
      if (isCurrent) await projection.date(clock.now);
      projection.lent -= +isLent;
      isLent = false;
      const fresh = await Projection.of(store, site.siteKey, clock.now);
      await fresh.date(clock.now);
      if (!isCurrent) {
        projection = await Projection.of(watched, site.siteKey, clock.now);
        await projection.date(clock.now);
      }
      const now = (await store.site(site.siteKey))!;
      const told = (of: Projection) => tell(new View(store, of, now, clock.now), { idOf: (person) => of.idOf(person) });
      expect([step, told(projection)]).toEqual([step, told(fresh)]);
    }
    expect(peeks).toBeGreaterThan(50);
  },
);

test('so many who change at once are put together anew', async () => {
  const { store, site, send, clock } = await makeCollector();
  const visitors = Array.from({ length: 1100 }, () => newId());
  const arrive = async (all: string[]) => {
    for (let at = 0; at < all.length; at += 200)
      await Promise.all(all.slice(at, at + 200).map((visitorId) => send(visitorId, [makeEvent('page_view')])));
  };
  await arrive(visitors.slice(0, 1050));
  const projection = await Projection.of(store, site.siteKey, clock.now);
  const told = (of: Projection) => tell(new View(store, of, site, clock.now), { idOf: (person) => of.idOf(person) });
  expect(Object.keys(told(projection))).toHaveLength(1050);
  for (const all of [visitors.slice(0, 700), visitors.slice(600, 1100), visitors]) {
    await arrive(all);
    await projection.follow(clock.now);
    await projection.date(clock.now);
    const fresh = await Projection.of(store, site.siteKey, clock.now);
    await fresh.date(clock.now);
    expect(told(projection)).toEqual(told(fresh));
  }
});

test('rows are renewed of a few, and else put together anew', () => {
  const grouped = {
    start: Int32Array.from({ length: 2001 }, (_, at) => at),
    rows: Int32Array.from({ length: 2000 }, (_, at) => at),
  };
  const all = new OwnedRows(grouped);
  expect([all.isWorth(1000), all.isWorth(1001)]).toEqual([true, false]);
  const some = all.renewed(new Map([[3, Int32Array.of(7, 9)]]));
  expect([some.isWorth(999), some.isWorth(1000)]).toEqual([true, false]);
  const read = (owned: OwnedRows, owner: number) => [...owned.find(owner).subarray(owned.from, owned.until)];
  expect([read(some, 3), read(some, 4), read(all, 3), read(some, 5000)]).toEqual([[7, 9], [4], [3], []]);
});

test('who is erased while changes are read is not numbered anew', async () => {
  const { app, store, site, send, clock } = await makeCollector();
  const [goes, stays] = [newId(), newId()];
  for (const id of [goes, stays]) await send(id, [makeEvent('page_view')]);
  let between: (() => Promise<unknown>) | undefined;
  const watched = {
    ...store,
    changesSince: async (...args: Parameters<typeof store.changesSince>) => {
      const found = await store.changesSince(...args);
      const act = between;
      between = undefined;
      await act?.();
      return found;
    },
  };
  const projection = await Projection.of(watched, site.siteKey, clock.now);
  await send(goes, [makeEvent('page_view')]);
  for (let index = 0; index < 600; index++) await send(stays, [makeEvent('page_view')]);
  const headers = { Authorization: `Bearer ${ADMIN}` };
  between = async () => app.request(`/api/sites/${site.siteKey}/people/${goes}`, { method: 'DELETE', headers });
  expect(await projection.follow(clock.now)).toBe(true);
  expect(Buffer.from(projection.pack()).includes(goes)).toBe(false);
  expect(Buffer.from(projection.pack()).includes(stays)).toBe(true);
});

test.each([1, 2, 3, 4, 5, 6])('it follows whatever happens (seed %i)', async (seed) => {
  const random = seeded(seed);
  const collector = await makeCollector();
  const act = await makeActs(collector, random);
  const followed = new Projections(collector.store);
  let kept: Uint8Array | undefined;
  let [compared, resumptions] = [0, 0];
  for (let step = 0; step < 160; step++) {
    await act();
    if (step % 8) continue;
    const { store, site, clock } = collector;
    const anew = await reportsOf(collector, new Projections(store), clock.now);
    expect(await reportsOf(collector, followed, clock.now)).toEqual(anew);
    compared += Object.keys(anew).length;

    // What was kept some time ago goes on from there, or is of no use; and events that are read from the store each time say the same.
    const resumed = kept && (await Projection.resume(store, site.siteKey, kept, clock.now));
    resumptions += +!!resumed;
    const fresh = await Projection.of(store, site.siteKey, clock.now);
    for (const [projection, isOverfull] of [
      [resumed, false],
      [fresh, true],
    ] as const) {
      if (!projection) continue;
      projection.isOverfull = isOverfull;
      const lent = {
        use: async (...[asked, at, read]: Parameters<Projections['use']>) => {
          await projection.date(at);
          return read(new View(store, projection, asked, at));
        },
      };
      const others = await reportsOf(collector, lent as unknown as Projections, clock.now);
      for (const [name, report] of Object.entries(others))
        expect([step, isOverfull, name, report]).toEqual([step, isOverfull, name, anew[name]]);
    }
    fresh.isOverfull = false;
    await recountAudiences(collector, fresh);
    if (step % 24 === 0) kept = fresh.pack();
  }
  expect(compared).toBeGreaterThan(300);
  expect(resumptions).toBeGreaterThan(5);
});

test('what is kept of it holds nothing of who was erased since, and is gone from the folder with them', async () => {
  const collector = await makeCollector();
  const { app, store, site, send, folder, clock } = collector;
  const [stays, goes] = [newId(), newId()];
  const secret = (what: string) => [
    makeEvent('page_view', {
      title: `title ${what}`,
      url: `https://www.example.com/${what}?utm_source=source-${what}`,
    }),
    makeEvent('search', { props: { search_term: `term ${what}` } }),
    makeEvent('form_abandon', { props: { form_id: `form ${what}`, last_field: `field ${what}` } }),
  ];
  await send(stays, secret('stays'));
  await send(goes, secret('goes'));
  const projection = await Projection.of(store, site.siteKey, clock.now);
  await store.cache(site.siteKey, projection.pack(), projection.stamp);
  for (const who of ['stays', 'goes'])
    for (const what of ['title', 'term', 'form', 'field']) expect(bytesIn(folder)).toContain(`${what} ${who}`);
  expect(Buffer.from((await store.cached(site.siteKey))!).equals(projection.pack())).toBe(true);

  const headers = { Authorization: `Bearer ${ADMIN}` };
  const receipt = await app.request(`/api/sites/${site.siteKey}/people/${goes}`, { method: 'DELETE', headers });
  expect(await receipt.json()).toMatchObject({ isWiped: true });
  expect(await store.cached(site.siteKey)).toBeUndefined();
  expect(bytesIn(folder)).not.toMatch(/(title|term|form|field) goes|source-goes/);

  expect(await projection.follow(clock.now)).toBe(true);
  const kept = Buffer.from(projection.pack()).toString('latin1');
  expect(kept).not.toMatch(/goes/);
  expect(kept).not.toContain(goes);
  for (const what of ['title', 'term', 'form', 'field']) expect(kept).toContain(`${what} stays`);
});

test('what was kept of another file, of other rules or by another version is of no use', async () => {
  const { store, site, send, clock, putRules } = await makeCollector();
  for (let index = 0; index < 3; index++) await send(newId(), [makeEvent('page_view')]);
  const kept = (await Projection.of(store, site.siteKey, clock.now)).pack();
  const resume = async (data: Uint8Array) => !!(await Projection.resume(store, site.siteKey, data, clock.now));
  expect(await resume(kept)).toBe(true);
  expect(await resume(kept.subarray(0, kept.length / 2))).toBe(false);
  expect(await resume(new Uint8Array())).toBe(false);

  // As many changes, of others.
  const other = await makeCollector();
  await other.store.addSite({ ...site, siteKey: 'st_other' }, (await store.rules(site.siteKey))[0]!.rules);
  for (let index = 0; index < 5; index++) await other.send(newId(), [makeEvent('page_view')]);
  expect(await Projection.resume(other.store, other.site.siteKey, kept, clock.now)).toBeUndefined();

  const { rules } = readTemplate('general')!;
  expect((await putRules(rules)).status).toBe(200);
  expect(await resume(kept)).toBe(false);
});

test('what took long to make is there at the next start, and what was quick is not kept', async () => {
  const collector = await makeCollector();
  const { store, site, send, clock } = collector;
  await send(newId(), [makeEvent('page_view'), makeEvent('purchase')]);
  const ask = async (projections: Projections) => {
    const reports = await reportsOf(collector, projections, clock.now);
    await projections.putAway();
    return reports;
  };
  const quick = await ask(new Projections(store, Infinity, undefined, () => clock.now));
  expect(await store.cached(site.siteKey)).toBeUndefined();
  expect(await ask(new Projections(store, -1, undefined, () => clock.now))).toEqual(quick);
  const kept = await store.cached(site.siteKey);
  expect(kept!.length).toBeGreaterThan(100);
  await send(newId(), [makeEvent('page_view')]);
  const later = await ask(new Projections(store, Infinity, undefined, () => clock.now));
  expect(later).toEqual(
    await reportsOf(collector, new Projections(store, Infinity, undefined, () => clock.now), clock.now),
  );
  expect(later).not.toEqual(quick);
  // Taken up from the file, it is worth keeping again.
  expect(Buffer.from((await store.cached(site.siteKey))!).equals(kept!)).toBe(false);
});

test('who asks while a large site is read for the first time is told how far that is, and not kept waiting', async () => {
  const { store, site, send, clock } = await makeCollector();
  for (let index = 0; index < 3; index++) await send(newId(), [makeEvent('page_view')]);
  let open: () => void = () => {};
  const gate = new Promise<void>((resolve) => (open = resolve));
  const slow = {
    ...store,
    eventsAfter: async (...args: Parameters<typeof store.eventsAfter>) => {
      await gate;
      return store.eventsAfter(...args);
    },
  };
  const projections = new Projections(slow, -1, 20);
  const read = async (view: View) => view.people.length;
  for (let tries = 0; tries < 3; tries++)
    await expect(projections.use(site, clock.now, read)).rejects.toMatchObject({ preparing: 0.5 });
  open();
  expect(await projections.use(site, clock.now, read)).toBe(3);

  const app = createApp({
    store,
    work: {
      ...workOn(store, () => clock.now),
      report: async () => {
        throw new Preparing(0.42);
      },
      settled: async () => {},
    },
    now: () => clock.now,
    adminToken: ADMIN,
  }).app;
  const headers = { Authorization: `Bearer ${ADMIN}` };
  const response = await app.request(`/api/sites/${site.siteKey}/reports/flow`, { headers });
  expect([response.status, response.headers.get('Retry-After')]).toEqual([503, '3']);
  expect(await response.json()).toEqual({ error: expect.stringContaining('42 %'), preparing: 0.42 });
});

test('a stop ends the reading', async () => {
  const { store, site, send, clock } = await makeCollector();
  await send(newId(), [makeEvent('page_view')]);
  let read = 0;
  let open: () => void = () => {};
  const gate = new Promise<void>((resolve) => (open = resolve));
  const slow = {
    ...store,
    everyVisitor: async (...args: Parameters<typeof store.everyVisitor>) => {
      read++;
      await gate;
      return store.everyVisitor(...args);
    },
  };
  const projections = new Projections(slow, -1, undefined, () => clock.now);
  const prepared = projections.prepare(site, clock.now);
  while (!read) await new Promise(setImmediate);
  await projections.putAway();
  open();
  await expect(prepared).rejects.toThrow('the collector stops');
  expect(await store.cached(site.siteKey)).toBeUndefined();
});

const SECOND = { url: 'https://www.example.com/second' };

test('who was erased since the last report is not in what is cached at a stop', async () => {
  const collector = await makeCollector();
  const { app, store, site, send, folder, clock } = collector;
  const [stays, goes] = [newId(), newId()];
  await send(stays, [makeEvent('search', { props: { search_term: 'term stays' } })]);
  await send(goes, [
    makeEvent('search', { props: { search_term: 'term goes' } }),
    makeEvent('web_vital', { props: { metric: 'LCP', value: 1234.5678 } }),
  ]);
  const projections = new Projections(store, -1, undefined, () => clock.now);
  await reportsOf(collector, projections, clock.now);
  const headers = { Authorization: `Bearer ${ADMIN}` };
  await app.request(`/api/sites/${site.siteKey}/people/${goes}`, { method: 'DELETE', headers });
  await projections.putAway();
  const cached = Buffer.from((await store.cached(site.siteKey))!);
  expect(cached.includes('term stays')).toBe(true);
  expect(cached.includes('term goes')).toBe(false);
  expect(cached.includes(Buffer.from(new Float64Array([1234.5678]).buffer))).toBe(false);
  expect(bytesIn(folder)).not.toContain(goes);

  // Nor where it comes while it is written.
  const other = newId();
  await send(other, [makeEvent('page_view', { title: 'the other' })]);
  const projection = await Projection.of(store, site.siteKey, clock.now);
  await app.request(`/api/sites/${site.siteKey}/people/${other}`, { method: 'DELETE', headers });
  await store.cache(site.siteKey, projection.pack(), projection.stamp);
  expect(await store.cached(site.siteKey)).toBeUndefined();
});

test('what is not kept any more is forgotten, and a row that takes its number is another', async () => {
  const collector = await makeCollector();
  const { store, site, send, clock } = collector;
  await store.updateSite(site.siteKey, { retentionDays: 30 });
  const visitorId = newId();
  await send(visitorId, [makeEvent('page_view', { title: 'long ago' })]);
  const followed = new Projections(store);
  await reportsOf(collector, followed, clock.now);
  const projection = await Projection.of(store, site.siteKey, clock.now);
  clock.now += 35 * DAY_MS;
  await workOn(store, () => clock.now).expire(clock.now);
  // It was the last row of all.
  await send(visitorId, [
    makeEvent('page_view', { time: clock.now }),
    makeEvent('page_view', { ...SECOND, time: clock.now + 1 }),
  ]);
  const reports = await reportsOf(collector, followed, clock.now);
  expect(reports).toEqual(await reportsOf(collector, new Projections(store), clock.now));
  expect((reports['content {}'] as ContentReport).pages).toHaveLength(2);
  expect(await projection.follow(clock.now)).toBe(true);
  expect(Buffer.from(projection.pack()).includes('long ago')).toBe(false);
});

test('what is amended over and over takes no more room', async () => {
  const { store, site, send, clock } = await makeCollector();
  const visitorId = newId();
  const events = Array.from({ length: 40 }, () => makeEvent('page_view'));
  await send(visitorId, events);
  const projection = await Projection.of(store, site.siteKey, clock.now);
  for (let time = 0; time < 10; time++) {
    const said = { ...events[time]!, name: 'purchase' };
    await send(visitorId, [said], {}, { Authorization: `Bearer ${site.secretKey}`, Origin: '' });
    expect(await projection.follow(clock.now)).toBe(true);
  }
  expect(projection.events.length).toBeGreaterThan(400);
  projection.pack();
  expect(projection.events.length).toBe(40);
});

test('who reads the store for long holds up nobody, and no stop', async () => {
  const { store, site, send, clock } = await makeCollector();
  for (let index = 0; index < 3; index++) await send(newId(), [makeEvent('page_view')]);
  let read = 0;
  let open: () => void = () => {};
  const gate = new Promise<void>((resolve) => (open = resolve));
  const slow = {
    ...store,
    async *events(...args: Parameters<typeof store.events>) {
      for await (const event of store.events(...args)) {
        yield event;
        read++;
        await gate;
      }
    },
  };
  const projections = new Projections(slow, -1, undefined, () => clock.now);
  const ask = (name: ReportName, query: ReportQuery) =>
    makeReport({ store: slow, projections }, name, site, query, clock.now);
  const steps = { steps: 'event:page_view,event:purchase', hold: 'props.a' };
  const held = ask('funnel', steps);
  while (!read) await new Promise(setImmediate);
  // Rows come and go meanwhile.
  const visitorId = newId();
  await send(visitorId, [makeEvent('page_view')]);
  expect(await ask('stages', {})).toMatchObject({ funnel: [{ visitors: 4 }, {}, {}, {}, {}] });
  open();
  expect(await held).toMatchObject({ steps: [{ visitors: 0 }, {}] });

  read = 0;
  const another = ask('funnel', steps);
  another.catch(() => {});
  await projections.putAway();
  await expect(another).rejects.toThrow('the collector stops');
});

test('what cannot be cached, and a cache of another shape, are no reason to fail', async () => {
  const collector = await makeCollector();
  const { store, site, send, clock } = collector;
  await send(newId(), [makeEvent('page_view')]);
  let tries = 0;
  let readings = 0;
  const full = {
    ...store,
    latest: async (siteKey: string) => {
      readings++;
      return store.latest(siteKey);
    },
    cache: async () => {
      tries++;
      throw new Error('no room');
    },
  };
  const projections = new Projections(full, -1);
  const wanted = await reportsOf(collector, new Projections(store), clock.now);
  expect(await reportsOf(collector, projections, clock.now)).toEqual(wanted);
  expect([tries, readings]).toEqual([1, 1]);

  const { format, rules } = v8.deserialize((await Projection.of(store, site.siteKey, clock.now)).pack()) as Record<
    string,
    unknown
  >;
  for (const shape of [{}, null, 7, { format, rules }, { format, rules, tables: [], kinds: [], texts: [], ids: '' }]) {
    await store.cache(site.siteKey, v8.serialize(shape), await store.stamp(site.siteKey));
    expect(await reportsOf(collector, new Projections(store), clock.now)).toEqual(wanted);
  }
});

test('no name is taken for another, or for none', async () => {
  const collector = await makeCollector();
  const { store, send, clock } = collector;
  await send(newId(), [
    makeEvent('search'),
    makeEvent('search', { props: { search_term: 'null' } }),
    makeEvent('search', { props: { search_term: '__proto__' } }),
    makeEvent('form_abandon', { props: { form_id: 'a\nb' } }),
    makeEvent('form_abandon', { props: { form_id: 'a', last_field: 'b\nnull' } }),
    makeEvent('page_view', { title: 'null' }),
    makeEvent('page_view', SECOND),
  ]);
  const { 'content {}': content } = await reportsOf(collector, new Projections(store), clock.now);
  expect(content).toMatchObject({
    searches: [{ term: '__proto__' }, { term: 'null' }],
    forms: [
      { form: 'a', abandoned: 1, lastField: 'b\nnull' },
      { form: 'a\nb', abandoned: 1, lastField: null },
    ],
  });
  const { pages } = content as ContentReport;
  expect(new Map(pages.map(({ path, title }) => [path, title]))).toEqual(
    new Map([
      ['/', 'null'],
      ['/second', null],
    ]),
  );
});

test('what is cached at a stop is of that time, and gone when something of it expires', async () => {
  const collector = await makeCollector();
  const { store, site, send, clock } = collector;
  await store.updateSite(site.siteKey, { retentionDays: 30 });
  clock.now = Math.floor(clock.now / DAY_MS + 1) * DAY_MS - 600_000;
  await send(newId(), [makeEvent('page_view', { time: clock.now, title: 'before midnight' })]);
  const start = () => new Projections(store, -1, undefined, () => clock.now);
  const projections = start();
  await projections.prepare(site, clock.now);
  clock.now += 1_200_000;
  await send(newId(), [makeEvent('page_view', { time: clock.now, url: 'https://www.example.com/pricing' })]);
  await projections.putAway();
  expect(await store.cached(site.siteKey)).toBeDefined();
  const resumed = start();
  expect(await reportsOf(collector, resumed, clock.now)).toEqual(await reportsOf(collector, start(), clock.now));

  clock.now += 35 * DAY_MS;
  await workOn(store, () => clock.now).expire(clock.now);
  expect(await store.cached(site.siteKey)).toBeUndefined();
  await resumed.putAway();
  const cached = Buffer.from((await store.cached(site.siteKey))!);
  expect(cached.includes('before midnight')).toBe(false);
});

test('an amount counts once in a window for who had the signal tell values apart', async () => {
  const collector = await makeCollector();
  const { store, site, send, clock, putRules } = collector;
  const rules = (signal: object) => ({
    signals: { buy: { event: 'purchase', value: 'props.amount', ...signal } },
    stages: { action: { when: { signal: 'buy' } } },
  });
  expect((await putRules(rules({ distinct: 'props.sku' }))).status).toBe(200);
  const visitorId = newId();
  const buy = () => makeEvent('purchase', { time: clock.now, props: { amount: 30, sku: 'a' } });
  await send(visitorId, [buy()]);
  clock.now += 20 * DAY_MS;
  await send(visitorId, [buy()]);
  clock.now += 2 * DAY_MS;
  expect((await putRules(rules({}), '?wait=true&apply=now')).status).toBe(200);
  const projections = new Projections(store);
  const count = async (when: object) =>
    (await projections.use(site, clock.now, (view) => countAudience(view, when, clock.now))) as { people: number };
  expect(await count({ signal: 'buy', value: { gte: 20 }, within: 7 })).toMatchObject({ people: 1 });
  expect(await count({ signal: 'buy', value: { gte: 40 } })).toMatchObject({ people: 0 });
});
