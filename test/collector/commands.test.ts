import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it, onTestFinished, test } from 'vitest';
import { openSqliteStore } from '../../collector/app.js';
import { lockFolder } from '../../collector/store/sqlite/lock.js';
import { MIGRATIONS } from '../../collector/store/sqlite/migrations.js';
import type { Site } from '../../collector/store/store.js';
import { addSite } from '../../collector/site.js';
import { workOn } from '../../collector/work.js';
import { useFolder } from '../../collector/store/sqlite/open.js';
import { restoreBackup, verifyBackup } from '../../collector/store/sqlite/restore.js';
import { ADMIN, bytesIn, makeCollector, makeEvent, newId, NOW, temporaryFolder } from '../helpers/collector.js';
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

    const added = runCommand(['user', 'add', '--name', 'Ada', '--role', 'editor', '--data', folder, '--json']);
    const { token } = JSON.parse(added.stdout) as { token: string };
    // Over a connection of its own: the collector closes one that rested while the commands held this process up.
    const read = () =>
      new Promise<number | undefined>((resolve, reject) => {
        const options = { agent: false, headers: { Authorization: `Bearer ${token}` } };
        const answered = (response: http.IncomingMessage) => resolve(response.resume().statusCode);
        http.get(`${url}/api/sites`, options, answered).on('error', reject);
      });
    expect(await read()).toBe(200);
    expect(runCommand(['user', 'add', '--name', 'Ada', '--data', folder]).stderr).toMatch(/already; remove it first/);
    expect(JSON.parse(runCommand(['user', 'list', '--data', folder, '--json']).stdout)).toMatchObject({
      role: 'editor',
    });
    expect(runCommand(['user', 'remove', '--name', 'Ada', '--data', folder]).status).toBe(0);
    expect(await read()).toBe(401);

    const backup = path.join(temporaryFolder(), 'backup.sqlite');
    const made = runCommand(['backup', backup, '--data', folder, '--json']);
    expect(JSON.parse(made.stdout)).toMatchObject({ file: backup, sites: 1, visitors: 2, events: 2 });
    const log = openSqliteStore(folder);
    expect(await log.audit(1)).toMatchObject([{ who: 'command line', action: 'backup', target: 'backup.sqlite' }]);
    await log.close();
    const again = runCommand(['recompute', '--data', folder, '--json']);
    expect(JSON.parse(again.stdout)).toEqual({ siteKey, rules: 1, visitors: 2 });
    const exported = runCommand(['export', stays, '--data', folder]);
    expect(JSON.parse(exported.stdout)).toMatchObject({ visitors: [{ visitor: { visitorId: stays } }] });
    const receipt = runCommand(['forget', gone, '--data', folder, '--json']);
    expect(JSON.parse(receipt.stdout)).toMatchObject({ siteKey, visitors: 1, events: 1 });
    // Once more: a try that could not wipe it may have come before.
    const oncemore = runCommand(['forget', gone, '--data', folder, '--json']);
    expect(JSON.parse(oncemore.stdout)).toEqual({ siteKey, visitors: 0, isForgotten: true, isWiped: true });
    const nobody = newId();
    expect(runCommand(['forget', nobody, '--data', folder])).toMatchObject({
      status: 1,
      stderr: `stagetag: nobody here has the id ${nobody}: neither a visitor nor a user\n`,
    });
    expect(bytesIn(folder)).not.toContain(gone);

    const early = runCommand(['restore', backup, '--data', folder]);
    expect(early.stderr).toContain('another Stagetag is running');
    child.kill('SIGTERM');
    await ended;
    expect(JSON.parse(runCommand(['restore', backup, '--verify', '--data', folder, '--json']).stdout)).toMatchObject({
      events: 2,
    });
    // It is one file, which needs nothing beside it to be read, and gets nothing.
    expect(fs.readdirSync(path.dirname(backup)).filter((name) => name.startsWith('backup.sqlite'))).toEqual([
      'backup.sqlite',
    ]);
    expect(fs.readFileSync(backup).subarray(18, 20)).toEqual(Buffer.from([1, 1]));
    // Who was erased after the backup was made stays erased.
    const restored = runCommand(['restore', backup, '--data', folder, '--json']);
    expect(JSON.parse(restored.stdout)).toMatchObject({ sites: 1, visitors: 1, events: 1, erased: 1 });
    const restoredLog = openSqliteStore(folder);
    expect(await restoredLog.audit(1)).toMatchObject([{ action: 'restore', target: 'backup.sqlite' }]);
    await restoredLog.close();
    const bytes = fs.readFileSync(path.join(folder, 'stagetag.sqlite'), 'latin1');
    expect(bytes).not.toContain(gone);
    // Ids are kept as their bytes.
    expect(bytes).not.toContain(Buffer.from(gone.replaceAll('-', ''), 'hex').toString('latin1'));
  });

  it('take nothing over from a restore that was interrupted, nor leave it lying about', async () => {
    const [folder, other, elsewhere] = [temporaryFolder(), temporaryFolder(), temporaryFolder()];
    const backup = path.join(elsewhere, 'backup.sqlite');
    runCommand(['site', 'add', '--name', 'Right', '--origin', 'https://www.example.com', '--data', folder]);
    runCommand(['backup', backup, '--data', folder]);
    // As a power cut in the middle of putting another backup in place leaves it: a file with its log.
    runCommand(['site', 'add', '--name', 'Wrong', '--origin', 'https://www.example.com', '--data', other]);
    const store = openSqliteStore(other);
    await store.addUser({ name: 'in the log', role: 'viewer', createdAt: 1 }, 'hash');
    const leave = () => {
      for (const end of ['', '-wal'])
        fs.copyFileSync(path.join(other, `stagetag.sqlite${end}`), path.join(folder, `stagetag.sqlite.restore${end}`));
    };
    leave();
    const leftIn = () => fs.readdirSync(folder).filter((name) => name.startsWith('stagetag.sqlite.restore'));
    const restored = runCommand(['restore', backup, '--data', folder, '--json']);
    expect(JSON.parse(restored.stdout)).toMatchObject({ sites: 1, visitors: 0 });
    const known = openSqliteStore(folder);
    expect((await known.sites()).map(({ name }) => name)).toEqual(['Right']);
    expect(await known.users()).toEqual([]);
    await known.close();
    expect(leftIn()).toEqual([]);
    leave();
    await store.close();
    const { child, ended } = await startServe(folder);
    expect(leftIn()).toEqual([]);
    child.kill('SIGTERM');
    await ended;
  });

  it('leave no half of a backup behind when they are interrupted, and do not write into one that is being made', async () => {
    const [folder, elsewhere] = [temporaryFolder(), temporaryFolder()];
    runCommand(['site', 'add', '--name', 'S', '--origin', 'https://www.example.com', '--data', folder]);
    const backup = path.join(elsewhere, 'backup.sqlite');
    fs.writeFileSync(`${backup}.part`, 'of another');
    const refused = runCommand(['backup', backup, '--data', folder]);
    expect(refused).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('another backup is writing') as string,
    });
    expect(fs.readFileSync(`${backup}.part`, 'utf8')).toBe('of another');
    fs.rmSync(`${backup}.part`);
    // Large enough that it is interrupted in the middle.
    runCommand(['demo-data', '--data', folder, '--visitors', '1500', '--days', '30']);
    const command = spawn(process.execPath, ['dist/collector/main.js', 'backup', backup, '--data', folder]);
    onTestFinished(() => void command.kill('SIGKILL'));
    const ended = once(command, 'exit');
    // The journal is there as soon as something is written.
    const hasBegun = () => fs.existsSync(`${backup}.part-journal`);
    await expect.poll(hasBegun, { interval: 1, timeout: 20_000 }).toBe(true);
    command.kill('SIGINT');
    expect((await ended)[0]).toBe(130);
    expect(fs.readdirSync(elsewhere).filter((name) => name.includes('.part'))).toEqual([]);
  }, 60_000);

  it('do not bring back a secret key that was replaced since', async () => {
    const [folder, elsewhere] = [temporaryFolder(), temporaryFolder()];
    const store = openSqliteStore(folder);
    const { siteKey, secretKey } = (await addSite(store, { name: 'S', origins: ['https://a.example'] }, 1)) as Site;
    const backup = path.join(elsewhere, 'backup.sqlite');
    await store.backup(backup, () => {});
    await store.updateSite(siteKey, { secretKey: 'sk_new' });
    await store.close();
    restoreBackup(backup, folder, NOW);
    const restored = openSqliteStore(folder);
    onTestFinished(() => restored.close());
    expect(await restored.site(siteKey)).toMatchObject({ secretKey: 'sk_new', identityKey: secretKey });
  });

  it('do not let in again who may not sign in any more, and let in everybody where nothing is known', async () => {
    const [folder, elsewhere, fresh] = [temporaryFolder(), temporaryFolder(), temporaryFolder()];
    const backup = path.join(elsewhere, 'backup.sqlite');
    const run = (...args: string[]) => runCommand([...args, '--data', folder]);
    run('site', 'add', '--name', 'S', '--origin', 'https://a.example');
    run('user', 'add', '--name', 'Ada', '--role', 'editor');
    run('user', 'add', '--name', 'Bob', '--role', 'owner');
    run('backup', backup);
    run('user', 'remove', '--name', 'Bob');
    restoreBackup(backup, folder, NOW);
    expect(run('user', 'list').stdout).toContain('Ada');
    expect(run('user', 'list').stdout).not.toContain('Bob');
    // A collector that was started anew, on another machine.
    runCommand(['site', 'add', '--name', 'Other', '--origin', 'https://b.example', '--data', fresh]);
    restoreBackup(backup, fresh, NOW);
    expect(runCommand(['user', 'list', '--data', fresh]).stdout).toContain('Bob');
  });

  it('leave what they make to whoever has the folder, run by root too', () => {
    const folder = temporaryFolder();
    const isRoot = process.getuid!() === 0;
    const owner = isRoot ? 65534 : process.getuid!();
    if (isRoot) fs.chownSync(folder, owner, owner);
    runCommand(['site', 'add', '--name', 'S', '--origin', 'https://www.example.com', '--data', folder]);
    const backup = path.join(temporaryFolder(), 'backup.sqlite');
    runCommand(['backup', backup, '--data', folder]);
    runCommand(['restore', backup, '--data', folder]);
    const owners = fs.readdirSync(folder).map((name) => [name, fs.statSync(path.join(folder, name)).uid]);
    expect(owners.length).toBeGreaterThan(2);
    expect(owners.filter(([, uid]) => uid !== owner)).toEqual([]);
  });

  it('take the log along that stands beside a copy which is no backup', async () => {
    const [folder, copy, target] = [temporaryFolder(), temporaryFolder(), temporaryFolder()];
    runCommand(['site', 'add', '--name', 'S', '--origin', 'https://www.example.com', '--data', folder]);
    const store = openSqliteStore(folder);
    await store.addUser({ name: 'in the log', role: 'viewer', createdAt: 1 }, 'hash');
    // As after a crash.
    for (const end of ['', '-wal'])
      fs.copyFileSync(path.join(folder, `stagetag.sqlite${end}`), path.join(copy, `stagetag.sqlite${end}`));
    await store.close();
    const restored = runCommand(['restore', path.join(copy, 'stagetag.sqlite'), '--data', target, '--json']);
    expect(JSON.parse(restored.stdout)).toMatchObject({ sites: 1 });
    const known = openSqliteStore(target);
    expect((await known.users()).map(({ name }) => name)).toEqual(['in the log']);
    await known.close();
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

describe('what may go wrong', () => {
  const site = ['site', 'add', '--name', 'S', '--origin', 'https://www.example.com'];
  const fails = (args: string[], text: RegExp) => {
    const { status, stderr } = runCommand(args);
    expect(stderr).toMatch(text);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(status).toBe(1);
  };

  it('a backup never takes the place of a file, and a mistyped folder is no empty one', () => {
    const folder = temporaryFolder();
    runCommand([...site, '--data', folder]);
    const file = path.join(folder, 'mine');
    fs.writeFileSync(file, 'precious');
    fails(['backup', file, '--data', folder], /is there already; name another/);
    expect(fs.readFileSync(file, 'utf8')).toBe('precious');
    fails(['backup', path.join(folder, 'no/such/folder'), '--data', folder], /^stagetag: /);
    fails(['export', 'x', '--data', folder, '--out', file], /nobody here has the id x/);
    for (const command of ['backup', 'forget', 'export'])
      fails([command, path.join(folder, 'b'), '--data', path.join(folder, 'typo')], /there is no database in .*typo/);
    fails(['recompute', '--data', path.join(folder, 'typo')], /there is no database in .*typo/);
    expect(fs.readdirSync(folder).sort()).toEqual(['mine', 'stagetag.lock', 'stagetag.sqlite', 'stagetag.use']);
  });

  it('a damaged database is replaced by a backup, with a word on what could not be carried over', () => {
    const folder = temporaryFolder();
    runCommand([...site, '--data', folder]);
    const backup = path.join(temporaryFolder(), 'backup');
    expect(runCommand(['backup', backup, '--data', folder]).status).toBe(0);
    expect(fs.statSync(backup).mode & 0o777).toBe(0o600);
    const file = path.join(folder, 'stagetag.sqlite');
    const bytes = fs.readFileSync(file).fill(7, 0, 40_960);
    fs.writeFileSync(file, bytes);
    fails(['serve', '--port', '0', '--data', folder], /is not a database; restore a backup/);
    fails(['recompute', '--data', folder], /is not a database; restore a backup/);
    const restored = runCommand(['restore', backup, '--data', folder, '--json']);
    const { kept, ...rest } = JSON.parse(restored.stdout) as { kept: string };
    expect(rest).toMatchObject({ sites: 1, warning: expect.stringContaining('has to be erased again') });
    expect(fs.readFileSync(kept)).toEqual(bytes);
    expect(runCommand([...site, '--data', folder]).status).toBe(0);
  });

  it('a database of another program is no backup, although it looks like one', () => {
    const folder = temporaryFolder();
    runCommand([...site, '--data', folder]);
    const before = fs.readFileSync(path.join(folder, 'stagetag.sqlite'));
    const other = path.join(folder, 'other');
    const database = new Database(other);
    database.exec('CREATE TABLE sites (a); CREATE TABLE visitors (a); CREATE TABLE events (a)');
    database.close();
    fails(['restore', other, '--data', folder], /is no backup of Stagetag/);
    expect(fs.readFileSync(path.join(folder, 'stagetag.sqlite'))).toEqual(before);
  });

  it('of several commands that meet an older schema one changes it, and none does under a running collector', async () => {
    const folder = temporaryFolder();
    const file = path.join(folder, 'stagetag.sqlite');
    const old = new Database(file);
    old.exec(MIGRATIONS[0]!);
    old.pragma('user_version = 1');
    old.close();
    const version = () => {
      const database = new Database(file, { readonly: true });
      const number = database.pragma('user_version', { simple: true });
      database.close();
      return number;
    };
    expect(runCommand(['doctor', '--data', folder]).stdout).toContain(
      `1, this Stagetag brings it up to ${MIGRATIONS.length}`,
    );
    expect(version()).toBe(1);
    const unlock = lockFolder(folder);
    fails(['serve', '--port', '0', '--data', folder], /another Stagetag is running/);
    expect(version()).toBe(1);
    unlock();
    const ends = await Promise.all(
      [1, 2, 3].map(async () => {
        const child = spawn(process.execPath, ['dist/collector/main.js', ...site, '--data', folder], {
          stdio: 'ignore',
        });
        return (await once(child, 'exit'))[0] as number;
      }),
    );
    expect(ends).toEqual([0, 0, 0]);
    expect(version()).toBe(MIGRATIONS.length);
    expect(fs.readdirSync(folder).filter((name) => name.includes('.before-'))).toEqual([
      `stagetag.sqlite.before-schema-${MIGRATIONS.length}`,
    ]);
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

  it('says that the clock was ahead', async () => {
    const folder = temporaryFolder();
    const store = openSqliteStore(folder);
    const { siteKey } = (await addSite(store, { name: 'S', origins: ['http://localhost'] }, 1)) as Site;
    const ahead = Date.now() + 200 * 86_400_000;
    const event = makeEvent('page_view', { time: ahead });
    await workOn(store, () => ahead).ingest({
      text: JSON.stringify({ siteKey, visitorId: newId(ahead), events: [event] }),
      origin: 'http://localhost',
      bearer: undefined,
      receivedAt: ahead,
    });
    await store.close();
    expect(doctor('--data', folder)['clock of S']).toMatch(/^warning: somebody was seen at 20.*run `recompute`$/);
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
    const store = openSqliteStore(folder);
    const { siteKey } = (await store.sites())[0]!;
    const { rules } = (await store.rules(siteKey)).at(-1)!;
    const never = {
      all: [
        { signal: 'visit', count: { gte: 5 } },
        { signal: 'visit', count: { lte: 2 } },
      ],
    };
    const stages = { ...rules.stages, interest: { when: never } };
    await store.publishRules(siteKey, { ...rules, stages }, { author: 'a', note: '', publishedAt: 1, since: 0 });
    await store.close();
    expect(doctor('--data', folder)['rules of S']).toMatch(/^warning: stages.interest/);
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

test('a backup is made to its end while events come, and nothing is restored while a command works', async () => {
  const [folder, other] = [temporaryFolder(), temporaryFolder()];
  const { store, send, site } = await makeCollector({}, folder);
  // It is copied in steps of 4 MB, between which others write.
  const secret = { Authorization: `Bearer ${site.secretKey}` };
  for (let batch = 0; batch < 20; batch++) {
    const title = () => randomBytes(4096).toString('hex');
    await send(
      newId(),
      Array.from({ length: 100 }, () => makeEvent('page_view', { title: title() })),
      {},
      secret,
    );
  }
  expect(
    fs.statSync(path.join(folder, 'stagetag.sqlite')).size + fs.statSync(path.join(folder, 'stagetag.sqlite-wal')).size,
  ).toBeGreaterThan(12e6);
  const reader = openSqliteStore(folder);
  let isDone = false;
  const copy = reader.backup(path.join(other, 'copy.sqlite')).finally(() => (isDone = true));
  let came = 0;
  while (!isDone) {
    await send(newId(), [makeEvent('page_view')]);
    came++;
    await new Promise(setImmediate);
  }
  await copy;
  await reader.close();
  expect(came).toBeGreaterThan(0);
  expect(verifyBackup(path.join(other, 'copy.sqlite'))).toMatchObject({ sites: 1 });
  expect((await store.sites())[0]!.siteKey).toBe(site.siteKey);

  const target = temporaryFolder();
  const leave = useFolder(target);
  expect(() => restoreBackup(path.join(other, 'copy.sqlite'), target, NOW)).toThrow(/another command works on/);
  leave();
  expect(restoreBackup(path.join(other, 'copy.sqlite'), target, NOW)).toMatchObject({ sites: 1 });
});
