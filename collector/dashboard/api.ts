/** The documented API, as the dashboard reads it. */
import type { Explanation, Reason, Stage } from '../../sdk/core/index.js';
import { language, t } from './texts.js';

export interface Site {
  siteKey: string;
  name: string;
  origins: string[];
  timeZone: string;
  template: string;
  rulesVersion: number;
  retentionDays: number | null;
  internal: string[];
  channels: Record<string, string>;
  targets: Partial<Record<Stage, number>>;
  weekStart: 'monday' | 'saturday' | 'sunday';
  currency: string | null;
  pinnedSnippet: string;
  snippet: string;
}

export type PerStage = Record<Stage, number>;

export interface StagesReport {
  asOf: number;
  from: string;
  to: string;
  stages: Array<{
    stage: Stage;
    current: number;
    entered: number;
    left: number;
    before: { current: number; entered: number; left: number };
  }>;
  funnel: Array<{ stage: Stage; visitors: number; fromPrevious: number | null; interval: [number, number] | null }>;
  days: Array<{ day: string; current: PerStage; entered: PerStage; left: PerStage }>;
}

/** Where somebody stands: null where they are new. */
export type Standing = Stage | 'dormant' | null;

export interface FlowReport {
  channels: Array<{ channel: string; people: number }>;
  from: string;
  to: string;
  dormantAfter: number;
  moves: Array<{ from: Standing; to: Standing; visitors: number; people: number; share: number }>;
  stays: Array<{ stage: Stage; ended: number; open: number; medianDays: number | null }>;
  steps: Array<{
    from: Stage;
    to: Stage;
    reached: number;
    wentOn: number;
    stillThere: number;
    lost: number;
    share: number | null;
    interval: [number, number] | null;
    lostValue: number | null;
  }>;
  leak: { from: Stage; to: Stage; lost: number; stillThere: number; share: number; lostValue: number | null } | null;
}

export interface LeavingReport {
  stages: Array<{ stage: Stage; lost: number; pages: Array<{ path: string; visitors: number }> }>;
}

/** Of each report what is shown. */
export interface FunnelReport {
  from: string;
  to: string;
  steps: Array<{
    step: string;
    isOptional: boolean;
    visitors: number;
    fromPrevious: number | null;
    interval: [number, number] | null;
    overall: number | null;
    inProgress: number;
    lost: number;
  }>;
  by: string | null;
  leak: { from: string; to: string; lost: number; isOpen: boolean } | null;
  breakdown: Array<{ value: string | null; visitors: number[] }>;
}

export const MODELS = [
  'first',
  'last',
  'lastNonDirect',
  'linear',
  'position',
  'timeDecay',
  'markov',
  'shapley',
] as const;
export type Model = (typeof MODELS)[number];

export interface AttributionReport {
  by: 'channel' | 'source' | 'medium' | 'campaign';
  entries: number;
  withoutTouch: number;
  unnamedCost: number;
  moves: Array<{ from: string; to: string; times: number; beforeEntry: number }>;
  channels: Array<
    { channel: string; sessions: number; visitors: number; cost: number | null } & Record<Model, number> & {
        revenue: Record<Model, number> | null;
        cac: Record<Model, number | null> | null;
        roas: Record<Model, number | null> | null;
      }
  >;
}

/** What became of costs that were taken in, or would. */
export interface CostsTaken {
  costs: number;
  replaced: number;
  from: string | null;
  to: string | null;
  unknownChannels: string[];
}

/** What a channel, or a part of it, cost on a day. */
export interface Cost {
  day: string;
  channel: string;
  source?: string;
  medium?: string;
  campaign?: string;
  cost: number;
}

export interface SourcesReport {
  sources: Array<{
    source: string;
    channel: string | null;
    sessions: number;
    visitors: number;
    isUnknown: boolean;
    isGiven: boolean;
  }>;
}

export interface Seen {
  visitors: number;
  times: number;
  wentOn: number;
}

export interface ContentReport {
  exactFrom: string | null;
  wentOn: number | null;
  pages: Array<{ path: string; title: string | null } & Seen>;
  downloads: Array<{ file: string } & Seen>;
  searches: Array<{ term: string } & Seen>;
  forms: Array<{
    form: string;
    visitors: number;
    wentOn: number;
    started: number;
    submitted: number;
    abandoned: number;
    gaveUp: number;
    rate: number | null;
    lastField: string | null;
    seconds: number | null;
  }>;
  vitals: Array<{ path: string; metric: string; p75: number; count: number }>;
  entries: Array<{ stage: Stage; entered: number; pages: Array<{ path: string; visitors: number }> }>;
}

