/** Invents visitors of a site, through the same door as real ones, with a leak, a campaign and a mending that reports must find. */
import {
  compileRules,
  DAY_MS,
  matchSignals,
  placeOf,
  STAGES,
  type Json,
  type StagetagEvent,
} from '../../sdk/core/index.js';
import { ingest } from '../ingest/ingest.js';
import type { GivenCost, Site, Store } from '../store/store.js';
import type { DemoStep, Template } from '../templates.js';
import { restageDue } from './restage.js';
import { seeded } from '../model/random.js';

export interface DemoOptions {
  /** Up to and with today. */
  days: number;
  visitors: number;
  /** The same seed invents the same visitors. */
  seed: number;
  now: number;
  /** Of all amounts; what the template says where absent. */
  currency?: string | undefined;
}

/** What was planted, as reports should show it. */
export interface DemoSummary {
  visitors: number;
  sessions: number;
  events: number;
  /** The step at which most are lost, before it was mended. */
  leak: { from: 'interest'; to: 'consideration'; lost: number };
  /** Days on which a campaign brought more visitors. */
  campaign: { name: string; from: string; to: string };
  /** The day from which the leaking step was passed more often, by this share. */
  fix: { day: string; gain: number };
}

/** Share of those who reach a stage that go on to the next, lowest first. */
const RATES = [0.7, 0.52, 0.66, 0.6];
const LEAK = 1;
const GAIN = 0.36;
const CAMPAIGN = 'spring';
/** How many more come on a day of the campaign. */
const PULL = 0.8;
const CAMPAIGN_DAYS = 14;
/** Share of those who got as far as each stage that come back weeks later, and then again: who only looked around does not, since two visits are interest. */
const RETURNS = [0, 0.2, 0.3, 0.45, 0.7];
/** Share of bots, and of numbers that never arrive. */
const BOTS = 0.02;
const LOST = 0.01;
/** Share of sessions in which pages were measured, and of visitors who said whether they would recommend the site. */
const MEASURED = 0.3;
const ASKED = 0.2;
/** A web vital, from and to: milliseconds, or for layout shifts a number of its own. */
const VITALS: Array<[metric: string, low: number, high: number]> = [
  ['LCP', 700, 3800],
  ['INP', 40, 420],
  ['CLS', 0, 0.2],
];
type Deed = [event: string, props: Record<string, Json>];
const FORM = { form_id: 'newsletter', fields_total: 2 };
const BEGUN: Deed = ['form_start', FORM];
/** What some do beside, and in which share of sessions. */
const BESIDE: Array<[share: number, deeds: Deed[]]> = [
  [0.08, [BEGUN, ['form_submit', { ...FORM, fields_filled: 2, seconds: [8, 40] }]]],
  [0.06, [BEGUN, ['form_abandon', { ...FORM, fields_filled: 1, last_field: 'phone', seconds: [3, 60] }]]],
  [0.1, [['file_download', { file_name: 'catalogue.pdf', file_extension: 'pdf' }]]],
];
/** What a visitor costs who came by an advertisement, by its medium. */
const PAID: Record<string, { channel: string; cost: number }> = {
  cpc: { channel: 'Paid Search', cost: 1.1 },
  paid_social: { channel: 'Paid Social', cost: 0.7 },
};
/** Visitors stored at the same time. */
const TOGETHER = 50;

const AGENTS = [
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1',
  'Mozilla/5.0 (Linux; Android 13; M2012K11AC) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/116.0.0.0 Mobile Safari/537.36 MicroMessenger/8.0.50',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:131.0) Gecko/20100101 Firefox/131.0',
];
const BOT = 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)';

/** Where visitors come from: a referrer, and labels in the address. */
const SOURCES: Array<{ referrer?: string; source?: Record<string, string> }> = [
  {},
  { referrer: 'https://www.google.com/' },
  { referrer: 'https://www.baidu.com/' },
  {
    referrer: 'https://www.google.com/',
    source: { utm_source: 'google', utm_medium: 'cpc', utm_campaign: 'brand', gclid: 'demo' },
  },
  { source: { utm_source: 'newsletter', utm_medium: 'email' } },
  { referrer: 'https://www.xiaohongshu.com/' },
  { referrer: 'https://chatgpt.com/' },
];
const CAMPAIGN_SOURCE = {
  referrer: 'https://weibo.com/',
  source: { utm_source: 'weibo', utm_medium: 'paid_social', utm_campaign: CAMPAIGN },
};

interface Session {
  at: number;
  steps: DemoStep[];
}

/** Somebody who was invented, with everything they did: what came together is one batch. */
export interface Invented {
  visitorId: string;
  isBot: boolean;
  userAgent: string;
  batches: Array<{ sentAt: number; events: StagetagEvent[] }>;
}

