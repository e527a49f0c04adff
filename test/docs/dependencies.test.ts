/** What is installed with the product: nothing that it needs may be among what only its developers have. */
import fs from 'node:fs';
import { builtinModules } from 'node:module';
import path from 'node:path';
import { expect, test } from 'vitest';

interface Package {
  name: string;
  dependencies: Record<string, string>;
}

const { name: own, dependencies } = JSON.parse(fs.readFileSync('package.json', 'utf8')) as Package;
const sources = ['sdk', 'collector'].flatMap((folder) =>
  fs
    .readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.startsWith('dashboard'))
    .map((file) => path.join(folder, file)),
);

/** Their users have them, or would not use what is for them. */
const PEERS = new Set(['react', 'vue']);

test('everything that is imported where the product runs is installed with it', () => {
  const imported = new Set<string>();
  for (const file of sources)
    for (const [, from] of fs
      .readFileSync(file, 'utf8')
      .matchAll(/^(?:import|export)\s(?!type\b)[^'";]*?from\s+'([^']+)'|^import\s+'([^']+)'|\bimport\('([^']+)'\)/gm))
      if (from && !from.startsWith('.') && !from.startsWith('node:')) imported.add(from);
  const packages = [...imported].map((from) =>
    from
      .split('/')
      .slice(0, from.startsWith('@') ? 2 : 1)
      .join('/'),
  );
  expect(packages.length).toBeGreaterThan(15);
  const missing = packages.filter(
    (each) => each !== own && !PEERS.has(each) && !builtinModules.includes(each) && !dependencies[each],
  );
  expect([...new Set(missing)]).toEqual([]);
});
