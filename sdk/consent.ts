import { settings } from './settings.js';
import { readText } from './storage.js';

export type Consent = 'granted' | 'denied' | 'pending';

/** What the visitor allows. */
export let consent: Consent = 'pending';

/** Whether anything may be stored, sent and shown. */
export const isOpen = (): boolean => consent === 'granted';

export function setConsent(choice: Consent): void {
  consent = choice;
}

/** What was said on this or an earlier page. */
export const saidConsent = (): Consent | null => readText('consent') as Consent | null;

/**
 * Finds out what the visitor allows. What was said before holds; without a word, a site that requires consent and a browser
 * that sends Global Privacy Control both mean: not before an explicit grant.
 * @see https://www.w3.org/TR/gpc/
 */
export function openConsent(): void {
  const isAsked =
    settings.consent === 'required' ||
    (navigator as { globalPrivacyControl?: boolean }).globalPrivacyControl ||
    (settings.dnt != null && navigator.doNotTrack === '1');
  consent = saidConsent() ?? (isAsked ? 'pending' : 'granted');
}
