/** Reports against a recount from the stored events and the visitors as the API gives them. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inventVisitors } from '../../collector/jobs/demoData.js';
import type { AttributionReport } from '../../collector/reports/attribution.js';
import type { CommonReport } from '../../collector/reports/common.js';
import type { CohortsReport, LifecycleReport, NpsReport, RfmReport } from '../../collector/reports/customers.js';
import type { ValueReport } from '../../collector/reports/value.js';
import type { FlowReport } from '../../collector/reports/flow.js';
import type { LeavingReport } from '../../collector/reports/leaving.js';
import type { StagesReport } from '../../collector/reports/stages.js';
import type { KpiReport } from '../../collector/reports/kpis.js';
import { REPORTS } from '../../collector/reports/reports.js';
import type { ContentReport } from '../../collector/reports/content.js';
import type { SourcesReport } from '../../collector/reports/sources.js';
import type { FunnelReport } from '../../collector/reports/funnel.js';
import { restageDue } from '../../collector/jobs/restage.js';
import { addSite } from '../../collector/site.js';
import { readTemplate } from '../../collector/templates.js';
import type { ListedTransition, Site, VisitorRecord } from '../../collector/store/store.js';
import { STAGES, type Rules, type Stage } from '../../sdk/core/index.js';
import { makeCollector, makeEvent, newId, NOW, type TestCollector } from '../helpers/collector.js';
import { seeded } from '../helpers/random.js';

const DAY = 86_400_000;
const rank = (stage: Stage | null) => STAGES.indexOf(stage!);

async function retail(visitors: number, atEnd?: Parameters<typeof makeCollector>[2]) {
  const collector = await makeCollector({}, undefined, atEnd);
  const { store } = collector;
  const site = (await addSite(
    store,
    { name: 'R', origins: ['https://demo.example'], template: 'retail' },
    NOW,
  )) as Site;
  const summary = await inventVisitors(store, site, readTemplate('retail')!, { days: 90, visitors, seed: 5, now: NOW });
  const report = <T>(name: string, query = '') =>
    collector.get<T>(`sites/${site.siteKey}/reports/${name}?from=2026-08-25&to=2026-11-22${query}`);
  return { ...collector, site, summary, report };
}

describe('of invented visitors', () => {
  let given: Awaited<ReturnType<typeof retail>>;
  let people: VisitorRecord[];
  let moves: Map<string, ListedTransition[]>;

  const atEnd: Array<() => void | Promise<void>> = [];
  afterAll(async () => {
    for (const run of atEnd) await run();
  });
  beforeAll(async () => {
    given = await retail(600, (run) => atEnd.unshift(run));
    const { store, site } = given;
    people = (await store.everyVisitor(site.siteKey, undefined, 10_000)).filter(({ bot }) => !bot);
    moves = new Map(people.map(({ visitorId }) => [visitorId, []]));
    for (const each of await store.everyTransition(site.siteKey, 0, 100_000)) moves.get(each.visitorId)?.push(each);
  });

  /** When each first got to a stage or beyond. */
  const firstAt = (stage: Stage) =>
    new Map(
      [...moves].flatMap(([id, all]): Array<[string, number]> => {
        const found = all.find(({ to }) => rank(to) >= rank(stage));
        return found ? [[id, found.at]] : [];
      }),
    );

  test('the funnel of the stages counts whoever got so far, and finds the leak that was planted', async () => {
    const funnel = await given.report<FunnelReport>('funnel');
    expect(funnel.steps.map(({ visitors }) => visitors)).toEqual(STAGES.map((stage) => firstAt(stage).size));
    expect(funnel.leak).toMatchObject({ from: 'stage:interest', to: 'stage:consideration' });
    for (const [index, step] of funnel.steps.entries()) {
      const next = funnel.steps[index + 1]?.visitors ?? step.visitors;
      expect(step.lost + step.inProgress).toBe(index < 4 ? step.visitors - next : 0);
      if (step.interval) {
        expect(step.interval[0]).toBeLessThan(step.fromPrevious!);
        expect(step.interval[1]).toBeGreaterThan(step.fromPrevious!);
      }
    }
    const { leak, fix } = given.summary;
    const { get, site } = given;
    const until = async (from: string, to: string) => {
      const query = `from=${from}&to=${to}&steps=stage:interest,stage:consideration`;
      return (await get<FunnelReport>(`sites/${site.siteKey}/reports/funnel?${query}`)).steps[1]!.fromPrevious!;
    };
    const dayBefore = new Date(Date.parse(fix.day) - DAY).toISOString().slice(0, 10);
    const before = await until('2026-08-25', dayBefore);
    expect(Math.abs(before - (1 - leak.lost))).toBeLessThan(0.02);
    expect(Math.abs((await until(fix.day, '2026-11-12')) / before - 1 - fix.gain)).toBeLessThan(0.1);
  });

  test('the campaign that was planted is found in its days, and in no others', async () => {
    const { get, site, summary } = given;
    const { name, from, to } = summary.campaign;
    const brought = async (first: string, last: string) => {
      const query = `from=${first}&to=${last}&by=campaign`;
      const { breakdown } = await get<FunnelReport>(`sites/${site.siteKey}/reports/funnel?${query}`);
      return breakdown.find(({ value }) => value === name)?.visitors[0] ?? 0;
    };
    const beside = (day: string, days: number) => new Date(Date.parse(day) + days * DAY).toISOString().slice(0, 10);
    const labelled = people.filter(({ firstTouch }) => firstTouch?.campaign === name).length;
    expect(labelled).toBeGreaterThan(10);
    expect(await brought(from, to)).toBe(labelled);
    expect(await brought('2026-08-25', beside(from, -1))).toBe(0);
    expect(await brought(beside(to, 1), '2026-11-22')).toBe(0);
  });

  test('a breakdown adds up to the whole', async () => {
    const { steps, breakdown } = await given.report<FunnelReport>('funnel', '&by=channel');
    expect(breakdown.length).toBeGreaterThan(4);
    for (const [index, { visitors }] of steps.entries())
      expect(breakdown.reduce((sum, row) => sum + row.visitors[index]!, 0)).toBe(visitors);
    const social = people.filter(({ firstTouch }) => firstTouch?.channel === 'Paid Social');
    expect(breakdown.find(({ value }) => value === 'Paid Social')!.visitors[0]).toBe(social.length);
  });

  test.each(['device', 'browser'])('a breakdown by %s is that of the first sessions', async (by) => {
    const { steps, breakdown } = await given.report<FunnelReport>('funnel', `&by=${by}`);
    const { store, site } = given;
    const counts = new Map<string | null, number>();
    for (const { visitorId } of people) {
      const sessions = await store.sessions(site.siteKey, visitorId, 100);
      const value = sessions.at(-1)![by as 'device'];
      counts.set(value, (counts.get(value) ?? 0) + 1);
    }
    expect(counts.size).toBeGreaterThan(1);
    expect(new Map(breakdown.map(({ value, visitors }) => [value, visitors[0]]))).toEqual(counts);
    expect(breakdown.reduce((sum, row) => sum + row.visitors[4]!, 0)).toBe(steps[4]!.visitors);
  });

  test('a funnel of events, pages and signals is the recount of the events', async () => {
    const { store, site } = given;
    const events = new Map<string, Array<[number, string, string]>>();
    for await (const { visitorId, event, bot } of store.events(site.siteKey, {}))
      if (!bot)
        events.set(visitorId, [
          ...(events.get(visitorId) ?? []),
          [event.time, event.name, new URL(event.url!).pathname],
        ]);
    const [page, cart, order] = [0, 0, 0].map(() => new Set<string>());
    for (const [id, all] of events) {
      const sorted = all.sort((a, b) => a[0] - b[0]);
      const first = sorted.findIndex(([, name, path]) => name === 'page_view' && path.startsWith('/products/'));
      if (first < 0) continue;
      page!.add(id);
      const added = sorted.findIndex(([, name], index) => index > first && name === 'add_to_cart');
      if (added < 0) continue;
      cart!.add(id);
      if (sorted.some(([, name], index) => index > added && name === 'purchase')) order!.add(id);
    }
    const { steps } = await given.report<FunnelReport>(
      'funnel',
      '&steps=page:/products/*,event:add_to_cart,signal:order',
    );
    expect(steps.map(({ visitors }) => visitors)).toEqual([page!.size, cart!.size, order!.size]);
    expect(order!.size).toBeGreaterThan(20);
  });

  test('a window that is open makes nobody lost', async () => {
    const { get, site } = given;
    const query = 'from=2026-11-01&to=2026-11-22&window=30&steps=stage:awareness,stage:interest';
    const { steps } = await get<FunnelReport>(`sites/${site.siteKey}/reports/funnel?${query}`);
    expect(steps[0]!.lost).toBe(0);
    expect(steps[0]!.inProgress).toBeGreaterThan(0);
  });

  test('the flow counts every move, and the stays that go on', async () => {
    const flow = await given.report<FlowReport>('flow', '&dormantAfter=3660');
    const all = [...moves.values()].flat();
    expect(flow.moves.reduce((sum, { visitors }) => sum + visitors, 0)).toBe(all.length);
    for (const { from, to, visitors } of flow.moves)
      expect([from, to, visitors]).toEqual([
        from,
        to,
        all.filter((each) => each.from === from && each.to === to).length,
      ]);
    expect(all.some(({ from, to }) => rank(to) < rank(from))).toBe(true);
    const slept = await given.report<FlowReport>('flow');
    expect(slept).toMatchObject({ dormantAfter: 30, stays: flow.stays });
    const seen = await Promise.all(
      people.map(async ({ visitorId }) => {
        const sessions = await given.store.sessions(given.site.siteKey, visitorId, 1000);
        return sessions.map(({ startedAt }) => startedAt).sort((a, b) => a - b);
      }),
    );
    // Whoever was not there for so long falls asleep, and some come back.
    const gaps = (starts: number[]) => starts.map((at, index) => (starts[index + 1] ?? NOW) - at);
    const asleep = slept.moves.filter(({ to }) => to === 'dormant').reduce((sum, { visitors }) => sum + visitors, 0);
    expect(asleep).toBe(seen.flatMap(gaps).filter((gap) => gap > 30 * DAY).length);
    expect(asleep).toBeGreaterThan(50);
    const awake = new Set(people.filter((_, at) => NOW - seen[at]!.at(-1)! <= 30 * DAY).map((each) => each.visitorId));
    for (const { from, reached, wentOn, stillThere, lost } of slept.steps) {
      const next = firstAt(STAGES[rank(from) + 1]!);
      const there = [...firstAt(from).keys()].filter(
        (id) => !next.has(id) && awake.has(id) && people.find((each) => each.visitorId === id)!.stage === from,
      );
      expect([stillThere, lost]).toEqual([there.length, reached - wentOn - there.length]);
    }
    expect(slept.steps.some(({ stillThere }) => stillThere > 5)).toBe(true);
    expect(flow.stays.reduce((sum, { open }) => sum + open, 0)).toBe(people.filter(({ stage }) => stage).length);
    for (const { from, reached, wentOn } of flow.steps) {
      const next = STAGES[rank(from) + 1]!;
      expect([reached, wentOn]).toEqual([firstAt(from).size, firstAt(next).size]);
    }
    expect(slept.leak).toMatchObject({ from: 'interest', to: 'consideration' });
    // Of one channel: those who first came by it.
    expect(flow.channels.length).toBeGreaterThan(2);
    for (const { channel, people: count } of flow.channels) {
      const own = new Set(people.filter((each) => each.firstTouch?.channel === channel).map((each) => each.visitorId));
      expect(own.size).toBe(count);
      const part = await given.report<FlowReport>('flow', `&dormantAfter=3660&channel=${encodeURIComponent(channel)}`);
      const ofOwn = [...moves].filter(([id]) => own.has(id)).flatMap(([, each]) => each);
      expect(part.moves.reduce((sum, { visitors }) => sum + visitors, 0)).toBe(ofOwn.length);
      for (const { from, reached } of part.steps)
        expect(reached).toBe([...firstAt(from).keys()].filter((id) => own.has(id)).length);
      expect(part.channels).toEqual(flow.channels);
    }
    expect((await given.report<FlowReport>('flow', '&channel=Nobody')).moves).toEqual([]);
  });

  test('every model of attribution gives out each entry once, for what came before it alone', async () => {
    const { channels, entries, withoutTouch } = await given.report<AttributionReport>('attribution');
    expect(entries).toBe(firstAt('action').size);
    expect(withoutTouch).toBe(0);
    for (const model of [
      'first',
      'last',
      'lastNonDirect',
      'linear',
      'position',
      'timeDecay',
      'markov',
      'shapley',
    ] as const)
      expect(channels.reduce((sum, row) => sum + row[model], 0)).toBeCloseTo(entries, 4);
    // Of first touches the visitors themselves tell.
    const buyers = people.filter(({ visitorId }) => firstAt('action').has(visitorId));
    for (const { channel, first } of channels)
      expect([channel, first]).toEqual([
        channel,
        buyers.filter(({ firstTouch }) => firstTouch!.channel === channel).length,
      ]);
  });

  test('a visit after an entry changes nothing of its credit', async () => {
    const { report, send, store, site } = await retail(40);
    const before = await report<AttributionReport>('attribution');
    const buyer = (await store.everyVisitor(site.siteKey, undefined, 1000)).find(({ peak }) => peak === 'action')!;
    const late = { siteKey: site.siteKey };
    const event = makeEvent('page_view', {
      url: 'https://demo.example/?utm_source=google&utm_medium=cpc',
      sessionId: 'late',
      time: NOW - 1000,
    });
    expect((await send(buyer.visitorId, [event], late, { Origin: 'https://demo.example' })).status).toBe(200);
    const after = await report<AttributionReport>('attribution');
    const credits = ({ channels }: AttributionReport) =>
      Object.fromEntries(
        channels
          .map((row) => [row.channel, { ...row, sessions: 0, visitors: 0, markov: 0 }])
          .filter(([, row]) => (row as { linear: number }).linear),
      );
    expect(credits(after)).toEqual(credits(before));
  });

  test('what those who went on had in common came before they did', async () => {
    const { stage, visitors, wentOn, features } = await given.report<CommonReport>('common', '&stage=consideration');
    expect([stage, visitors, wentOn]).toEqual([
      'consideration',
      firstAt('interest').size,
      firstAt('consideration').size,
    ]);
    const search = features.find(({ feature }) => feature === 'signal:search')!;
    expect(search.did).toBeGreaterThan(search.didAndWentOn);
    expect(search.didAndWentOn).toBeLessThanOrEqual(wentOn);
    for (const { q, p, did } of features) {
      expect(q).toBeGreaterThanOrEqual(p);
      expect(did).toBeGreaterThanOrEqual(10);
    }
    // An order comes after: nobody had one before.
    expect(features.map(({ feature }) => feature)).not.toContain('signal:order');
  });

  test('RFM counts what buyers bought', async () => {
    const { store, site } = given;
    const spent = new Map<string, number>();
    for await (const { visitorId, event, bot } of store.events(site.siteKey, { name: 'purchase' }))
      if (!bot) spent.set(visitorId, (spent.get(visitorId) ?? 0) + (event.props!.value as number));
    const { buyers, revenue, groups, cells, signal } = await given.report<RfmReport>('rfm');
    expect(signal).toBe('order');
    expect(buyers).toBe(spent.size);
    expect(revenue).toBeCloseTo(
      [...spent.values()].reduce((sum, each) => sum + each, 0),
      4,
    );
    expect(groups.reduce((sum, each) => sum + each.buyers, 0)).toBe(buyers);
    expect(cells.reduce((sum, each) => sum + each.buyers, 0)).toBe(buyers);
  });

  test('the measures of the stages are those of the events', async () => {
    const { store, site } = given;
    let [sum, orders] = [0, 0];
    const inCart = new Set<string>();
    for await (const { visitorId, event, bot } of store.events(site.siteKey, {})) {
      if (bot) continue;
      if (event.name === 'add_to_cart') inCart.add(visitorId);
      if (event.name !== 'purchase') continue;
      sum += event.props!.value as number;
      orders++;
    }
    const { kpis, template } = await given.report<KpiReport>('kpis');
    expect([template, kpis.map(({ stage }) => stage)]).toEqual(['retail', [...STAGES]]);
    expect(kpis[0]).toMatchObject({ signal: 'visit', measure: 'visitors', value: people.length, before: 0 });
    expect(kpis[2]).toMatchObject({ signal: 'cart', value: inCart.size });
    expect(kpis[3]).toMatchObject({ signal: 'order', measure: 'value', label: { zh: '销售额' } });
    expect(kpis[3]!.value).toBeCloseTo(sum, 4);
    expect(orders).toBeGreaterThan(50);
    const half = await given.get<KpiReport>(`sites/${site.siteKey}/reports/kpis?from=2026-10-09&to=2026-11-22`);
    expect(half.kpis[3]!.value! + half.kpis[3]!.before!).toBeCloseTo(sum, 4);
  });

  test('every report says under which rules it was made', async () => {
    for (const name of REPORTS) expect(await given.report<{ rules: number }>(name)).toMatchObject({ rules: 1 });
  });

  test.each(['day', 'week', 'month'])('the lifecycle by %s has everybody new once', async (period) => {
    const { periods } = await given.report<LifecycleReport>('lifecycle', `&period=${period}`);
    expect(periods.reduce((sum, row) => sum + row.new, 0)).toBe(people.length);
    expect(periods.some((row) => row.returning > 0)).toBe(true);
    expect(periods.some((row) => row.dormant > 0)).toBe(true);
    if (period === 'week') for (const { from } of periods) expect(new Date(from).getUTCDay()).toBe(1);
  });

  test.each(['day', 'week', 'month'])('cohorts by %s are what a count of every person’s days says', async (period) => {
    const { cohorts } = await given.report<CohortsReport>('cohorts', `&period=${period}`);
    const from = new Map(cohorts.map((cohort) => [cohort.from, cohort]));
    /** The first day of a day's period, by the calendar. */
    const startOf = (day: string) => {
      const date = new Date(`${day}T00:00:00Z`);
      if (period === 'week') date.setUTCDate(date.getUTCDate() - ((date.getUTCDay() + 6) % 7));
      if (period === 'month') date.setUTCDate(1);
      return date.toISOString().slice(0, 10);
    };
    const counted = new Map<string, Map<string, number>>();
    for (const { facts } of people) {
      const counts = [facts, ...Object.values(facts.orders).map(([, , each]) => each)];
      const days = counts.flatMap(({ signals }) => Object.values(signals).flatMap((byDay) => Object.keys(byDay)));
      const periods = [...new Set(days.map(startOf))].sort();
      const row = counted.get(periods[0]!) ?? new Map<string, number>();
      counted.set(periods[0]!, row);
      for (const each of periods) row.set(each, (row.get(each) ?? 0) + 1);
    }
    expect(cohorts.length).toBeLessThanOrEqual(60);
    const starts = cohorts.map((cohort) => cohort.from);
    for (const [start, { people: size, active }] of from) {
      const row = counted.get(start) ?? new Map<string, number>();
      expect(size).toBe(row.get(start) ?? 0);
      expect(active).toEqual(starts.slice(starts.indexOf(start)).map((each) => row.get(each) ?? 0));
    }
    if (period !== 'day') expect(cohorts.reduce((sum, each) => sum + each.people, 0)).toBe(people.length);
  });

  test.each([
    ['funnel', 'steps=stage:interest', /steps/],
    ['funnel', 'steps=stage:intrest,stage:action', /stage:intrest/],
    ['funnel', 'steps=stage:interest,signal:nosuch', /nosuch/],
    ['funnel', 'order=sideways', /order/],
    ['funnel', 'steps=stage:interest?,stage:action', /first one/],
    ['funnel', 'steps=stage:interest,stage:action?', /another such/],
    ['funnel', 'order=any&steps=stage:interest,signal:visit?,stage:action', /order is any/],
    ['funnel', 'hold=colour', /hold/],
    ['funnel', 'rules=9', /no version 9/],
    ['stages', 'rules=9', /no version 9/],
    ['attribution', 'signal=nothing', /a signal with a value, got nothing/],
    ['attribution', 'signal=visit', /a signal with a value, got visit/],
    ['funnel', 'by=weather', /by/],
    ['funnel', 'window=0', /window/],
    ['common', 'stage=awareness', /another comes before/],
    ['rfm', 'signal=visit', /value/],
    ['lifecycle', 'period=year', /period/],
    ['flow', 'from=2026-02-30', /from/],
  ])('%s says what is wrong with %s', async (name, query, error) => {
    const { app, site } = given;
    const response = await app.request(`/api/sites/${site.siteKey}/reports/${name}?${query}`, {
      headers: { Authorization: 'Bearer admin-token' },
    });
    expect(response.status).toBe(400);
    expect(((await response.json()) as { error: string }).error).toMatch(error);
  });
});

