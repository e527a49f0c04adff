/** Migrations that are committed are never edited: a folder that was brought up to date by them would differ from one that is new. */
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { MIGRATIONS } from '../../collector/store/sqlite/migrations.js';

test('no migration is another than it was: a change of the schema is added below', () => {
  const hashes = MIGRATIONS.map((text) =>
    createHash('sha256').update(text.replace(/\s+/g, ' ')).digest('hex').slice(0, 12),
  );
  expect(hashes).toEqual([
    '23155bcd9653',
    'bb8c54ce3845',
    '6ed534afdf18',
    '5fa0f4e29eb2',
    '7b0d6c6bf04e',
    '217a1a83a62e',
    '523aa5ffa289',
    'b3c72fa9e896',
    '2e76ce549271',
    'a0af9d20b036',
    '9e8eaf16105a',
    'fefd73cf4b9e',
    '83eae685b362',
    '15beb85090d7',
    '848b1962c183',
    '3c9f3ab2107b',
    '46a7f581ede7',
    '4f7e2455a818',
  ]);
});
