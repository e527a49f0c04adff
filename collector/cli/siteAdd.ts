import { Command, Option } from 'commander';
import { attempt } from '../../sdk/core/index.js';
import { addSite, snippetFor } from '../site.js';
import { StartError } from '../server.js';
import { dataOption, noteDone, withStore } from './command.js';

interface SiteAddFlags {
  name: string;
  origin: string[];
  template: string;
  timeZone: string;
  currency?: string;
  retentionDays?: number;
  data: string;
  url: string;
}

export function siteCommand(): Command {
  const add = new Command('add')
    .description('add a site; prints its keys and the snippet as JSON')
    .requiredOption('--name <name>', 'what people call the site')
    .requiredOption('--origin <url...>', 'origins whose pages may send events, such as https://example.com')
    .option('--template <name>', 'rules to begin with', 'general')
    .option('--time-zone <name>', 'IANA name; days of reports are cut in it', 'UTC')
    .option('--currency <code>', 'the only one amounts may be in, such as EUR; whatever comes is added up where absent')
    .option('--retention-days <number>', 'days that raw events are kept, from 30; for ever where absent', Number)
    .addOption(dataOption())
    .addOption(
      new Option('--url <address>', "the collector's address as pages reach it, mount included").default(
        'http://localhost:8787',
      ),
    )
    .action(({ name, origin, template, timeZone, currency, retentionDays, data, url }: SiteAddFlags) =>
      withStore(
        data,
        async (store) => {
          if (!/^https?:$/.test(attempt(() => new URL(url).protocol) ?? ''))
            throw new StartError(`--url: expected an address such as https://collector.example, got ${url}`);
          const site = await addSite(
            store,
            { name, origins: origin, template, timeZone, currency, retentionDays: retentionDays ?? null },
            Date.now(),
          );
          if (typeof site === 'string') throw new StartError(site);
          const { siteKey, secretKey } = site;
          await noteDone(store, 'addSite', siteKey, name);
          const snippet = snippetFor(siteKey, url.replace(/\/+$/, ''));
          process.stdout.write(`${JSON.stringify({ siteKey, secretKey, snippet })}\n`);
        },
        true,
      ),
    );
  return new Command('site').description('manage sites').addCommand(add);
}
