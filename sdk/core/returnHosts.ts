/** Pages to which visitors are sent to pay or to sign in, and from which they come back: that is no source. */
export const RETURN_HOSTS =
  'stripe.com paypal.com alipay.com tenpay.com unionpay.com 95516.com accounts.google.com open.weixin.qq.com';
