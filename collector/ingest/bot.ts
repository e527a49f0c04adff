/** Who is no visitor: told by what it says of itself, before its address is forgotten. */
import fs from 'node:fs';
import { BlockList, isIP } from 'node:net';
import { isbot } from 'isbot';
import { attempt, type StagetagEvent } from '../../sdk/core/index.js';
import type { StoredEvent } from '../store/store.js';
import { remembered } from './remembered.js';

/** Why an event, or a visitor as a whole, is left out of reports. */
export type BotReason =
  'ai_assistant' | 'crawler' | 'headless' | 'script' | 'internal' | 'referrer_spam' | 'impossible_rate';

/** What a request tells of who sent it. None of it is stored. */
export interface Client {
  userAgent: string | undefined;
  /** The header `Sec-CH-UA`. */
  brands: string | undefined;
  /** The address as far as it is believed, in memory alone. */
  address: string | undefined;
  /** Whether it comes from this very machine, past no proxy: whoever develops the site, and no crawler. */
  isLocal: boolean;
}

/**
 * Fetches that an assistant makes for its user or its maker trains on, by the names their makers publish.
 * @see https://platform.openai.com/docs/bots https://docs.perplexity.ai/guides/bots
 */
const ASSISTANTS =
  /chatgpt|gptbot|oai-searchbot|claude|anthropic|perplexity|google-extended|gemini|bytespider|ccbot|cohere|meta-external|duckassist|mistralai|kimi|deepseek|doubao|youbot|amazonbot/i;
const HEADLESS = /headless|phantomjs/i;
/** Names that a crawler gives itself, wherever it comes from. */
const NAMED = /bot|crawl|spider|slurp/i;

/** What apps and browsers that people use say of themselves, and the list takes for words of a crawler. */
const NO_CRAWLERS = /\b(SogouMobileBrowser|SogouSearch|\w*News\w*)(\/[\w.]+)?/gi;

/** Says why what comes from there counts as a bot's, or null. */
export function botReason({ userAgent = '', brands = '', isLocal }: Client): BotReason | null {
  if (ASSISTANTS.test(userAgent)) return 'ai_assistant';
  if (isLocal) return NAMED.test(userAgent) ? 'crawler' : null;
  if (HEADLESS.test(userAgent + brands)) return 'headless';
  // Every browser says that it is one; what does not is a program.
  if (!userAgent.startsWith('Mozilla/')) return isbot(userAgent) && NAMED.test(userAgent) ? 'crawler' : 'script';
  return isbot(userAgent.replace(NO_CRAWLERS, '')) ? 'crawler' : null;
}

/** Makes the list of addresses and networks (`203.0.113.7`, `2001:db8::/32`). @returns undefined where one is neither */
export function addressList(texts: string[]): BlockList | undefined {
  const list = new BlockList();
  for (const text of texts) {
    const [address = '', bits, ...rest] = text.split('/');
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    const most = family === 'ipv6' ? 128 : 32;
    if (!isIP(address) || rest.length || (bits !== undefined && !(/^\d{1,3}$/.test(bits) && +bits <= most)))
      return undefined;
    list.addSubnet(address, bits === undefined ? most : +bits, family);
  }
  return list;
}

/** Ends the version that the SDK says it is, in a browser of which somebody said so at `/internal`. */
export const INTERNAL_SDK = '+internal';

const lists = new Map<string, BlockList | undefined>();

/** Says whether an address is one of those from which the site's own people come. */
export function isInternal(internal: string[], address: string | undefined): boolean {
  if (!internal.length || !address || !isIP(address)) return false;
  const list = remembered(lists, internal.join(' '), () => addressList(internal));
  return !!list?.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
}

/** Domains that send visits of nobody, to be seen in reports. */
export type SpamList = Set<string>;

/** Reads a list with a domain a line, such as Matomo's referrer-spam-list. @throws where there is no such file */
export function openSpamList(file: string): SpamList {
  const lines = fs.readFileSync(file, 'utf8').split(/\r?\n/);
  return new Set(lines.map((line) => line.replace(/#.*/, '').trim().toLowerCase()).filter(Boolean));
}

/** Says whether an event comes from a domain of the list, or from one below it. */
export function isSpam({ referrer, source }: StagetagEvent, spam: SpamList): boolean {
  const host = referrer && attempt(() => new URL(referrer).hostname);
  const labels = [host, source?.utm_source].filter((each) => typeof each === 'string').map((each) => each.split('.'));
  return labels.some((parts) => parts.some((_, from) => spam.has(parts.slice(from).join('.').toLowerCase())));
}

/** Fifty events a second, for a minute: nobody's hand makes as many. */
export const MAX_PER_MINUTE = 3000;

/** How many events of a visitor's minute came, of those that sent last. Forgotten with the process: facts do not hang on it. */
const rates = new Map<string, number>();

/** Whether more of a visitor's events are of one minute than anybody makes; those of the site's own server do not count. */
export function areImpossible(events: StoredEvent[]): boolean {
  // Nearly always so: this is asked of every batch.
  if (events.length <= MAX_PER_MINUTE) return false;
  const minutes = events.filter(({ isProven }) => !isProven).map(({ event }) => Math.floor(event.time / 60_000));
  minutes.sort((a, b) => a - b);
  return minutes.some((minute, at) => minutes[at + MAX_PER_MINUTE] === minute);
}

/** Counts what was stored of a visitor, and says whether that is more than anybody does. @param time of the latest event, epoch ms */
export function isImpossible(visitor: string, time: number, stored: number): boolean {
  const key = `${visitor} ${Math.floor(time / 60_000)}`;
  const sum = (rates.get(key) ?? 0) + stored;
  if (rates.size >= 10_000) rates.clear();
  rates.set(key, sum);
  return sum > MAX_PER_MINUTE;
}
