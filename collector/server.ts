/** Running the collector: opens the port, starts the timers, stops cleanly. */
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import { Access } from './access.js';
import { createApp, type CollectorOptions, readMount } from './app.js';
import { removeOld } from './chores.js';
import type { RemoteStore } from './store/store.js';
import { resumeJobs, unmixed } from './work.js';
import { openLookups, type LookupFiles } from './ingest/lookups.js';
import { nodeDoor } from './ingest/nodeDoor.js';
import { openThreads } from './threads/threads.js';

const RESTAGE_MS = 30_000;
const RESUME_MS = 60_000;
const HOUR_MS = 3_600_000;
const FIRST_EXPIRE_MS = 5 * 60_000;
/** How long a request may take to come in: who sends one and stops in the middle must not stay for ever. */
const REQUEST_MS = 30_000;
/** How long answers under way may take when stopping. */
const STOP_MS = 5_000;

export interface ServerOptions extends Omit<CollectorOptions, 'store' | 'now' | 'lookups'>, LookupFiles {
  host: string;
  /** 0 takes a free one. */
  port: number;
  /** The data folder. */
  data: string;
  /** Called where the data cannot be kept any more: the process should end, and be started anew. */
  onFatal?: (error: Error) => void;
}

export interface RunningCollector {
  store: RemoteStore;
  /** Where it listens, mount included, without a slash at its end. */
  url: string;
  /** Makes a link that signs a person in, once, within a day. */
  signInLink(): Promise<string>;
  /** Answers what is under way, then closes: all that was acknowledged is stored. */
  stop(): Promise<void>;
}

/** A reason not to start that the owner can act on: printed as one line. */
export class StartError extends Error {}

/**
 * Starts the collector.
 * @throws StartError where the port cannot be had, StoreError where the data folder cannot be used
 */
export async function startCollector(options: ServerOptions): Promise<RunningCollector> {
  const { host, port, data, geo, referrerSpam, onFatal, ...rest } = options;
  if (/[^\x20-\x7e]/.test(options.adminToken ?? ''))
    throw new StartError(
      'the admin token has to be made of letters, digits and signs of ASCII, since headers carry it',
    );
  for (const [what, files] of Object.entries({ 'MMDB file': { geo }, 'list of domains': { referrerSpam } }))
    await openLookups(files).catch((error: Error) => {
      const [file] = Object.values(files);
      throw new StartError(`cannot read the ${what} ${file}: ${error.message}`, { cause: error });
    });
  const threads = openThreads({ folder: data, geo, referrerSpam }, (error) => {
    options.log?.error({ err: error }, 'the data cannot be kept any more');
    onFatal?.(error);
  });
  const { store } = threads;
  const work = unmixed(threads.work, store);
  const { app, door, changes } = createApp({ ...rest, store, work });
  const knock = nodeDoor(door, `${readMount(options.mount)}/v1/events`, options.log);
  const others = getRequestListener(app.fetch);
  const atDoor: RequestListener = (request, response) => {
    // Health checks of the older kind name no host.
    request.headers.host ??= 'localhost';
    if (!knock(request, response)) void others(request, response);
  };
  let server: Server;
  try {
    server = await listen(atDoor, host, port);
  } catch (error) {
    await threads.close();
    throw error;
  }
  let isStopping = false;
  const fail = (job: string) => (error: unknown) => {
    // What a stop interrupts goes on at the next start.
    if (!isStopping) options.log?.error({ err: error, job }, 'a job failed; it is tried again');
  };
  const restage = () =>
    work
      .restage(Date.now())
      .then(() => store.wipe())
      .catch(fail('restage'));
  const expire = () => removeOld(store, work, Date.now()).catch(fail('expire'));
  // One that failed, of a disk that was full, goes on when it can.
  const resume = () => resumeJobs(store, work, fail('recompute')).catch(fail('recompute'));
  let groupedOn = -1;
  /** Once a day (UTC), and at the start. */
  const group = async () => {
    const today = Math.floor(Date.now() / (24 * HOUR_MS));
    if (today === groupedOn) return;
    groupedOn = today;
    for (const { siteKey } of await store.sites()) await work.group(siteKey, Date.now()).catch(fail('group'));
  };
  // A stop ends it; and where it fails, whoever asks for a report is told.
  const prepare = async () => {
    for (const site of await store.sites()) await work.prepare(site, Date.now()).catch(() => {});
  };
  prepare().catch(() => {});
  // A clock that is wrong as a machine starts is mostly right some minutes later; and what is removed is gone.
  const first = setTimeout(expire, FIRST_EXPIRE_MS);
  const timers = [
    setInterval(restage, RESTAGE_MS),
    setInterval(resume, RESUME_MS),
    setInterval(expire, HOUR_MS),
    setInterval(() => group().catch(fail('group')), HOUR_MS),
  ];
  const jobs = Promise.all([restage(), resume(), group().catch(fail('group'))]);

  const { address, port: taken } = server.address() as AddressInfo;
  const isHere = ['127.0.0.1', '::', '0.0.0.0'].includes(address);
  const name = isHere ? 'localhost' : address.includes(':') ? `[${address}]` : address;
  const url = `http://${name}:${taken}${readMount(options.mount)}`;
  const access = new Access(store, Date.now, options.adminToken);
  return {
    store,
    url,
    signInLink: async () => `${url}/sign-in?token=${await access.addLink()}`,
    async stop() {
      isStopping = true;
      for (const timer of timers) clearInterval(timer);
      clearTimeout(first);
      changes.end();
      await close(server);
      // They go on at the next start.
      await Promise.race([jobs, delay(STOP_MS, undefined, { ref: false })]);
      await threads.close();
    },
  };
}

function listen(listener: RequestListener, host: string, port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer({ requestTimeout: REQUEST_MS, connectionsCheckingInterval: REQUEST_MS / 6 }, listener);
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(new StartError(explain(error, host, port), { cause: error })),
    );
    server.listen(port, host, () => resolve(server));
  });
}

function explain(error: NodeJS.ErrnoException, host: string, port: number): string {
  switch (error.code) {
    case 'EADDRINUSE':
      return `port ${port} on ${host} is in use; stop the other program or choose another with --port`;
    case 'EACCES':
      return `port ${port} may not be opened by this user; choose one from 1024 with --port`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return `${host} is no address of this machine; choose another with --host`;
    default:
      return `cannot listen on ${host}:${port}: ${error.message}`;
  }
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const force = setTimeout(() => server.closeAllConnections(), STOP_MS);
    // Connections become idle as their last answers end.
    const idle = setInterval(() => server.closeIdleConnections(), 50);
    server.close(() => {
      clearInterval(idle);
      clearTimeout(force);
      resolve();
    });
    server.closeIdleConnections();
  });
}
