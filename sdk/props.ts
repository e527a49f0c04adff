import type { Json } from './core/index.js';
import { attempt } from './core/matcher.js';
import { stringify } from './storage.js';

const MAX_TEXT = 2048;
/** Of one prop, in characters of JSON. */
const MAX_PROP = 16_384;

const shorten = (_: string, value: unknown) => (typeof value === 'string' ? value.slice(0, MAX_TEXT) : value);

/**
 * Makes JSON of the props that a page gave. Long texts are cut, and what has no JSON form (a cycle, a big integer, a function,
 * a getter that throws, a list without end) is left out alone: the others are still worth having. A text is no list of its letters.
 */
export function toProps(props: unknown): Record<string, Json> | undefined {
  const json: Record<string, Json> = {};
  for (const name of attempt(() => Object.keys((typeof props === 'object' && props) as object)) ?? []) {
    attempt(() => {
      const text = stringify((props as Record<string, unknown>)[name], shorten);
      if (text.length < MAX_PROP) json[name] = JSON.parse(text) as Json;
    });
  }
  return Object.keys(json).length ? json : undefined;
}