export interface CoverageReport {
  pages: number;
  rows: Array<{ path: string; views: number; lastAt: number; isSilent: boolean }>;
}

export interface Label {
  en: string;
  zh: string;
}

export interface KpiReport {
  from: string;
  to: string;
  kpis: Array<{
    stage: Stage;
    label: string | Partial<Label>;
    signal: string;
    measure: string;
    value: number | null;
    before: number | null;
    target: number | null;
    rating: 'green' | 'amber' | 'red' | null;
  }>;
}

export interface TagsReport {
  people: number;
  tags: Array<{ tag: string; people: number }>;
}

export interface RfmReport {
  signal: string;
  buyers: number;
  revenue: number;
  groups: Array<{ group: string; label: Label; buyers: number; revenue: number }>;
  cells: Array<{ r: number; fm: number; buyers: number }>;
}

export const RFM = [
  'new',
  'champions',
  'potential_loyalist',
  'promising',
  'loyal',
  'needs_attention',
  'about_to_sleep',
  'cant_lose',
  'at_risk',
  'hibernating',
  'lost',
] as const;

export const LIFECYCLE = ['new', 'returning', 'resurrected', 'dormant', 'churned'] as const;

export interface LifecycleReport {
  periods: Array<{ from: string } & Record<(typeof LIFECYCLE)[number], number>>;
}

export interface ValueReport {
  buyers: number;
  orders: number;
  revenue: number;
  refunded: number;
  averageOrder: number | null;
  ordersPerYear: number | null;
  observedDays: number | null;
  monthlyRetention: number | null;
  ltv: {
    historic: number | null;
    simple: number | null;
    retention: number | null;
    fitted: { nextYear: number; alive: number; check: { error: number | null } | null } | null;
  };
  repurchaseRate: number | null;
  medianDaysToSecond: number | null;
  revenueRetention: number | null;
  k: number | null;
  amplification: number | null;
  loopDays: number | null;
}

export interface NpsReport {
  nps: number | null;
  promoters: number;
  passives: number;
  detractors: number;
}

export interface CommonReport {
  before: Stage;
  visitors: number;
  wentOn: number;
  features: Array<{
    feature: string;
    did: number;
    didAndWentOn: number;
    confidence: number;
    lift: number;
    oddsRatio: number;
    ci: [number, number];
    q: number;
  }>;
}

export interface Lost {
  visitors: number;
  stored: number;
  missing: number;
  ownedUp: number;
  rate: number | null;
}

export interface LossReport extends Lost {
  /** The first day of which raw events are kept, where the report reaches further back. */
  exactFrom: string | null;
  /** What the site's own server served, where it says so. */
  pages: { served: number; viewed: number; rate: number } | null;
  byBrowser: Array<Lost & { browser: string | null }>;
  byChannel: Array<Lost & { channel: string | null }>;
}

export interface RuleVersion {
  version: number;
  name: string | null;
  publishedAt: number;
  author: string | null;
  note: string | null;
  inForce: boolean;
}

export interface Preview {
  visitors: number;
  excluded: { before: number; after: number };
  moves: Array<{ from: Stage | null; to: Stage | null; visitors: number }>;
  people: Array<{
    from: Stage | null;
    to: Stage | null;
    visitors: Array<{ visitorId: string; userId: string | null }>;
  }>;
  stages: Array<{ stage: Stage; before: number; after: number }>;
  tags: Array<{ tag: string; before: number; after: number }>;
  warnings: Finding[];
  examples: Array<{
    visitorId: string;
    userId: string | null;
    from: Stage | null;
    to: Stage | null;
    why: Explanation;
  }>;
}

export interface Audience {
  people: number;
  of: number;
  profile: Array<{ feature: string; people: number; share: number; everybody: number; index: number }>;
  examples: Array<{ visitorId: string; userId: string | null; stage: Stage | null }>;
}

export interface SavedAudience {
  id: number;
  name: string;
  when: object;
  author: string | null;
  savedAt: number;
  people: number | null;
}

