/** Whom a site's rules leave out of reports: who they are, from when, until when, and that a preview says so before. */
import { expect, test } from 'vitest';
import { restageDue } from '../../collector/jobs/restage.js';
import type { Preview } from '../../collector/reports/preview.js';
import { compileRules, parseRules, type Rules } from '../../sdk/core/index.js';
import { ADMIN, makeCollector, makeEvent, newId, NOW, type TestCollector } from '../helpers/collector.js';
import { generalDocument } from '../helpers/rules.js';

const DAY = 86_400_000;
const SITE = 'https://www.example.com';

const RULES = {
  ...generalDocument,
  signals: { ...generalDocument.signals, careers_view: { event: 'page_view', path: '*/jobs*' } },
  exclude: {
    staff: { when: { trait: 'role', eq: 'staff' } },
    job_seeker: { when: { signal: 'careers_view', count: { gte: 2 }, within: 7 } },
  },
};

async function publish({ app, site }: TestCollector, rules: object, query = ''): Promise<void> {
  const response = await app.request(`/api/sites/${site.siteKey}/rules?wait=true${query}`, {
    method: 'PUT',
    headers: { Authorization: `Bearer ${ADMIN}` },
    body: JSON.stringify(rules),
  });
  expect(response.status).toBe(200);
}

const standing = async ({ get, site }: TestCollector) => {
  const report = await get<{ stages: Array<{ stage: string; current: number }> }>(
    `sites/${site.siteKey}/reports/stages`,
  );
  return report.stages.reduce((sum, { current }) => sum + current, 0);
};
const markOf = async ({ visitor }: TestCollector, id: string) =>
  ((await visitor(id)) as unknown as { bot: string | null }).bot;
const lookAtJobs = (time = NOW) => [
  makeEvent('page_view', { url: `${SITE}/jobs`, time }),
  makeEvent('page_view', { url: `${SITE}/jobs/2`, time }),
];

test('who meets an exclusion keeps a stage and is left out of reports, and comes back when it ends', async () => {
  const collector = await makeCollector();
  const { send, store, clock } = collector;
  await publish(collector, RULES);
  const [seeker, staff, buyer] = [newId(), newId(), newId()];
  const answer = await send(seeker, lookAtJobs());
  expect(await answer.json()).toMatchObject({ accepted: 2, visitor: { stage: 'awareness' } });
  await send(staff, [makeEvent('identify', { props: { role: 'staff' } }), makeEvent('page_view')]);
  await send(buyer, [makeEvent('page_view')]);
  expect(await Promise.all([seeker, staff, buyer].map((id) => markOf(collector, id)))).toEqual([
    'excluded:job_seeker',
    'excluded:staff',
    null,
  ]);
  expect(await standing(collector)).toBe(1);

  // Not staff any more; and the seeker's window ends with no event.
  await send(staff, [makeEvent('identify', { time: NOW + 1000, props: { role: 'customer' } })]);
  expect(await markOf(collector, staff)).toBeNull();
  clock.now = NOW + 8 * DAY;
  await restageDue(store, clock.now);
  expect(await markOf(collector, seeker)).toBeNull();
  expect(await standing(collector)).toBe(3);
});

