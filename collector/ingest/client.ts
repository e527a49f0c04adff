/** What is kept of who sends: classes of device, browser, system and place, each shared by very many. */
import Bowser from 'bowser';
import maxmind, { type CityResponse } from 'maxmind';
import type { Client } from './bot.js';
import { remembered } from './remembered.js';

export interface ClientInfo {
  /** `desktop`, `mobile`, `tablet` or `tv`. */
  device: string | null;
  browser: string | null;
  os: string | null;
  /** ISO 3166-1 alpha-2. */
  country: string | null;
  /** The last part of its ISO 3166-2 code. */
  region: string | null;
}

/** Finds the place of an address. */
export type Geo = (address: string) => Pick<ClientInfo, 'country' | 'region'>;

/** Opens the owner's MMDB file. @throws where it is none */
export async function openGeo(file: string): Promise<Geo> {
  const reader = await maxmind.open<CityResponse>(file);
  // In a file of the older addresses alone the newer are found at random.
  const isKnown = (address: string) =>
    maxmind.validate(address) && (reader.metadata.ipVersion > 4 || !address.includes(':'));
  return (given) => {
    const address = given.replace(/^::ffff:(?=[\d.]+$)/i, '');
    const found = isKnown(address) ? reader.get(address) : null;
    return { country: found?.country?.iso_code ?? null, region: found?.subdivisions?.[0]?.iso_code ?? null };
  };
}

const namesOf = (map: object) => new Set(Object.values(map) as string[]);
const BROWSERS = namesOf(Bowser.BROWSER_MAP);
const SYSTEMS = namesOf(Bowser.OS_MAP);
const DEVICES = namesOf(Bowser.PLATFORMS_MAP);

const agents = new Map<string, Pick<ClientInfo, 'device' | 'browser' | 'os'>>();

/** As long as any browser's is. */
const MAX_AGENT = 512;

/** One of the brands in `Sec-CH-UA`: `"Brave";v="131"`. @see https://wicg.github.io/ua-client-hints/#sec-ch-ua */
const BRAND = /"([^"]*)"\s*;\s*v="([^"]*)"/g;

function parseAgent(userAgent: string, hints: string) {
  // Browsers made from another's source have its user agent, and their own brand.
  const brands = [...hints.matchAll(BRAND)].map(([, brand, version]) => ({ brand: brand!, version: version! }));
  const { browser, os, platform } = Bowser.parse(userAgent, { brands });
  // Of what the library does not know it gives back a part of the text itself, which may be anything.
  const known = (names: Set<string>, name: string | undefined) => (name && names.has(name) ? name : null);
  return { device: known(DEVICES, platform.type), browser: known(BROWSERS, browser.name), os: known(SYSTEMS, os.name) };
}

/**
 * Apps that open links in a browser of their own, by what it says of itself; as sources, by the names that are classed as social.
 * By the words that each is known to add to its user agent; the first that fits.
 */
const APPS: Array<[says: RegExp, source: string]> = [
  [/MicroMessenger|wxwork/i, 'weixin'],
  [/Weibo/i, 'weibo'],
  [/xhsdiscover|XiaoHongShu|discover\/\d/i, 'xiaohongshu'],
  [/aweme/i, 'douyin'],
  [/NewsArticle|TTWebView.*news/i, 'toutiao'],
  [/Kwai|ksWebView|ksNebula/i, 'kuaishou'],
  [/BiliApp|bili-app/i, 'bilibili'],
  [/ZhihuHybrid|osee2unifiedRelease/i, 'zhihu'],
  [/\bQQ\/\d/, 'qzone.qq'],
  [/Instagram/, 'instagram'],
  [/FBAN|FBAV/, 'facebook'],
  [/musical_ly|TikTok|\btrill_/i, 'tiktok'],
  [/LinkedInApp/, 'linkedin'],
  [/Twitter/, 'twitter'],
  [/Pinterest/, 'pinterest'],
  [/\bLine\//, 'line.me'],
];

/** Every name that `appOf` gives. */
export const APP_NAMES = new Set(APPS.map(([, source]) => source));

/** The app in whose browser this is, as a source; undefined where it is none of those that are known. */
export const appOf = ({ userAgent = '' }: Pick<Client, 'userAgent'>): string | undefined =>
  APPS.find(([says]) => says.test(userAgent.slice(0, MAX_AGENT)))?.[1];

const NO_AGENT = { device: null, browser: null, os: null };
const NO_PLACE = { country: null, region: null };

/** Describes who sends. The address is looked at and forgotten. */
export function describeClient({ userAgent, brands, address }: Client, geo: Geo | undefined): ClientInfo {
  const text = userAgent?.slice(0, MAX_AGENT) ?? '';
  const hints = brands?.slice(0, MAX_AGENT) ?? '';
  const known = text ? remembered(agents, `${text}\n${hints}`, () => parseAgent(text, hints)) : NO_AGENT;
  const place = (address && geo?.(address)) || NO_PLACE;
  return {
    device: known.device,
    browser: known.browser,
    os: known.os,
    country: place.country,
    region: place.region,
  };
}
