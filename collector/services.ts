import { isIPv6 } from 'node:net';
import type { Context } from 'hono';
import type { Access } from './access.js';
import type { Changes } from './changes.js';
import type { CollectorOptions } from './app.js';
import type { Metrics } from './metrics.js';
import type { Origins } from './origins.js';
import type { SlowReports } from './reports/slowReports.js';
import type { RemoteStore } from './store/store.js';
import type { Work } from './work.js';

/** What routes are made from. */
export interface Services extends Required<Omit<CollectorOptions, 'adminToken' | 'store' | 'lookups'>> {
  store: RemoteStore;
  work: Work;
  access: Access;
  origins: Origins;
  metrics: Metrics;
  changes: Changes;
  reports: SlowReports;
}

/** The address that the connection came from. */
export function remoteAddress(c: Context): string | undefined {
  const env = c.env as { incoming?: { socket?: { remoteAddress?: string } } } | undefined;
  return env?.incoming?.socket?.remoteAddress;
}

/** The client's address as the believed proxies saw it. */
export function forwardedFor(header: string | undefined, trustProxy: number): string | undefined {
  if (!trustProxy || !header) return undefined;
  const forwarded = header.split(',');
  // The last entry was written by the nearest proxy, the one before it by the next, and so on; what is left of them anyone can write.
  const entry = forwarded[Math.max(0, forwarded.length - trustProxy)]!.trim();
  // Some write the port with it.
  return /^\[(.+)\](?::\d+)?$/.exec(entry)?.[1] ?? entry.replace(/^([\d.]+):\d+$/, '$1');
}

/** Whom a limit on an address counts: who has one of IPv6 has all that begin with the same 64 bits. */
export function limitedAs(address: string): string {
  if (!isIPv6(address) || address.includes('.')) return address;
  const [head, tail] = address.split('::').map((part) => part.split(':').filter(Boolean));
  const between = Array.from({ length: tail ? 8 - head!.length - tail.length : 0 }, () => '0');
  const groups = [...head!, ...between, ...(tail ?? [])];
  return groups.slice(0, 4).join(':');
}

/** The client's address, for limits alone: it is never stored or logged. */
export function clientAddress(c: Context, trustProxy: number): string {
  return limitedAs(forwardedFor(c.req.header('X-Forwarded-For'), trustProxy) ?? remoteAddress(c) ?? 'unknown');
}

/** Where the collector is reached from outside, mount included, without a slash at its end. */
export function publicBase(c: Context, { mount, trustProxy }: Services): string {
  const url = new URL(c.req.url);
  // Where there are several proxies each may have added what it saw: the first is nearest to the browser.
  const forwarded = (name: string) => (trustProxy ? c.req.header(name)?.split(',')[0]!.trim() : undefined);
  const proto = forwarded('X-Forwarded-Proto') || url.protocol.slice(0, -1);
  const host = forwarded('X-Forwarded-Host') || url.host;
  const base = `${proto}://${host}${mount}`;
  // What a client wrote that no address can be made of is not believed.
  return URL.canParse(base) ? base : `${url.origin}${mount}`;
}

export const FOREIGN =
  "another site's page may not do this; where it is the dashboard's own, a proxy before the collector has to pass the Host header on";

/** What a page may send to another site without asking first. @see https://fetch.spec.whatwg.org/#cors-safelisted-request-header */
const UNASKED = /^($|text\/plain|multipart\/form-data|application\/x-www-form-urlencoded)/i;

/**
 * Whether another site's page caused a write. Browsers say so themselves where they trust the address (https, localhost); elsewhere they say
 * whose page it is, and ask before they send what no form could. Who says neither is no browser.
 */
export function isForeignWrite(c: Context, services: Services): boolean {
  const { method } = c.req;
  if (method === 'GET' || method === 'HEAD') return false;
  const site = c.req.header('Sec-Fetch-Site');
  if (site !== undefined) return site !== 'same-origin';
  const origin = c.req.header('Origin');
  const isAsked = method !== 'POST' || c.req.header('Authorization') !== undefined;
  if (origin === undefined || isAsked || !UNASKED.test(c.req.header('Content-Type') ?? '')) return false;
  return !URL.canParse(origin) || new URL(origin).host !== new URL(publicBase(c, services)).host;
}
