/**
 * Texts by name that outlive the page, in localStorage. Where it is not to be used, missing, blocked or full, they live as long as
 * the page. Synchronous on purpose: a write to IndexedDB begun in the tick of a navigation was lost in 8–18 % of cases, one to
 * localStorage never.
 */
import { attempt } from './core/matcher.js';
import { ourName, settings } from './settings.js';

/** localStorage, or what takes its place: both are read and written like any object. */
let box: Record<string, string>;

/** By key, what is yet to be written at the end of this moment. */
const unwritten: Record<string, string> = {};

/** Whether much happens at once: then nothing is written or shown before its end. */
export let isQuiet = false;

export const keyOf = (name: string): string => `${ourName()}:${name}`;

export function openStorage(): void {
  box = (settings.storage !== 'none' && attempt(() => localStorage)) || {};
}

/** Begins a moment or ends it: each text that changed in it is written once, in the same tick. */
export function beQuiet(value: boolean): void {
  isQuiet = value;
  if (!value)
    // Only our own: a page may have put more on every object.
    for (const key of Object.keys(unwritten)) {
      try {
        box[key] = unwritten[key]!;
      } catch {
        // Full: from here on this page remembers by itself.
        box = { ...box, [key]: unwritten[key]! };
      }
      delete unwritten[key];
    }
}

export const readText = (name: string): string | null => unwritten[keyOf(name)] ?? box[keyOf(name)] ?? null;

export function writeText(name: string, text: string): void {
  unwritten[keyOf(name)] = text;
  beQuiet(isQuiet);
}

export function removeText(name: string): void {
  delete unwritten[keyOf(name)];
  // Some browsers' stand-ins throw where there is nothing to delete.
  attempt(() => delete box[keyOf(name)]);
}

/** Names that begin so. */
export const textNames = (start: string): string[] =>
  Object.keys(box)
    .concat(Object.keys(unwritten))
    .map((key) => key.split(keyOf(''))[1]!)
    .filter((name) => name?.startsWith(start));

/** Reads JSON that we wrote; what another hand wrote is as if it were not there. */
export const readJson = <T>(name: string): T | null | undefined =>
  attempt(() => JSON.parse(readText(name)!) as T | null);

export const writeJson = (name: string, value: unknown): void => writeText(name, stringify(value));

/** Makes JSON whatever the page did to lists: old libraries give them a `toJSON` that makes them texts. */
export function stringify(value: unknown, replace?: (key: string, value: unknown) => unknown): string {
  const lists = Array.prototype as { toJSON?: unknown };
  const { toJSON } = lists;
  if (toJSON) Reflect.set(lists, 'toJSON', 0);
  try {
    return JSON.stringify(value, replace);
  } finally {
    if (toJSON) Reflect.set(lists, 'toJSON', toJSON);
  }
}
