/** Channel: our class of where a visitor came from, after GA4's default channel group. */
import { readSource, type StagetagEvent } from './event.js';
import { RETURN_HOSTS } from './returnHosts.js';
import type { AddressParts } from './signal.js';
import { LABELS, SOURCE_NAMES, type SourceKind } from './sourceNames.js';

/** An arrival with its source. */
export interface Touch {
  channel: string;
  source: string | null;
  medium: string | null;
  campaign: string | null;
  /** The address the visitor came from, where it is another site's. */
  referrer: string | null;
  /** Epoch ms. */
  at: number;
}

/** An address as the platform parsed it; `URL` fits. */
export type ParsedUrl = AddressParts & { searchParams: Iterable<[string, string]> };

/** An app's name is a host from its end: `com.reddit.frontpage`. */
const APP = /^(com|net|org|tv|ai)\./;

/**
 * Makes of names what finds each of them as a whole label, or at the end of a host, before what a registry sells: `google` in
 * `www.google.co.uk`, and not in `google.github.io`.
 */
function anyOf(kind: SourceKind): { test(source: string): boolean } {
  const names = SOURCE_NAMES.flatMap(([each, listed]) => (each === kind ? listed.split(' ') : []));
  const labels = LABELS[kind]?.split(' ') ?? [];
  const listOf = (all: string[]) => all.join('|').replace(/\./g, '\\.');
  const pattern = new RegExp(`^(${listOf([...names, ...labels])})$|(^|\\.)(${listOf(names)})((\\.[a-z]{2,3}){1,2})?$`);
  return {
    test: (source) => pattern.test(source) || (APP.test(source) && pattern.test(source.split('.').reverse().join('.'))),
  };
}

const SEARCH = anyOf('search');
const SOCIAL = anyOf('social');
const VIDEO = anyOf('video');
const SHOPPING = anyOf('shopping');
/** Assistants that answer with links. They are asked about before search, since some live below a search engine's name. */
const ASSISTANTS = anyOf('assistant');
/** What those who run a search engine offer beside it: a link from there was not searched for. */
const BESIDE_SEARCH =
  /^(accounts?|ads|aistudio|analytics|aws|baijiahao|baike|blog|business|cafe|calendar|chat|classroom|cloud|console|developers?|docs|drive|groups|jingyan|login|mail|maps?|meet|notebooklm|one|pan|passport|pay|play|policies|search-?console|sites|slides|support|tagassistant|tagmanager|tieba|translate|wenku|workspace|yun|zhidao)\./;
const MAIL = /^(e\.|web|ex)?mail\.|^(outlook\.(live|office|office365)\.com|com\.google\.android\.gm)$/;

/** What WeChat adds to an address that is passed on in a chat, a group or a circle of friends, where no referrer tells. */
const SHARED = /^(singlemessage|groupmessage|timeline)$/;

// The two patterns are GA4's own: https://support.google.com/analytics/answer/9756891
const PAID = /^(.*cp.*|ppc|retargeting|paid.*)$/;
const SHOP = /^(.*(([^a-df-z]|^)shop|shopping).*)$/;

interface Labels {
  source: string;
  medium: string;
  campaign: string;
}

/** In GA4's documented order; the first that fits names the channel. */
const CHANNELS: Array<[channel: string, fits: (labels: Labels) => boolean]> = [
  [
    'Direct',
    ({ source, medium }) =>
      (!source || source === '(direct)') && (!medium || medium === '(none)' || medium === '(not set)'),
  ],
  ['Cross-network', ({ campaign }) => campaign.includes('cross-network')],
  [
    'Paid Shopping',
    ({ source, medium, campaign }) => (SHOPPING.test(source) || SHOP.test(campaign)) && PAID.test(medium),
  ],
  ['Paid Search', ({ source, medium }) => SEARCH.test(source) && PAID.test(medium)],
  ['Paid Social', ({ source, medium }) => SOCIAL.test(source) && (PAID.test(medium) || medium === 'cpm')],
  ['Paid Video', ({ source, medium }) => VIDEO.test(source) && PAID.test(medium)],
  ['Display', ({ medium }) => ['display', 'banner', 'expandable', 'interstitial', 'cpm'].includes(medium)],
  ['Paid Other', ({ medium }) => PAID.test(medium)],
  // Not GA4's: it counts them as referrals.
  ['AI Assistants', ({ source }) => ASSISTANTS.test(source)],
  [
    'Organic Shopping',
    ({ source, campaign }) => (SHOPPING.test(source) && !BESIDE_SEARCH.test(source)) || SHOP.test(campaign),
  ],
  [
    'Organic Social',
    ({ source, medium }) =>
      SOCIAL.test(source) || /^(social|social-network|social-media|sm|social network|social media)$/.test(medium),
  ],
  ['Organic Video', ({ source, medium }) => VIDEO.test(source) || /^(.*video.*)$/.test(medium)],
  [
    'Organic Search',
    ({ source, medium }) =>
      (SEARCH.test(source) && !BESIDE_SEARCH.test(source) && !MAIL.test(source)) || medium === 'organic',
  ],
  ['Referral', ({ medium }) => ['referral', 'app', 'link'].includes(medium)],
  ['Email', ({ source, medium }) => /^e[-_ ]?mail$/.test(source) || /^e[-_ ]?mail$/.test(medium)],
  ['Affiliates', ({ medium }) => medium === 'affiliate'],
  ['Audio', ({ medium }) => medium === 'audio'],
  ['SMS', ({ source, medium }) => source === 'sms' || medium === 'sms'],
  [
    'Mobile Push Notifications',
    ({ source, medium }) => medium.endsWith('push') || /mobile|notification/.test(medium) || source === 'firebase',
  ],
];

