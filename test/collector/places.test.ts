/** Countries and regions from the owner's file: looked up in memory, and the address forgotten. */
import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { openGeo } from '../../collector/ingest/client.js';
import { ADMIN, bytesIn, makeEvent, newId, ORIGIN, temporaryFolder } from '../helpers/collector.js';
import { placeFile } from '../helpers/places.js';
import { runCommand, startServe } from '../helpers/process.js';

function writePlaces(): string {
  const file = path.join(temporaryFolder(), 'places.mmdb');
  fs.writeFileSync(file, placeFile({ 81: { country: 'DE', region: 'BE' }, 203: { country: 'CN', region: 'SH' } }));
  return file;
}

test('an address is found in a file, the older in a newer form too, and what is none is nowhere', async () => {
  const geo = await openGeo(writePlaces());
  expect(geo('81.2.69.160')).toEqual({ country: 'DE', region: 'BE' });
  expect(geo('::ffff:203.0.113.9')).toEqual({ country: 'CN', region: 'SH' });
  for (const nowhere of ['82.0.0.1', '2001:db8::1', 'localhost', '', '81.2'])
    expect(geo(nowhere), nowhere).toEqual({ country: null, region: null });
  const noFile = path.join(temporaryFolder(), 'none.mmdb');
  fs.writeFileSync(noFile, 'no places');
  await expect(openGeo(noFile)).rejects.toThrow();
});

test('with --geo a session has the country and region of who sent it, and the address is stored nowhere', async () => {
  const data = temporaryFolder();
  const added = runCommand(['site', 'add', '--name', 'Shop', '--origin', ORIGIN, '--data', data]);
  const { siteKey } = JSON.parse(added.stdout) as { siteKey: string };
  const args = ['--geo', writePlaces(), '--trust-proxy', '1', '--admin-token', ADMIN];
  const { url, child, ended, output } = await startServe(data, args);
  const visitorId = newId();
  const address = '203.0.113.77';
  const sent = await fetch(`${url}/v1/events`, {
    method: 'POST',
    headers: { Origin: ORIGIN, 'Content-Type': 'text/plain', 'X-Forwarded-For': address },
    body: JSON.stringify({ siteKey, visitorId, events: [makeEvent('page_view')] }),
  });
  expect(sent.status).toBe(200);
  const read = await fetch(`${url}/api/sites/${siteKey}/visitors/${visitorId}`, {
    headers: { Authorization: `Bearer ${ADMIN}` },
  });
  expect(await read.json()).toMatchObject({ sessions: [{ country: 'CN', region: 'SH' }] });
  child.kill('SIGTERM');
  await ended;
  expect(bytesIn(data)).not.toContain(address);
  expect(output.stdout + output.stderr).not.toContain(address);
});
