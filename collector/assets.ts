import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The package's folder, found from here upwards: the same for the sources and for what is built from them. */
export const root = (() => {
  let folder = path.dirname(fileURLToPath(import.meta.url));
  while (!fs.existsSync(path.join(folder, 'package.json'))) folder = path.dirname(folder);
  return folder;
})();

export const { version } = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8')) as { version: string };

/** Reads the files of a built folder, by their path in it. @throws where it was not built */
export function readBuilt(folder: 'tag' | 'dashboard'): Map<string, Buffer> {
  const base = path.join(root, 'dist', folder);
  if (!fs.existsSync(base)) throw new Error(`${base} is missing: run "npm run build" first`);
  const files = fs.readdirSync(base, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(
    files.map((entry) => {
      const file = path.join(entry.parentPath, entry.name);
      return [path.relative(base, file).split(path.sep).join('/'), fs.readFileSync(file)];
    }),
  );
}
