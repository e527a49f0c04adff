import { createHmac } from 'node:crypto';
import path from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { openSqliteStore } from '../../collector/app.js';
import { workOn } from '../../collector/work.js';
import { ADMIN, bytesIn, makeCollector, makeEvent, newId, ORIGIN, type TestCollector } from '../helpers/collector.js';

const MARK = 'planted-mark-7319';

/** Sends what leaves a mark in every place that keeps something of a visitor. */
async function plant({ send }: TestCollector, visitorId: string, userId = MARK): Promise<void> {
  const marked = makeEvent('page_view', {
    url: `https://www.example.com/${MARK}`,
    title: MARK,
    referrer: `https://${MARK}.example/`,
    source: { utm_campaign: MARK },
    props: { note: MARK },
  });
  await send(visitorId, [marked, makeEvent('sign_up'), { ...makeEvent('broken'), time: MARK }], {
    userId,
    traits: { city: MARK },
  });
  await send(visitorId, [makeEvent('page_view')], { traits: MARK });
}

const ask = ({ app, site }: TestCollector, method: string, where: string) =>
  app.request(`/api/sites/${site.siteKey}/people/${where}`, { method, headers: { Authorization: `Bearer ${ADMIN}` } });

const statusOf = async ({ app }: TestCollector, body: string) =>
  (await app.request('/v1/events', { method: 'POST', headers: { Origin: ORIGIN }, body })).status;

