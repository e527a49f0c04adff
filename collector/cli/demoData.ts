import type { Command } from 'commander';
import { inventVisitors } from '../jobs/demoData.js';
import { StartError } from '../server.js';
import { addSite } from '../site.js';
import type { Store } from '../store/store.js';
import { readTemplate, templateNames } from '../templates.js';
import { dataCommand, noteDone, print, showProgress, withStore, type DataFlags } from './command.js';

interface DemoFlags extends DataFlags {
  site?: string;
  template?: string;
  days: number;
  visitors: number;
  seed: number;
}

export function demoDataCommand(): Command {
  return dataCommand('demo-data')
    .description('invent visitors, to see what the dashboard shows: of a new site, or of one that nobody has visited')
    .option('--site <key>', 'of this site, which must be empty; a new one where absent')
    .option('--template <name>', `rules of the new site, and what its visitors do: ${templateNames().join(', ')}`)
    .option('--days <number>', 'up to today, from 30', Number, 90)
    .option('--visitors <number>', 'how many', Number, 2000)
    .option('--seed <number>', 'the same seed invents the same visitors', Number, 1)
    .action(({ data, json, site: siteKey, template: named, days, visitors, seed }: DemoFlags) =>
      withStore(
        data,
        async (store) => {
          for (const [name, value, least, most] of [
            ['--days', days, 30, 730],
            ['--visitors', visitors, 1, 1_000_000],
            ['--seed', seed, 0, 2 ** 31],
          ] as const)
            if (!(Number.isInteger(value) && value >= least && value <= most))
              throw new StartError(`${name}: expected a whole number from ${least} to ${most}`);
          const site = siteKey ? await emptySite(store, siteKey) : await newSite(store, named);
          const template = readTemplate(named ?? site.template);
          if (!template) throw new StartError(`--template: expected one of ${templateNames().join(', ')}`);
          const options = { days, visitors, seed, now: Date.now() };
          const summary = await inventVisitors(store, site, template, options, (share) =>
            showProgress('inventing visitors', share),
          );
          await noteDone(store, 'demoData', site.siteKey, template.name);
          const { leak, campaign, fix, ...counts } = summary;
          if (json) print({ siteKey: site.siteKey, ...summary }, { json });
          else
            print(
              {
                siteKey: site.siteKey,
                ...counts,
                leak: `${Math.round(leak.lost * 100)} % are lost from ${leak.from} to ${leak.to}`,
                campaign: `${campaign.name}, from ${campaign.from} to ${campaign.to}`,
                fix: `from ${fix.day} on ${Math.round(fix.gain * 100)} % more pass the leaking step`,
              },
              {},
            );
        },
        true,
      ),
    );
}

async function newSite(store: Store, template = 'general') {
  const title = readTemplate(template)?.title.en ?? template;
  const site = await addSite(
    store,
    { name: `Demo: ${title}`, origins: ['https://demo.example'], template },
    Date.now(),
  );
  if (typeof site === 'string') throw new StartError(`--${site}`);
  return site;
}

/** Invented visitors cannot be told from real ones any more. */
async function emptySite(store: Store, siteKey: string) {
  const site = await store.site(siteKey);
  if (!site) throw new StartError(`no site has the key ${siteKey}`);
  if ((await store.everyVisitor(siteKey, undefined, 1)).length)
    throw new StartError(`${site.name} has visitors already; leave --site out, and a new site is added`);
  return site;
}
