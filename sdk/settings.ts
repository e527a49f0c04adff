import type { CompiledRules } from './core/index.js';

/** What the SDK can record by itself; `data-auto` lists any of these. */
export const CAPTURES = 'page downloads outbound forms vitals';

/** How the SDK behaves on a page. The script tag makes them from the site's settings and its own attributes. */
export interface Settings {
  /** Public key of the site. */
  siteKey: string;
  /** The collector's address, mount included, such as `https://collector.example/stagetag`. */
  endpoint: string;
  /** CompiledRules to infer with until the collector names newer ones. */
  rules: CompiledRules;
  /** Host names of the site itself: links to them are not outbound. The page's own always is one. */
  hosts?: string[];
  /** `required`: nothing is stored, sent or exposed before `consent('granted')`. */
  consent?: string;
  /** Where the visitor id is kept: `local` (localStorage, the default), `cookie`, or `none` (this page alone). */
  storage?: string;
  /** Captures, separated by spaces; `off` for none. Everything where absent. */
  auto?: string;
  /** Count a change of the fragment as a page view, and keep fragments in addresses. */
  hashRouting?: boolean;
  /** Globs on paths, separated by spaces or commas, on which nothing is recorded by itself. */
  exclude?: string;
  /** Push every change of state to `window.dataLayer`. */
  dataLayer?: boolean;
  /** Say on the console what was given wrongly. */
  debug?: boolean;
}

/**
 * The settings of this page. The SDK is one to a page, so its modules hold their state themselves:
 * what would be an object's method and name is a function that the build shortens to a letter.
 */
export let settings: Settings;

export function configure(given: Settings): void {
  settings = given;
}

/** What the browser keeps for us begins with the format's version and the site key. */
export const ourName = (): string => `st1:${settings.siteKey}`;

export function warn(...got: unknown[]): undefined {
  if (settings.debug) console.warn('stagetag:', ...got);
}

/** Waits for a promise no longer than this: rejects where it has no result by then. */
export const inTime = <T>(ms: number, promise: Promise<T>): Promise<T> =>
  Promise.race([promise, new Promise<never>((_, reject) => setTimeout(reject, ms))]);

/** Keeps an error of ours from the page. */
export const guard =
  <A extends unknown[], R>(run: (...args: A) => R) =>
  (...args: A): R | undefined => {
    try {
      return run(...args);
    } catch (error) {
      return warn('an error of ours:', error);
    }
  };
