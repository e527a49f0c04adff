/** Loaded with `data-debug`, or the package's `debug`, alone: says on the console what was given wrongly, what was expected, and what was probably meant. */
import { AUTOMATIC_EVENTS, isDeep, KNOWN_EVENTS } from './core/index.js';
import type { Stagetag } from './start.js';

const WORDS = 'page downloads outbound forms scroll engagement search views vitals';

/** Attributes of the script tag, and options of the package, with what each takes: a pattern and the words for it, or anything. */
const ATTRIBUTES: Record<string, [RegExp, string] | true> = {
  siteKey: true,
  consent: [/^required$/, '"required"'],
  storage: [/^(local|cookie|none)$/, '"local", "cookie" or "none"'],
  auto: [new RegExp(`^(off|((${WORDS.split(' ').join('|')})[\\s,]*)+)$`), `"off" or words of "${WORDS}"`],
  hashRouting: true,
  exclude: true,
  hosts: true,
  search: true,
  mask: true,
  returns: true,
  dnt: true,
  queue: [/^[1-9]\d*$/, 'a whole number from 1'],
  datalayer: true,
  debug: true,
  endpoint: [/^\S+$/, 'an address'],
};

/** Props of events that are known by name, after GA4. */
const PROPS: Record<string, string[]> = {
  purchase: ['transaction_id', 'value', 'currency', 'items', 'coupon', 'tax', 'shipping'],
  refund: ['transaction_id', 'value', 'currency', 'items'],
  add_to_cart: ['value', 'currency', 'items'],
  begin_checkout: ['value', 'currency', 'items', 'coupon'],
  view_item: ['value', 'currency', 'items'],
  nps: ['score', 'comment'],
  sign_up: ['method'],
  login: ['method'],
  share: ['method', 'content_type', 'item_id'],
  search: ['search_term'],
};

const toAttribute = (name: string) => `data-${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/** How many letters must change, in two rows of the classic table. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next[j] = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1));
    row = next;
  }
  return row[b.length]!;
}

/** The name that was probably meant: written otherwise (`transactionId`), or with two letters wrong. */
function meant(given: string, names: readonly string[]): string | undefined {
  const plain = (text: string) => text.toLowerCase().replace(/[^a-z0-9]/g, '');
  return (
    names.find((name) => plain(name) === plain(given)) ??
    names.find((name) => distance(plain(name), plain(given)) <= (name.length > 4 ? 2 : 1))
  );
}

const hint = (name: string | undefined) => (name ? `; did you mean "${name}"?` : '');

function checkEvent(name: string, props: object): string[] {
  const known = [...AUTOMATIC_EVENTS, ...KNOWN_EVENTS];
  const texts: string[] = [];
  const event = (known as string[]).includes(name) ? undefined : meant(name, known);
  if (event) texts.push(`the event "${name}" is one of your own${hint(event)}`);
  const names = PROPS[name] ?? [];
  for (const prop of Object.keys(props)) {
    const other = names.includes(prop) ? undefined : meant(prop, names);
    if (other) texts.push(`"${name}" has no prop "${prop}"${hint(other)}`);
  }
  for (const prop of ['value', 'score'])
    if (names.includes(prop) && prop in props && !isFinite(Number((props as Record<string, unknown>)[prop] ?? NaN)))
      texts.push(
        `the prop "${prop}" of "${name}" must be a number, got ${JSON.stringify((props as Record<string, unknown>)[prop])}: it will not be added up`,
      );
  return texts;
}

const said = new Set<string>();
function say(text: string): void {
  if (said.has(text)) return;
  said.add(text);
  console.warn('stagetag:', text);
}

/** What has no form in JSON is left out of an event. */
function checkProps(props: unknown): void {
  if (props != null && typeof props !== 'object')
    return say(`expected the props as an object, got a ${typeof props}: they were left out`);
  for (const name of Object.keys(props ?? {})) {
    let value: unknown;
    let text: string | undefined;
    try {
      value = (props as Record<string, unknown>)[name];
      text = JSON.stringify(value);
    } catch {
      // A cycle, a BigInt, or a getter that throws: said below.
    }
    if (text === undefined)
      say(`the prop "${name}" cannot be written as JSON (a cycle, a function, a BigInt?): it was left out`);
    else if (isDeep(value, 14))
      say(`the prop "${name}" has more than 14 levels, one within the other: the collector refuses the event`);
    else if (text.length > 16_384) say(`the prop "${name}" is longer than 16,384 characters: it was cut or left out`);
  }
}

/** What is looked at in each call. */
const LOOKS: Record<string, (...given: unknown[]) => void> = {
  track(name, props) {
    if (!name || typeof name !== 'string')
      return say(`track(name, props?) expects the event's name as a text, got ${String(name)}: nothing was recorded`);
    checkProps(props);
    checkEvent(name, typeof props === 'object' && props ? props : {}).forEach(say);
  },
  page: checkProps,
  identify(userId, traits) {
    if (!userId) say(`identify(userId, traits?, proof?) expects an id, got ${String(userId)}`);
    else if (!document.documentElement.dataset.stageStatus)
      say('identify() was called without consent: it waits for a yes on this page, and is dropped after a no');
    checkProps(traits);
  },
  consent(choice) {
    if (choice !== 'granted' && choice !== 'denied')
      say(`consent() expects 'granted' or 'denied', got ${String(choice)}`);
  },
};

/** A second tag, of this site or another, does nothing, which its owner should hear of. */
function checkTags(): void {
  const scripts = Document.prototype.querySelectorAll.call(document, 'script') as NodeListOf<HTMLScriptElement>;
  const tags = [...scripts].filter(({ src, dataset }) => /\/t\/st_\w+\.js/.test(src) || dataset.siteKey);
  if (tags.length > 1) say(`expected one tag a page, got ${tags.length}: the first one counts`);
}

/**
 * Looks at the settings that were given, at the calls that were made, and from now on at each.
 * @param given attributes of the script tag, or what the package's `init` was called with
 * @param kind what the settings are called there
 */
export function start(
  api: Stagetag,
  given: object,
  calls: unknown[][],
  kind: 'attribute' | 'option' = 'attribute',
): void {
  const nameOf = kind === 'attribute' ? toAttribute : (name: string) => name;
  for (const [key, value] of Object.entries(given)) {
    const expected = ATTRIBUTES[key];
    const name = nameOf(key);
    if (value === undefined || (key === 'rules' && kind === 'option')) continue;
    if (!expected) say(`no ${kind} is called ${name}${hint(meant(name, Object.keys(ATTRIBUTES).map(nameOf)))}`);
    else if (expected !== true && !expected[0].test(`${value}`)) say(`${name} expects ${expected[1]}, got "${value}"`);
  }
  if (document.readyState === 'complete') checkTags();
  else addEventListener('load', checkTags);
  const look = ([name, ...given]: unknown[]) => {
    try {
      LOOKS[name as string]?.(...given);
    } catch {
      // Whatever was given: it is recorded as it would be without us.
    }
  };
  calls.splice(0).forEach(look);
  calls.push = (call: unknown[]) => {
    look(call);
    return 0;
  };
  api.on('error', ({ reason, message, events }) =>
    say(`the collector did not take ${events.length} event(s): ${reason}${message ? `; ${message}` : ''}`),
  );
}
