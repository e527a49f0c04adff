/** Masking: what looks like a person's data in an address never leaves the page. */
import { matchesGlobs } from './core/matcher.js';
import { decode, isLabel } from './core/index.js';
import { isOpen } from './consent.js';
import { settings, words } from './settings.js';
import { readJson, writeJson } from './storage.js';

/** Parameters that hold a person's data by their names. */
const PERSONAL =
  /mail|phone|mobile|token|passw|pwd|\btel\b|(^|[^a-z]|first|last|full|user|sur)name\b|邮箱|手机|电话|密码|姓名/i;
/** Values that are mail addresses, whatever they are called. */
const MAIL = /\S(@|%40)\S+\.\S/;

/** Names of the free-text fields of forms whose values become a query. */
let fieldNames: string[] = [];

/** Names of the query parameters in which a site's search is found. */
export const searchNames = (): string[] => words(settings.search ?? 'q s search query keyword wd');

/** Remembers fields, here and on later pages, whose values must not be read from an address. */
export function maskFields(names: Array<string | null>): void {
  fieldNames = [...new Set([...(readJson<string[]>('names') ?? []), ...fieldNames, ...names])].filter(
    (name): name is string => !!name && !searchNames().includes(name) && !isLabel(name),
  );
  if (isOpen() && fieldNames[0]) writeJson('names', fieldNames);
}

/** Masks the values of personal parameters in an address, in its fragment and in an address that is itself a value too; and long values. */
export const mask = (address: string): string =>
  address.replace(/([?&#])([^=&#?]+)=([^&#]*)/g, (all, start: string, name: string, value: string) => {
    const [key, text] = [name, value].map((each) => decode(each.replace(/\+/g, ' '))) as [string, string];
    const isPersonal =
      PERSONAL.test(key) ||
      MAIL.test(text) ||
      fieldNames.includes(key) ||
      matchesGlobs(words(settings.mask), key) ||
      !!text[999] ||
      mask(text) !== text;
    return isPersonal ? `${start}${name}=***` : all;
  });