/** Days on which something was planted. */
function plan({ days, now }: DemoOptions) {
  const first = Math.floor(now / DAY_MS) - days + 1;
  const campaignFrom = first + Math.floor(days / 4);
  const isCampaign = (day: number) => day >= campaignFrom && day < campaignFrom + CAMPAIGN_DAYS;
  return { first, campaignFrom, isCampaign, fixDay: first + Math.floor((days * 2) / 3) };
}

/** Invents visitors one by one, in the order of the days on which they came first. @param origin of the site's pages */
export function* invent(origin: string, template: Template, options: DemoOptions): Generator<Invented> {
  const { days, visitors, seed, now, currency } = options;
  const { first, isCampaign, fixDay } = plan(options);
  const random = seeded(seed);
  const rules = compileRules(template.rules);
  /** Whether it means nothing to the site: it moves nobody. */
  const isBeside = (event: string, path: string, props: Record<string, Json>): boolean =>
    !matchSignals(rules, { name: event, props } as unknown as StagetagEvent, placeOf(new URL(path, origin))).length;
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)]!;
  const arrivalDays = Array.from({ length: days }, (_, index) => first + index);
  const weights = arrivalDays.map((day) => 1 + (isCampaign(day) ? PULL : 0));
  const total = weights.reduce((sum, weight) => sum + weight, 0);

  /** Lets exactly this share pass, whoever it is: of each step before and after the mending alone. */
  const passed = new Map<string, number>();
  const passes = (step: number, day: number): boolean => {
    const isMended = step === LEAK && day >= fixDay;
    const name = `${step} ${isMended}`;
    const rate = RATES[step]! * (isMended ? 1 + GAIN : 1);
    const sum = (passed.get(name) ?? random()) + rate;
    passed.set(name, sum % 1);
    return sum >= 1;
  };

  const inventSessions = (day: number): Session[] => {
    // From eight to twenty in the evening; later sessions are hours or days after.
    let at = day * DAY_MS + (8 + random() * 12) * 3_600_000;
    const sessions: Session[] = [{ at, steps: pick(template.demo.awareness) }];
    for (const [step, stage] of STAGES.slice(1).entries()) {
      if (!passes(step, Math.floor(at / DAY_MS))) break;
      at += (1 + random() * 40) * 3_600_000;
      sessions.push({ at, steps: pick(template.demo[stage]) });
    }
    // A look around moves nobody on; who is loyal buys again, and is loyal already.
    const reached = sessions.length - 1;
    for (const stage = STAGES[reached]; random() < RETURNS[reached]!;) {
      at += (7 + random() * 28) * DAY_MS;
      sessions.push({ at, steps: pick(template.demo[stage === 'loyalty' ? stage : 'awareness']) });
    }
    return sessions;
  };

  const inventOne = (day: number, isPulled: boolean): Invented => {
    const visitorId = uuidV7(day * DAY_MS, random);
    const from = isPulled ? CAMPAIGN_SOURCE : pick(SOURCES);
    const isBot = random() < BOTS;
    const userAgent = isBot ? BOT : pick(AGENTS);
    const passing = { at: (day + 0.5) * DAY_MS, steps: pick(template.demo.awareness) };
    // Who came lately is still on the way.
    const sessions = (isBot ? [passing] : inventSessions(day)).filter(({ at }) => at < now - 3_600_000);
    const isLoyal = sessions.some(({ steps }) => template.demo.loyalty.includes(steps));
    let seq = 0;
    const batches = sessions.map(({ at, steps }, index) => {
      const sessionId = uuidV7(at, random);
      let time = Math.floor(at);
      let page: string | undefined;
      const events: StagetagEvent[] = [];
      const add = ({ event = 'page_view', path, props }: DemoStep) => {
        // A session begins with its landing, and both say where it came from.
        const isLanding = !index && events.length < 2;
        time += 2000 + Math.floor(random() * 40_000);
        seq++;
        // Some never arrive, and their numbers show it.
        if (events.length && random() < LOST) seq++;
        events.push({
          id: uuidV7(time, random),
          name: event,
          time,
          seq,
          sessionId,
          url: origin + path,
          ...(event === 'page_view' && { title: titleOf(path) }),
          ...(isLanding && from),
          ...(props && { props: fill(props, random, currency) }),
        });
      };
      for (const step of steps) {
        if (page === undefined) add({ event: 'session_start', path: step.path });
        if (step.event && step.path !== page) add({ path: step.path });
        page = step.path;
        add(step);
      }
      let roll = random();
      const [, beside = []] = BESIDE.find(([share]) => (roll -= share) < 0) ?? [];
      for (const [event, props] of beside)
        if (page !== undefined && isBeside(event, page, props)) add({ event, path: page, props });
      // Pages measure themselves; and some are asked whether they would recommend the site.
      if (page !== undefined && random() < MEASURED)
        for (const [metric, low, high] of VITALS)
          add({ event: 'web_vital', path: page, props: { metric, value: [low, high] } });
      if (page !== undefined && index === sessions.length - 1 && random() < ASKED)
        add({
          event: 'nps',
          path: page,
          props: { score: isLoyal ? 9 + Math.floor(random() * 2) : Math.floor(random() * 9) },
        });
      return { sentAt: time, events };
    });
    return { visitorId, isBot, userAgent, batches };
  };

  let [due, made] = [0, 0];
  for (const [index, day] of arrivalDays.entries())
    for (due += (visitors * weights[index]!) / total; made + 0.5 < due; made++)
      yield inventOne(day, isCampaign(day) && random() < PULL / (1 + PULL));
}

