import fs from 'node:fs';
import path from 'node:path';

const PREFIX = 'stagetag.cache-';

/** Files beside the database that can be made again at any time. */
export function cacheFiles(folder: string) {
  const fileOf = (siteKey: string) => path.join(folder, PREFIX + siteKey);
  return {
    async read(siteKey: string): Promise<Uint8Array | undefined> {
      return fs.promises.readFile(fileOf(siteKey)).catch(() => undefined);
    },

    /** What there is no room for is not kept. @param isStill asked when all is written: where it says no, nothing is kept either */
    async write(siteKey: string, made: Uint8Array, isStill: () => boolean): Promise<void> {
      const part = `${fileOf(siteKey)}.part`;
      try {
        await fs.promises.writeFile(part, made, { mode: 0o600 });
        if (isStill()) fs.renameSync(part, fileOf(siteKey));
      } catch {
        // It can be made again.
      } finally {
        fs.rmSync(part, { force: true });
      }
    },

    remove(siteKey: string): void {
      fs.rmSync(fileOf(siteKey), { force: true });
    },

    clear(): void {
      for (const name of fs.readdirSync(folder))
        if (name.startsWith(PREFIX)) fs.rmSync(path.join(folder, name), { force: true });
    },
  };
}
