import fs from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import { StartError } from '../server.js';
import { restoreBackup, verifyBackup } from '../store/sqlite/restore.js';
import { dataCommand, noteDone, print, showProgress, withStore, type DataFlags } from './command.js';

export function backupCommand(): Command {
  return dataCommand('backup')
    .description('copy everything into one new file, while the collector runs')
    .argument('<file>', 'a file that is not there yet')
    .action(async (file: string, { data, json }: DataFlags) => {
      if (fs.existsSync(file)) throw new StartError(`${file} is there already; name another`);
      const part = `${file}.part`;
      const dropPart = () => {
        for (const end of ['', '-wal', '-shm', '-journal']) fs.rmSync(part + end, { force: true });
      };
      try {
        // For its owner alone; and where it cannot be written, that is said before anything is read.
        fs.writeFileSync(part, '', { mode: 0o600, flag: 'wx' });
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
        throw new StartError(`another backup is writing ${part}; where none is, remove that file`);
      }
      // Half a copy of everybody's data is not left lying about.
      for (const [signal, code] of [['SIGINT', 130] as const, ['SIGTERM', 143] as const])
        process.once(signal, () => {
          dropPart();
          process.exit(code);
        });
      try {
        await withStore(data, (store) => store.backup(part, (share) => showProgress('backup', share)));
        const content = verifyBackup(part);
        fs.renameSync(part, file);
        await withStore(data, (store) => noteDone(store, 'backup', null, path.basename(file)));
        print({ file, bytes: fs.statSync(file).size, ...content }, { json });
      } finally {
        dropPart();
      }
    });
}

export function restoreCommand(): Command {
  return dataCommand('restore')
    .description('put a backup in the place of the data, which is kept beside it; the collector must be stopped')
    .argument('<file>', 'what `backup` wrote')
    .option('--verify', 'only check the backup, and change nothing')
    .action(async (file: string, { data, verify, json }: DataFlags & { verify?: boolean }) => {
      if (verify) return print({ file, ...verifyBackup(file) }, { json });
      const restored = restoreBackup(file, data, Date.now());
      await withStore(data, (store) => noteDone(store, 'restore', null, path.basename(file)));
      print({ file, ...restored }, { json });
    });
}
