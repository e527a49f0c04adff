import { expect, onTestFinished, test, vi } from 'vitest';
import { addSite } from '../../collector/site.js';
import type { Site } from '../../collector/store/store.js';
import { startCollector } from '../../dist/collector/server.js';
import { ADMIN, makeCollector, makeEvent, newId, temporaryFolder } from '../helpers/collector.js';

async function start() {
  const collector = await startCollector({ host: '127.0.0.1', port: 0, data: temporaryFolder(), adminToken: ADMIN });
  let isStopped = false;
  const stop = async () => {
    if (!isStopped) await collector.stop();
    isStopped = true;
  };
  onTestFinished(stop);
  const add = async (name: string) =>
    (await addSite(collector.store, { name, origins: [`https://${name}.example`] }, Date.now())) as Site;
  const send = (site: Site, events: object[]) =>
    fetch(`${collector.url}/v1/events`, {
      method: 'POST',
      headers: { Origin: site.origins[0]! },
      body: JSON.stringify({ siteKey: site.siteKey, visitorId: newId(Date.now()), events }),
    });
  const listen = async (site: Site, token = ADMIN, method = 'GET') => {
    const response = await fetch(`${collector.url}/api/sites/${site.siteKey}/changes`, {
      method,
      headers: { Authorization: `Bearer ${token}` },
    });
    const names: string[] = [];
    const over = (async () => {
      let text = '';
      if (!response.body) return;
      for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
        text += new TextDecoder().decode(chunk);
        names.splice(0, Infinity, ...[...text.matchAll(/^event: (\w+)$/gm)].map(([, name]) => name!));
      }
    })();
    return { response, names, over };
  };
  return { add, send, listen, stop };
}

test('who looks at a site is told when something of it was stored, and of no other', async () => {
  const { add, send, listen, stop } = await start();
  const [mine, other] = [await add('mine'), await add('other')];
  const [ours, theirs] = [await listen(mine), await listen(other)];
  expect(ours.response.headers.get('Content-Type')).toContain('text/event-stream');
  await expect.poll(() => [ours.names, theirs.names]).toEqual([['ready'], ['ready']]);
  const event = makeEvent('page_view', { url: 'https://mine.example/', time: Date.now() });
  expect((await send(mine, [event])).status).toBe(200);
  await expect.poll(() => ours.names).toEqual(['ready', 'change']);
  // What is stored already, and what is refused, is nothing new.
  await send(mine, [event]);
  await send(mine, [{ ...event, id: 'x' }]);
  await send(mine, [{ ...event, id: newId() }]);
  await expect.poll(() => ours.names, { timeout: 5000 }).toEqual(['ready', 'change', 'change']);
  expect(theirs.names).toEqual(['ready']);
  expect((await listen(mine, 'wrong')).response.status).toBe(401);
  // Who asks for the head alone is not told anything.
  const head = await listen(mine, ADMIN, 'HEAD');
  await head.over;
  expect([head.response.status, head.names]).toEqual([200, []]);
  // Nobody who listens holds up the end.
  await stop();
  await Promise.all([ours.over, theirs.over]);
});

test('a stream ends by itself after some minutes: whoever may hear no more is told so when asking anew', async () => {
  const { app, site } = await makeCollector();
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const response = await app.request(`/api/sites/${site.siteKey}/changes`, {
    headers: { Authorization: `Bearer ${ADMIN}` },
  });
  let text: string | undefined;
  void response.text().then((whole) => (text = whole));
  await vi.advanceTimersByTimeAsync(4.9 * 60_000);
  expect(text).toBeUndefined();
  await vi.advanceTimersByTimeAsync(0.2 * 60_000);
  // It beats all the while, so that no proxy takes it for dead.
  expect([...text!.matchAll(/^event: (\w+)$/gm)].map(([, name]) => name)).toEqual([
    'ready',
    ...Array.from({ length: 19 }, () => 'beat'),
  ]);
});