/** What was erased of somebody. */
export interface ErasureReceipt {
  visitors: number;
  events: number;
  transitions: number;
  deadLetters: number;
  erasedAt: number;
  isWiped: boolean;
}

/** Whether all is well with a site's data. */
export interface Health {
  asOf: number;
  lastEventAt: number | null;
  due: number;
  jobs: Array<{ id: number; done: number; total: number }>;
  takenBytes: number;
  freeBytes: number;
  backupAt: number | null;
}

/** What is wrong with rules, or odd about them: what is odd has a code, and whom it is about. */
export interface Finding {
  path: string;
  message: string;
  code?:
    | 'never_met'
    | 'always_met'
    | 'hidden_stage'
    | 'same_tags'
    | 'same_signals'
    | 'unused_signal'
    | 'silent_signal'
    | 'silent_stage'
    | 'empty_stage'
    | 'stage_of_all'
    | 'overlapping_tags'
    | 'idle_keep'
    | 'impossible_address'
    | 'unknown_group';
  names?: string[];
}

export interface Template {
  name: string;
  title: Label;
  about: Label;
}

/** What a template makes of visitors who were invented for its trade. */
export interface TemplateDemo {
  visitors: number;
  stages: Array<{ stage: Stage; current: number; reached: number; fromPrevious: number | null }>;
  tags: Array<{ tag: string; visitors: number }>;
}

/** What of rules is shown: what there is, and what people call it. */
export interface RulesNames {
  version?: number;
  signals?: Record<
    string,
    { event?: string | string[]; path?: unknown; value?: string; label?: string | { en?: string; zh?: string } }
  >;
  tags?: Record<string, { label?: string | { en?: string; zh?: string } }>;
  stages?: Partial<Record<Stage, object>>;
}

export interface Touch {
  channel: string;
  source: string | null;
  campaign: string | null;
  referrer: string | null;
  at: number;
}

export interface VisitorSummary {
  visitorId: string;
  userId?: string;
  stage: Stage | null;
  peak: Stage | null;
  tags: string[];
  score: number;
  firstSeen: number;
  lastSeen: number;
  eventCount: number;
  /** Why reports leave it out, or null. */
  bot: string | null;
  /** Whether somebody said that, or that it is counted, by hand. */
  isJudged: boolean;
  firstTouch: Touch | null;
  lastTouch: Touch | null;
}

export interface Transition {
  from: Stage | null;
  to: Stage | null;
  at: number;
  cause: {
    kind: 'event' | 'expiry' | 'rules' | 'link';
    /** Absent where a visitor went into a user. */
    rule?: Stage;
    rules?: number;
    event?: string;
    eventName?: string;
    because?: Reason;
  };
}

export interface SentEvent {
  id: string;
  name: string;
  time: number;
  url?: string;
  title?: string;
  props?: Record<string, unknown>;
  /** Why its amount does not count. */
  uncounted?: 'amount' | 'currency' | 'repeated';
}

export interface Visitor extends VisitorSummary {
  scores: { behaviour: number; intent: number; profile: number };
  /** The other browsers of the user. */
  others: Array<{ visitorId: string; firstSeen: number; lastSeen: number }>;
  why: Explanation;
  transitions: Transition[];
  sessions: Array<{
    sessionId: string;
    startedAt: number;
    endedAt: number;
    events: number;
    channel: string | null;
    source: string | null;
    device: string | null;
    browser: string | null;
    country: string | null;
  }>;
  events: SentEvent[];
}

/** The session has ended or never began. */
export class SignedOut extends Error {}

/**
 * Reads from the API.
 * @throws SignedOut where there is no session, Error with what the collector says otherwise
 */
export async function get<T>(path: string): Promise<T> {
  return request<T>(path, {});
}

export type Role = 'guest' | 'viewer' | 'editor' | 'owner';

/** What who is signed in may do; undefined where nobody is. */
export async function readRole(): Promise<Role | undefined> {
  return (await get<{ role?: Role }>('session')).role;
}

export interface CohortsReport {
  cohorts: Array<{ from: string; people: number; active: number[] }>;
}

export interface UnclassifiedReport {
  rows: Array<{ event: string; path: string | null; people: number; times: number }>;
}

export interface AlertsReport {
  from: string;
  to: string;
  alerts: Array<{
    code: 'silent' | 'loss' | 'refused' | 'fewer' | 'more';
    stage: Stage | null;
    value: number;
    before: number | null;
    reason: string | null;
  }>;
}

