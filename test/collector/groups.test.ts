/** Groups that take everybody's data: set as traits where rules ask for them. */
import { expect, test } from 'vitest';
import { workOn } from '../../collector/work.js';
import { resumeJobs } from '../../collector/work.js';
import type { Preview } from '../../collector/reports/preview.js';
import { makeCollector, makeEvent, newId, NOW, type TestCollector, type VisitorJson } from '../helpers/collector.js';
import { generalDocument } from '../helpers/rules.js';

const DAY = 86_400_000;
const RULES = {
  ...generalDocument,
  tags: {
    best: { when: { trait: 'stagetag.rfm', in: ['champions', 'loyal'] }, dimension: 'profile' },
    away: { when: { trait: 'stagetag.lifecycle', in: ['dormant', 'churned'] }, dimension: 'lifecycle' },
  },
};
const group = async ({ app, site }: TestCollector) =>
  (
    await app.request(`/api/sites/${site.siteKey}/groups`, {
      method: 'POST',
      headers: { Authorization: 'Bearer admin-token' },
    })
  ).json();

async function populate(collector: TestCollector): Promise<string[]> {
  const ids: string[] = [];
  for (let index = 0; index < 10; index++) {
    const id = newId();
    ids.push(id);
    // The first buys lately, often and for much; the last long ago, once and for little.
    const orders = Array.from({ length: 10 - index }, (_, each) =>
      makeEvent('purchase', { time: NOW - index * 9 * DAY - each * 3_600_000, props: { value: 100 - index * 9 } }),
    );
    await collector.send(id, orders);
  }
  return ids;
}

test('are set for whom they changed, known to the browser at its next exchange, and the same after a replay', async () => {
  const collector = await makeCollector();
  const { send, visitor, putRules, store, site, clock, ndjson } = collector;
  const ids = await populate(collector);
  expect(await group(collector)).toEqual({ people: 0, changed: 0 }); // No rule asks for them.
  await putRules(RULES);
  // Whoever publishes rules that ask for them has them at once.
  expect(await visitor(ids[0]!)).toMatchObject({
    tags: ['best'],
    facts: { traits: { 'stagetag.rfm': [NOW, expect.anything(), 'champions'] } },
  });
  expect(await visitor(ids[9]!)).toMatchObject({ tags: ['away'] });
  const seen = (await store.visitor(site.siteKey, ids[9]!))!;
  expect(await group(collector)).toEqual({ people: 10, changed: 0 });
  expect(await store.visitor(site.siteKey, ids[9]!)).toEqual(seen);

  const answer = (await (await send(ids[0]!, [makeEvent('page_view')], { rules: 2 })).json()) as {
    visitor: { tags: string[]; facts: { traits: object } };
  };
  expect(answer.visitor).toMatchObject({
    tags: ['best'],
    facts: { traits: { 'stagetag.rfm': [NOW, expect.anything(), 'champions'] } },
  });
  expect((await ndjson('?name=identify')).map(({ props }) => props)).toContainEqual({
    'stagetag.rfm': 'champions',
    'stagetag.lifecycle': 'new',
  });

  await store.markStale(site.siteKey);
  await store.addJob(site.siteKey, 2);
  await resumeJobs(
    store,
    workOn(store, () => clock.now),
    (error) => {
      throw error;
    },
  );
  expect(await visitor(ids[0]!)).toMatchObject({ tags: ['best'] });

  clock.now += 30 * DAY;
  expect(await group(collector)).toMatchObject({ people: 10 });
  expect(await visitor(ids[0]!)).toMatchObject({ tags: ['away', 'best'] });
});

test('of a user are one, whichever of the browsers bought', async () => {
  const collector = await makeCollector();
  const { send, site, visitor, putRules } = collector;
  const secret = { Authorization: `Bearer ${site.secretKey}` };
  await putRules(RULES);
  await populate(collector);
  const [one, two] = [newId(), newId()];
  const orders = (count: number) =>
    Array.from({ length: count }, () => makeEvent('purchase', { props: { value: 500 } }));
  await send(one, orders(6), { userId: 'u' }, secret);
  await send(two, orders(6), { userId: 'u' }, secret);
  expect(await group(collector)).toEqual({ people: 11, changed: 11 });
  for (const id of [one, two]) expect(await visitor(id)).toMatchObject({ tags: ['best'] });
});

test('are set where who is left out, or who fits, asks for them alone', async () => {
  const collector = await makeCollector();
  const { visitor, putRules } = collector;
  const ids = await populate(collector);
  await putRules({
    ...generalDocument,
    exclude: { gone: { when: { trait: 'stagetag.lifecycle', in: ['dormant', 'churned'] } } },
    score: {
      ...generalDocument.score,
      fit: [{ when: { trait: 'stagetag.rfm', in: ['champions', 'loyal'] }, points: 7 }],
    },
  });
  expect(await visitor(ids[9]!)).toMatchObject({ bot: 'excluded:gone' });
  expect(await visitor(ids[0]!)).toMatchObject({ bot: null, scores: { profile: 7 } });
});