const answers = async ({ send, site }: TestCollector, scores: unknown[], userId?: string) => {
  for (const [index, score] of scores.entries())
    await send(
      newId(),
      [makeEvent('nps', { props: { score: score as number }, time: NOW - 1000 + index })],
      userId ? { userId } : {},
      userId ? { Authorization: `Bearer ${site.secretKey}` } : {},
    );
};

test('a version of the rules has everybody as if it had always been in force, whatever was published since', async () => {
  const { get, site, app, report } = await retail(120);
  const first = await get<Rules>(`sites/${site.siteKey}/rules/versions/1`);
  const publish = async (rules: object) => {
    const response = await app.request(`/api/sites/${site.siteKey}/rules?wait=true&confirm=true&apply=now`, {
      method: 'PUT',
      headers: { Authorization: 'Bearer admin-token' },
      body: JSON.stringify(rules),
    });
    expect(response.status).toBe(200);
  };
  const next = { ...first, signals: { ...first.signals, search: { event: 'page_view' } } };
  await publish(next);
  await publish({ ...next, stages: { ...next.stages, awareness: { when: { signal: 'visit', count: { gte: 1 } } } } });
  const steps = async () => (await report<FunnelReport>('funnel', '&rules=2')).steps.map(({ visitors }) => visitors);
  const before = await steps();
  await publish(first);
  expect(await steps()).toEqual(before);
});

