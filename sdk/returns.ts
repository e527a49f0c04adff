import { ofDocument, settings, words } from './settings.js';

/** Pages to which visitors are sent to pay or to sign in, and from which they come back. */
const HOSTS =
  'stripe.com paypal.com alipay.com tenpay.com unionpay.com 95516.com accounts.google.com open.weixin.qq.com';

/** The host that a page was reached from; an empty text where none is known. Not by `URL`, which is slow to say that nothing is no address. */
export const referrerHost = (): string => /^\w+:\/\/([^/:]*)/.exec(ofDocument('referrer'))?.[1] ?? '';

/** Whether this page was reached on the way back from a payment or a sign-in: that is no new visit and no source. */
export const isReturn = (): boolean =>
  words(`${HOSTS} ${settings.returns}`).some((host) => `.${referrerHost()}`.endsWith(`.${host}`));