test('go by fixed limits where the rules have them, in the report as well', async () => {
  const collector = await makeCollector();
  const { visitor, putRules, get, site } = collector;
  const ids = await populate(collector);
  await putRules({
    ...RULES,
    rfm: { recencyDays: [10, 20, 30, 100], frequency: [1, 2, 3, 4], monetary: [1, 2, 3, 4] },
  });
  expect(await group(collector)).toEqual({ people: 10, changed: 0 });
  const traitOf = async (id: string) =>
    ((await visitor(id)).facts.traits as Record<string, unknown[]>)['stagetag.rfm']![2];
  // By fifths the second of ten would be no better than the first two of them are; here four orders are all it takes.
  expect(await Promise.all([0, 1, 2, 3].map((at) => traitOf(ids[at]!)))).toEqual([
    'champions',
    'champions',
    'champions',
    'loyal',
  ]);
  const { cells } = await get<{ cells: object[] }>(`sites/${site.siteKey}/reports/rfm`);
  expect(cells[0]).toEqual({ r: 5, fm: 5, buyers: 2 });
});

test('no page sets them, and who is no buyer any more is in none', async () => {
  const collector = await makeCollector();
  const { send, visitor, putRules, clock } = collector;
  await putRules(RULES);
  const [forger, ...ids] = [newId(), ...(await populate(collector))];
  const claim = { 'stagetag.rfm': 'champions', plan: 'pro' };
  await send(forger!, [makeEvent('identify', { time: NOW - DAY, props: claim })], { traits: claim });
  expect((await visitor(forger!)).tags).toEqual([]);
  await group(collector);
  expect((await visitor(forger!)).tags).toEqual([]);
  expect((await visitor(ids[0]!)).tags).toEqual(['best']);
  // As often as one likes: nothing more is to be said.
  expect(await group(collector)).toMatchObject({ changed: 0 });

  clock.now += 1000;
  const { order: _, ...signals } = RULES.signals;
  await putRules({ ...RULES, signals: { ...signals, order: { event: 'bought', value: 'props.value' } } });
  clock.now += 1000;
  expect((await visitor(ids[0]!)).tags).toEqual([]);
  expect(await group(collector)).toMatchObject({ changed: 0 });
});

test('a preview knows the groups that publishing would set, of whom the new rules leave out none', async () => {
  const collector = await makeCollector();
  const { visitor, putRules, app, site, get } = collector;
  const ids = await populate(collector);
  const rules = {
    ...RULES,
    exclude: { gone: { when: { trait: 'stagetag.lifecycle', eq: 'churned' } } },
    stages: { ...RULES.stages, loyalty: { when: { trait: 'stagetag.rfm', in: ['champions', 'loyal'] } } },
  };
  const response = await app.request(`/api/sites/${site.siteKey}/rules/preview`, {
    method: 'POST',
    headers: { Authorization: 'Bearer admin-token', 'Content-Type': 'application/json' },
    body: JSON.stringify(rules),
  });
  const preview = (await response.json()) as Preview;
  await putRules(rules);
  const now = await Promise.all(ids.map((id) => visitor(id) as Promise<VisitorJson & { bot: string | null }>));
  const counted = now.filter(({ bot }) => bot === null);
  expect(preview.excluded).toEqual({ before: 0, after: now.length - counted.length });
  expect(preview.tags.flatMap(({ tag, after }) => (tag in RULES.tags ? [[tag, after]] : []))).toEqual([
    ['away', counted.filter(({ tags }) => tags.includes('away')).length],
    ['best', counted.filter(({ tags }) => tags.includes('best')).length],
  ]);
  const loyal = counted.filter(({ stage }) => stage === 'loyalty').length;
  expect(loyal).toBeGreaterThan(0);
  expect(preview.stages.find(({ stage }) => stage === 'loyalty')!.after).toBe(loyal);
  const { stages } = await get<{ stages: Array<{ stage: string; current: number }> }>(
    `sites/${site.siteKey}/reports/stages`,
  );
  expect(stages.map(({ current }) => current)).toEqual(preview.stages.map(({ after }) => after));
});

