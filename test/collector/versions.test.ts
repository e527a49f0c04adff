/**
 * What publishing rules does, what a preview says of it before, and how one goes back.
 * `STAGETAG_PREVIEW=100000` says of how many visitors a preview is compared with what it comes to.
 */
import { describe, expect, test } from 'vitest';
import { restageDue } from '../../collector/jobs/restage.js';
import { previewRules, type Preview } from '../../collector/reports/preview.js';
import { addSite } from '../../collector/site.js';
import type { Site } from '../../collector/store/store.js';
import { unmixed, workOn } from '../../collector/work.js';
import { lintRules, type Rules, type Stage } from '../../sdk/core/index.js';
import { ADMIN, makeCollector, makeEvent, newId, NOW, type TestCollector } from '../helpers/collector.js';
import { everything, general, generalDocument } from '../helpers/rules.js';
import { randomEvents, seeded } from '../helpers/random.js';

const DAY = 86_400_000;
const VISITORS = Number(process.env.STAGETAG_PREVIEW ?? 60);
const post = async ({ app, site }: TestCollector, where: string, body?: unknown, method = 'POST') => {
  const response = await app.request(`/api/sites/${site.siteKey}/rules${where}`, {
    method,
    headers: { Authorization: `Bearer ${ADMIN}` },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as never };
};

/** Rules of random conditions: signals that change make what is counted another thing. */
function otherRules(random: () => number, days: number): object {
  const { signals, stages, tags, score } = generalDocument;
  return {
    signals:
      random() < 0.5 ? signals : { ...signals, pricing_view: { event: 'page_view', path: ['*/pric*', '*/docs*'] } },
    stages: {
      ...stages,
      interest: { when: { signal: 'visit', days: { gte: days }, within: 30 } },
      consideration: { when: { signal: 'pricing_view', count: { gte: days } } },
    },
    tags: { ...tags, busy: { when: { signal: 'visit', count: { gte: 4 } }, dimension: 'behaviour' } },
    score,
  };
}

async function populate(collector: TestCollector, random: () => number, count: number) {
  const ids: string[] = [];
  for (let index = 0; index < count; index++) {
    const id = newId(NOW - index);
    ids.push(id);
    const events = randomEvents(random, 1 + Math.floor(random() * 8), { days: 40, until: NOW });
    // Every third is a user's; some of those have two browsers. One in ten is a bot.
    const secret = { Authorization: `Bearer ${collector.site.secretKey}` };
    const isUser = index % 3 === 0;
    const sent = await collector.send(
      id,
      events,
      isUser ? { userId: `u${index % (count >> 2)}` } : {},
      isUser ? secret : index % 10 === 1 ? { 'User-Agent': 'Googlebot/2.1' } : {},
    );
    expect(sent.status).toBe(200);
  }
  return ids;
}

describe('a preview', () => {
  test.each([1, 2, 3, 4, 5, 6])(
    'says of every visitor what publishing then does (seed %s)',
    { timeout: 3_600_000 },
    async (seed) => {
      const random = seeded(seed);
      const collector = await makeCollector();
      const { store, site, clock } = collector;
      await populate(collector, random, VISITORS);
      if (seed % 2) {
        await collector.putRules({ ...otherRules(random, 1), version: 1 }, '?apply=now&wait=true');
        await populate(collector, random, VISITORS / 3);
      }
      clock.now += 3 * DAY;
      const apply = seed % 3 ? 'all' : 'now';
      const rules = otherRules(random, 3);
      const { body } = await post(collector, `/preview?apply=${apply}`, rules);
      const preview = body as Preview;
      const named = await previewRules(store, site, rules as Rules, apply, clock.now, Infinity);
      // Time alone moves some: that is not the rules' doing, and happens without them.
      await restageDue(store, clock.now);
      const before = await everybody(collector);
      const written = await store.rules(site.siteKey);
      expect((await collector.putRules(rules, `?apply=${apply}&wait=true`)).status).toBe(200);
      const after = await everybody(collector);

      // Everybody who moved, by where from and to.
      const moved = new Map<string, string[]>();
      for (const [id, { stage }] of before) {
        const then = after.get(id)!.stage;
        if (then === stage) continue;
        const together = moved.get(`${stage} ${then}`) ?? [];
        moved.set(`${stage} ${then}`, together);
        together.push(id);
      }
      expect(moved.size).toBeGreaterThan(0);
      expect(preview.moves).toEqual(named.moves);
      for (const { from, to, visitors } of preview.moves) expect(moved.get(`${from} ${to}`)!.length).toBe(visitors);
      expect(named.people.length).toBe(moved.size);
      for (const { from, to, visitors } of named.people)
        expect(visitors.map(({ visitorId }) => visitorId).sort()).toEqual(moved.get(`${from} ${to}`)!.sort());
      for (const [at, { from, to, visitors }] of preview.people.entries()) {
        // The first 200 of each are named.
        expect({ from, to, visitors }).toEqual({
          ...named.people[at]!,
          visitors: named.people[at]!.visitors.slice(0, 200),
        });
      }
      expect(preview.visitors).toBe(before.size);
      const count = (all: typeof before, tag: string) =>
        [...all.values()].filter(({ tags }) => tags.includes(tag)).length;
      for (const row of preview.tags)
        expect(row).toEqual({ tag: row.tag, before: count(before, row.tag), after: count(after, row.tag) });
      for (const { visitorId, from, to, why } of preview.examples) {
        expect([before.get(visitorId)!.stage, after.get(visitorId)!.stage]).toEqual([from, to]);
        expect(why.rules).toBe(written.at(-1)!.rules.version + 1);
        expect(why.met).toBe(why.stage === to);
      }
    },
  );

  test('writes nothing, and says which days it cannot look at', async () => {
    const collector = await makeCollector();
    const { store, site, visitor, send } = collector;
    const id = newId();
    await send(id, [makeEvent('page_view')]);
    const before = await visitor(id);
    await store.expireEvents(site.siteKey, 20_000);
    const rules = { ...generalDocument, stages: { loyalty: { when: { signal: 'visit' } } } };
    const { body } = await post(collector, '/preview', rules);
    expect(body).toMatchObject({ moves: [{ from: 'awareness', to: 'loyalty', visitors: 1 }], exactFrom: '2024-10-04' });
    expect(await visitor(id)).toEqual(before);
    expect((await store.ruleVersions(site.siteKey)).length).toBe(1);
  });

  test('names everything that is wrong with the rules', async () => {
    const collector = await makeCollector();
    const { status, body } = await post(collector, '/preview', {
      signals: { a: { evnt: 'x' } },
      stages: { intrest: {} },
    });
    expect(status).toBe(400);
    expect(body).toMatchObject({
      errors: [{ path: 'signals.a.evnt' }, { path: 'stages.intrest' }, { path: 'stages.intrest.when' }],
    });
    expect((body as { errors: Array<{ message: string }> }).errors[1]!.message).toContain('interest');
  });
});

/** Who is counted: people and those who are nobody's, without bots. */
async function everybody({ store, site }: TestCollector) {
  const all = new Map<string, { stage: Stage | null; tags: string[] }>();
  let last: string | undefined;
  for (;;) {
    const some = await store.everyVisitor(site.siteKey, last, 1000);
    if (!some.length) return all;
    last = some.at(-1)!.visitorId;
    for (const { visitorId, stage, tags, personId, bot } of some)
      if (!personId && !bot) all.set(visitorId, { stage, tags });
  }
}

test('where only conditions change no raw event is read again, and what follows is the same', async () => {
  const collector = await makeCollector();
  const { store, site, send, visitor, putRules, clock } = collector;
  const id = newId();
  await send(id, [makeEvent('page_view'), makeEvent('purchase', { props: { value: 20 } })]);
  clock.now += 1000;
  const rules = { ...generalDocument, stages: { loyalty: { when: { signal: 'order', value: { gte: 10 } } } } };
  await putRules(rules);
  expect((await store.rules(site.siteKey)).map(({ since }) => since)).toEqual([0, NOW + 1000]);
  expect(await visitor(id)).toMatchObject({ stage: 'loyalty', rules: 2, rev: 2 });
  const { facts } = (await store.visitor(site.siteKey, id))!;
  await store.markStale(site.siteKey);
  await putRules(rules);
  expect((await store.visitor(site.siteKey, id))!.facts).toEqual(facts);

  // Another signal, and everything is counted anew.
  await putRules({ ...rules, signals: { ...rules.signals, order: { event: 'buy', value: 'props.value' } } });
  expect((await store.rules(site.siteKey)).map(({ since }) => since)).toEqual([0]);
  expect(await visitor(id)).toMatchObject({ stage: null });
});

describe('versions', () => {
  test('are all kept, with who published them, when and what for, and can be put in force again', async () => {
    const collector = await makeCollector();
    const { get, site, putRules, clock } = collector;
    const first = await get<Rules>(`sites/${site.siteKey}/rules`);
    clock.now += DAY;
    await putRules({ ...first, name: 'stricter', tags: {} }, '?wait=true&note=no%20tags');
    const { body: list } = await post(collector, '/versions', undefined, 'GET');
    expect(list).toEqual({
      draft: null,
      versions: [
        {
          version: 2,
          name: 'stricter',
          publishedAt: NOW + DAY,
          since: NOW + DAY,
          author: 'admin',
          note: 'no tags',
          inForce: true,
        },
        { version: 1, name: 'general', publishedAt: NOW, since: 0, author: null, note: null, inForce: false },
      ],
    });
    expect((await post(collector, '/versions/1', undefined, 'GET')).body).toEqual(first);
    expect((await post(collector, '/versions/1/restore?wait=true')).body).toMatchObject({ version: 3, warnings: [] });
    expect(await get(`sites/${site.siteKey}/rules`)).toEqual({ ...first, version: 3 });
    expect((await post(collector, '/versions', undefined, 'GET')).body).toMatchObject({
      versions: [{ version: 3, note: 'version 1 again' }, {}, {}],
    });
    expect((await post(collector, '/versions/9/restore')).status).toBe(404);
  });

  test('that nobody can meet are published only where that is confirmed', async () => {
    const collector = await makeCollector();
    const visit = { signal: 'visit' };
    const rules = { ...generalDocument, stages: { loyalty: { when: { all: [visit, { not: visit }] } } } };
    const refused = await post(collector, '', rules, 'PUT');
    expect(refused).toMatchObject({
      status: 409,
      body: { warnings: expect.arrayContaining([expect.objectContaining({ code: 'never_met' })]) },
    });
    expect((await collector.get<Rules>(`sites/${collector.site.siteKey}/rules`)).version).toBe(1);
    expect((await post(collector, '?confirm=true&wait=true', rules, 'PUT')).status).toBe(200);
  });

  test('published at the same time all get their number, and none is counted by half', async () => {
    const collector = await makeCollector();
    const others = Array.from({ length: 4 }, (_, index) => otherRules(seeded(index + 20), index + 1));
    const answers = await Promise.all(others.map((rules) => collector.putRules(rules)));
    const versions = await Promise.all(answers.map(async (answer) => ((await answer.json()) as Rules).version));
    expect([...versions].sort()).toEqual([2, 3, 4, 5]);
  });
});

test('whoever was at the same rules meanwhile is named before what they did is replaced', async () => {
  const collector = await makeCollector();
  const { version: _, ...rules } = generalDocument;
  expect((await post(collector, '?basedOn=1&wait=true', rules, 'PUT')).body).toMatchObject({ version: 2 });
  expect(await post(collector, '?basedOn=1', rules, 'PUT')).toMatchObject({
    status: 409,
    body: { error: expect.stringContaining('version 2 was published'), meanwhile: { author: 'admin', at: NOW } },
  });
  expect((await post(collector, '?basedOn=x', rules, 'PUT')).status).toBe(400);
  expect((await post(collector, '?wait=true', rules, 'PUT')).body).toMatchObject({ version: 3 });

  const { savedAt } = (await post(collector, '/draft?after=0', rules, 'PUT')).body as { savedAt: number };
  const other = { status: 409, body: { meanwhile: { author: 'admin', at: savedAt } } };
  expect(await post(collector, '/draft?after=0', {}, 'PUT')).toMatchObject(other);
  expect(await post(collector, `/draft?after=${savedAt - 1}`, undefined, 'DELETE')).toMatchObject(other);
  expect((await post(collector, `/draft?after=${savedAt}`, {}, 'PUT')).status).toBe(200);
  // Of two at the same moment one is told.
  const { clock } = collector;
  clock.now++;
  const both = [1, 2].map(() => post(collector, `/draft?after=${savedAt}`, {}, 'PUT'));
  expect((await Promise.all(both)).map(({ status }) => status).sort()).toEqual([200, 409]);
  expect((await post(collector, '/draft', undefined, 'GET')).body).toMatchObject({ rules: {} });
  expect((await post(collector, `/draft?after=${clock.now}`, undefined, 'DELETE')).body).toEqual({ draft: null });
});

test('a draft is kept as it is, with what is wrong with it, until it is dropped', async () => {
  const collector = await makeCollector();
  expect((await post(collector, '/draft', undefined, 'GET')).status).toBe(404);
  const draft = { signals: {}, stages: { interest: { when: { signal: 'gone' } } } };
  expect((await post(collector, '/draft', draft, 'PUT')).body).toMatchObject({
    rules: draft,
    author: 'admin',
    savedAt: NOW,
    basedOn: 1,
    errors: [{ path: 'stages.interest.when.signal' }],
  });
  await collector.putRules(generalDocument);
  expect((await post(collector, '/draft', { signals: {} }, 'PUT')).body).toMatchObject({ basedOn: 1 });
  expect((await post(collector, '/draft', undefined, 'GET')).body).toMatchObject({ rules: { signals: {} } });
  expect((await post(collector, '/draft', undefined, 'DELETE')).body).toEqual({ draft: null });
  expect((await post(collector, '/draft', undefined, 'GET')).status).toBe(404);
  expect((await post(collector, '/draft', [1], 'PUT')).status).toBe(400);
  const deep = JSON.parse('{"a":'.repeat(60) + '1' + '}'.repeat(60)) as object;
  expect((await post(collector, '/draft', deep, 'PUT')).status).toBe(400);
});

describe('lint of a site', () => {
  const warnings = async (collector: TestCollector, rules: object = generalDocument) =>
    (await post(collector, '/lint', rules)).body as {
      errors: object[];
      warnings: Array<{ code: string; path: string }>;
    };

  test('warns of signals that nothing carries, and of stages that hold nobody or everybody', async () => {
    const collector = await makeCollector();
    expect((await warnings(collector)).warnings).toEqual([]);
    await collector.send(newId(), [makeEvent('page_view'), makeEvent('purchase', { props: { transaction_id: 't' } })]);
    await collector.send(newId(), [makeEvent('invite', { time: NOW - 31 * DAY })]);
    const { warnings: found } = await warnings(collector);
    const of = (code: string) => found.filter((each) => each.code === code).map(({ path }) => path);
    expect(of('silent_signal')).toEqual(
      Object.keys(generalDocument.signals)
        .filter((name) => name !== 'visit' && name !== 'order')
        .map((name) => `signals.${name}`),
    );
    expect(of('empty_stage')).toEqual([]);
    await collector.putRules({ ...generalDocument, stages: { awareness: { when: { trait: 'x', exists: false } } } });
    const all = { ...generalDocument, stages: { awareness: { when: { trait: 'x', exists: false } } } };
    expect((await warnings(collector, all)).warnings.map(({ code }) => code)).toContain('stage_of_all');
    const none = { ...generalDocument, stages: { action: { when: { trait: 'x', eq: 1 } } } };
    await collector.putRules(none);
    expect((await warnings(collector, none)).warnings.map(({ code }) => code)).toContain('empty_stage');
  });

  test('warns of new signals that no event of late would carry, of groups there are not, and of tags that go together', async () => {
    const collector = await makeCollector();
    const tag = (signal: string) => ({ when: { signal }, dimension: 'behaviour' });
    const rules = {
      signals: { visit: { event: 'page_view' }, prices: { path: '/pricing' } },
      stages: { awareness: { when: { signal: 'visit' } }, interest: { when: { signal: 'prices' } } },
      tags: {
        seen: tag('visit'),
        looked: tag('prices'),
        both: { ...tag('visit'), when: { all: [{ signal: 'prices' }, { signal: 'visit' }] } },
      },
    };
    await collector.putRules(rules);
    for (let index = 0; index < 40; index++) {
      const pages = index < 36 ? ['/pricing', '/a'] : ['/a'];
      await collector.send(
        newId(),
        pages.map((path) => makeEvent('page_view', { url: `https://www.example.com${path}` })),
      );
    }
    const draft = {
      ...rules,
      signals: {
        ...rules.signals,
        there: { event: 'page_view', path: '/a' },
        never: { event: 'page_view', path: '/never' },
        unknowable: { event: 'page_view', props: { x: { eq: 1 } } },
      },
      stages: {
        ...rules.stages,
        consideration: { when: { any: ['there', 'never', 'unknowable'].map((signal) => ({ signal })) } },
        action: { when: { all: [{ signal: 'there' }, { signal: 'never' }, { not: { signal: 'prices' } }] } },
        loyalty: { when: { trait: 'stagetag.rfm', in: ['champion', 'champions'] } },
      },
    };
    const { warnings: found } = await warnings(collector, draft);
    expect(found.map(({ code, path }) => `${code} ${path}`)).toEqual([
      'unknown_group stages.loyalty.when',
      'silent_signal signals.never',
      'overlapping_tags tags.both',
      'silent_stage stages.action',
    ]);
    expect(found).toMatchObject([{ names: ['champion'] }, {}, { names: ['both', 'looked'] }, { names: ['never'] }]);
    // What only everybody's outcome tells is told by a preview.
    const changed = {
      ...rules,
      stages: {
        awareness: { when: { signal: 'visit' } },
        consideration: { when: { signal: 'visit', count: { gte: 1 } } },
        action: { when: { signal: 'prices', count: { gte: 9 } } },
      },
      tags: { few: tag('prices'), many: tag('visit'), more: { ...tag('visit'), when: { any: [{ signal: 'visit' }] } } },
    };
    const { body } = await post(collector, '/preview', changed);
    expect((body as { warnings: object[] }).warnings).toMatchObject([
      { code: 'overlapping_tags', path: 'tags.many', names: ['many', 'more'] },
      { code: 'stage_of_all', path: 'stages.consideration' },
      { code: 'empty_stage', path: 'stages.action' },
    ]);
  });

  test('knows a signal that is only called otherwise, and says nothing of events that are not kept', async () => {
    const collector = await makeCollector();
    const rules = {
      signals: { visit: { event: 'page_view' }, old: { event: 'old', label: 'Old' } },
      stages: { awareness: { when: { signal: 'visit' } }, action: { when: { signal: 'old' }, sticky: true } },
    };
    await collector.putRules(rules);
    await collector.send(newId(), [makeEvent('old', { time: NOW - 80 * DAY }), makeEvent('page_view')]);
    await collector.send(newId(), [makeEvent('page_view')]);
    const renamed = { ...rules, signals: { ...rules.signals, old: { event: 'old', label: 'Older' } } };
    const codes = async (next: object) => (await warnings(collector, next)).warnings.map(({ code }) => code);
    expect(await codes(renamed)).toEqual(['silent_signal']);
    const others = (event: string) => ({
      ...rules,
      signals: { ...rules.signals, other: { event } },
      stages: { ...rules.stages, loyalty: { when: { signal: 'other', count: { gte: 2 } } } },
    });
    expect(await codes(others('never'))).toEqual(['silent_signal', 'silent_signal', 'silent_stage']);
    expect(await codes(others('old'))).toEqual(['same_signals', 'silent_signal', 'silent_signal']);
    await collector.store.expireEvents(collector.site.siteKey, Math.floor(NOW / DAY) - 30);
    expect(await codes(others('old'))).toEqual(['same_signals', 'silent_signal', 'silent_signal']);
  });

  test('says what is wrong where rules are not valid', async () => {
    const collector = await makeCollector();
    expect(await warnings(collector, { stages: {} })).toEqual({
      errors: [{ path: 'signals', message: 'is missing', code: 'missing' }],
      warnings: [],
    });
  });
});

test('rules that use every part of the grammar have no contradiction', () => {
  for (const rules of [general, everything])
    expect(lintRules(rules).filter(({ code }) => code.endsWith('_met'))).toEqual([]);
});

test('a condition that begins to ask for sessions knows those from before, whichever way it is published', async () => {
  for (const apply of ['all', 'now']) {
    const collector = await makeCollector();
    const { send, visitor } = collector;
    const signals = { view: { event: 'page_view' } };
    const publish = (when: object) =>
      post(collector, `?apply=${apply}&wait=true`, { signals, stages: { awareness: { when } } }, 'PUT');
    expect((await publish({ signal: 'view', count: { gte: 3 } })).status).toBe(200);
    const id = newId();
    const events = ['a', 'b', 'c'].map((sessionId) => ({ ...makeEvent('page_view'), sessionId }));
    await send(id, events.slice(0, 2));
    expect(await visitor(id)).toMatchObject({ stage: null });
    expect((await publish({ signal: 'view', sessions: { gte: 3 } })).status).toBe(200);
    expect(await visitor(id)).toMatchObject({ stage: null });
    await send(id, events.slice(2));
    expect([apply, await visitor(id)]).toMatchObject([apply, { stage: 'awareness' }]);
  }
});

test('while visitors are made anew, whoever asks for what mixes them waits, and is told how far that is', async () => {
  const collector = await makeCollector();
  await populate(collector, seeded(3), 20);
  const { store, site, clock } = collector;
  let finish = () => {};
  const held = new Promise<void>((resolve) => (finish = resolve));
  const plain = workOn(store, () => clock.now);
  let begun = 0;
  const work = unmixed({ ...plain, recompute: () => (begun++, held) }, store, 100);
  const other = (await addSite(store, { name: 'Other', origins: ['https://other.example'] }, NOW)) as Site;
  const report = (of: Site) => work.report('stages', of, { from: '2026-11-01', to: '2026-11-30' }, clock.now);

  const job = await store.addJob(site.siteKey, 1);
  const done = work.recompute(job);
  // Whoever goes on with what was interrupted does not begin what is going on.
  const again = work.recompute({ ...job });
  await expect(report(site)).rejects.toMatchObject({ preparing: expect.any(Number) });
  await expect(work.audience(site, { stage: ['awareness'] }, clock.now)).rejects.toThrow('being applied');
  await expect(work.listVisitors(site, { limit: 9, stage: 'awareness' }, clock.now)).rejects.toThrow('being applied');
  expect(await report(other)).toHaveProperty('stages');
  const waiting = report(site);
  finish();
  await Promise.all([done, again]);
  expect(begun).toBe(1);
  expect(await waiting).toHaveProperty('stages');
  expect(await report(site)).toHaveProperty('stages');
});
