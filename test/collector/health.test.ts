import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import type { KpiReport } from '../../collector/reports/kpis.js';
import { restoreBackup } from '../../collector/store/sqlite/restore.js';
import { ADMIN, makeCollector, makeEvent, newId, NOW, temporaryFolder } from '../helpers/collector.js';

async function start() {
  const collector = await makeCollector();
  const { app, site } = collector;
  const ask = async <T>(method: string, path: string, body?: object) => {
    const response = await app.request(`/api/sites/${site.siteKey}${path}`, {
      method,
      headers: { Authorization: `Bearer ${ADMIN}` },
      ...(body && { body: JSON.stringify(body) }),
    });
    return { status: response.status, json: (await response.json()) as T };
  };
  return { ...collector, ask };
}

test('the health of a site says what came last, what room there is, and when all was last copied', async () => {
  const { ask, send, store } = await start();
  const empty = (await ask<Record<string, number>>('GET', '/health')).json;
  expect(empty).toMatchObject({ asOf: NOW, lastEventAt: null, due: 0, jobs: [], backupAt: null });
  await send(newId(), [makeEvent('page_view', { time: NOW - 5000 })]);
  await store.addAudit({ at: NOW - 60_000, who: 'command line', action: 'backup', siteKey: null, target: 'b.sqlite' });
  await store.addAudit({ at: NOW - 90_000, who: 'command line', action: 'backup', siteKey: null, target: 'a.sqlite' });
  const { json } = await ask<Record<string, number>>('GET', '/health');
  expect(json).toMatchObject({ lastEventAt: NOW, backupAt: NOW - 60_000 });
  expect(json.takenBytes).toBeGreaterThan(4096);
  expect(json.freeBytes).toBeGreaterThan(0);
});

test('a target is for thirty days, and says how far it is met', async () => {
  const { ask, send } = await start();
  const rated = async (targets: object, days = '') => {
    expect((await ask('PATCH', '', { targets })).status).toBe(200);
    const { kpis } = (await ask<KpiReport>('GET', `/reports/kpis${days}`)).json;
    const { value, target, rating } = kpis[0]!;
    return [value, target, rating];
  };
  for (let at = 0; at < 9; at++) await send(newId(), [makeEvent('page_view', { time: NOW - 5000 })]);
  expect(await rated({})).toEqual([9, null, null]);
  expect(await rated({ awareness: 9 })).toEqual([9, 9, 'green']);
  expect(await rated({ awareness: 11 })).toEqual([9, 11, 'amber']);
  expect(await rated({ awareness: 12 })).toEqual([9, 12, 'red']);
  expect(await rated({ awareness: 12 }, '?from=2026-11-08&to=2026-11-22')).toEqual([9, 6, 'green']);
  for (const targets of [{ awareness: 0 }, { awareness: '9' }, { awarenes: 9 }, [], 7, { action: -1 }]) {
    const { status, json } = await ask<{ error: string }>('PATCH', '', { targets });
    expect([status, json.error]).toEqual([400, expect.stringContaining('targets: expected')]);
  }
});

test('a user who was erased after a backup is gone from what is restored, and from static audiences', async () => {
  const { ask, send, store, site, folder } = await start();
  const secret = { Authorization: `Bearer ${site.secretKey}` };
  const page = () => [makeEvent('page_view', { url: 'https://www.example.com/pricing' })];
  await send(newId(), page(), { userId: 'planted-user' }, secret);
  await send(newId(), page(), { userId: 'other-user' }, secret);
  const when = { signal: 'pricing_view' };
  const { json } = await ask<{ id: number; people: number }>('POST', '/audiences', { name: 'A', when, isStatic: true });
  expect(json.people).toBe(2);
  const backup = path.join(temporaryFolder(), 'backup.sqlite');
  await store.backup(backup);
  expect((await ask('DELETE', '/people/planted-user')).status).toBe(200);
  await store.close();
  expect(restoreBackup(backup, folder, NOW)).toMatchObject({ erased: 1 });
  expect(fs.readFileSync(path.join(folder, 'stagetag.sqlite'), 'latin1')).not.toContain('planted-user');
  const again = await makeCollector({}, folder);
  const { members } = await again.get<{ members: Array<{ userId: string }> }>(
    `sites/${site.siteKey}/audiences/${json.id}/members`,
  );
  expect(members.map(({ userId }) => userId)).toEqual(['other-user']);
});
