import fs from 'node:fs';
import path from 'node:path';
import { attempt } from '../../../sdk/core/index.js';

/**
 * Gives a file that root made to whoever has another, or the folder: a command may be root's, and the collector is not.
 * @param like what shows whose it is to be
 */
export function giveToOwner(file: string, like = path.dirname(file)): void {
  if (process.getuid?.() !== 0 || !fs.existsSync(file)) return;
  const { uid, gid } = fs.statSync(like);
  // Within a container root may not be what it seems.
  attempt(() => fs.chownSync(file, uid, gid));
}