test('an order of tomorrow, by a clock that is ahead, breaks no report', async () => {
  const { get, site, send } = await makeCollector();
  const secret = { Authorization: `Bearer ${site.secretKey}` };
  for (let index = 0; index < 110; index++)
    await send(
      newId(),
      [0, 20, 45]
        .slice(0, 1 + (index % 3))
        .map((days) => makeEvent('purchase', { time: NOW - (50 - days) * DAY, props: { value: 9 } })),
      {},
      secret,
    );
  await send(newId(), [makeEvent('purchase', { time: NOW + 36 * 3_600_000, props: { value: 9 } })], {}, secret);
  const { buyers, ltv } = await get<ValueReport>(`sites/${site.siteKey}/reports/value`);
  expect(buyers).toBe(111);
  expect(ltv.fitted!.ordersNextYear).toBeGreaterThan(0);
});

test('NPS takes the latest answer of each person, and no answer that is none', async () => {
  const collector = await makeCollector();
  const { get, site, store } = collector;
  const empty = await get<NpsReport>(`sites/${site.siteKey}/reports/nps`);
  expect(empty).toMatchObject({ nps: null, promoters: 0 });
  await answers(collector, [10, 9, 8, 0, '9', 11, null]);
  await answers(collector, [0, 10], 'u1');
  await restageDue(store, NOW);
  expect(await get<NpsReport>(`sites/${site.siteKey}/reports/nps`)).toMatchObject({
    promoters: 3,
    passives: 1,
    detractors: 1,
    nps: 40,
  });
});

test('what was looked at, and who went on after it', async () => {
  const { send, get, site } = await makeCollector();
  const at = (minutes: number) => NOW - 3_600_000 + minutes * 60_000;
  const view = (path: string, minutes: number, title = path) =>
    makeEvent('page_view', { url: `https://www.example.com${path}`, title, time: at(minutes) });
  const made = (name: string, minutes: number, props: object) =>
    makeEvent(name, { url: 'https://www.example.com/contact', time: at(minutes), props: props as never });
  // Went on to buy after the guide, which was seen twice.
  await send(newId(), [
    view('/guide', 1),
    view('/guide', 2, 'The guide'),
    made('purchase', 9, { value: 5 }),
    view('/thanks', 10),
  ]);
  await send(newId(), [
    view('/guide', 1),
    made('file_download', 2, { file_name: 'a.pdf' }),
    made('search', 3, { search_term: ' Blue ' }),
    made('form_start', 4, { form_id: 'ask' }),
    made('form_abandon', 5, { form_id: 'ask', last_field: 'phone', seconds: 30 }),
    made('web_vital', 6, { metric: 'LCP', value: 1000 }),
    made('web_vital', 6, { metric: 'CLS', value: 0.12 }),
  ]);
  await send(newId(), [
    view('/about', 1),
    made('search', 3, { search_term: 'blue' }),
    made('form_start', 4, { form_id: 'ask' }),
    made('form_submit', 5, { form_id: 'ask' }),
    made('form_abandon', 5, { form_id: 'ask', last_field: 'phone', seconds: 10 }),
    made('web_vital', 6, { metric: 'LCP', value: 3000 }),
    made('web_vital', 6, { metric: 'LCP', value: -1 }),
  ]);
  await send(newId(), [view('/guide', 1)], {}, { 'User-Agent': 'AhrefsBot/7.0' });
  const content = await get<ContentReport>(`sites/${site.siteKey}/reports/content?from=2026-11-22&to=2026-11-22`);
  // The one who filled in a form went on too, after what came before it.
  const wentOn = Object.fromEntries(content.pages.map(({ path, wentOn: share }) => [path, share]));
  expect(content.pages.map(({ path, visitors, times, title }) => [path, visitors, times, title])).toEqual([
    ['/guide', 2, 3, 'The guide'],
    ['/about', 1, 1, '/about'],
    ['/thanks', 1, 1, '/thanks'],
  ]);
  expect(wentOn['/guide']).toBeGreaterThanOrEqual(0.5);
  expect(wentOn['/thanks']).toBe(0);
  expect(content.downloads).toMatchObject([{ file: 'a.pdf', visitors: 1, times: 1 }]);
  expect(content.searches).toMatchObject([{ term: 'blue', visitors: 2, times: 2 }]);
  expect(content.forms).toEqual([
    {
      form: 'ask',
      visitors: 2,
      wentOn: 0.5,
      started: 2,
      submitted: 1,
      abandoned: 2,
      gaveUp: 2,
      rate: 0.5,
      lastField: 'phone',
      seconds: 20,
    },
  ]);
  expect(content.vitals).toEqual([
    { path: '/contact', metric: 'LCP', p75: 2500, count: 2 },
    { path: '/contact', metric: 'CLS', p75: 0.12, count: 1 },
  ]);
  const action = content.entries.find(({ stage }) => stage === 'action')!;
  expect(action).toEqual({ stage: 'action', entered: 1, pages: [{ path: '/guide', visitors: 1 }] });
});

test('the rate of a form is of the people who began it, however often it was sent and by whom else', async () => {
  const { send, get, site } = await makeCollector();
  const made = (name: string, second: number) =>
    makeEvent(name, { time: NOW - 60_000 + second * 1000, props: { form_id: 'ask' } });
  await send(newId(), [made('form_start', 1), ...[2, 3, 4].map((second) => made('form_submit', second))]);
  await send(newId(), [made('form_submit', 1), made('form_start', 2), made('form_abandon', 3)]);
  await send(newId(), [made('form_submit', 1)]);
  const { forms } = await get<ContentReport>(`sites/${site.siteKey}/reports/content?from=2026-11-22&to=2026-11-22`);
  expect(forms).toMatchObject([{ visitors: 3, started: 2, submitted: 5, gaveUp: 1, rate: 0.5 }]);
});