/** Stores invented visitors. @param onProgress 0 to 1 */
export async function inventVisitors(
  store: Store,
  site: Site,
  template: Template,
  options: DemoOptions,
  onProgress?: (share: number) => void,
): Promise<DemoSummary> {
  const summary = { visitors: 0, sessions: 0, events: 0 };
  // Orders of another currency would not count.
  const { currency } = (await store.rules(site.siteKey)).at(-1)!.rules;
  const storeOne = async ({ visitorId, userAgent, batches }: Invented): Promise<void> => {
    for (const { sentAt, events } of batches) {
      const body = { siteKey: site.siteKey, visitorId, sentAt, sdk: 'demo', events };
      const outcome = await ingest(store, {
        text: JSON.stringify(body),
        origin: site.origins[0],
        bearer: undefined,
        receivedAt: sentAt + 500,
        client: { userAgent, brands: undefined, address: undefined, isLocal: false },
      });
      if ('refusal' in outcome) throw new Error(`the invented events were refused: ${outcome.refusal}`);
      summary.sessions++;
      summary.events += outcome.answer.accepted;
    }
  };
  /** By day and what was paid for. */
  const costs = new Map<string, GivenCost>();
  const pay = ({ isBot, batches }: Invented) => {
    const landing = batches[0]?.events[0];
    const { utm_source: from = '', utm_medium: medium = '', utm_campaign: campaign = '' } = landing?.source ?? {};
    const paid = PAID[medium];
    if (!landing || !paid || isBot) return;
    const day = new Date(landing.time).toISOString().slice(0, 10);
    const key = [day, paid.channel, from, campaign].join(' ');
    const cost = Math.round(((costs.get(key)?.cost ?? 0) + paid.cost) * 100) / 100;
    const named = { ...(from && { source: from }), medium, ...(campaign && { campaign }) };
    costs.set(key, { day, channel: paid.channel, ...named, cost });
  };
  let waiting: Array<Promise<void>> = [];
  for (const invented of invent(site.origins[0]!, template, { currency, ...options })) {
    summary.visitors++;
    pay(invented);
    waiting.push(storeOne(invented));
    if (waiting.length < TOGETHER) continue;
    await Promise.all(waiting);
    waiting = [];
    onProgress?.(summary.visitors / options.visitors);
  }
  await Promise.all(waiting);
  await store.setCosts(site.siteKey, [...costs.values()]);
  await restageDue(store, options.now);
  onProgress?.(1);
  const text = (day: number) => new Date(day * DAY_MS).toISOString().slice(0, 10);
  const { campaignFrom, fixDay } = plan(options);
  return {
    ...summary,
    leak: { from: 'interest', to: 'consideration', lost: 1 - RATES[LEAK]! },
    campaign: { name: CAMPAIGN, from: text(campaignFrom), to: text(campaignFrom + CAMPAIGN_DAYS - 1) },
    fix: { day: text(fixDay), gain: GAIN },
  };
}

/** What a page may be called. */
function titleOf(path: string): string {
  const words = path.split('?')[0]!.split('/').at(-1)!.replaceAll('-', ' ');
  return words ? words[0]!.toUpperCase() + words.slice(1) : 'Home';
}

/** Puts texts and amounts where a template leaves them open. */
function fill(props: Record<string, Json>, random: () => number, currency?: string): Record<string, Json> {
  const filled = Object.entries(props).map(([name, value]): [string, Json] => {
    if (name === 'currency' && currency) return [name, currency];
    if (value === '#') return [name, `demo-${Math.floor(random() * 1e12).toString(36)}`];
    if (!Array.isArray(value)) return [name, value];
    const [from, to] = value as [number, number];
    return [name, Math.round((from + random() * (to - from)) * 100) / 100];
  });
  return Object.fromEntries(filled);
}

function uuidV7(time: number, random: () => number): string {
  const digits = (count: number) =>
    Array.from({ length: count }, () => Math.floor(random() * 16).toString(16)).join('');
  const hex = Math.floor(time).toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7${digits(3)}-8${digits(3)}-${digits(12)}`;
}