describe('erasing somebody', () => {
  it('leaves nothing of them in any file, and everything of the others', async () => {
    const collector = await makeCollector();
    const [gone, stays] = [newId(), newId()];
    await plant(collector, gone);
    await collector.send(stays, [makeEvent('page_view', { title: 'stays' })]);
    expect(bytesIn(collector.folder)).toContain(MARK);
    expect(bytesIn(collector.folder)).toContain(Buffer.from(gone.replaceAll('-', ''), 'hex').toString('latin1'));

    const response = await ask(collector, 'DELETE', gone);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      siteKey: collector.site.siteKey,
      visitors: 1,
      events: 2,
      transitions: 2,
      deadLetters: 2,
      erasedAt: collector.clock.now,
      isWiped: true,
    });
    expect(bytesIn(collector.folder)).not.toContain(MARK);
    expect(bytesIn(collector.folder)).not.toContain(gone);
    expect(bytesIn(collector.folder)).not.toContain(Buffer.from(gone.replaceAll('-', ''), 'hex').toString('latin1'));
    expect(await collector.ndjson()).toMatchObject([{ title: 'stays', visitorId: stays }]);
    expect(await collector.visitor(gone)).toEqual({ error: 'this site has no such visitor' });
    expect((await collector.visitor(stays)).stage).toBe('awareness');
  });

  it('is answered to their later batches, of which nothing is kept', async () => {
    const collector = await makeCollector();
    const gone = newId();
    await plant(collector, gone);
    await ask(collector, 'DELETE', gone.toUpperCase());
    const late = makeEvent('page_view', { title: MARK });
    const response = await collector.send(gone.toUpperCase(), [late, { id: 7, name: MARK }], { userId: MARK });
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({
      accepted: 0,
      duplicates: 0,
      rejected: [
        { id: late.id, reason: 'forgotten' },
        { id: null, reason: 'forgotten' },
      ],
      visitor: { stage: null, rev: 0, have: [] },
    });
    expect((await collector.send(gone, [late], { traits: MARK })).status).toBe(400);
    expect(bytesIn(collector.folder)).not.toContain(MARK);
  });

  it('takes what was refused however their name was written, and behind what is kept of it', async () => {
    const collector = await makeCollector();
    const { site, store } = collector;
    const gone = newId();
    const refuse = (body: string) => statusOf(collector, body);
    const begin = `{"siteKey":"${site.siteKey}","visitorId":"none","events":[]`;
    for (const name of ['"userId" \t :  "张-P"', '"userId":"\\u5f20-\\u0050"', '"userId":"\\u5f20-P"'])
      expect(await refuse(`${begin},${name},"note":"${MARK}"}`)).toBe(400);
    expect(await refuse(`{"note":"${MARK}","pad":"${'x'.repeat(5000)}","visitorId" : "${gone.toUpperCase()}",`)).toBe(
      400,
    );
    expect(await store.deadLetters(site.siteKey, 9)).toHaveLength(4);
    expect(await (await ask(collector, 'DELETE', encodeURIComponent('张-P'))).json()).toMatchObject({ deadLetters: 3 });
    expect(await (await ask(collector, 'DELETE', gone)).json()).toMatchObject({ deadLetters: 1 });
    expect(bytesIn(collector.folder)).not.toContain(MARK);
  });

  it('takes those too who proved to be somebody with more visitors than count as one', async () => {
    const collector = await makeCollector();
    const { site, send, get } = collector;
    const proof = createHmac('sha256', site.secretKey).update('many').digest('hex');
    for (let count = 0; count < 103; count++) await send(newId(), [makeEvent('page_view')], { userId: 'many', proof });
    await send(newId(), [makeEvent('page_view')], { userId: 'another' });
    expect(await (await ask(collector, 'DELETE', 'many')).json()).toMatchObject({ visitors: 103 });
    expect((await get<{ visitors: object[] }>(`sites/${site.siteKey}/visitors`)).visitors).toHaveLength(1);
  });

  it('takes what was refused too, wherever in it they are named', async () => {
    const collector = await makeCollector();
    const { site, store } = collector;
    const gone = newId();
    const refuse = (body: string) => statusOf(collector, body);
    const batch = { siteKey: site.siteKey, visitorId: gone, events: [] };
    const late = { pad: 'x'.repeat(5000), ...batch, traits: MARK };
    expect(await refuse(JSON.stringify({ note: MARK, ...late }))).toBe(400);
    expect(await refuse(JSON.stringify({ ...batch, visitorId: 'none', userId: MARK, traits: { city: MARK } }))).toBe(
      400,
    );
    await collector.send(newId(), [{ ...makeEvent('broken'), time: 'someone-else' }]);
    expect(await (await ask(collector, 'GET', `${gone}/export`)).json()).toMatchObject({
      visitors: [{ visitor: null, events: [], deadLetters: [{ reason: 'invalid_traits' }] }],
    });
    expect(await (await ask(collector, 'DELETE', gone)).json()).toMatchObject({ visitors: 1, deadLetters: 1 });
    expect(await (await ask(collector, 'DELETE', MARK)).json()).toMatchObject({ visitors: 0, deadLetters: 1 });
    expect(await refuse(`{"visitorId":"${gone.toUpperCase()}","${MARK}`)).toBe(400);
    expect(bytesIn(collector.folder)).not.toContain(MARK);
    expect(await store.deadLetters(site.siteKey, 9)).toMatchObject([{ reason: 'invalid_time' }]);
  });

  it('leaves no copy in a gap of a page, of many whose rows were moved about', async () => {
    const collector = await makeCollector();
    const visitors = Array.from({ length: 120 }, () => newId());
    for (const visitorId of visitors)
      await collector.send(visitorId, [makeEvent('page_view', { title: `mark-${visitorId}` })], { userId: visitorId });
    for (const visitorId of visitors.slice(0, 40)) await ask(collector, 'DELETE', visitorId);
    const bytes = bytesIn(collector.folder);
    const left = visitors.filter(
      (id) => bytes.includes(id) || bytes.includes(Buffer.from(id.replaceAll('-', ''), 'hex').toString('latin1')),
    );
    expect(left).toEqual(visitors.slice(40));
  });

  it('goes off the disk at the next start where a crash came before', async () => {
    const collector = await makeCollector();
    const gone = newId();
    await plant(collector, gone);
    await workOn(collector.store, Date.now).erase(collector.site.siteKey, gone, collector.clock.now);
    expect(bytesIn(collector.folder)).toContain(MARK);
    const next = openSqliteStore(collector.folder);
    expect(await next.wipe()).toBe(true);
    await next.close();
    expect(bytesIn(collector.folder)).not.toContain(MARK);
  });

  it('goes off the disk as soon as nobody reads any more, and holds nobody up until then', async () => {
    const collector = await makeCollector();
    const gone = newId();
    await plant(collector, gone);
    const reader = new Database(path.join(collector.folder, 'stagetag.sqlite'), { readonly: true });
    reader.exec('BEGIN');
    reader.prepare('SELECT count(*) FROM batches').get();
    expect(await (await ask(collector, 'DELETE', gone)).json()).toMatchObject({ events: 2, isWiped: false });
    expect((await collector.send(newId(), [makeEvent('page_view')])).status).toBe(200);
    expect(await collector.store.wipe()).toBe(false);
    reader.exec('COMMIT');
    expect(await collector.store.wipe()).toBe(true);
    expect(bytesIn(collector.folder)).not.toContain(MARK);
    reader.close();
  });

  it('by a user’s id takes every visitor that carries it', async () => {
    const collector = await makeCollector();
    const [phone, desk, other] = [newId(), newId(), newId()];
    await plant(collector, phone, 'user-1');
    await plant(collector, desk, 'user-1');
    await collector.send(other, [makeEvent('page_view')], { userId: 'user-2' });
    expect(await (await ask(collector, 'DELETE', 'user-1')).json()).toMatchObject({ visitors: 2, events: 4 });
    expect((await ask(collector, 'DELETE', 'user-1')).status).toBe(404);
    expect(await collector.ndjson()).toMatchObject([{ visitorId: other }]);
  });

  it('takes them out of every count', async () => {
    const collector = await makeCollector();
    const gone = newId();
    await plant(collector, gone);
    const reached = async () => {
      const { stages } = await collector.get<{ stages: Array<{ current: number; peak: number; entered: number }> }>(
        `sites/${collector.site.siteKey}/reports/stages`,
      );
      return stages.map(({ current, peak, entered }) => current + peak + entered).reduce((sum, each) => sum + each);
    };
    expect(await reached()).toBe(4);
    await ask(collector, 'DELETE', gone);
    expect(await reached()).toBe(0);
  });
});

describe('exporting somebody', () => {
  it('gives all that is kept of them, and nothing of others', async () => {
    const collector = await makeCollector();
    const [mine, other] = [newId(), newId()];
    await plant(collector, mine, 'user-1');
    await collector.send(other, [makeEvent('page_view')]);
    const body = (await (await ask(collector, 'GET', 'user-1/export')).json()) as {
      visitors: Array<{ visitor: { visitorId: string; userId: string }; transitions: unknown[]; events: unknown[] }>;
    };
    expect(body.visitors).toHaveLength(1);
    expect(body.visitors[0]).toMatchObject({
      visitor: {
        visitorId: mine,
        userId: 'user-1',
        facts: { traits: { city: [expect.anything(), expect.anything(), MARK] } },
      },
      events: [{ event: { title: MARK } }, { event: { name: 'sign_up' } }],
    });
    expect(body.visitors[0]!.transitions).toHaveLength(2);
    expect((await ask(collector, 'GET', 'nobody/export')).status).toBe(404);
  });
});
