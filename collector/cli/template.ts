import { Command } from 'commander';
import { StartError } from '../server.js';
import { diffRules } from '../reports/diff.js';
import { readTemplate, templateNames } from '../templates.js';
import { chosenSites, dataCommand, withStore, type DataFlags } from './command.js';

export function templateCommand(): Command {
  const list = new Command('list')
    .description('the templates that ship')
    .option('--json', 'print the result as one line of JSON')
    .action(({ json }: { json?: boolean }) => {
      const all = templateNames().map((name) => {
        const { title, about } = readTemplate(name)!;
        return { name, title, about };
      });
      const lines = all.map(({ name, title, about }) => `${name}: ${title.en} (${title.zh}). ${about.en}`);
      process.stdout.write(`${json ? JSON.stringify(all) : lines.join('\n')}\n`);
    });
  const show = new Command('show')
    .description('the rules of a template, as JSON')
    .argument('<name>', templateNames().join(', '))
    .action((name: string) => {
      process.stdout.write(`${JSON.stringify(templateOf(name).rules, null, 2)}\n`);
    });
  const diff = dataCommand('diff')
    .description("what a site's rules have that a template has not, and the other way round")
    .argument('<name>', templateNames().join(', '))
    .option('--site <key>', 'of this site; not needed where there is one')
    .action((name: string, { data, json, site: siteKey }: DataFlags & { site?: string }) =>
      withStore(data, async (store) => {
        const template = templateOf(name);
        const [site, ...others] = await chosenSites(store, siteKey);
        if (others.length) throw new StartError('there are several sites in this data folder; choose one with --site');
        const changes = diffRules(template.rules, (await store.rules(site!.siteKey)).at(-1)!.rules);
        const lines = changes.map(({ path, template: theirs, site: ours }) =>
          [
            path,
            theirs !== undefined && `  template: ${JSON.stringify(theirs)}`,
            ours !== undefined && `  site: ${JSON.stringify(ours)}`,
          ]
            .filter(Boolean)
            .join('\n'),
        );
        const text = lines.join('\n') || `the rules of ${site!.name} are those of ${name}`;
        process.stdout.write(`${json ? JSON.stringify(changes) : text}\n`);
      }),
    );
  return new Command('template')
    .description('ready-made rules for a trade')
    .addCommand(list)
    .addCommand(show)
    .addCommand(diff);
}

/** @throws StartError where there is none of that name */
function templateOf(name: string) {
  const template = readTemplate(name);
  if (!template) throw new StartError(`there is no template ${name}; expected one of ${templateNames().join(', ')}`);
  return template;
}
