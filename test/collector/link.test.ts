import { createHmac } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { transitionCounts } from '../../collector/projection/noticed.js';
import { Projection } from '../../collector/projection/projection.js';
import { describe, expect, test } from 'vitest';
import { restoreBackup } from '../../collector/store/sqlite/restore.js';
import {
  ADMIN,
  makeCollector,
  makeEvent,
  newId,
  NOW,
  ORIGIN,
  temporaryFolder,
  type TestCollector,
} from '../helpers/collector.js';
import { workOn } from '../../collector/work.js';
import { seeded } from '../helpers/random.js';

const DAY = 86_400_000;

const proofOf = ({ site }: TestCollector, userId: string) =>
  createHmac('sha256', site.secretKey).update(userId).digest('hex');

const asker =
  ({ app, site }: TestCollector) =>
  async (method: string, to: string) =>
    (await app.request(`/api/sites/${site.siteKey}${to}`, { method, headers: { Authorization: `Bearer ${ADMIN}` } }))
      .status;

interface Answer {
  accepted: number;
  duplicates: number;
  visitor: { stage: string | null; peak: string | null; tags: string[]; score: number; rev: number; have: number[][] };
}

/** Sends as a browser of a user does. */
async function sendAs(collector: TestCollector, visitorId: string, names: string[], more: object): Promise<Answer> {
  const events = names.map((name) => makeEvent(name, name === 'view' ? { url: `${ORIGIN}/pricing` } : {}));
  return (await collector.send(visitorId, events, more)).json() as Promise<Answer>;
}

async function countsOf({ get, site }: TestCollector): Promise<Record<string, number>> {
  const { stages } = await get<{ stages: Array<{ stage: string; current: number; peak: number }> }>(
    `sites/${site.siteKey}/reports/stages`,
  );
  return Object.fromEntries(stages.filter(({ current }) => current).map(({ stage, current }) => [stage, current]));
}

/** What the log of transitions says of where everybody stands. */
async function loggedCounts({ store, site }: TestCollector): Promise<Record<string, number>> {
  const sums: Record<string, number> = {};
  const projection = await Projection.of(store, site.siteKey, NOW);
  for (const { from, to, transitions } of transitionCounts(projection, Number.MAX_SAFE_INTEGER)) {
    if (from) sums[from] = (sums[from] ?? 0) - transitions;
    if (to) sums[to] = (sums[to] ?? 0) + transitions;
  }
  return Object.fromEntries(Object.entries(sums).filter(([, sum]) => sum));
}

