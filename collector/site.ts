/** Making a site: what a name, its origins and a template become. */
import { createHash, randomBytes } from 'node:crypto';
import { IANAZone } from 'luxon';
import { addressList } from './ingest/bot.js';
import { readBuilt } from './assets.js';
import { isRecord, STAGES, type Stage } from '../sdk/core/index.js';
import { readTemplate, templateNames } from './templates.js';
import { WEEK_STARTS, type RemoteStore, type Site, type SiteSettings, type WeekStart } from './store/store.js';

export interface SiteRequest {
  name: string;
  origins: string[];
  /** Name of a template; `general` where absent. */
  template?: string;
  /** The only one amounts may be in, such as `EUR`: goes into the rules. Whatever comes is added up where absent. */
  currency?: string;
  /** IANA name; UTC where absent. */
  timeZone?: string;
  /** Days that raw events are kept, from 30; for ever where absent. */
  retentionDays?: number | null;
  /** Addresses and networks of the site's own people, who are left out of reports; none where absent. */
  internal?: string[];
  /** Channels of sources that are not known or known wrongly, by the sources' names; none where absent. */
  channels?: Record<string, string>;
  /** What the measure of a stage should come to in 30 days; none where absent. */
  targets?: Partial<Record<Stage, number>>;
  /** The day on which weeks begin; Monday where absent. */
  weekStart?: WeekStart;
}

/**
 * Adds a site with a template's rules and new keys.
 * @returns the site, or a text that says what is wrong with the request
 */
export async function addSite(store: RemoteStore, request: SiteRequest, now: number): Promise<Site | string> {
  const { template = 'general', currency } = request;
  const checked = checkSite({
    timeZone: 'UTC',
    retentionDays: null,
    internal: [],
    channels: {},
    targets: {},
    weekStart: 'monday',
    ...request,
  });
  if (typeof checked === 'string') return checked;
  const rules = typeof template === 'string' ? readTemplate(template)?.rules : undefined;
  if (!rules) return `template: expected one of ${templateNames().join(', ')}, got ${JSON.stringify(template)}`;
  if (currency !== undefined && !CURRENCIES.includes(currency))
    return `currency: expected a code of ISO 4217 such as EUR or CNY, got ${JSON.stringify(currency)}`;
  const siteKey = `st_${randomBytes(9).toString('hex')}`;
  const secretKey = newSecretKey();
  await store.addSite(
    { ...checked, siteKey, secretKey, template, createdAt: now },
    { ...rules, ...(currency && { currency }) },
  );
  return (await store.site(siteKey))!;
}

export const newSecretKey = (): string => `sk_${randomBytes(24).toString('hex')}`;

/**
 * Changes what is given of a site.
 * @returns the site, or a text that says what is wrong with the request
 */
export async function updateSite(
  store: RemoteStore,
  site: Site,
  changes: Partial<SiteSettings>,
): Promise<Site | string> {
  const checked = checkSite({ ...site, ...changes });
  if (typeof checked === 'string') return checked;
  await store.updateSite(site.siteKey, checked);
  return (await store.site(site.siteKey))!;
}

