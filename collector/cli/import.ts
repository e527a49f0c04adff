import fs from 'node:fs';
import { createInterface } from 'node:readline';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { Command, Option } from 'commander';
import { countPages } from '../jobs/accessLog.js';
import { nameChannels, readCosts } from '../jobs/costs.js';
import { importEvents } from '../jobs/importEvents.js';
import { StartError } from '../server.js';
import { chosenSites, dataCommand, noteDone, print, showProgress, withStore, type DataFlags } from './command.js';

interface ImportFlags extends DataFlags {
  site?: string;
  format: 'events' | 'access-log' | 'costs';
  exclude?: string;
}

export function importCommand(): Command {
  return dataCommand('import')
    .description('store events or costs from a file, or count the pages of an access log, while the collector runs')
    .argument(
      '<file...>',
      'events as events.ndjson gives them, one JSON object a line; an access log, or several of them of the same days; both zipped with gzip too; or CSV with the columns day, channel and cost',
    )
    .option('--site <key>', 'to this site; not needed where there is one')
    .addOption(
      new Option('--format <name>', 'what the file holds').choices(['events', 'access-log', 'costs']).default('events'),
    )
    .option('--exclude <globs>', "of an access log: paths that are no pages, such as the collector's own /st/*")
    .action((files: string[], { data, site: siteKey, format, exclude, json }: ImportFlags) =>
      withStore(data, async (store) => {
        const [site, ...others] = await chosenSites(store, siteKey);
        if (others.length) throw new StartError('there are several sites in this data folder; choose one with --site');
        const [file = '', ...more] = files;
        if (more.length && format !== 'access-log')
          throw new StartError('expected one file; only those of an access log may be several');
        const size = files.reduce((sum, each) => sum + sizeOf(each), 0);
        let done = 0;
        const onLine = (length: number) => showProgress(file, Math.min((done += length) / size, 0.99));
        if (format === 'costs') {
          const costs = readCosts(fs.readFileSync(file, 'utf8'));
          if (typeof costs === 'string') throw new StartError(`${file}, ${costs}; nothing was stored`);
          await store.setCosts(site!.siteKey, nameChannels(site!, costs).costs);
          await noteDone(store, 'import', site!.siteKey, format);
          print({ costs: costs.length, sum: costs.reduce((sum, { cost }) => sum + cost, 0) }, { json });
          return;
        }
        const lines = linesOf(files);
        if (format === 'access-log') {
          const { days, ...read } = await countPages(
            lines,
            site!.timeZone,
            onLine,
            exclude?.split(/[\s,]+/).filter(Boolean),
          );
          showProgress(file, 1);
          await store.setPages(site!.siteKey, days);
          await noteDone(store, 'import', site!.siteKey, format);
          print({ ...read, days: days.length, pages: days.reduce((sum, { pages }) => sum + pages, 0) }, { json });
          if (read.unread)
            throw new StartError(`${read.unread} of ${read.lines} lines are in no form of an access log`);
          return;
        }
        const { first, reasons, ...result } = await importEvents(store, site!, lines, Date.now(), onLine);
        showProgress(file, 1);
        await noteDone(store, 'import', site!.siteKey, format);
        print({ ...result, ...(json ? { reasons } : reasons) }, { json });
        if (first) throw new StartError(`${result.refused} of ${result.lines} lines were not stored; ${first}`);
      }),
    );
}

/** @throws StartError where a file that is zipped is damaged */
async function* linesOf(files: string[]): AsyncGenerator<string> {
  for (const file of files) {
    const read = fs.createReadStream(file);
    const input = isZipped(file) ? pipeline(read, createGunzip(), () => {}) : read;
    try {
      yield* createInterface({ input, crlfDelay: Infinity });
    } catch (error) {
      throw new StartError(`${file} cannot be read to its end: ${(error as Error).message}; nothing was stored`);
    }
  }
}

const GZIP = 0x1f8b;
/** Where gzip says how long the text is, counted from the end. */
const GZIP_LENGTH = 4;

const isZipped = (file: string): boolean => bytesOf(file, 0, 2).readUInt16BE() === GZIP;

function bytesOf(file: string, from: number, length: number): Buffer {
  const opened = fs.openSync(file, 'r');
  const bytes = Buffer.alloc(length);
  fs.readSync(opened, bytes, 0, length, from);
  fs.closeSync(opened);
  return bytes;
}

/** How much there is to be read. @throws StartError where it is no file that can be read */
function sizeOf(file: string): number {
  try {
    fs.accessSync(file, fs.constants.R_OK);
    const stat = fs.statSync(file);
    if (stat.isFile())
      return (isZipped(file) ? bytesOf(file, stat.size - GZIP_LENGTH, GZIP_LENGTH).readUInt32LE() : stat.size) || 1;
  } catch {
    // The same is to be said of it.
  }
  throw new StartError(`there is no file ${file} that can be read; a pipe is none`);
}