export interface DeadLetter {
  receivedAt: number;
  reason: string;
  detail: string;
  body: string;
}

export interface Notes {
  annotations: Array<{ id: number; day: string; text: string; author: string | null }>;
  published: Array<{ version: number; note: string | null; day: string }>;
}

export interface SavedView {
  id: number;
  name: string;
  address: string;
}

export interface Share {
  id: number;
  address: string;
  author: string | null;
  expiresAt: number;
}

export interface User {
  name: string;
  role: Exclude<Role, 'guest'>;
  createdAt: number;
}

export interface AuditEntry {
  id: number;
  at: number;
  who: string;
  action: string;
  siteKey: string | null;
  target: string | null;
}

/** Signs in with a token. @throws Error with what the collector says */
export async function signIn(token: string): Promise<void> {
  await request('session', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ token }),
  });
}

export async function signOut(): Promise<void> {
  await request('session', { method: 'DELETE' });
}

/** What the collector says of what was sent, where it does not take it. */
export class Refused extends Error {
  constructor(
    message: string,
    readonly body: unknown,
    readonly status: number,
  ) {
    super(message);
  }
}

/** Nothing came back, in time or at all. */
export class Unreachable extends Error {}

/** The collector reads all of a large site before it can make reports of it. */
export class Preparing extends Error {
  /** @param share how far that is, 0 to 1 */
  constructor(
    message: string,
    readonly share: number,
  ) {
    super(message);
  }
}

/**
 * Changes something.
 * @param body JSON as a text or as what it stands for, or something with a type of its own
 * @throws Refused with what the collector says
 */
export const change = <T>(method: 'PUT' | 'POST' | 'PATCH' | 'DELETE', path: string, body?: unknown): Promise<T> =>
  request<T>(path, {
    method,
    ...(body !== undefined && {
      headers: { 'Content-Type': body instanceof Blob ? body.type : 'application/json' },
      body: body instanceof Blob || typeof body === 'string' ? body : JSON.stringify(body),
    }),
  });

/** Whether the session ended under something that was to be saved: it stays on the page until somebody has signed in elsewhere. */
export let hasUnsaved = false;

/** Whoever goes elsewhere leaves it. */
export function leaveUnsaved(): void {
  hasUnsaved = false;
}

const inChinese = async (message: string): Promise<string> => (await import('./messagesZh.js')).sayInChinese(message);

/** How long an answer is waited for. */
const WAIT_MS = 60_000;
/** What is sent to be told something, and changes nothing. */
const ASKING = /\/(preview|lint)(\?|$)/;

/** Reads a file. */
export async function download(path: string): Promise<Blob> {
  const response = await fetch(`api/${path}`).catch(() => {
    throw new Unreachable(t('unreachable'));
  });
  if (response.ok) return response.blob();
  // Says why, as everything else does.
  return request<Blob>(path, {});
}

async function request<T>(path: string, init: RequestInit): Promise<T> {
  // Relative to the page, which may stand under a mount. What is read comes soon or is not waited for; a change takes what it takes.
  const response = await fetch(`api/${path}`, {
    ...init,
    ...((!init.method || ASKING.test(path)) && { signal: AbortSignal.timeout(WAIT_MS) }),
  }).catch((error: Error) => {
    throw new Unreachable(t(error.name === 'TimeoutError' ? 'noAnswer' : 'unreachable'));
  });
  const body = (await response.json().catch(() => {
    // An answer that was cut off is none.
    if (response.ok) throw new Unreachable(t('unreachable'));
    return {};
  })) as T & { error?: string; preparing?: number };
  if (response.status === 401 && !init.method) throw new SignedOut();
  if (init.method && path !== 'session') {
    hasUnsaved = response.status === 401;
    if (hasUnsaved) throw new Refused(t('sessionEnded'), body, 401);
  }
  if (response.status === 503 && body.preparing !== undefined) throw new Preparing(body.error ?? '', body.preparing);
  // What stands before the collector says so in its place.
  if (response.status >= 500 && body.error === undefined) throw new Unreachable(t('unreachable'));
  if (!response.ok) {
    const says = body.error ?? `${response.status} ${response.statusText}`;
    const isChinese = language.value === 'zh';
    throw new Refused(isChinese ? await inChinese(says) : says, body, response.status);
  }
  return body;
}
