import fs from 'node:fs';
import { Command, InvalidArgumentError, Option } from 'commander';
import { pino } from 'pino';
import { readMount } from '../app.js';
import { startCollector } from '../server.js';
import { dataOption } from './command.js';

interface ServeFlags {
  host: string;
  port: number;
  data: string;
  mount: string;
  adminToken?: string;
  rateLimit: number;
  siteRateLimit?: number;
  trustProxy: number;
  geo?: string;
  referrerSpam?: string;
}

/** Where the log goes. What cannot be written, on a full disk for one, is lost: events are worth more. */
const logLines = {
  write(line: string): void {
    try {
      fs.writeSync(1, line);
    } catch {
      // The next one may find room.
    }
  },
};

/** Batches a second from one address: far above a busy office behind one address, far below what fills a disk. */
const DEFAULT_RATE_LIMIT = 500;

export function serveCommand(): Command {
  const whole = (name: string, max: number) => (text: string) => {
    const number = Number(text);
    if (text.trim() && Number.isInteger(number) && number >= 0 && number <= max) return number;
    throw new InvalidArgumentError(`${name}: expected a whole number from 0 to ${max}, got ${text}`);
  };
  const path = (text: string) => {
    try {
      return readMount(text);
    } catch (error) {
      throw new InvalidArgumentError((error as Error).message);
    }
  };
  return new Command('serve')
    .description('run the collector')
    .addOption(new Option('--host <address>', 'address to listen on').env('STAGETAG_HOST').default('127.0.0.1'))
    .addOption(
      new Option('--port <number>', 'port to listen on')
        .env('STAGETAG_PORT')
        .default(8787)
        .argParser(whole('port', 65_535)),
    )
    .addOption(dataOption())
    .addOption(
      new Option('--mount <path>', 'path that everything stands under')
        .env('STAGETAG_MOUNT')
        .default('')
        .argParser(path),
    )
    .addOption(new Option('--admin-token <token>', 'token that opens the API').env('STAGETAG_ADMIN_TOKEN'))
    .addOption(
      new Option('--rate-limit <number>', 'batches a second from one address; 0 sets no limit')
        .env('STAGETAG_RATE_LIMIT')
        .default(DEFAULT_RATE_LIMIT)
        .argParser(whole('rate-limit', 1_000_000)),
    )
    .addOption(
      new Option(
        '--site-rate-limit <number>',
        'batches a second from one site; ten times --rate-limit, 0 sets no limit',
      )
        .env('STAGETAG_SITE_RATE_LIMIT')
        .argParser(whole('site-rate-limit', 10_000_000)),
    )
    .addOption(
      new Option('--trust-proxy <number>', 'proxies in front whose X-Forwarded headers are believed')
        .env('STAGETAG_TRUST_PROXY')
        .default(0)
        .argParser(whole('trust-proxy', 100)),
    )
    .addOption(
      new Option('--geo <file>', 'MMDB file that tells the country and region of an address').env('STAGETAG_GEO'),
    )
    .addOption(
      new Option('--referrer-spam <file>', 'text file with a domain a line whose visits are spam').env(
        'STAGETAG_REFERRER_SPAM',
      ),
    )
    .addOption(
      new Option('--store <name>', 'where events are kept').env('STAGETAG_STORE').choices(['sqlite']).default('sqlite'),
    )
    .action(async (flags: ServeFlags) => {
      // stdout carries the log, one JSON object a line; what is for people goes to stderr.
      const onFatal = () => process.exit(1);
      const collector = await startCollector({ ...flags, log: pino({ base: null }, logLines), onFatal });
      process.stderr.write(
        `stagetag: listening on ${collector.url}\nstagetag: sign in once at ${await collector.signInLink()}\n`,
      );
      for (const signal of ['SIGTERM', 'SIGINT'] as const) {
        process.once(signal, () => void collector.stop().then(() => process.exit(0)));
      }
    });
}