test('sources that are not known wait to be given a channel, and what is given can be taken back', async () => {
  const { send, get, site, app } = await makeCollector();
  const visit = (referrer: string, sessionId = 's') =>
    makeEvent('page_view', { url: 'https://www.example.com/', referrer, sessionId, time: NOW - 60_000 });
  const [ada, ben] = [newId(), newId()];
  await send(ada, [visit('https://Partner.example/x'), visit('https://partner.example/y', 't')]);
  await send(ben, [visit('https://partner.example/'), makeEvent('purchase', { sessionId: 's', props: { value: 5 } })]);
  await send(newId(), [visit('https://www.google.com/')]);
  await send(newId(), [visit('https://other.example/')]);
  const { siteKey } = site;
  const range = 'from=2026-11-20&to=2026-11-22';
  const report = () => get<SourcesReport>(`sites/${siteKey}/reports/sources?${range}`);
  const rows = async () =>
    (await report()).sources.map((row) => [
      row.source,
      row.channel,
      row.sessions,
      row.visitors,
      row.isUnknown,
      row.isGiven,
    ]);
  const partner = (channel: string, isGiven: boolean) => ['partner.example', channel, 3, 2, !isGiven, isGiven];
  expect((await rows()).slice(0, 3)).toEqual([
    partner('Referral', false),
    ['other.example', 'Referral', 1, 1, true, false],
    ['google.com', 'Organic Search', 1, 1, false, false],
  ]);
  const give = async (channels: unknown) => {
    const response = await app.request(`/api/sites/${siteKey}`, {
      method: 'PATCH',
      headers: { Authorization: 'Bearer admin-token' },
      body: JSON.stringify({ channels }),
    });
    return [response.status, await response.json()];
  };
  const attributed = async () =>
    (await get<AttributionReport>(`sites/${siteKey}/reports/attribution?${range}`)).channels.map((row) => row.channel);
  expect(await attributed()).toEqual(['Referral', 'Organic Search']);
  expect(await give({ 'Partner.example ': 'Affiliates' })).toMatchObject([
    200,
    { channels: { 'partner.example': 'Affiliates' } },
  ]);
  expect(await rows()).toContainEqual(partner('Affiliates', true));
  expect((await rows())[0]![0]).toBe('other.example');
  expect(await attributed()).toContain('Affiliates');
  const seen = await get<{ firstTouch: object }>(`sites/${siteKey}/visitors/${ada}`);
  expect(seen.firstTouch).toMatchObject({ source: 'partner.example', channel: 'Affiliates' });
  const { breakdown } = await get<FunnelReport>(`sites/${siteKey}/reports/funnel?${range}&by=channel`);
  expect(breakdown.map(({ value }) => value)).toContain('Affiliates');
  for (const wrong of [['a'], { a: 7 }, { a: ' ' }, { a: 'x'.repeat(300) }])
    expect(await give(wrong)).toMatchObject([400, { error: /^channels: expected/ }]);
  // Labels that name no source have a name too.
  await send(newId(), [
    makeEvent('page_view', { url: 'https://www.example.com/?utm_medium=odd', sessionId: 'odd', time: NOW - 50_000 }),
  ]);
  expect(await rows()).toContainEqual(['(not set)', 'Unassigned', 1, 1, true, false]);
  expect(await give({ '(not set)': 'Partners' })).toMatchObject([200, {}]);
  expect(await rows()).toContainEqual(['(not set)', 'Partners', 1, 1, false, true]);
  expect(await attributed()).toContain('Partners');
  expect(await give({})).toMatchObject([200, { channels: {} }]);
  expect((await rows())[0]).toEqual(partner('Referral', false));
  expect(await attributed()).toEqual(['Referral', 'Organic Search', 'Unassigned']);
});

test('what channels cost and what came back, by every model', async () => {
  const { send, get, site, app, store } = await makeCollector();
  const at = (day: number) => Date.UTC(2026, 10, day, 9);
  const visit = (day: number, medium: string, ...events: ReturnType<typeof makeEvent>[]) => [
    makeEvent('page_view', {
      time: at(day),
      sessionId: `${medium}${day}`,
      url: `https://www.example.com/?utm_source=${medium === 'cpc' ? 'google' : 'letter'}&utm_medium=${medium}`,
    }),
    ...events,
  ];
  const order = (day: number, value: number, sessionId: string) =>
    makeEvent('purchase', { time: at(day) + 60_000, sessionId, props: { value } });
  // By mail, then by an advertisement, and bought for 100, and later for 20 more.
  await send(newId(), [...visit(10, 'email'), ...visit(12, 'cpc', order(12, 100, 'cpc12')), order(14, 20, 'cpc12')]);
  await send(newId(), visit(11, 'email', order(11, 40, 'email11')));
  await send(newId(), visit(11, 'email'));
  const put = async (costs: unknown, type = 'application/json') => {
    const response = await app.request(`/api/sites/${site.siteKey}/costs`, {
      method: 'PUT',
      headers: { Authorization: 'Bearer admin-token', 'Content-Type': type },
      body: type === 'text/csv' ? String(costs) : JSON.stringify({ costs }),
    });
    return [response.status, await response.json()];
  };
  const costs = [
    { day: '2026-11-10', channel: 'Email', cost: 10 },
    { day: '2026-11-12', channel: 'Paid Search', cost: 999 },
    { day: '2026-11-12', channel: 'Display', cost: 5 },
    { day: '2026-10-01', channel: 'Email', cost: 70 },
  ];
  expect(await put(costs)).toEqual([
    200,
    { costs: 4, replaced: 0, from: '2026-10-01', to: '2026-11-12', unknownChannels: [] },
  ]);
  expect(await put([{ ...costs[1], channel: 'paid SEARCH', cost: 30 }])).toMatchObject([
    200,
    { costs: 1, replaced: 1 },
  ]);
  expect(await put([costs[0], { ...costs[0], cost: -1 }])).toMatchObject([
    400,
    { error: /^costs\[1\]: cost: .*nothing/ },
  ]);
  expect(await put([{ ...costs[0], day: '2026-02-30' }])).toMatchObject([400, { error: /day/ }]);
  expect(await put('x')).toMatchObject([400, { error: /list/ }]);
  expect(await get(`sites/${site.siteKey}/costs?from=2026-11-12`)).toEqual({
    costs: [costs[2], { ...costs[1], cost: 30 }],
  });
  const { channels } = await get<AttributionReport>(
    `sites/${site.siteKey}/reports/attribution?from=2026-11-01&to=2026-11-22&stage=action`,
  );
  const of = (channel: string) => channels.find((row) => row.channel === channel)!;
  const [email, paid] = [of('Email'), of('Paid Search')];
  expect([email.first, email.last, email.linear]).toEqual([2, 1, 1.5]);
  expect(email.cost).toBe(10);
  expect(email.revenue).toMatchObject({ first: 160, last: 40, linear: 100 });
  expect(paid.revenue).toMatchObject({ first: 0, last: 120, linear: 60 });
  expect(email.cac).toMatchObject({ first: 5, last: 10 });
  expect(paid.cac).toMatchObject({ first: null, last: 30 });
  expect(paid.roas).toMatchObject({ first: 0, last: 4, linear: 2 });
  expect(of('Display')).toMatchObject({ sessions: 0, linear: 0, cost: 5, cac: { linear: null }, roas: { linear: 0 } });
  for (const model of ['first', 'timeDecay', 'markov', 'shapley'] as const)
    expect(channels.reduce((sum, row) => sum + row.revenue![model], 0)).toBeCloseTo(160, 4);
  // A channel may be called as a thing that every object has.
  expect(await put([{ day: '2026-11-12', channel: 'constructor', cost: 5 }])).toMatchObject([
    200,
    { unknownChannels: ['constructor'] },
  ]);
  const odd = await get<AttributionReport>(`sites/${site.siteKey}/reports/attribution?from=2026-11-01&to=2026-11-22`);
  expect(odd.channels.find(({ channel }) => channel === 'constructor')).toMatchObject({
    cost: 5,
    markov: 0,
    shapley: 0,
  });
  expect(await put([{ day: '2026-11-12', channel: 'constructor', cost: null }])).toMatchObject([200, {}]);
  expect(await put([{ day: 'x', channel: 'y', cost: null }])).toMatchObject([400, { error: /day/ }]);
  expect(await get(`sites/${site.siteKey}/costs?from=2026-11-12`)).toMatchObject({ costs: [{}, {}] });
  expect(await put([{ ...costs[0], channel: 'a\nb' }])).toMatchObject([400, { error: /channel/ }]);
  expect(await store.costs('st_none', '2026-01-01', '2026-12-31').catch(() => [])).toEqual([]);

  // What is known of a source, a medium or a campaign is told where these are credited; what is not stands beside.
  const table = (...lines: string[]) => ['day,channel,source,medium,campaign,cost', ...lines].join('\n');
  const spring = '2026-11-12,Paid Search,google,cpc,spring';
  const bing = '2026-11-12,Paid Search,bing,cpc,,7';
  expect(await put(table(`${spring},20`, `${spring},5`, bing), 'text/csv')).toMatchObject([
    200,
    { costs: 2, replaced: 0 },
  ]);
  const paidSearch = { day: '2026-11-12', channel: 'Paid Search' };
  expect(await get(`sites/${site.siteKey}/costs?from=2026-11-12`)).toEqual({
    costs: [
      costs[2],
      { ...paidSearch, cost: 30 },
      { ...paidSearch, source: 'bing', medium: 'cpc', cost: 7 },
      { ...paidSearch, source: 'google', medium: 'cpc', campaign: 'spring', cost: 25 },
    ],
  });
  const dry = await app.request(`/api/sites/${site.siteKey}/costs?dry=true`, {
    method: 'PUT',
    headers: { Authorization: 'Bearer admin-token', 'Content-Type': 'Text/CSV; charset=utf-8' },
    body: table(`${spring},1`),
  });
  expect(await dry.json()).toMatchObject({ costs: 1, replaced: 1 });
  const costBy = async (by: string) => {
    const report = await get<AttributionReport>(
      `sites/${site.siteKey}/reports/attribution?from=2026-11-01&to=2026-11-22&by=${by}`,
    );
    const spent = report.channels.filter(({ cost }) => cost !== null);
    return [Object.fromEntries(spent.map(({ channel, cost }) => [channel, cost])), report.unnamedCost];
  };
  expect(await costBy('channel')).toEqual([{ Email: 10, 'Paid Search': 62, Display: 5 }, 0]);
  expect(await costBy('source')).toEqual([{ google: 25, bing: 7 }, 45]);
  expect(await costBy('medium')).toEqual([{ cpc: 32 }, 45]);
  expect(await costBy('campaign')).toEqual([{ spring: 25 }, 52]);
  expect(await put(table(`${spring},x`), 'text/csv')).toEqual([
    400,
    {
      error:
        'line 2: cost: expected an amount from 0 such as 1200.50, in the currency of the orders; nothing was changed',
    },
  ]);
  expect(await put('day,cost\n2026-11-12,3', 'text/csv')).toMatchObject([400, { error: /channel/ }]);
  // A source's day is said anew as a whole, and another's stays what it is.
  expect(await put([{ ...paidSearch, source: 'google', cost: 4 }])).toMatchObject([200, { costs: 1, replaced: 1 }]);
  expect(await costBy('source')).toEqual([{ google: 4, bing: 7 }, 45]);
  const remove = async (query: string) => {
    const response = await app.request(`/api/sites/${site.siteKey}/costs/${query}`, {
      method: 'DELETE',
      headers: { Authorization: 'Bearer admin-token' },
    });
    return [response.status, await response.json()];
  };
  const range = 'from=2026-11-12&to=2026-11-12';
  expect(await remove(`Paid%20Search?source=bing&${range}`)).toEqual([200, { removed: 0 }]);
  expect(await remove(`Paid%20Search?source=bing&medium=cpc&${range}`)).toEqual([200, { removed: 1 }]);
  expect(await remove('Paid%20Search')).toEqual([200, { removed: 1 }]);
  expect(await remove('Email?from=yesterday')).toMatchObject([400, { error: /from/ }]);
  expect(await costBy('source')).toEqual([{ google: 4 }, 15]);
});