test('who is left out for a group is still in one, so that nobody is left out for good, and no more of them every night', async () => {
  const collector = await makeCollector();
  const { send, visitor, putRules, clock } = collector;
  const ids = await populate(collector);
  await putRules({
    ...RULES,
    exclude: {
      staff: { when: { trait: 'role', eq: 'staff' } },
      lost: { when: { trait: 'stagetag.rfm', in: ['lost', 'hibernating', 'at_risk', 'about_to_sleep'] } },
      away: { when: { trait: 'stagetag.lifecycle', in: ['dormant', 'churned'] } },
    },
  });
  await send(newId(), [makeEvent('identify', { time: NOW - DAY, props: { role: 'staff' } }), makeEvent('purchase')]);
  const out = async () => {
    const all = await Promise.all(ids.map((id) => visitor(id) as Promise<VisitorJson & { bot: string | null }>));
    return all.map(({ bot }) => bot);
  };
  const before = await out();
  expect(before[9]).toMatch(/^excluded:/);
  expect(before[0]).toBeNull();
  for (let night = 0; night < 3; night++) expect(await group(collector)).toEqual({ people: 10, changed: 0 });
  expect(await out()).toEqual(before);
  clock.now += 1000;
  await send(
    ids[9]!,
    Array.from({ length: 12 }, (_, each) => makeEvent('purchase', { time: NOW - each * 1000, props: { value: 500 } })),
  );
  expect(await group(collector)).toMatchObject({ people: 10 });
  expect((await out())[9]).toBeNull();
});

test('what the collector says of somebody is nothing that they did, at a replay neither', async () => {
  const collector = await makeCollector();
  const { send, visitor, putRules, get, site } = collector;
  const id = newId();
  await send(id, [makeEvent('page_view', { time: NOW - 30 * DAY })]);
  await putRules({
    ...RULES,
    signals: { ...RULES.signals, known: { event: 'identify' }, anything: {} },
    score: { weights: { known: 5 }, halfLifeDays: 14 },
  });
  const lifecycle = async () =>
    (await visitor(id)).facts.traits['stagetag.lifecycle' as never] as unknown as [number, string, string];
  await group(collector);
  expect((await lifecycle())[2]).toBe('dormant');
  await group(collector);
  expect((await lifecycle())[2]).toBe('dormant');
  expect(await visitor(id)).toMatchObject({ tags: ['away'], score: 0 });
  await putRules({ ...RULES, signals: { ...RULES.signals, known: { event: 'identify' } } }, '?wait=true');
  expect((await visitor(id)).facts.signals).not.toHaveProperty('known');
  const report = await get<{ periods: Array<{ resurrected: number }> }>(`sites/${site.siteKey}/reports/lifecycle`);
  expect(report.periods.every(({ resurrected }) => !resurrected)).toBe(true);
});

test('nobody is away in a week that is not over', async () => {
  const collector = await makeCollector();
  const { send, get, site, clock } = collector;
  // A Monday: NOW is on any day of a week.
  const monday = NOW - (((new Date(NOW).getUTCDay() + 6) % 7) - 7) * DAY;
  await send(newId(), [makeEvent('page_view', { time: NOW - 9 * DAY }), makeEvent('page_view', { time: NOW })]);
  clock.now = monday;
  const states = async () => {
    const { periods } = await get<{ periods: Array<{ from: string; dormant: number; returning: number }> }>(
      `sites/${site.siteKey}/reports/lifecycle?from=2026-01-01&to=${new Date(clock.now).toISOString().slice(0, 10)}`,
    );
    return periods.at(-1)!;
  };
  expect(await states()).toMatchObject({ from: new Date(monday).toISOString().slice(0, 10), dormant: 0 });
  clock.now += 7 * DAY;
  expect(await states()).toMatchObject({ dormant: 0 });
  const { periods } = await get<{ periods: Array<{ dormant: number }> }>(
    `sites/${site.siteKey}/reports/lifecycle?from=2026-01-01&to=${new Date(clock.now).toISOString().slice(0, 10)}`,
  );
  expect(periods.at(-2)).toMatchObject({ dormant: 1 });
});

test('who would be in which under an older version is found out anew when that is asked for', async () => {
  const collector = await makeCollector();
  const { putRules, get, site, send, clock } = collector;
  await populate(collector);
  await putRules(RULES);
  await putRules(generalDocument);
  // Nobody's group is set any more, and more buy.
  clock.now += 60_000;
  for (let index = 0; index < 12; index++)
    await send(newId(), [
      makeEvent('purchase', { props: { value: 1000 + index } }),
      makeEvent('purchase', { props: { value: 1 } }),
    ]);
  const pinned = await get<{ tags: Array<{ tag: string; people: number }> }>(
    `sites/${site.siteKey}/reports/tags?rules=2`,
  );
  const best = pinned.tags.find(({ tag }) => tag === 'best')!.people;
  const { count } = await get<{ count: number }>(
    `sites/${site.siteKey}/visitors?rules=2&when=${encodeURIComponent('{"tag":"best"}')}`,
  );
  expect(count).toBe(best);
  await putRules(RULES);
  const now = await get<{ tags: Array<{ tag: string; people: number }> }>(`sites/${site.siteKey}/reports/tags`);
  expect(now.tags.find(({ tag }) => tag === 'best')!.people).toBe(best);
  expect(best).toBeGreaterThan(0);
  expect(await get(`sites/${site.siteKey}/visitors?rules=77`)).toMatchObject({
    error: expect.stringContaining('version 77'),
  });
});