function checkSite({
  name,
  origins: given,
  timeZone,
  retentionDays,
  internal,
  channels,
  targets,
  weekStart,
}: SiteRequest): SiteSettings | string {
  if (typeof name !== 'string' || !name.trim() || name.length > 200)
    return 'name: expected a text of 1 to 200 characters';
  if (!Array.isArray(given) || !given.length) return 'origins: expected a list such as ["https://example.com"]';
  const origins: string[] = [];
  for (const text of given) {
    const origin = parseOrigin(text);
    if (!origin)
      return `origins: expected an address such as https://example.com, each sub-domain by its name, got ${JSON.stringify(text)}`;
    if (!origins.includes(origin)) origins.push(origin);
  }
  if (typeof timeZone !== 'string' || !IANAZone.isValidZone(timeZone)) {
    return `timeZone: expected an IANA name such as Asia/Shanghai, got ${JSON.stringify(timeZone)}`;
  }
  const isDays = Number.isInteger(retentionDays) && retentionDays! >= MIN_RETENTION && retentionDays! <= MAX_RETENTION;
  if (retentionDays !== null && !isDays)
    return `retentionDays: expected a whole number from ${MIN_RETENTION} to ${MAX_RETENTION}, or null for ever`;
  const isTexts =
    Array.isArray(internal) && internal.length <= MAX_INTERNAL && internal.every((each) => typeof each === 'string');
  const wrong = isTexts ? internal.find((each) => !addressList([each])) : undefined;
  if (!isTexts || wrong !== undefined) {
    const got = wrong === undefined ? '' : `, got ${JSON.stringify(wrong)}`;
    return `internal: expected a list of at most ${MAX_INTERNAL} addresses and networks, such as 203.0.113.7 and 2001:db8::/32${got}`;
  }
  const isName = (each: unknown) =>
    typeof each === 'string' && !!each.trim() && each.length <= MAX_CHANNEL && !/\p{Cc}/u.test(each);
  const isChannels =
    isRecord(channels) && Object.keys(channels).length <= MAX_CHANNELS && Object.entries(channels).flat().every(isName);
  if (!isChannels)
    return `channels: expected at most ${MAX_CHANNELS} channels by the names of sources, such as {"partner.example": "Affiliates"}`;
  const isTarget = ([stage, value]: [string, unknown]) =>
    STAGES.includes(stage as Stage) && typeof value === 'number' && value > 0 && value < Number.MAX_SAFE_INTEGER;
  if (!isRecord(targets) || !Object.entries(targets).every(isTarget))
    return `targets: expected numbers above 0 by stage, such as {"interest": 500}; stages are ${STAGES.join(', ')}`;
  if (!WEEK_STARTS.includes(weekStart!))
    return `weekStart: expected one of ${WEEK_STARTS.join(', ')}, got ${JSON.stringify(weekStart)}`;
  const named = Object.entries(channels).map(([source, channel]) => [source.trim().toLowerCase(), channel.trim()]);
  return {
    name: name.trim(),
    origins,
    timeZone,
    retentionDays: retentionDays!,
    internal,
    channels: Object.fromEntries(named) as Record<string, string>,
    targets,
    weekStart: weekStart!,
  };
}

const CURRENCIES = Intl.supportedValuesOf('currency');
const MAX_INTERNAL = 1000;
const MAX_CHANNELS = 1000;
/** The longest name of a source or a channel. */
const MAX_CHANNEL = 256;

/** Days: less could take away what a browser still has to send. */
export const MIN_RETENTION = 30;
const MAX_RETENTION = 36_600;

function parseOrigin(text: unknown): string | undefined {
  try {
    const { origin, protocol, hostname, pathname } = new URL(text as string);
    // Two in one text make one of a strange name.
    const isOne = /^([\w.-]+|\[.+\])$/.test(hostname) && !pathname.includes('//');
    return /^https?:$/.test(protocol) && isOne ? origin : undefined;
  } catch {
    return undefined; // The caller says what was expected.
  }
}

/** The line that a site owner pastes. @param base the collector's address, mount included, without a slash at its end */
export function snippetFor(siteKey: string, base: string): string {
  return `<script defer src="${base}/t/${siteKey}.js"></script>`;
}

/** The line for pages that pin what they load by its hash: the whole SDK in one file, which the site's rules follow. */
export function pinnedSnippetFor({ siteKey, origins }: Pick<Site, 'siteKey' | 'origins'>, base: string): string {
  const [file, code] = [...readBuilt('tag')].find(([name]) => name.startsWith('stagetag-')) ?? [];
  if (!file || !code) return ''; // Not built yet.
  const integrity = `sha384-${createHash('sha384').update(code).digest('base64')}`;
  const hosts = [...new Set(origins.map((origin) => new URL(origin).hostname))].join(' ');
  return `<script defer src="${base}/t/${file}" integrity="${integrity}" crossorigin="anonymous" data-site-key="${siteKey}" data-hosts="${hosts}"></script>`;
}
