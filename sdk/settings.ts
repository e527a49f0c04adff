import type { CompiledRules } from './core/index.js';

/** What is on because it is there, as an attribute is: the value says nothing. */
type Switch = '' | boolean;

/** How the SDK behaves on a page. The script tag makes them from the site's settings and its own attributes. */
export interface Settings {
  /** Public key of the site. */
  siteKey: string;
  /** The collector's address, mount included, such as `https://collector.example/stagetag`. */
  endpoint: string;
  /** Rules to infer with until the collector names newer ones. Without them the first answer brings them. */
  rules?: CompiledRules;
  /** Host names of the site itself: links to them are not outbound, and carry the visitor over. The page's own always is one. */
  hosts?: string[] | string;
  /** `required`: nothing is stored, sent or exposed before `consent('granted')`. */
  consent?: string;
  /** Where the visitor id is kept: `local` (localStorage, the default), `cookie`, or `none` (this page alone). */
  storage?: string;
  /**
   * What is recorded by itself: words of `page downloads outbound forms scroll engagement search views vitals`, or `off`.
   * Everything where absent.
   */
  auto?: string;
  /** Count a change of the fragment as a page view, and keep fragments in addresses. */
  hashRouting?: Switch;
  /** Globs on paths, separated by spaces or commas, on which nothing is recorded by itself. */
  exclude?: string;
  /** Names of query parameters that hold what was searched for. `q s search query keyword wd` where absent. */
  search?: string;
  /** Further query parameters whose values are masked, as globs. */
  mask?: string;
  /** Further hosts of payment and sign-in pages: coming back from there begins no visit. */
  returns?: string;
  /** Treat Do Not Track as Global Privacy Control is: as a no until an explicit yes. */
  dnt?: Switch;
  /** Most events kept while they cannot be sent; 1,000 where absent. */
  queue?: number | string;
  /** Push every change of state to `window.dataLayer`. */
  datalayer?: Switch;
  /** Say on the console what was given wrongly. */
  debug?: Switch;
}

/**
 * The settings of this page. The SDK is one to a page, so its modules hold their state themselves:
 * what would be an object's method and name is a function that the build shortens to a letter.
 */
export let settings: Settings;

export function configure(given: Settings): void {
  settings = given;
}

/** What the browser keeps for us begins with our name, the version of its format and the site key. */
export const ourName = (): string => `stagetag-1-${settings.siteKey}`;

/** Words of an attribute, separated by spaces or commas. */
export const words = (text: string | string[] = ''): string[] => `${text as string}`.split(/[\s,]+/).filter(Boolean);

/** Whether the site wants a word of `data-auto`. */
export const isWanted = (word: string): boolean => settings.auto == null || words(settings.auto).includes(word);

/** Keeps an error of ours from the page. */
export const guard =
  <A extends unknown[], R>(run: (...args: A) => R) =>
  (...args: A): R | undefined => {
    try {
      return run(...args);
    } catch (error) {
      // For who debugs; to the page itself it is as if nothing had been.
      if (settings.debug != null) console.warn('stagetag:', error);
    }
  };

/**
 * Reads a property of the document itself: an element of the page that is named like one would stand in its place.
 * @see https://portswigger.net/web-security/dom-based/dom-clobbering
 */
export const ofDocument = <K extends keyof Document>(name: K): Document[K] =>
  Reflect.get(Document.prototype, name, document) as Document[K];
