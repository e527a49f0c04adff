/** What the commands that work on a data folder have in common. */
import fs from 'node:fs';
import path from 'node:path';
import { Command, Option } from 'commander';
import { StartError } from '../server.js';
import type { Site, Store } from '../store/store.js';
import { useFolder } from '../store/sqlite/open.js';
import { openSqliteStore } from '../store/sqlite/sqliteStore.js';

export interface DataFlags {
  data: string;
  json?: boolean;
}

export function dataOption(): Option {
  return new Option('--data <folder>', 'folder of the database, made where it is missing')
    .env('STAGETAG_DATA')
    .default('./data');
}

/** A command with the options that all of them take. */
export const dataCommand = (name: string): Command =>
  new Command(name).addOption(dataOption()).option('--json', 'print the result as one line of JSON');

/**
 * Opens the store for a command, and closes it whatever becomes of it.
 * @param isNew whether the data may begin with this command: else a mistyped folder would be taken for an empty one
 */
export async function withStore<T>(data: string, run: (store: Store) => Promise<T>, isNew = false): Promise<T> {
  if (!isNew && !fs.existsSync(path.join(data, 'stagetag.sqlite')))
    throw new StartError(`there is no database in ${path.resolve(data)}; check --data`);
  const release = useFolder(data);
  try {
    const store = openSqliteStore(data);
    try {
      return await run(store);
    } finally {
      await store.close();
    }
  } finally {
    release();
  }
}

/** Notes in the audit log what a command did. It is done: that it could not be noted is no failure of the command. */
export const noteDone = (store: Store, action: string, siteKey: string | null = null, target: string | null = null) =>
  store
    .addAudit({ at: Date.now(), who: 'command line', action, siteKey, target })
    .catch(
      (error: Error) =>
        void process.stderr.write(`stagetag: it is done, and could not be noted in the log: ${error.message}\n`),
    );

/** The sites that a command is about: the one that is named, else all. @throws StartError where there is none */
export async function chosenSites(store: Store, siteKey: string | undefined): Promise<Site[]> {
  const sites = await store.sites();
  const chosen = siteKey ? sites.filter((site) => site.siteKey === siteKey) : sites;
  if (chosen.length) return chosen;
  throw new StartError(
    siteKey ? `no site has the key ${siteKey}` : 'there is no site in this data folder; check --data, or add one',
  );
}

/** Prints a result: for people as lines, with `--json` as JSON. */
export function print(result: object, { json }: { json?: boolean }): void {
  const lines = Object.entries(result).map(([name, value]) => `${name}: ${String(value)}`);
  process.stdout.write(`${json ? JSON.stringify(result) : lines.join('\n')}\n`);
}

/** Shows how far a long piece of work is, where somebody looks on. @param share 0 to 1 */
export function showProgress(what: string, share: number): void {
  if (process.stderr.isTTY) process.stderr.write(`\r${what}: ${Math.floor(share * 100)} %${share >= 1 ? '\n' : ''}`);
}
