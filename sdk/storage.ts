/**
 * Texts by name that outlive the page, in localStorage. Where it is not to be used, missing, blocked or full, a text lives as
 * long as the page. Synchronous on purpose: an `update()` of IndexedDB begun in the tick of a navigation is lost in 8–18 % of
 * cases, a `setItem` never was.
 */
import { attempt } from './core/matcher.js';
import { ourName, settings } from './settings.js';

const memory = new Map<string, string>();

const keyOf = (name: string) => `${ourName()}:${name}`;

/** Whether anything may outlive the page. */
export const isKept = (): boolean => settings.storage !== 'none';

/** Private modes and full disks throw: memory takes their place. */
const useLocal = <T>(use: (local: Storage) => T): T | undefined =>
  attempt(() => (isKept() ? use(localStorage) : undefined));

export const readText = (name: string): string | null =>
  memory.get(name) ?? useLocal((local) => local.getItem(keyOf(name))) ?? null;

export function writeText(name: string, text: string): void {
  memory.set(name, text);
  useLocal((local) => {
    local.setItem(keyOf(name), text);
    memory.delete(name);
  });
}

export function removeText(name: string): void {
  memory.delete(name);
  useLocal((local) => local.removeItem(keyOf(name)));
}

/** Names that begin so. */
export const textNames = (start: string): string[] =>
  [...(useLocal((local) => Object.keys(local)) ?? []), ...[...memory.keys()].map(keyOf)]
    .filter((key) => key.startsWith(keyOf(start)))
    .map((key) => key.slice(keyOf('').length));

/** Reads JSON that we wrote; what another hand wrote is as if it were not there. */
export const readJson = <T>(name: string): T | undefined =>
  attempt(() => JSON.parse(readText(name)!) as T | null) ?? undefined;

export const writeJson = (name: string, value: unknown): void => writeText(name, JSON.stringify(value));