test('costs of names beyond those that are told apart stand with the others', async () => {
  const { app, send, get, site } = await makeCollector();
  for (let name = 0; name < 45; name++)
    await send(newId(), [
      makeEvent('page_view', {
        url: `https://www.example.com/?utm_source=s${name}&utm_medium=cpc&utm_campaign=c${name}`,
      }),
    ]);
  await app.request(`/api/sites/${site.siteKey}/costs`, {
    method: 'PUT',
    headers: { Authorization: 'Bearer admin-token', 'Content-Type': 'application/json' },
    body: JSON.stringify({
      costs: Array.from({ length: 46 }, (_, name) => ({
        day: '2026-11-22',
        channel: 'Paid Search',
        campaign: `c${name}`,
        cost: 1,
      })),
    }),
  });
  const { channels } = await get<AttributionReport>(
    `sites/${site.siteKey}/reports/attribution?from=2026-11-01&to=2026-11-22&stage=awareness&by=campaign`,
  );
  expect(channels).toHaveLength(42);
  expect(channels.find(({ channel }) => channel === '(other)')).toMatchObject({ sessions: 5, cost: 5 });
  expect(channels.find(({ channel }) => channel === 'c45')).toMatchObject({ sessions: 0, cost: 1 });
});

test('a step that may be left out holds nobody up, and what is held must be the same in all steps', async () => {
  const { send, get, site } = await makeCollector();
  const made = (names: string[], items: string[] = []) =>
    names.map((name, index) =>
      makeEvent(name, { time: NOW - 100_000 + index * 1000, props: { item: items[index] ?? 'a' } }),
    );
  await send(newId(), made(['view_item', 'add_to_cart', 'purchase']));
  await send(newId(), made(['view_item', 'purchase']));
  await send(newId(), made(['view_item', 'add_to_cart']));
  // Out of order: looked at, bought, and only then put into the cart.
  await send(newId(), made(['view_item', 'purchase', 'add_to_cart']));
  // Looked at one thing, and bought another.
  await send(newId(), made(['view_item', 'purchase'], ['a', 'b']));
  // A second thing was bought straight away.
  await send(newId(), made(['view_item', 'add_to_cart', 'view_item', 'purchase'], ['a', 'a', 'b', 'b']));
  const funnel = (query: string) => get<FunnelReport>(`sites/${site.siteKey}/reports/funnel?${query}`);
  // Without a window whoever has not got further may still.
  const noWindow = await get<FunnelReport>(`sites/${site.siteKey}/reports/funnel?steps=event:view_item,event:purchase`);
  expect(noWindow.steps.map(({ inProgress, lost }) => [inProgress, lost])).toEqual([
    [1, 0],
    [0, 0],
  ]);
  // It is over a minute after the last that was done.
  const steps = `steps=event:view_item,event:add_to_cart?,event:purchase&window=${90 / 86_400}`;
  const free = await funnel(steps);
  expect(free.steps.map(({ visitors, lost, isOptional }) => [visitors, lost, isOptional])).toEqual([
    [6, 1, false],
    [4, 0, true],
    [5, 0, false],
  ]);
  expect(free.steps.map(({ fromPrevious }) => fromPrevious)).toEqual([null, 4 / 6, 5 / 6]);
  expect(free.leak).toMatchObject({ from: 'event:view_item', to: 'event:purchase' });
  const held = await funnel(`${steps}&hold=props.item`);
  expect(held).toMatchObject({ hold: 'props.item' });
  expect(held.steps.map(({ visitors, lost }) => [visitors, lost])).toEqual([
    [6, 2],
    [4, 0],
    [4, 0],
  ]);
  // Whoever did nothing that could be held still stood at the stage.
  await send(newId(), [makeEvent('page_view')]);
  const staged = await funnel('steps=stage:awareness,event:purchase&hold=props.item');
  const unheld = await funnel('steps=stage:awareness,event:purchase');
  expect(staged.steps.map(({ visitors }) => visitors)).toEqual(unheld.steps.map(({ visitors }) => visitors));
  expect(staged.steps[0]!.visitors).toBe(7);
  const required = await funnel(`${steps.replace('?', '')}&hold=props.item`);
  expect(required.steps.map(({ visitors }) => visitors)).toEqual([6, 4, 1]);
});

test('campaigns are credited whatever they are called, the rarest of very many together', async () => {
  const { send, get, site } = await makeCollector();
  const names = ['__proto__', 'constructor', 'a\nb', 'a', 'b', '"', ...Array.from({ length: 40 }, (_, at) => `c${at}`)];
  for (const [at, utm_campaign] of names.entries()) {
    const source = { utm_source: 'x', utm_medium: 'email', utm_campaign };
    const time = NOW - (100 - at) * 60_000;
    // The first are there twice, so that they are among those of most sessions.
    for (const moment of at < 6 ? [time, time - DAY] : [time])
      await send(newId(), [
        makeEvent('page_view', { time: moment, source, sessionId: `s${at}${moment}` }),
        makeEvent('purchase', { time: moment + 1, props: { value: 2 }, sessionId: `s${at}${moment}` }),
      ]);
  }
  const report = await get<AttributionReport>(`sites/${site.siteKey}/reports/attribution?by=campaign`);
  expect(report.entries).toBe(names.length + 6);
  const rows = new Map(report.channels.map((row) => [row.channel, row]));
  expect(rows.size).toBe(41);
  for (const name of names.slice(0, 6))
    expect([name, rows.get(name)]).toMatchObject([name, { sessions: 2, last: 2, shapley: 2 }]);
  expect(rows.get('(other)')).toMatchObject({ sessions: 6, visitors: 6, first: 6, linear: 6 });
  for (const model of ['first', 'shapley', 'markov'] as const)
    expect(report.channels.reduce((sum, row) => sum + row[model], 0)).toBeCloseTo(report.entries, 4);
  // Each opens into whose sessions they are.
  for (const name of names.slice(0, 6)) {
    const { count } = await get<{ count: number }>(
      `sites/${site.siteKey}/visitors?did=${encodeURIComponent(`campaign:${name}`)}`,
    );
    expect([name, count]).toEqual([name, 2]);
  }
  expect(await get(`sites/${site.siteKey}/reports/attribution?by=device`)).toMatchObject({
    error: expect.stringContaining('by: expected') as string,
  });
});

test('whoever stays away is dormant, and enters again from there; what only the rules changed is no move', async () => {
  const { send, get, putRules, site, clock } = await makeCollector();
  const at = (daysAgo: number, path = '/') =>
    makeEvent('page_view', {
      time: NOW - daysAgo * DAY,
      url: `https://www.example.com${path}`,
      sessionId: `s${daysAgo}`,
    });
  const moves = async (query = '') =>
    (await get<FlowReport>(`sites/${site.siteKey}/reports/flow?from=2026-01-01${query}`)).moves
      .map(({ from, to, visitors }) => `${from} ${to} ${visitors}`)
      .sort();
  const rules = (pricing: string) => ({
    signals: { visit: { event: 'page_view' }, pricing: { event: 'page_view', path: pricing } },
    stages: {
      awareness: { when: { signal: 'visit', within: 90 } },
      interest: { when: { signal: 'pricing', within: 7 } },
    },
  });
  await putRules(rules('/pricing'));
  const [returner, gone, regular] = [newId(), newId(), newId()];
  // Each is told when it happened: windows end meanwhile.
  const all: Array<[number, string, string]> = [
    [200, returner, '/pricing'],
    // Back after all windows had ended, and after the interest had.
    [100, returner, '/pricing'],
    [60, returner, '/'],
    [59, returner, '/pricing'],
    [200, gone, '/pricing'],
    ...[80, 55, 30, 5].map((days): [number, string, string] => [days, regular, '/']),
  ];
  for (const [daysAgo, who, path] of all.sort(([a], [b]) => b - a)) {
    clock.now = NOW - daysAgo * DAY;
    await send(who, [at(daysAgo, path)]);
  }
  clock.now = NOW;
  const expected = [
    // Two who looked at prices at once, and one who did not.
    'null interest 2',
    'null awareness 1',
    // Interest ended a week after each look.
    'interest awareness 4',
    // After 30 days each: three times, and who never came again.
    'awareness dormant 4',
    'dormant interest 1',
    'dormant awareness 1',
    'awareness interest 1',
  ];
  expect(await moves()).toEqual(expected.sort());
  // Had the rules always been in force it would have been the same, back up on the day on which it fell too.
  expect(await moves('&rules=2')).toEqual(expected.sort());
  // Who is only called otherwise has not moved.
  await putRules(rules('/'));
  expect(await moves()).toEqual(expected.sort());
  expect(await moves('&rules=2')).toEqual(expected.sort());
});

test('falls at the beginning of a day on which somebody comes back are told under other rules too', async () => {
  const { send, get, putRules, site, clock, store } = await makeCollector();
  const rules = {
    signals: { visit: { event: 'page_view' }, docs: { event: 'page_view', path: '/docs' } },
    stages: { awareness: { when: { signal: 'visit' } }, interest: { when: { signal: 'docs', within: 7 } } },
  };
  await putRules(rules);
  const id = newId();
  for (const daysAgo of [28, 21, 14, 7]) {
    clock.now = NOW - daysAgo * DAY - 36_000_000;
    await restageDue(store, clock.now);
    clock.now = NOW - daysAgo * DAY;
    await send(id, [
      makeEvent('page_view', { time: clock.now, url: 'https://www.example.com/docs', sessionId: `s${daysAgo}` }),
    ]);
  }
  clock.now = NOW;
  await restageDue(store, clock.now);
  const flow = (query = '') =>
    get<FlowReport>(`sites/${site.siteKey}/reports/flow?from=2026-10-01&to=2026-11-22${query}`);
  const known = await flow();
  expect(known.moves).toEqual(
    [
      { from: 'awareness', to: 'interest', visitors: 3, people: 1, share: 1 },
      { from: 'interest', to: 'awareness', visitors: 4, people: 1, share: 1 },
      { from: null, to: 'interest', visitors: 1, people: 1, share: 1 },
    ].sort((a, b) => b.visitors - a.visitors),
  );
  await putRules({ ...rules, tags: { any: { when: { signal: 'visit' }, dimension: 'intent' } } });
  expect(await flow('&rules=2')).toMatchObject({ moves: known.moves, stays: known.stays });
});

