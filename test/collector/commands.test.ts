import fs from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it, test } from 'vitest';
import { openSqliteStore } from '../../collector/app.js';
import { MIGRATIONS } from '../../collector/store/sqlite/migrations.js';
import { ADMIN, bytesIn, makeEvent, newId, temporaryFolder } from '../helpers/collector.js';
import { runCommand, startServe } from '../helpers/process.js';

describe('the commands', () => {
  it('work beside a running collector, and a second one on its folder is refused', async () => {
    const folder = temporaryFolder();
    const { url, child, ended } = await startServe(folder, ['--admin-token', ADMIN]);
    const site = runCommand(['site', 'add', '--name', 'S', '--origin', 'https://www.example.com', '--data', folder]);
    const { siteKey } = JSON.parse(site.stdout) as { siteKey: string };
    const [gone, stays] = [newId(), newId()];
    for (const visitorId of [gone, stays]) {
      const response = await fetch(`${url}/v1/events`, {
        method: 'POST',
        headers: { Origin: 'https://www.example.com' },
        body: JSON.stringify({ siteKey, visitorId, events: [makeEvent('page_view', { title: visitorId })] }),
      });
      expect(response.status).toBe(200);
    }

    const second = runCommand(['serve', '--port', '0', '--data', folder]);
    expect(second.status).toBe(1);
    expect(second.stderr).toMatch(/^stagetag: another Stagetag is running on the data folder .*; stop it first.*\n$/);

    const backup = path.join(temporaryFolder(), 'backup.sqlite');
    const made = runCommand(['backup', backup, '--data', folder, '--json']);
    expect(JSON.parse(made.stdout)).toMatchObject({ file: backup, sites: 1, visitors: 2, events: 2 });
    const again = runCommand(['recompute', '--data', folder, '--json']);
    expect(JSON.parse(again.stdout)).toEqual({ siteKey, rules: 1, visitors: 2 });
    const exported = runCommand(['export', stays, '--data', folder]);
    expect(JSON.parse(exported.stdout)).toMatchObject({ visitors: [{ visitor: { visitorId: stays } }] });
    const receipt = runCommand(['forget', gone, '--data', folder, '--json']);
    expect(JSON.parse(receipt.stdout)).toMatchObject({ siteKey, visitors: 1, events: 1 });
    expect(runCommand(['forget', gone, '--data', folder])).toMatchObject({
      status: 1,
      stderr: `stagetag: nobody here has the id ${gone}: neither a visitor nor a user\n`,
    });
    expect(bytesIn(folder)).not.toContain(gone);

    const early = runCommand(['restore', backup, '--data', folder]);
    expect(early.stderr).toContain('another Stagetag is running');
    child.kill('SIGTERM');
    await ended;
    expect(JSON.parse(runCommand(['restore', backup, '--verify', '--data', folder, '--json']).stdout)).toMatchObject({
      events: 2,
    });
    // Who was erased after the backup was made stays erased.
    const restored = runCommand(['restore', backup, '--data', folder, '--json']);
    expect(JSON.parse(restored.stdout)).toMatchObject({ sites: 1, visitors: 1, events: 1, erased: 1 });
    expect(fs.readFileSync(path.join(folder, 'stagetag.sqlite'), 'latin1')).not.toContain(gone);
  });

  it('say what is wrong with a backup, and leave the data as it is', () => {
    const folder = temporaryFolder();
    runCommand(['site', 'add', '--name', 'S', '--origin', 'https://www.example.com', '--data', folder]);
    const before = fs.readFileSync(path.join(folder, 'stagetag.sqlite'));
    const broken = path.join(folder, 'broken');
    fs.writeFileSync(broken, before.subarray(0, before.length / 2));
    for (const [file, text] of [
      [broken, 'is damaged|is no backup of Stagetag'],
      [path.join(folder, 'missing'), 'there is no file'],
      [import.meta.filename, 'is no backup of Stagetag'],
    ] as const) {
      const refused = runCommand(['restore', file, '--data', folder]);
      expect(refused.status).toBe(1);
      expect(refused.stderr).toMatch(new RegExp(text));
    }
    expect(fs.readFileSync(path.join(folder, 'stagetag.sqlite'))).toEqual(before);
  });
});

describe('doctor', () => {
  const doctor = (...args: string[]) => {
    const { stdout, status } = runCommand(['doctor', '--json', ...args]);
    const { ok, findings } = JSON.parse(stdout) as {
      ok: boolean;
      findings: Array<{ check: string; result: string; text: string }>;
    };
    expect(status).toBe(ok ? 0 : 1);
    return Object.fromEntries(findings.map(({ check, result, text }) => [check, `${result}: ${text}`]));
  };

  it('says what is well, beside a running collector', async () => {
    const folder = temporaryFolder();
    const { url } = await startServe(folder);
    runCommand(['site', 'add', '--name', 'S', '--origin', 'http://localhost', '--data', folder]);
    const found = doctor('--data', folder, '--url', `${url}/`);
    expect(Object.keys(found)).toEqual([
      'data',
      'database',
      'schema',
      'disk',
      'collector',
      'origins of S',
      'rules of S',
      'address',
      'clock',
      'tag of S',
    ]);
    for (const [check, text] of Object.entries(found)) if (check !== 'disk') expect(text).toMatch(/^ok: /);
  });

  it('says what is not, and what to do', async () => {
    const folder = temporaryFolder();
    expect(doctor('--data', folder)).toEqual({ data: expect.stringMatching(/^failure: there is no database in/) });
    runCommand(['site', 'add', '--name', 'S', '--origin', 'http://shop.invalid', '--data', folder]);
    const found = doctor('--data', folder, '--url', 'http://127.0.0.1:1');
    expect(found).toMatchObject({
      collector: 'warning: none is running on this folder',
      'origins of S': 'warning: no address is known for shop.invalid; is it spelt so?',
      address: expect.stringMatching(/^failure: http:..127.0.0.1:1 cannot be reached: /),
    });
    const file = path.join(folder, 'stagetag.sqlite');
    const bytes = fs.readFileSync(file);
    bytes.fill(7, 4096, 40_960);
    fs.writeFileSync(file, bytes);
    expect(doctor('--data', folder).database).toMatch(/^failure: .*; restore a backup$/s);
    expect(fs.readFileSync(file)).toEqual(bytes);
  });
});

test('an update of the schema keeps the old file beside the new one for a week', async () => {
  const folder = temporaryFolder();
  const old = new Database(path.join(folder, 'stagetag.sqlite'));
  old.exec(MIGRATIONS[0]!);
  old.pragma('user_version = 1');
  old.exec("INSERT INTO tokens VALUES ('kept', 'session', 1)");
  old.close();
  const store = openSqliteStore(folder);
  const kept = path.join(folder, `stagetag.sqlite.before-schema-${MIGRATIONS.length}`);
  const before = new Database(kept, { readonly: true });
  expect(before.pragma('user_version', { simple: true })).toBe(1);
  expect(before.prepare('SELECT hash FROM tokens').pluck().all()).toEqual(['kept']);
  before.close();
  const week = 7 * 86_400_000;
  const made = fs.statSync(kept).mtimeMs;
  await store.dropKept(made + week - 1000);
  expect(fs.existsSync(kept)).toBe(true);
  await store.dropKept(made + week + 1000);
  expect(fs.existsSync(kept)).toBe(false);
  await store.close();
});
