/** Masking: what looks like a person's data in an address never leaves the page. */
import { matchesGlobs } from './core/matcher.js';
import { decode, hashKey, isLabel } from './core/index.js';
import { isOpen } from './consent.js';
import { settings, words } from './settings.js';
import { readJson, writeJson } from './storage.js';

/** Parameters that hold a person's data by their names. */
const PERSONAL =
  /mail|phone|mobile|token|pass(w|\b)|pwd|\btel\b|(^|[^a-z]|first|last|full|user|sur|[fl])name\b|邮箱|手机|电话|密码|姓名/i;
/** Values that are mail addresses, whatever they are called. */
const MAIL = /\S(@|%40)\S+\.\S/;

/** Names of the free-text fields of forms whose values become a query, and hashes of what stood in an address that nobody saw typed. */
let hidden: string[] = [];

/** Names of the query parameters in which a site's search is found. */
export const searchNames = (): string[] => words(settings.search ?? 'q s search query keyword wd');

/**
 * Remembers, here and on later pages, what must not be read from an address.
 * @param fields names of fields, or, where a parameter follows as it stands there, that one alone
 */
export function maskFields(fields: Array<[name: string | null, parameter?: string]>): void {
  const more = fields
    .filter(([name]) => name && !searchNames().includes(name) && !isLabel(name))
    .map(([name, parameter]) => (parameter ? hashKey(parameter) : name!));
  hidden = [...new Set([...(readJson<string[]>('names') ?? []), ...hidden, ...more])];
  if (isOpen() && hidden[0]) writeJson('names', hidden);
}

/** Masks the values of personal parameters in an address, in its fragment and in an address that is itself a value too; and long values. */
export const mask = (address: string): string =>
  address.replace(/([?&#])([^=&#?]+)=([^&#]*)/g, (all, start: string, name: string, value: string) => {
    // Twice, as some redirects encode what they hand on.
    const [key, text] = [name, value].map((each) => decode(decode(each.replace(/\+/g, ' ')))) as [string, string];
    const isPersonal =
      PERSONAL.test(key) ||
      !!text[999] ||
      MAIL.test(text) ||
      hidden.includes(key) ||
      hidden.includes(hashKey(all.slice(1))) ||
      matchesGlobs(words(settings.mask), key) ||
      mask(text) !== text;
    return isPersonal ? `${start}${name}=***` : all;
  });