test('what people did before it turned out who they are is told of each browser, and since then of them', async () => {
  const { send, get, site } = await makeCollector();
  const secret = { Authorization: `Bearer ${site.secretKey}` };
  const at = (hours: number, path: string) =>
    makeEvent('page_view', { time: NOW - hours * 3_600_000, url: `https://www.example.com${path}`, sessionId: path });
  const [phone, desk] = [newId(), newId()];
  await send(phone, [at(9, '/'), at(9, '/products/a')]);
  await send(desk, [at(8, '/')]);
  for (const id of [phone, desk]) await send(id, [], { userId: 'u' }, secret);
  await send(desk, [makeEvent('purchase', { time: NOW - 3_600_000, props: { value: 1 }, sessionId: '/' })]);
  const { moves } = await get<FlowReport>(`sites/${site.siteKey}/reports/flow`);
  expect(moves.map(({ from, to, visitors }) => `${from} ${to} ${visitors}`).sort()).toEqual([
    'awareness interest 1',
    'interest action 1',
    'null awareness 2',
  ]);
});

test('who is entered by rules that came later entered when it happened', async () => {
  const { send, get, putRules, site } = await makeCollector();
  const visit = (minutes: number, path: string, session: string, medium = '') =>
    makeEvent('page_view', {
      time: NOW - DAY + minutes * 60_000,
      url: `https://www.example.com${path}${medium && `?utm_source=x&utm_medium=${medium}`}`,
      sessionId: session,
    });
  const id = newId();
  await send(id, [visit(0, '/', 'a', 'organic'), visit(1, '/a', 'a'), visit(2, '/trial', 'a'), visit(3, '/b', 'a')]);
  await send(id, [visit(400, '/docs', 'b', 'email')]);
  const last = async () => {
    const report = await get<AttributionReport>(`sites/${site.siteKey}/reports/attribution`);
    return report.channels.flatMap(({ channel, last: credit }) => (credit ? [[channel, credit]] : []));
  };
  expect(await last()).toEqual([]);
  const signals = {
    visit: { event: 'page_view' },
    trial: { event: 'page_view', path: '/trial' },
    docs: { event: 'page_view', path: '/docs' },
  };
  const stages = { awareness: { when: { signal: 'visit' } }, action: { when: { signal: 'trial' } } };
  await putRules({ signals, stages });
  expect(await last()).toEqual([['Organic Search', 1]]);
  // So it is where a condition alone changes, and in what they had in common before.
  await putRules({
    signals,
    stages: { ...stages, action: { when: { all: [{ signal: 'trial' }, { signal: 'docs' }] } } },
  });
  expect(await last()).toEqual([['Email', 1]]);
  const steps = 'steps=stage:awareness,stage:action,signal:docs';
  const funnel = await get<FunnelReport>(`sites/${site.siteKey}/reports/funnel?${steps}`);
  expect(funnel.steps.map(({ visitors }) => visitors)).toEqual([1, 1, 0]);
  await putRules({ signals, stages });
  const before = await get<FunnelReport>(`sites/${site.siteKey}/reports/funnel?${steps}`);
  expect(before.steps.map(({ visitors }) => visitors)).toEqual([1, 1, 1]);
});

test('a report can be asked for under another version of the rules: it is what it was under it', async () => {
  const { get, site, app, report } = await retail(150);
  const read = async (query = '') =>
    Object.fromEntries([
      ...(await Promise.all(REPORTS.map(async (name) => [name, await report<object>(name, query)] as const))),
      ['orders', await report<object>('attribution', `${query}&signal=order`)],
    ]) as Record<(typeof REPORTS)[number] | 'orders', object>;
  const before = await read();
  const rules = await get<Rules>(`sites/${site.siteKey}/rules/versions/1`);
  const publish = async (next: object) => {
    const response = await app.request(`/api/sites/${site.siteKey}/rules?wait=true&confirm=true`, {
      method: 'PUT',
      headers: { Authorization: 'Bearer admin-token' },
      body: JSON.stringify(next),
    });
    expect(response.status).toBe(200);
  };
  const { consideration, ...others } = rules.stages;
  const product = { ...rules.signals.product_view!, path: '/nowhere/*' };
  const order = { ...rules.signals.order!, props: { value: { gte: 1e9 } } };
  await publish({ ...rules, signals: { ...rules.signals, product_view: product, order } });
  await publish({
    ...rules,
    stages: { ...others, consideration: { when: { any: [consideration!.when, { signal: 'visit' }] } } },
  });
  const now = await read();
  expect(now.funnel).not.toEqual(before.funnel);
  const pinned = await read('&rules=1');
  for (const name of [...REPORTS, 'orders'] as const)
    expect({ name, ...pinned[name] }).toEqual({ name, ...before[name] });
  expect((pinned.orders as AttributionReport).entries).toBeGreaterThan(5);
  const second = await report<FunnelReport>('funnel', '&rules=2');
  expect(second).toMatchObject({ rules: 2 });
  expect(second.steps).not.toEqual((before.funnel as FunnelReport).steps);
});

test('what customers are worth is counted from their orders, and who was invited from their first touch', async () => {
  const { send, get, site, clock } = await makeCollector();
  clock.now = Date.UTC(2026, 10, 22, 12);
  const at = (month: number, day: number) => Date.UTC(2026, month, day, 9);
  const order = (time: number, value: number) => makeEvent('purchase', { time, props: { value } });
  // Bought in August, September and October; in August alone; twice on one day in November, which is not over.
  await send(newId(), [
    order(at(7, 3), 10),
    order(at(8, 2), 20),
    order(at(9, 2), 30),
    makeEvent('invite'),
    makeEvent('invite'),
  ]);
  await send(newId(), [order(at(7, 10), 40)]);
  await send(newId(), [order(at(10, 1), 5), order(at(10, 1) + 60_000, 5)]);
  await send(newId(), [
    makeEvent('page_view', { url: `https://www.example.com/?utm_source=friend&utm_medium=invite` }),
  ]);
  const value = await get<ValueReport>(`sites/${site.siteKey}/reports/value?margin=0.5&years=2`);
  expect(value).toMatchObject({
    signal: 'order',
    buyers: 3,
    orders: 6,
    revenue: 110,
    people: 4,
    invitations: 2,
    invited: 1,
    k: 0.25,
    loopDays: 111,
    repurchaseRate: 2 / 3,
    // Second orders after 30 and 0 days, and one buyer still to come after 104.
    medianDaysToSecond: 30,
  });
  expect(value.amplification).toBeCloseTo(1 / 0.75, 9);
  expect(value.averageOrder).toBeCloseTo(110 / 6, 9);
  // August: two active, one came again; September: one, who came again. October's next month is not over.
  expect(value.monthlyRetention).toBeCloseTo(2 / 3, 9);
  expect(value.revenueRetention).toBeCloseTo((20 + 30) / (50 + 20), 9);
  expect(value.ltv.historic).toBeCloseTo(110 / 3, 9);
  // The first order, and what comes after it in two years.
  expect(value.ltv.simple).toBeCloseTo(value.averageOrder! * 0.5 * (1 + value.ordersPerYear! * 2), 9);
  const monthly = (70 / 3) * 0.5;
  expect(value.ltv.retention).toBeCloseTo((monthly * (1 + 0.1 / 12)) / (1 + 0.1 / 12 - 2 / 3), 9);
});

test('of a site without an order nothing is made up', async () => {
  const { get, site } = await makeCollector();
  expect(await get<ValueReport>(`sites/${site.siteKey}/reports/value`)).toMatchObject({
    buyers: 0,
    averageOrder: null,
    ltv: { historic: null, simple: null, retention: null },
    k: null,
    medianDaysToSecond: null,
  });
});