describe('a user', () => {
  test('is all of its visitors together where a proof says so, and is counted once', async () => {
    const collector = await makeCollector();
    const [phone, laptop] = [newId(), newId()];
    const linked = { userId: 'u1', proof: proofOf(collector, 'u1') };
    await sendAs(collector, phone, ['purchase'], {});
    expect(await countsOf(collector)).toEqual({ action: 1 });
    expect(await collector.visitor(phone)).toMatchObject({ others: [] });
    await sendAs(collector, laptop, ['page_view'], {});
    expect(await countsOf(collector)).toEqual({ awareness: 1, action: 1 });

    expect((await sendAs(collector, phone, ['page_view'], linked)).visitor).toMatchObject({ stage: 'action' });
    const joined = await sendAs(collector, laptop, ['page_view'], linked);
    expect(joined.visitor).toMatchObject({ stage: 'action', peak: 'action' });
    expect(joined.visitor.have.flat()).not.toContain(1); // Numbers are each visitor's own.
    expect(await countsOf(collector)).toEqual({ action: 1 });
    expect(await loggedCounts(collector)).toEqual({ action: 1 });

    const seen = await collector.visitor(laptop);
    expect(seen).toMatchObject({ stage: 'action', userId: 'u1', others: [{ visitorId: phone }] });
    expect(Object.values(seen.facts.signals.visit!)).toEqual([3]);
    const second = await sendAs(collector, laptop, ['purchase'], {});
    expect(second.visitor).toMatchObject({ stage: 'loyalty' }); // It stays linked, whatever later batches say.
    expect(second.visitor.rev).toBeGreaterThan(joined.visitor.rev);
    expect(await collector.visitor(phone)).toMatchObject({ stage: 'loyalty' });
    expect(await countsOf(collector)).toEqual({ loyalty: 1 });
    expect(await loggedCounts(collector)).toEqual({ loyalty: 1 });
  });

  test('is not revealed by a label, nor by a proof that is none', async () => {
    const collector = await makeCollector();
    const [owner, stranger] = [newId(), newId()];
    await sendAs(collector, owner, ['purchase'], { userId: 'u1', proof: proofOf(collector, 'u1') });
    for (const proof of [undefined, '', 'x', 7, null, {}, proofOf(collector, 'u2'), `${proofOf(collector, 'u1')}00`]) {
      const answer = await sendAs(collector, stranger, ['page_view'], { userId: 'u1', proof });
      expect(answer.visitor.stage).toBe('awareness');
    }
    expect(await countsOf(collector)).toEqual({ awareness: 1, action: 1 });
  });

  test('is linked by the secret key, and let go again', async () => {
    const collector = await makeCollector();
    const { site, send, app } = collector;
    const [one, other] = [newId(), newId()];
    const secret = { Authorization: `Bearer ${site.secretKey}`, Origin: '' };
    await send(one, [makeEvent('purchase')], { userId: 'u1' }, secret);
    await send(other, [makeEvent('page_view')], { userId: 'u1' }, secret);
    expect(await collector.visitor(other)).toMatchObject({ stage: 'action' });
    const before = (await sendAs(collector, other, ['page_view'], {})).visitor;

    const response = await app.request(`/api/sites/${site.siteKey}/visitors/${other}/link`, {
      method: 'DELETE',
      headers: { Authorization: 'Bearer admin-token' },
    });
    expect(response.status).toBe(200);
    const after = (await sendAs(collector, other, ['page_view'], {})).visitor;
    expect(after).toMatchObject({ stage: 'awareness' });
    expect(after.rev).toBeGreaterThan(before.rev);
    expect(await collector.visitor(one)).toMatchObject({ stage: 'action' });
    expect(await countsOf(collector)).toEqual({ awareness: 1, action: 1 });
    expect(await loggedCounts(collector)).toEqual({ awareness: 1, action: 1 });
  });

  test('moves when things happened, as anybody else does, however late the batch came that proves it', async () => {
    const HOUR = 3_600_000;
    const stepsOf = async (isProven: boolean, age: number) => {
      const collector = await makeCollector();
      const { site, get, clock } = collector;
      const id = newId();
      const at = (name: string, hours: number, path = '') =>
        makeEvent(name, { time: NOW - age + hours * HOUR, url: `${ORIGIN}/${path}`, sessionId: 'visit' });
      const proof = isProven ? { userId: 'u1', proof: proofOf(collector, 'u1') } : {};
      clock.now = NOW - age + HOUR;
      await collector.send(id, [at('page_view', 0), at('page_view', 0.5, 'pricing')]);
      clock.now = NOW;
      await collector.send(id, [at('purchase', 2), at('page_view', 3, 'help')], proof);
      const first = await collector.visitor(id);
      const other = newId();
      await collector.send(
        other,
        [at('page_view', 1), at('purchase', 2)],
        isProven ? { ...proof, userId: 'u2', proof: proofOf(collector, 'u2') } : {},
      );
      const second = await collector.visitor(other);
      const moves = ({ transitions }: typeof first) =>
        transitions.flatMap(({ to, at: when, cause }) =>
          cause.kind === 'event' ? [[to, (when - NOW + age) / HOUR]] : [],
        );
      const flow = await get<{ stays: Array<{ stage: string; ended: number; open: number }> }>(
        `sites/${site.siteKey}/reports/flow?from=2026-01-01&to=2026-12-31`,
      );
      const { open, ended } = flow.stays.find(({ stage }) => stage === 'interest')!;
      return { first: moves(first).at(-1), second: moves(second), open, ended, now: await countsOf(collector) };
    };
    const recent = await stepsOf(false, 8 * HOUR);
    expect(recent).toMatchObject({ first: ['action', 2], open: 0, ended: 1, now: { action: 2 } });
    expect(await stepsOf(true, 8 * HOUR)).toEqual(recent);
    // What was brought along of long ago.
    const old = await stepsOf(false, 60 * DAY);
    expect(old.second.at(-1)).toEqual(['action', 2]);
    expect(await stepsOf(true, 60 * DAY)).toMatchObject({ first: old.first, second: old.second, now: old.now });
  });

  test('stays who it is when the secret key is replaced, and what the one before says is refused at once', async () => {
    const collector = await makeCollector();
    const { site, send, app, store } = collector;
    const [one, other, erased] = [newId(), newId(), newId()];
    const path = `/api/sites/${site.siteKey}`;
    const ask = async (method: string, of: string) =>
      (await app.request(`${path}/${of}`, { method, headers: { Authorization: 'Bearer admin-token' } })).json();
    const before = proofOf(collector, 'u1');
    await sendAs(collector, one, ['purchase'], { userId: 'u1', proof: before });
    await sendAs(collector, erased, ['page_view'], {});
    await ask('DELETE', `people/${erased}`);

    const { secretKey } = (await ask('POST', 'secret-key')) as { secretKey: string };
    expect(secretKey).toMatch(/^sk_[0-9a-f]{48}$/);
    expect(secretKey).not.toBe(site.secretKey);
    expect(await ask('GET', 'secret-key')).toEqual({ secretKey });
    const bearer = (key: string) => ({ Authorization: `Bearer ${key}`, Origin: '' });
    const isTaken = async (key: string) => (await send(newId(), [makeEvent('page_view')], {}, bearer(key))).status;
    expect([await isTaken(site.secretKey), await isTaken(secretKey)]).toEqual([403, 200]);

    const answer = await sendAs(collector, other, ['page_view'], { userId: 'u1', proof: before });
    expect(answer.visitor.stage).toBe('awareness');
    const anew = createHmac('sha256', secretKey).update('u1').digest('hex');
    expect((await sendAs(collector, other, ['page_view'], { userId: 'u1', proof: anew })).visitor.stage).toBe('action');
    expect(await store.visitorsOfUser(site.siteKey, 'u1')).toHaveLength(2);
    expect(await sendAs(collector, erased, ['page_view'], {})).toMatchObject({ rejected: [{ reason: 'forgotten' }] });
  });

  test('moves with a visitor that is proven to be another’s, and goes with the last one', async () => {
    const collector = await makeCollector();
    const { site, app } = collector;
    const shared = newId();
    await sendAs(collector, shared, ['purchase'], { userId: 'u1', proof: proofOf(collector, 'u1') });
    await sendAs(collector, shared, ['page_view'], { userId: 'u2', proof: proofOf(collector, 'u2') });
    expect(await countsOf(collector)).toEqual({ action: 1 });
    const response = await app.request(`/api/sites/${site.siteKey}/people/u2`, {
      method: 'DELETE',
      headers: { Authorization: 'Bearer admin-token' },
    });
    expect(await response.json()).toMatchObject({ visitors: 1, events: 2 });
    expect(await countsOf(collector)).toEqual({});
  });

  test('counts an order once that two of its visitors saw, and loses what is erased', async () => {
    const collector = await makeCollector();
    const { site, app } = collector;
    const [one, other] = [newId(), newId()];
    const linked = { userId: 'u1', proof: proofOf(collector, 'u1') };
    const order = () => makeEvent('purchase', { props: { transaction_id: 't1', value: 5 } });
    await collector.send(one, [order()], linked);
    await collector.send(other, [order()], linked);
    expect(await collector.visitor(one)).toMatchObject({ stage: 'action' });
    await sendAs(collector, other, ['purchase'], linked);
    expect(await collector.visitor(one)).toMatchObject({ stage: 'loyalty' });
    await app.request(`/api/sites/${site.siteKey}/people/${other}`, {
      method: 'DELETE',
      headers: { Authorization: 'Bearer admin-token' },
    });
    expect(await collector.visitor(one)).toMatchObject({ stage: 'action' });
    expect(await countsOf(collector)).toEqual({ action: 1 });
  });

  test('stands where one visitor would who had done it all, for random streams, links, days and rules', async () => {
    for (let seed = 1; seed <= 25; seed++) {
      const random = seeded(seed);
      const collector = await makeCollector();
      const { clock, get, site } = collector;
      const [alone, ...many] = [newId(), newId(), newId(), newId()];
      const linked = { userId: 'u', proof: proofOf(collector, 'u') };
      const isLinked = new Set<string>();
      for (let batch = 0; batch < 12; batch++) {
        const visitorId = many[Math.floor(random() * many.length)]!;
        const names = Array.from({ length: 1 + Math.floor(random() * 3) }, () =>
          random() < 0.15 ? 'purchase' : random() < 0.3 ? 'generate_lead' : random() < 0.5 ? 'view' : 'page_view',
        );
        const time = clock.now - Math.floor(random() * 3) * DAY;
        const make = () =>
          names.map((name) => makeEvent(name, { time, ...(name === 'view' && { url: `${ORIGIN}/pricing` }) }));
        const isProven = random() < 0.5;
        if (isProven) isLinked.add(visitorId);
        await collector.send(visitorId, make(), isProven ? linked : {});
        await collector.send(alone!, make());
        if (random() < 0.2) clock.now += Math.floor(random() * 20) * DAY;
        if (random() < 0.1) {
          const rules = await get<{ version: number }>(`sites/${site.siteKey}/rules`);
          expect((await collector.putRules(rules)).status).toBe(200);
        }
      }
      // Everybody is linked in the end, whose visitors they were before.
      for (const visitorId of many) await collector.send(visitorId, [makeEvent('other')], linked);
      const expected = await collector.visitor(alone!);
      for (const visitorId of many) {
        const { stage, peak, tags, score, facts } = await collector.visitor(visitorId);
        expect({ stage, peak, tags, score }, `seed ${seed}`).toEqual({
          stage: expected.stage,
          peak: expected.peak,
          tags: expected.tags,
          score: expected.score,
        });
        expect(facts.signals, `seed ${seed}`).toEqual(expected.facts.signals);
      }
      const stage = expected.stage!;
      expect(await countsOf(collector), `seed ${seed}`).toEqual({ [stage]: 2 });
      expect(await loggedCounts(collector), `seed ${seed}`).toEqual({ [stage]: 2 });
      expect(clock.now).toBeGreaterThanOrEqual(NOW);
    }
  });

  test('is erased with all that is proven to be its own, whatever they call themselves, and nobody else is', async () => {
    const collector = await makeCollector();
    const { app, site, store } = collector;
    const [one, other, stranger] = [newId(), newId(), newId()];
    const linked = { userId: 'u1', proof: proofOf(collector, 'u1') };
    for (const visitorId of [one, other]) await sendAs(collector, visitorId, ['page_view'], linked);
    await sendAs(collector, other, ['page_view'], { userId: 'label' });
    await sendAs(collector, stranger, ['page_view'], { userId: 'u1' });
    const erase = async (who: string) => {
      const headers = { Authorization: 'Bearer admin-token' };
      const response = await app.request(`/api/sites/${site.siteKey}/people/${who}`, { method: 'DELETE', headers });
      return response.json() as Promise<object>;
    };
    expect(await erase('u1')).toMatchObject({ visitors: 2, events: 3 });
    expect(await countsOf(collector)).toEqual({ awareness: 1 });
    expect(await collector.visitor(stranger)).toMatchObject({ stage: 'awareness' });

    // By the id of the user's record too, which an export shows.
    const [third, fourth] = [newId(), newId()];
    for (const visitorId of [third, fourth]) await sendAs(collector, visitorId, ['page_view'], linked);
    const { personId } = (await store.visitor(site.siteKey, third))!;
    expect(await erase(personId!)).toMatchObject({ visitors: 2 });
    expect(await store.visitor(site.siteKey, personId!)).toBeUndefined();
    const fifth = newId();
    expect((await sendAs(collector, fifth, ['page_view'], linked)).visitor).toMatchObject({ stage: 'awareness' });
    expect(await countsOf(collector)).toEqual({ awareness: 2 });
  });

  test('keeps nothing of a visitor that is erased, in its moves neither, and in no backup that is restored', async () => {
    const collector = await makeCollector();
    const { ask, site, store, folder } = { ...collector, ask: asker(collector) };
    const [gone, stays] = [newId(), newId()];
    const proven = { userId: 'u', proof: proofOf(collector, 'u') };
    const planted = makeEvent('purchase', {
      time: NOW - 5000,
      props: { transaction_id: 'planted-order', value: 100 },
      source: { utm_source: 'planted-source' },
    });
    await collector.send(stays, [makeEvent('sign_up', { time: NOW - 9000 })], proven);
    await collector.send(gone, [planted], proven);
    const shown = () =>
      collector.get<{ stage: string; facts: object; transitions: Array<{ to: string; cause: object }> }>(
        `sites/${site.siteKey}/visitors/${stays}`,
      );
    expect(await shown()).toMatchObject({ stage: 'action' });
    const backup = path.join(temporaryFolder(), 'backup.sqlite');
    await store.backup(backup);
    expect(await ask('DELETE', `/people/${gone}`)).toBe(200);
    const marks = [planted.id, planted.id.replaceAll('-', ''), 'planted-order', 'planted-source'];
    const expectNothing = async (found: Awaited<ReturnType<typeof shown>>) => {
      expect(found.stage).toBe('consideration');
      expect(found.transitions.at(-1)!.to).toBe('consideration');
      for (const mark of marks) expect(JSON.stringify(found)).not.toContain(mark);
    };
    await expectNothing(await shown());
    await store.close();
    const text = () => fs.readFileSync(path.join(folder, 'stagetag.sqlite'), 'latin1');
    for (const mark of marks) expect(text()).not.toContain(mark);

    expect(restoreBackup(backup, folder, NOW)).toMatchObject({ erased: 1 });
    for (const mark of marks) expect(text()).not.toContain(mark);
    const again = await makeCollector({}, folder);
    const [job] = await again.store.runningJobs();
    await workOn(again.store, () => NOW).recompute(job!);
    await expectNothing(await again.get<Awaited<ReturnType<typeof shown>>>(`sites/${site.siteKey}/visitors/${stays}`));
  });

  test('is what its visitors are while one of them is erased and others send', async () => {
    const collector = await makeCollector();
    const { store, site, clock } = collector;
    const work = workOn(store, () => clock.now);
    const linked = { userId: 'u1', proof: proofOf(collector, 'u1') };
    const [one, other] = [newId(), newId()];
    for (const visitorId of [one, other]) await sendAs(collector, visitorId, ['page_view'], linked);
    const sent = Array.from({ length: 8 }, () => sendAs(collector, one, ['page_view'], {}));
    await Promise.all([...sent.slice(0, 4), work.erase(site.siteKey, other, clock.now), ...sent.slice(4)]);
    expect(Object.values((await collector.visitor(one)).facts.signals.visit!)).toEqual([9]);
    // And no longer while the person is made anew, for other rules or because it is looked at.
    await store.markStale(site.siteKey);
    await sendAs(collector, one, ['page_view'], {});
    expect(Object.values((await collector.visitor(one)).facts.signals.visit!)).toEqual([10]);
  });

  test('who is marked as a bot goes on in its own state, alone or beside others, and is what its events say', async () => {
    const collector = await makeCollector();
    const { store, site, clock } = collector;
    const work = workOn(store, () => clock.now);
    const [one, other] = [newId(), newId()];
    const linked = { userId: 'u1', proof: proofOf(collector, 'u1') };
    const anew = async (visitorId: string) => {
      await store.markStale(site.siteKey);
      return (await work.refresh(site.siteKey, visitorId, clock.now)).person;
    };
    await sendAs(collector, one, ['page_view'], linked);
    await work.judge(site.siteKey, one, { bot: 'competitor', isJudged: true }, clock.now);
    const { visitor } = await sendAs(collector, one, ['purchase'], linked);
    expect(visitor).toMatchObject({ stage: 'action', peak: 'action' });
    expect(await anew(one)).toMatchObject({ stage: 'action', events: 2 });
    // Beside one that is none it does nothing for the person.
    expect((await sendAs(collector, other, ['page_view'], linked)).visitor.stage).toBe('awareness');
    await sendAs(collector, one, ['purchase'], linked);
    expect(await anew(other)).toMatchObject({ stage: 'awareness', events: 1 });
    await work.judge(site.siteKey, one, { bot: null, isJudged: true }, clock.now);
    expect((await sendAs(collector, one, ['page_view'], linked)).visitor.stage).toBe('loyalty');
    expect(await anew(one)).toMatchObject({ stage: 'loyalty', events: 5 });
  });

  test('is not changed by a batch that comes again, or late', async () => {
    const collector = await makeCollector();
    const visitorId = newId();
    const send = async (event: object, userId: string) =>
      (
        await collector.send(visitorId, [event], { userId, proof: proofOf(collector, userId) })
      ).json() as Promise<Answer>;
    const first = makeEvent('purchase', { time: NOW - 2000 });
    const late = makeEvent('purchase', { time: NOW - 3000 });
    await send(first, 'u1');
    await collector.send(newId(), [makeEvent('invite')], { userId: 'u2', proof: proofOf(collector, 'u2') });
    expect((await send(makeEvent('page_view', { time: NOW - 1000 }), 'u2')).visitor).toMatchObject({
      stage: 'loyalty',
    });
    for (const event of [first, late]) {
      expect((await send(event, 'u1')).visitor).toMatchObject({ stage: 'loyalty' });
      expect(await collector.visitor(visitorId)).toMatchObject({ userId: 'u2' });
    }
  });

  test('keeps its past in reports when a visitor went in and came out again, and is listed as it is', async () => {
    const collector = await makeCollector();
    const { get, site, app, clock } = collector;
    const [one, other] = [newId(), newId()];
    const linked = { userId: 'u1', proof: proofOf(collector, 'u1') };
    await sendAs(collector, one, ['purchase'], linked);
    await sendAs(collector, other, ['page_view'], {});
    await sendAs(collector, other, ['page_view'], linked);
    const { visitors } = await get<{ visitors: object[] }>(`sites/${site.siteKey}/visitors`);
    expect(visitors).toMatchObject([{ stage: 'action' }, { stage: 'action' }]);
    const headers = { Authorization: 'Bearer admin-token' };
    await app.request(`/api/sites/${site.siteKey}/visitors/${other}/link`, { method: 'DELETE', headers });
    clock.now += 2 * DAY;
    const day = new Date(NOW).toJSON().slice(0, 10);
    const { stages } = await get<{ stages: Array<{ stage: string; current: number; peak: number }> }>(
      `sites/${site.siteKey}/reports/stages?from=${day}&to=${day}`,
    );
    expect(stages.find(({ stage }) => stage === 'awareness')).toMatchObject({ current: 1, peak: 1 });
  });

  test('has no more visitors than a human being has browsers', async () => {
    const collector = await makeCollector();
    const linked = { userId: 'u1', proof: proofOf(collector, 'u1') };
    for (let n = 0; n < 101; n++) await sendAs(collector, newId(), ['page_view'], linked);
    expect(await countsOf(collector)).toEqual({ awareness: 2 });
  });
});

test('who signs in enters no stage and leaves none', async () => {
  const collector = await makeCollector();
  const { get, site, send, clock } = collector;
  clock.now = NOW - 20 * DAY;
  const ids = Array.from({ length: 3 }, () => newId());
  for (const id of ids) await send(id, [makeEvent('page_view', { time: clock.now })]);
  clock.now = NOW;
  for (const [index, id] of ids.entries())
    await sendAs(collector, id, ['page_view'], { userId: `u${index}`, proof: proofOf(collector, `u${index}`) });
  const { stages } = await get<{ stages: Array<{ stage: string; current: number; entered: number; left: number }> }>(
    `sites/${site.siteKey}/reports/stages?from=2026-11-22&to=2026-11-22`,
  );
  expect(stages[0]).toMatchObject({ stage: 'awareness', current: 0, entered: 0, left: 3 });
  expect(stages[1]).toMatchObject({ stage: 'interest', current: 3, entered: 3 });
});
