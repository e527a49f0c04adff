import fs from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import type { Command } from 'commander';
import { workOn } from '../work.js';
import { eraseFrom, exportFrom, type Receipt } from '../jobs/erase.js';
import { StartError } from '../server.js';
import { isUuidV7 } from '../../sdk/core/index.js';
import type { Site, Store } from '../store/store.js';
import { chosenSites, dataCommand, noteDone, print, withStore, type DataFlags } from './command.js';

interface PeopleFlags extends DataFlags {
  site?: string;
}

const unknown = (who: string) => new StartError(`nobody here has the id ${who}: neither a visitor nor a user`);

export function forgetCommand(): Command {
  return dataCommand('forget')
    .description('erase everything that is kept of a visitor, or of every visitor of a user; prints a receipt')
    .argument('<visitor-or-user>', "a visitor's id, or a user's")
    .option('--site <key>', 'of this site alone')
    .action((who: string, { data, site: siteKey, json }: PeopleFlags) =>
      withStore(data, async (store) => {
        const receipts: Receipt[] = [];
        for (const site of await chosenSites(store, siteKey)) {
          const receipt = await eraseFrom(store, workOn(store, Date.now), site, who, Date.now());
          if (!receipt) continue;
          receipts.push(receipt);
          await noteDone(store, 'forget', site.siteKey);
        }
        // Before anything is said: the receipt tells whether it is wiped. It may be that of an earlier try which is not yet.
        const isWiped = await waitUntilWiped(store);
        if (!receipts.length && isWiped) {
          const before = await forgottenOf(store, await chosenSites(store, siteKey), who);
          if (!before.length) throw unknown(who);
          for (const each of before) print({ siteKey: each, visitors: 0, isForgotten: true, isWiped }, { json });
        }
        for (const receipt of receipts)
          print(
            { ...receipt, isWiped, ...(!json && { erasedAt: new Date(receipt.erasedAt).toISOString() }) },
            { json },
          );
        if (!isWiped)
          throw new StartError(
            'it is erased, but its bytes are not overwritten yet: somebody reads the database, or the disk has no room for a second file of its size; the collector tries again every few seconds, and so does this command when it is run again',
          );
      }),
    );
}

/** The sites that erased a visitor before, as a try that could not wipe it did. Of a user there is no trace. */
async function forgottenOf(store: Store, sites: Site[], who: string): Promise<string[]> {
  const id = who.toLowerCase();
  if (!isUuidV7(id)) return [];
  const found = sites.map(async ({ siteKey }) => ((await store.isForgotten(siteKey, id)) ? [siteKey] : []));
  return (await Promise.all(found)).flat();
}

const WIPE_TRIES = 20;

/** A backup or a report that is being made may hold it up. */
async function waitUntilWiped(store: Store): Promise<boolean> {
  for (let tries = WIPE_TRIES; tries--; await setTimeout(500)) if (await store.wipe()) return true;
  return false;
}

export function exportCommand(): Command {
  return dataCommand('export')
    .description('write everything that is kept of a visitor, or of every visitor of a user, as JSON')
    .argument('<visitor-or-user>', "a visitor's id, or a user's")
    .option('--site <key>', 'of this site alone')
    .option('--out <file>', 'a file that is not there yet; standard output where absent')
    .action((who: string, { data, site: siteKey, out }: PeopleFlags & { out?: string }) =>
      withStore(data, async (store) => {
        const sites = await chosenSites(store, siteKey);
        const visitors = (await Promise.all(sites.map((site) => exportFrom(store, site, who)))).flat();
        if (!visitors.length) throw unknown(who);
        const text = `${JSON.stringify({ exportedAt: Date.now(), visitors })}\n`;
        if (!out) process.stdout.write(text);
        else fs.writeFileSync(out, text, { flag: 'wx', mode: 0o600 });
      }),
    );
}