describe('when somebody got to a stage', () => {
  const landing = (query: string, time: number, more = {}) =>
    makeEvent('page_view', { url: `https://www.example.com/${query}`, time, sessionId: `s${time}`, ...more });
  const search = '?utm_source=google&utm_medium=organic';
  const mail = '?utm_source=news&utm_medium=email';
  const last = async ({ get, site }: TestCollector) => {
    const { channels } = await get<AttributionReport>(
      `sites/${site.siteKey}/reports/attribution?from=2026-10-24&to=2026-11-22`,
    );
    return Object.fromEntries(channels.filter((row) => row.last).map((row) => [row.channel, row.last]));
  };

  test('is credited to nothing that came after it, however soon', async () => {
    const collector = await makeCollector();
    const { send, site } = collector;
    const secret = { Authorization: `Bearer ${site.secretKey}` };
    const order = (time: number) => [makeEvent('purchase', { time, props: { value: 5 }, sessionId: undefined })];
    const [buyer, unseen] = [newId(), newId()];
    await send(buyer, [landing(search, NOW - DAY)]);
    await send(buyer, order(NOW - DAY + 5000), {}, secret);
    await send(buyer, [landing(mail, NOW - DAY + 6000)]);
    await send(unseen, order(NOW - DAY), {}, secret);
    await send(unseen, [landing(mail, NOW - DAY + 1)]);
    expect(await last(collector)).toEqual({ 'Organic Search': 1 });
    // A clock that is ahead makes the session no later than its order.
    const ahead = newId();
    await send(ahead, [
      landing(mail, NOW + 300_000),
      makeEvent('purchase', { time: NOW + 301_000, props: { value: 1 }, sessionId: `s${NOW + 300_000}` }),
    ]);
    expect(await last(collector)).toEqual({ 'Organic Search': 1, Email: 1 });
  });

  test('or each order is credited, with what is left of it, to what came before that order', async () => {
    const collector = await makeCollector();
    const { send, get, site } = collector;
    const order = (id: string, time: number, value: number, session: number) =>
      makeEvent('purchase', { time, props: { transaction_id: id, value }, sessionId: `s${session}` });
    const [first, second] = [NOW - 60 * DAY, NOW - 9 * DAY];
    const id = newId();
    await send(id, [landing(search, first), order('a', first + 9, 100, first)]);
    await send(id, [landing(mail, second), order('b', second + 9, 900, second), order('b', second + 10, 900, second)]);
    await send(id, [
      order('c', second + DAY, 50, second),
      makeEvent('refund', { time: NOW - DAY, props: { transaction_id: 'c', value: 20 }, sessionId: `s${second}` }),
    ]);
    await send(newId(), [landing(search, NOW - 5 * DAY)]);
    const report = (query: string) => get<AttributionReport>(`sites/${site.siteKey}/reports/attribution?${query}`);
    const whole = await report('from=2026-09-01&to=2026-11-22&signal=order');
    expect(whole).toMatchObject({ stage: null, signal: 'order', entries: 3, withoutTouch: 0 });
    const row = (channel: string) => whole.channels.find((each) => each.channel === channel)!;
    expect([row('Organic Search').last, row('Email').last]).toEqual([1, 2]);
    expect([row('Organic Search').revenue!.last, row('Email').revenue!.last]).toEqual([100, 930]);
    // What was ordered before the range is not in it.
    const november = await report('from=2026-11-01&to=2026-11-22&signal=order');
    expect(november.entries).toBe(2);
    expect(november.channels.find(({ channel }) => channel === 'Email')!.revenue!.last).toBe(930);
    // By stages it is entered once, and what follows goes to that entry.
    const stage = await report('from=2026-09-01&to=2026-11-22');
    expect(stage).toMatchObject({ stage: 'action', signal: null, entries: 1 });
    expect(stage.channels.find(({ channel }) => channel === 'Organic Search')!.revenue!.last).toBe(1030);
    // Each session once, however many orders it was before.
    expect([row('Organic Search').sessions, row('Email').sessions]).toEqual([2, 1]);
    const { kpis } = await get<KpiReport>(`sites/${site.siteKey}/reports/kpis?from=2026-11-01&to=2026-11-22`);
    expect(kpis.find(({ signal }) => signal === 'order')!.value).toBe(930);
  });

  test('orders have what they came to, whatever else is of their day, and what another day repeats is none', async () => {
    const collector = await makeCollector();
    const { send, get, site } = collector;
    const paid = '?utm_source=google&utm_medium=cpc';
    const day = NOW - 2 * DAY - (NOW % DAY);
    const at = (hour: number) => day + hour * 3_600_000;
    const order = (hour: number, value: number, id?: string) =>
      makeEvent('purchase', {
        time: at(hour) + 9,
        props: { value, ...(id && { transaction_id: id }) },
        sessionId: `s${at(hour)}`,
      });
    const one = newId();
    await send(one, [landing(search, at(-20)), order(-20, 10, 'A')]);
    await send(one, [landing(mail, at(1)), order(1, 10, 'A')]);
    await send(one, [landing(paid, at(9)), order(9, 900, 'B')]);
    const two = newId();
    await send(two, [landing(mail, at(2)), order(2, 1, 'C'), landing(paid, at(5)), order(5, 999, 'D')]);
    // Without an id those of a day share what it came to.
    await send(newId(), [landing(search, at(3)), order(3, 4), landing(search, at(6)), order(6, 8)]);
    const { channels, entries } = await get<AttributionReport>(
      `sites/${site.siteKey}/reports/attribution?from=2026-11-01&to=2026-11-22&signal=order`,
    );
    expect(entries).toBe(6);
    expect(Object.fromEntries(channels.map((row) => [row.channel, [row.last, row.revenue!.last]]))).toEqual({
      'Organic Search': [3, 10 + 12],
      Email: [1, 1],
      'Paid Search': [2, 900 + 999],
    });
  });

  test('is when the rules in force have it, whatever others noticed on the same day', async () => {
    const collector = await makeCollector();
    const { send, putRules, get, site } = collector;
    const signals = {
      visit: { event: 'page_view' },
      docs: { event: 'page_view', path: '/docs' },
      trial: { event: 'page_view', path: '/trial' },
    };
    const rules = (action: string) => ({
      signals,
      stages: { awareness: { when: { signal: 'visit' } }, action: { when: { signal: action } } },
    });
    await putRules(rules('docs'));
    const day = NOW - DAY - (NOW % DAY);
    const at = (hour: number, path: string, query: string) =>
      makeEvent('page_view', {
        time: day + hour * 3_600_000,
        url: `https://www.example.com${path}${query}`,
        sessionId: `h${hour}`,
      });
    await send(newId(), [at(8, '/docs', mail), at(15, '/trial', '?utm_source=google&utm_medium=cpc')]);
    expect(await last(collector)).toEqual({ Email: 1 });
    await putRules(rules('trial'));
    expect(await last(collector)).toEqual({ 'Paid Search': 1 });
    const { channels } = await get<AttributionReport>(`sites/${site.siteKey}/reports/attribution?rules=2`);
    expect(channels.filter((row) => row.last).map(({ channel }) => channel)).toEqual(['Email']);
  });

  test('is when it was, not when it turned out whose visitor it is', async () => {
    const collector = await makeCollector();
    const { send, get, site } = collector;
    const id = newId();
    await send(id, [
      landing(search, NOW - 20 * DAY),
      makeEvent('purchase', { time: NOW - 20 * DAY + 9, props: { value: 5 }, sessionId: `s${NOW - 20 * DAY}` }),
    ]);
    await send(id, [landing(mail, NOW - DAY)], { userId: 'u' }, { Authorization: `Bearer ${site.secretKey}` });
    expect(await last(collector)).toEqual({ 'Organic Search': 1 });
    const funnel = await get<FunnelReport>(`sites/${site.siteKey}/reports/funnel?from=2026-11-02&to=2026-11-02`);
    expect(funnel.steps.map(({ visitors }) => visitors)).toEqual([1, 1, 1, 1, 0]);
    const flow = await get<FlowReport>(`sites/${site.siteKey}/reports/flow`);
    expect(flow.moves).toEqual([
      { from: null, to: 'awareness', visitors: 1, people: 1, share: 1 },
      { from: 'awareness', to: 'action', visitors: 1, people: 1, share: 1 },
    ]);
  });

  test('from channel to channel are the sessions that follow each other', async () => {
    const collector = await makeCollector();
    const { send, get, site } = collector;
    const [buyer, looker] = [newId(), newId()];
    await send(buyer, [landing(search, NOW - 9 * DAY)]);
    await send(buyer, [landing(mail, NOW - 8 * DAY)]);
    await send(buyer, [landing(search, NOW - 7 * DAY)]);
    await send(buyer, [
      makeEvent('purchase', { time: NOW - 7 * DAY + 9, props: { value: 5 }, sessionId: `s${NOW - 7 * DAY}` }),
    ]);
    await send(buyer, [landing(mail, NOW - 6 * DAY)]);
    await send(looker, [landing(search, NOW - 5 * DAY)]);
    await send(looker, [landing(mail, NOW - 4 * DAY)]);
    const { moves: found } = await get<AttributionReport>(`sites/${site.siteKey}/reports/attribution`);
    expect(found).toEqual([
      { from: 'Organic Search', to: 'Email', times: 2, beforeEntry: 1 },
      { from: 'Email', to: 'Organic Search', times: 1, beforeEntry: 1 },
    ]);
  });

  test('is when it was, not when rules were published', async () => {
    const collector = await makeCollector();
    const { send, putRules } = collector;
    const id = newId();
    await send(id, [
      landing(search, NOW - 20 * DAY),
      makeEvent('buy', { time: NOW - 20 * DAY + 9, sessionId: `s${NOW - 20 * DAY}` }),
    ]);
    await send(id, [landing(mail, NOW - DAY)]);
    await putRules({
      signals: { buy: { event: 'buy' } },
      stages: { action: { when: { signal: 'buy' }, sticky: true } },
    });
    expect(await last(collector)).toEqual({ 'Organic Search': 1 });
  });

  test('a channel whose visitors never got to any stage has lost them all the same', async () => {
    const collector = await makeCollector();
    const { send, putRules, get, site } = collector;
    await putRules({ signals: { buy: { event: 'buy' } }, stages: { action: { when: { signal: 'buy' } } } });
    for (let index = 0; index < 9; index++) await send(newId(), [landing(search, NOW - DAY)]);
    await send(newId(), [
      landing(search, NOW - DAY),
      makeEvent('buy', { time: NOW - DAY + 5, sessionId: `s${NOW - DAY}` }),
    ]);
    const { channels } = await get<AttributionReport>(`sites/${site.siteKey}/reports/attribution`);
    expect(channels).toMatchObject([{ channel: 'Organic Search', sessions: 10, last: 1, markov: 1 }]);
  });

  test('a browser whose clock is ahead has its touch before its entry', async () => {
    const { send, get, site, clock } = await makeCollector();
    await send(newId(), [landing('pricing', NOW + 120_000)]);
    clock.now += DAY;
    const report = await get<AttributionReport>(`sites/${site.siteKey}/reports/attribution?stage=interest`);
    expect(report).toMatchObject({ entries: 1, withoutTouch: 0, channels: [{ channel: 'Direct', last: 1 }] });
  });
});

