import { attempt } from './core/matcher.js';
import { ofDocument, settings, words } from './settings.js';

/** Pages to which visitors are sent to pay or to sign in, and from which they come back. */
const HOSTS =
  'stripe.com paypal.com alipay.com tenpay.com unionpay.com 95516.com accounts.google.com appleid.apple.com login.microsoftonline.com open.weixin.qq.com';

/** The host that a page was reached from; an empty text where none is known. */
export const referrerHost = (): string => attempt(() => new URL(ofDocument('referrer')).hostname) ?? '';

/** Whether this page was reached on the way back from a payment or a sign-in: that is no new visit and no source. */
export const isReturn = (): boolean =>
  words(`${HOSTS} ${settings.returns ?? ''}`).some((host) => `.${referrerHost()}`.endsWith(`.${host}`));