test('a preview says how many would be left out, and publishing leaves them out, and takes them back', async () => {
  const collector = await makeCollector();
  const { app, site, send } = collector;
  const ids = [newId(), newId(), newId()];
  for (const [index, id] of ids.entries()) await send(id, index ? [makeEvent('page_view')] : lookAtJobs());
  const response = await app.request(`/api/sites/${site.siteKey}/rules/preview`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${ADMIN}` },
    body: JSON.stringify(RULES),
  });
  const preview = (await response.json()) as Preview;
  expect(preview).toMatchObject({ visitors: 3, excluded: { before: 0, after: 1 }, moves: [] });
  const count = (when: 'before' | 'after') => preview.stages.reduce((sum, stage) => sum + stage[when], 0);
  expect([count('before'), count('after')]).toEqual([3, 2]);

  await publish(collector, RULES);
  expect(await markOf(collector, ids[0]!)).toBe('excluded:job_seeker');
  expect(await standing(collector)).toBe(2);
  await publish(collector, generalDocument);
  expect(await markOf(collector, ids[0]!)).toBeNull();
  expect(await standing(collector)).toBe(3);
});

test("a person is excluded by what all of their visitors did, and one visitor's part stays theirs", async () => {
  const collector = await makeCollector();
  const { send, site } = collector;
  await publish(collector, RULES);
  const [desk, phone] = [newId(), newId()];
  const secret = { Authorization: `Bearer ${site.secretKey}` };
  const look = (path: string) => [makeEvent('page_view', { url: `${SITE}${path}` })];
  await send(desk, look('/jobs'), { userId: 'ada' }, secret);
  await send(phone, look('/products/1'), { userId: 'ada' }, secret);
  expect(await standing(collector)).toBe(1);
  await send(phone, look('/jobs/7'), { userId: 'ada' }, secret);
  expect(await standing(collector)).toBe(0);
});

test('what a person said of a visitor by hand holds before any exclusion', async () => {
  const collector = await makeCollector();
  const { app, site, send } = collector;
  await publish(collector, RULES);
  const id = newId();
  await send(id, lookAtJobs());
  const where = `/api/sites/${site.siteKey}/visitors/${id}/bot`;
  const headers = { Authorization: `Bearer ${ADMIN}` };
  await app.request(where, { method: 'PUT', headers, body: JSON.stringify({ bot: null }) });
  await send(id, lookAtJobs());
  expect(await markOf(collector, id)).toBeNull();
  await app.request(where, { method: 'DELETE', headers });
  expect(await markOf(collector, id)).toBe('excluded:job_seeker');
});

test('a word said by hand holds for a user too, and is taken back', async () => {
  const collector = await makeCollector();
  const { app, site, send, visitor } = collector;
  await publish(collector, RULES);
  const id = newId();
  const secret = { Authorization: `Bearer ${site.secretKey}` };
  await send(id, lookAtJobs(), { userId: 'ada' }, secret);
  const marks = async () => {
    const { bot, isJudged } = (await visitor(id)) as unknown as { bot: string | null; isJudged: boolean };
    return [bot, isJudged, await standing(collector)];
  };
  expect(await marks()).toEqual(['excluded:job_seeker', false, 0]);
  const where = `/api/sites/${site.siteKey}/visitors/${id}/bot`;
  const headers = { Authorization: `Bearer ${ADMIN}` };
  await app.request(where, { method: 'PUT', headers, body: JSON.stringify({ bot: null }) });
  expect(await marks()).toEqual([null, true, 1]);
  await send(id, lookAtJobs(), { userId: 'ada' }, secret);
  expect(await marks()).toEqual([null, true, 1]);
  await app.request(where, { method: 'DELETE', headers });
  expect(await marks()).toEqual(['excluded:job_seeker', false, 0]);
});

test('what an excluded visitor did stays out of reports when it turns out whose visitor it is', async () => {
  const collector = await makeCollector();
  const { get, site, send, clock, app } = collector;
  await publish(collector, RULES);
  const id = newId();
  await send(id, lookAtJobs());
  clock.now = NOW + 2 * DAY;
  await send(
    id,
    [makeEvent('page_view', { time: clock.now })],
    { userId: 'ada' },
    { Authorization: `Bearer ${site.secretKey}` },
  );
  const { stages } = await get<{ stages: Array<{ current: number; entered: number; peak: number }> }>(
    `sites/${site.siteKey}/reports/stages`,
  );
  for (const stage of stages) expect(stage).toMatchObject({ current: 0, entered: 0, peak: 0 });
  const list = await app.request(`/api/sites/${site.siteKey}/visitors`, {
    headers: { Authorization: `Bearer ${ADMIN}` },
  });
  expect(await list.json()).toMatchObject({ visitors: [{ bot: 'excluded:job_seeker' }] });
});

test('more than anybody can do is a bot, excluded or not, and stays one when the exclusion ends', async () => {
  const collector = await makeCollector();
  const { send, clock, store } = collector;
  await publish(collector, RULES);
  const id = newId();
  for (let batch = 0; batch < 21; batch++)
    await send(
      id,
      Array.from({ length: 150 }, () => makeEvent('page_view', { url: `${SITE}/jobs`, time: NOW })),
    );
  expect(await markOf(collector, id)).toBe('impossible_rate');
  clock.now = NOW + 8 * DAY;
  await restageDue(store, clock.now);
  expect(await markOf(collector, id)).toBe('impossible_rate');
});

test('browsers are told nothing of exclusions, and what is wrong with one is said with its path', async () => {
  const parsed = parseRules(RULES) as { rules: Rules };
  expect(JSON.stringify(compileRules(parsed.rules))).not.toMatch(/staff|job_seeker|exclude/);
  const { errors } = parseRules({ ...RULES, exclude: { staff: { when: { signal: 'carers_view' } }, 'a b': {} } }) as {
    errors: Array<{ path: string; message: string }>;
  };
  expect(errors.map(({ path }) => path)).toEqual(['exclude.a b.when', 'exclude.a b', 'exclude.staff.when.signal']);
  const wrong = parseRules({ ...RULES, exclude: { staff: { when: { signal: 'carers_view' } } } }) as typeof parsed & {
    errors: Array<{ path: string; message: string }>;
  };
  expect(wrong.errors).toMatchObject([
    { path: 'exclude.staff.when.signal', message: expect.stringMatching(/careers_view/) as string },
  ]);
});
