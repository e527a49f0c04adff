import type { Command } from 'commander';
import { recompute } from '../jobs/recompute.js';
import { chosenSites, dataCommand, noteDone, print, showProgress, withStore, type DataFlags } from './command.js';

export function recomputeCommand(): Command {
  return dataCommand('recompute')
    .description("make every visitor's facts and stage anew from the raw events, while the collector runs")
    .option('--site <key>', 'of this site alone')
    .action(({ data, site: siteKey, json }: DataFlags & { site?: string }) =>
      withStore(data, async (store) => {
        for (const site of await chosenSites(store, siteKey)) {
          await store.markStale(site.siteKey);
          const job = await store.addJob(site.siteKey, site.rulesVersion);
          await recompute(store, job, Date.now, (done) => showProgress(site.name, job.total ? done / job.total : 1));
          await noteDone(store, 'recompute', site.siteKey);
          print({ siteKey: site.siteKey, rules: site.rulesVersion, visitors: job.total }, { json });
        }
      }),
    );
}