/** Names of all channels, in the order in which they are asked about. */
export const CHANNEL_NAMES = [...CHANNELS.map(([name]) => name), 'Unassigned'];

/** Names the channel of a source, medium and campaign; `Unassigned` where none fits. Letter case does not matter. */
export function classifyChannel(source: string, medium: string, campaign: string): string {
  const labels = { source: source.toLowerCase(), medium: medium.toLowerCase(), campaign: campaign.toLowerCase() };
  return CHANNELS.find(([, fits]) => fits(labels))?.[0] ?? 'Unassigned';
}

/** Advertising networks by click id, for landings that carry no utm labels. */
const NETWORKS: Record<string, string> = {
  gclid: 'google',
  gbraid: 'google',
  wbraid: 'google',
  dclid: 'google',
  fbclid: 'facebook',
  msclkid: 'bing',
  ttclid: 'tiktok',
  twclid: 'x.com',
  li_fat_id: 'linkedin',
  bd_vid: 'baidu',
  // Tencent's: the one in WeChat, the other in QQ and elsewhere.
  gdt_vid: 'weixin',
  qz_gdt: 'qzone.qq',
  qhclickid: '360',
  yclid: 'yandex',
  clickid: 'affiliate',
};

/** Further pages to pay or to sign in at. Browsers need not know them: who comes back within half an hour goes on with the session. */
const MORE_RETURN_HOSTS = `
  adyen.com checkout.com pay.klarna.com payments.klarna.com portal.afterpay.com portal.clearpay.co.uk mollie.com pay.amazon.com
  payments.amazon.com pay.shopify.com razorpay.com sofort.com square.link worldpay.com 99bill.com allinpay.com jdpay.com pay.jd.com lianlianpay.com
  yeepay.com appleid.apple.com auth0.com login.live.com login.microsoftonline.com okta.com`;
const ALL_RETURN_HOSTS = `${RETURN_HOSTS} ${MORE_RETURN_HOSTS.trim()}`.split(/\s+/);
const isReturnFrom = (host: string) => ALL_RETURN_HOSTS.some((each) => `.${host}`.endsWith(`.${each}`));

/** A host without the `www.` that says nothing. */
export const bareHost = (hostname: string): string => hostname.replace(/^www\./, '');

/** What a link from a host is; tieba.baidu.com is no search, and neither is gemini.google.com. */
const mediumOf = (host: string): string => {
  if (MAIL.test(host)) return 'email';
  if (ASSISTANTS.test(host) || BESIDE_SEARCH.test(host)) return 'referral';
  if (SOCIAL.test(host)) return 'social';
  return SEARCH.test(host) ? 'organic' : 'referral';
};

const mediumOfClick = (clickId: string): string =>
  clickId === 'fbclid' ? 'social' : clickId === 'clickid' ? 'affiliate' : clickId === 'dclid' ? 'display' : 'cpc';

/**
 * Makes the touch of an event: its `source`, else the labels in its address, else its referrer, else the app in whose browser it
 * happened, else direct. Facebook adds `fbclid` to unpaid links too, so that one names a source and no paid medium.
 * @param app a source, such as `weixin`; it counts where a session began with a landing that had no referrer
 */
export function touchOf(
  event: StagetagEvent,
  url: ParsedUrl | undefined,
  referrer: ParsedUrl | undefined,
  app?: string,
): Touch {
  const labels = event.source ?? (url && readSource(url.searchParams)) ?? {};
  const clickId = Object.keys(NETWORKS).find((name) => labels[name]);
  const from = referrer && bareHost(referrer.hostname);
  const host = from && from !== bareHost(url?.hostname ?? '') && !isReturnFrom(from) ? from : null;
  let source = labels.utm_source ?? null;
  let medium = labels.utm_medium ?? null;
  // A link in a letter that was passed on may have a click id: the network is its source only where it is paid for, or says nothing else.
  if (!source && clickId && (!medium || PAID.test(medium.toLowerCase()))) {
    source = NETWORKS[clickId]!;
    medium ??= mediumOfClick(clickId);
  } else if (source && !medium && clickId && clickId !== 'fbclid') {
    // Facebook's stands in links that nobody paid for too.
    medium = mediumOfClick(clickId);
  } else if (!source && !medium && host) {
    source = host;
    medium = mediumOf(host);
  }
  // Nothing else that happens in the app is an arrival, and coming back from a payment begins no session.
  if (!source && !medium && app && event.name === 'session_start' && event.referrer === '') {
    source = app;
    medium = mediumOf(app);
  } else if (!source && !medium && SHARED.test(new Map(url?.searchParams).get('from') ?? '')) {
    source = 'weixin';
    medium = 'social';
  }
  const campaign = labels.utm_campaign ?? null;
  return {
    channel: classifyChannel(source ?? '', medium ?? '', campaign ?? ''),
    source,
    medium,
    campaign,
    referrer: host ? (event.referrer ?? null) : null,
    at: event.time,
  };
}
