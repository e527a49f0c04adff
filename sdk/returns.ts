import { RETURN_HOSTS } from './core/returnHosts.js';
import { ofDocument, settings, words } from './settings.js';

/** The host that a page was reached from; an empty text where none is known. */
export const referrerHost = (): string => new URL(ofDocument('referrer') || 'a:').hostname;

/** Whether this page was reached on the way back from a payment or a sign-in: that is no new visit and no source. */
export const isReturn = (): boolean =>
  words(`${RETURN_HOSTS} ${settings.returns}`).some((host) => `.${referrerHost()}`.endsWith(`.${host}`));