test('a stage is a step after the event that brought it', async () => {
  const { send, get, site } = await makeCollector();
  await send(newId(), [
    makeEvent('page_view', { time: NOW - 5000 }),
    makeEvent('purchase', { props: { value: 5 }, time: NOW - 10 }),
  ]);
  for (const steps of ['event:purchase,stage:action', 'signal:order,stage:action', 'page:/,stage:awareness']) {
    const report = await get<FunnelReport>(`sites/${site.siteKey}/reports/funnel?steps=${steps}`);
    expect([steps, ...report.steps.map(({ visitors }) => visitors)]).toEqual([steps, 1, 1]);
  }
  // One page view is one step, and no event makes itself a step by its name.
  await send(newId(), [makeEvent('page_view', { url: 'https://www.example.com/pricing' }), makeEvent('stage:loyalty')]);
  const of = async (query: string) =>
    (await get<FunnelReport>(`sites/${site.siteKey}/reports/funnel?${query}`)).steps.map(({ visitors }) => visitors);
  expect(await of('steps=event:page_view,page:/pricing')).toEqual([2, 0]);
  expect(await of('steps=event:page_view,stage:loyalty&order=strict')).toEqual([2, 0]);
  // The event that brings a stage stands for it, and what a page tells of itself is between no steps.
  expect(await of('steps=page:/,stage:action&order=strict')).toEqual([1, 1]);
  const at = (name: string, ago: number, path = '/a') =>
    makeEvent(name, { time: NOW - ago, url: `https://www.example.com${path}` });
  await send(newId(), [at('page_view', 900), at('web_vital', 800), at('scroll', 700), at('page_view', 600, '/b')]);
  expect(await of('steps=page:/a,page:/b&order=strict')).toEqual([1, 1]);
  await send(newId(), [at('page_view', 900), at('search', 700), at('page_view', 600, '/b')]);
  expect(await of('steps=page:/a,page:/b&order=strict')).toEqual([2, 1]);
});

test('who is judged to be human counts in every report, with what was done before', async () => {
  const { send, get, site, app } = await makeCollector();
  const id = newId();
  const agent = { 'User-Agent': 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)' };
  await send(id, [makeEvent('page_view'), makeEvent('nps', { props: { score: 10 } })], {}, agent);
  const of = async () => {
    const [events, nps, touches] = await Promise.all([
      get<FunnelReport>(`sites/${site.siteKey}/reports/funnel?steps=event:page_view,event:nps`),
      get<NpsReport>(`sites/${site.siteKey}/reports/nps`),
      get<AttributionReport>(`sites/${site.siteKey}/reports/attribution?stage=awareness`),
    ]);
    return [events.steps[1]!.visitors, nps.promoters, touches.entries - touches.withoutTouch];
  };
  const before = await of();
  await app.request(`/api/sites/${site.siteKey}/visitors/${id}/bot`, {
    method: 'PUT',
    headers: { Authorization: 'Bearer admin-token' },
    body: '{"bot":null}',
  });
  expect([before, await of()]).toEqual([
    [0, 0, 0],
    [1, 1, 1],
  ]);
});

test('a day that begins at one o’clock has no event of the day before', async () => {
  const { send, get, site, store, clock } = await makeCollector();
  await store.updateSite(site.siteKey, { timeZone: 'Africa/Cairo' });
  clock.now = Date.UTC(2026, 3, 25, 12);
  await send(newId(clock.now), [makeEvent('page_view', { time: Date.UTC(2026, 3, 24, 21, 30) })]);
  const on = async (day: string) =>
    (
      await get<FunnelReport>(
        `sites/${site.siteKey}/reports/funnel?from=${day}&to=${day}&steps=event:page_view,event:x`,
      )
    ).steps[0]!.visitors;
  expect((await on('2026-04-24')) + (await on('2026-04-25'))).toBe(1);
});

test('a user with two browsers is one in every report', async () => {
  const { send, site, get } = await makeCollector();
  const secret = { Authorization: `Bearer ${site.secretKey}` };
  await send(newId(), [makeEvent('page_view', { sessionId: 'a' })], { userId: 'u' }, secret);
  await send(newId(), [makeEvent('purchase', { sessionId: 'b', props: { value: 5 } })], { userId: 'u' }, secret);
  const of = <T>(name: string, query = '') => get<T>(`sites/${site.siteKey}/reports/${name}?${query}`);
  expect((await of<FunnelReport>('funnel')).steps.map(({ visitors }) => visitors)).toEqual([1, 1, 1, 1, 0]);
  const mixed = await of<FunnelReport>('funnel', 'steps=event:page_view,event:purchase&order=any');
  expect(mixed.steps.map(({ visitors }) => visitors)).toEqual([1, 1]);
  expect(await of<RfmReport>('rfm')).toMatchObject({ buyers: 1, revenue: 5 });
  const { periods } = await of<LifecycleReport>('lifecycle', 'period=day');
  expect(periods.at(-1)).toMatchObject({ new: 1 });
});

test('what happens in the evening of today is measured at once, though by UTC it is tomorrow', async () => {
  const { app, send, get, site, clock } = await makeCollector();
  await app.request(`/api/sites/${site.siteKey}`, {
    method: 'PATCH',
    headers: { Authorization: 'Bearer admin-token', 'Content-Type': 'application/json' },
    body: JSON.stringify({ timeZone: 'America/New_York' }),
  });
  clock.now = Date.parse('2026-11-23T01:30:00Z');
  await send(newId(), [makeEvent('page_view', { time: clock.now - 60_000 })]);
  const visitors = async (range: string) => {
    const { kpis } = await get<KpiReport>(`sites/${site.siteKey}/reports/kpis?${range}`);
    return kpis[0]!.value;
  };
  expect(await visitors('from=2026-11-22&to=2026-11-22')).toBe(1);
  expect(await visitors('from=2026-11-21&to=2026-11-21')).toBe(0);
  const path = `sites/${site.siteKey}/visitors?counted=kpis:visit&from=2026-11-22&to=2026-11-22`;
  expect(await get(path)).toMatchObject({ count: 1 });
  // When that day is over, it is told by days of UTC, as all are.
  clock.now += 86_400_000;
  expect(await visitors('from=2026-11-22&to=2026-11-22')).toBe(0);
  expect(await visitors('from=2026-11-23&to=2026-11-23')).toBe(1);
});

/** Rules without `interest` and `loyalty`: a view, a lead, an order. */
const SHORT: Rules = {
  version: 1,
  signals: {
    visit: { event: 'page_view' },
    lead: { event: 'generate_lead' },
    order: { event: 'purchase', value: 'props.value' },
    ...Object.fromEntries(['a', 'b', 'c', 'd', 'helps'].map((name) => [name, { event: name }])),
  },
  stages: {
    awareness: { when: { signal: 'visit' } },
    consideration: { when: { signal: 'lead' } },
    action: { when: { signal: 'order' } },
  },
  tags: {},
};

describe('what those who went on had in common', () => {
  /** People who came 20 days ago; a third left a lead at some time within two weeks, and what else they did they did at any time. */
  async function crowd(seed: number) {
    const collector = await makeCollector();
    await collector.putRules(SHORT);
    const random = seeded(seed);
    const start = NOW - 20 * DAY;
    for (let index = 0; index < 400; index++) {
      const events = [makeEvent('page_view', { time: start })];
      for (const name of ['a', 'b', 'c', 'd'])
        for (let time = start; (time -= Math.round(Math.log(random()) * 10 * DAY)) < NOW;)
          events.push(makeEvent(name, { time }));
      const isHelped = random() < 0.5;
      if (isHelped) events.push(makeEvent('helps', { time: start + 1000 }));
      if (random() < (isHelped ? 0.5 : 0.2))
        events.push(makeEvent('generate_lead', { time: start + 2000 + Math.round(random() * 14 * DAY) }));
      expect((await collector.send(newId(NOW - index), events)).status).toBe(200);
    }
    const at = `sites/${collector.site.siteKey}/reports/common?stage=consideration&from=2026-10-25&to=2026-11-22`;
    return collector.get<CommonReport>(at);
  }

  test.each([1, 2, 3, 4])('is not what they had more time for, and is what helps (seed %s)', async (seed) => {
    const { before, visitors, wentOn, features } = await crowd(seed);
    expect([before, visitors]).toEqual(['awareness', 400]);
    expect(wentOn).toBeGreaterThan(100);
    expect(features.map(({ feature }) => feature).sort()).toEqual(
      ['a', 'b', 'c', 'd', 'helps'].map((name) => `signal:${name}`),
    );
    for (const { feature, q, ci } of features) {
      if (feature === 'signal:helps') {
        expect(q).toBeLessThan(0.001);
        expect(ci[0]).toBeGreaterThan(1);
      } else expect([feature, q < 0.05]).toEqual([feature, false]);
    }
  });
});

test('a stage that the rules do not have is no step', async () => {
  const { putRules, send, get, site } = await makeCollector();
  await putRules(SHORT);
  for (let index = 0; index < 40; index++) {
    const time = NOW - 60 * DAY;
    const events = [makeEvent('page_view', { time })];
    if (index < 20) events.push(makeEvent('generate_lead', { time: time + 1000 }));
    if (index < 18) events.push(makeEvent('purchase', { time: time + 2000, props: { value: 5 } }));
    await send(newId(NOW - index), events);
  }
  const report = <T>(name: string) => get<T>(`sites/${site.siteKey}/reports/${name}?from=2026-09-01&to=2026-11-22`);
  const { steps, leak } = await report<FlowReport>('flow');
  expect(steps.map(({ from, to, reached, wentOn }) => [from, to, reached, wentOn])).toEqual([
    ['awareness', 'consideration', 40, 20],
    ['consideration', 'action', 20, 18],
  ]);
  expect(leak).toMatchObject({ from: 'awareness', to: 'consideration', lost: 20 });
  const { funnel } = await report<StagesReport>('stages');
  expect(funnel.map(({ fromPrevious }) => fromPrevious)).toEqual([null, null, 0.5, 0.9, null]);
  const leaving = await report<LeavingReport>('leaving');
  expect(leaving.stages.map(({ stage, lost }) => [stage, lost])).toEqual([
    ['awareness', 20],
    ['consideration', 2],
  ]);
  const { entries } = await report<ContentReport>('content');
  expect(entries.map(({ stage }) => stage)).toEqual(['awareness', 'consideration', 'action']);
});
