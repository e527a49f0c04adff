import { expect, test } from 'vitest';
import { Origins } from '../../collector/origins.js';
import type { RemoteStore, Site } from '../../collector/store/store.js';

/** A store that answers when it is told to. */
function makeOrigins() {
  const clock = { now: 1_000_000 };
  const asked: Array<{ answer: (origins: string[]) => void; fail: () => void }> = [];
  const sites = () =>
    new Promise<Site[]>((resolve, reject) =>
      asked.push({
        answer: (origins) => resolve([{ origins, secretKey: 'sk' } as Site]),
        fail: () => reject(new Error('no')),
      }),
    );
  return { clock, asked, origins: new Origins({ sites } as unknown as RemoteStore, () => clock.now) };
}

test('a known origin waits for no look, and one that is given up is soon none', async () => {
  const { clock, asked, origins } = makeOrigins();
  const first = Promise.all([origins.has('https://a.example'), origins.has('https://a.example')]);
  asked[0]!.answer(['https://a.example']);
  expect(await first).toEqual([true, true]);
  expect(asked).toHaveLength(1);

  clock.now += 1000;
  expect(await origins.has('https://a.example')).toBe(true);
  expect(await origins.hasSecret('sk')).toBe(true);
  expect(asked).toHaveLength(2);
  asked[1]!.answer([]);
  await new Promise(setImmediate);
  const gone = origins.has('https://a.example');
  asked[2]!.answer([]);
  expect(await gone).toBe(false);
});

test('what is unknown is looked for, also where a look is under way; what was read long ago is read again', async () => {
  const { clock, asked, origins } = makeOrigins();
  const early = origins.has('https://a.example');
  const late = origins.has('https://b.example');
  asked[0]!.answer(['https://a.example']);
  expect(await early).toBe(true);
  await new Promise(setImmediate);
  asked[1]!.answer(['https://a.example', 'https://b.example']);
  expect(await late).toBe(true);

  clock.now += 10_000;
  const old = origins.has('https://a.example');
  asked[2]!.answer(['https://b.example']);
  expect(await old).toBe(false);
});

test('a look that fails fails those who wait for it, and nobody else', async () => {
  const { clock, asked, origins } = makeOrigins();
  const failing = origins.has('https://a.example');
  asked[0]!.fail();
  await expect(failing).rejects.toThrow('no');
  const known = origins.has('https://a.example');
  asked[1]!.answer(['https://a.example']);
  expect(await known).toBe(true);
  clock.now += 1000;
  expect(await origins.has('https://a.example')).toBe(true);
  asked[2]!.fail();
  await new Promise(setImmediate);
  expect(await origins.has('https://a.example')).toBe(true);
});
