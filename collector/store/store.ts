/**
 * What the collector keeps, in the product's words. Every store does this and passes the same contract test.
 * A store keeps and counts; what an event means and which stage follows is decided by sdk/core, through the `Fold` it is given.
 */
import type { Facts, Inference, Json, Rules, Stage, StagetagEvent, Touch } from '../../sdk/core/index.js';

export interface Site {
  /** Public: stands in the page's source. */
  siteKey: string;
  /** Server-to-server. Kept recoverably, since proofs are HMACs under it. */
  secretKey: string;
  /** Users' and erased visitors' ids are hashed under it: the first secret key. It leaves the collector no more. */
  identityKey: string;
  name: string;
  /** Origins whose pages may append events, such as `https://example.com`. */
  origins: string[];
  /** IANA name; days of reports are cut in it. */
  timeZone: string;
  template: string;
  /** Version of the rules in force. */
  rulesVersion: number;
  /** Days that raw events are kept, at least 30; null for ever. */
  retentionDays: number | null;
  /** Addresses and networks from which the site's own people come, such as `203.0.113.0/24`. */
  internal: string[];
  /** Channels that the owner gave to sources, by the sources' names in lower case. */
  channels: Record<string, string>;
  /** What the measure of a stage should come to in 30 days, by stage. */
  targets: Partial<Record<Stage, number>>;
  /** The day on which weeks begin: those of the life cycle and of cohorts. */
  weekStart: WeekStart;
  /** First UTC day (since 1970) of which raw events are there: what was counted before stays as it was. */
  keptFrom: number;
  createdAt: number;
}

export const WEEK_STARTS = ['monday', 'saturday', 'sunday'] as const;
export type WeekStart = (typeof WEEK_STARTS)[number];

/** What of a site can be changed. */
export type SiteSettings = Pick<
  Site,
  'name' | 'origins' | 'timeZone' | 'retentionDays' | 'internal' | 'channels' | 'targets' | 'weekStart'
>;

/** What of it changes: settings, and the secret key where another takes its place. */
export type SiteChanges = Partial<SiteSettings & Pick<Site, 'secretKey'>>;

/** A site before there is anything of it. */
export type NewSite = Omit<Site, 'rulesVersion' | 'keptFrom' | 'identityKey'>;

/** One published version of a site's rules. */
export interface PublishedRules {
  rules: Rules;
  publishedAt: number;
  /** Epoch ms from which its signals match; 0 where publishing replayed everything. */
  since: number;
}

/** A version of a site's rules, in force or not. */
export interface RuleVersion {
  version: number;
  name: string | null;
  publishedAt: number;
  since: number;
  /** Name of the user; `admin` for the admin token, null for what made the site. */
  author: string | null;
  note: string | null;
}

/** What is known of a publication beside the rules. */
export interface Publication {
  publishedAt: number;
  since: number;
  author?: string | null;
  note?: string | null;
  /** The version that must be in force; where another is, nothing is published. */
  after?: number;
}

/** Rules that somebody is at. */
export interface RuleDraft {
  rules: object;
  author: string | null;
  savedAt: number;
  /** The version in force when it was begun. */
  basedOn: number;
}

/** Ranges of `seq` kept: a browser never holds more than the latest, and a hostile one must not make the record grow. */
export const MAX_RANGES = 200;

/** An event on disk. */
export interface StoredEvent {
  /** As it was sent. */
  event: StagetagEvent;
  receivedAt: number;
  /** Why the event counts as a bot's, or null. */
  bot: string | null;
  /** The app in whose own browser it happened, as a source: such visits mostly have no referrer. Absent where it was none that is known. */
  inApp?: string;
  /** Whether it came with the secret key. */
  isProven?: boolean;
  /** Traits of the envelope it came in, where it was the batch's greatest by (time, id). */
  traits?: Record<string, Json>;
}

/** A touch and the event that made it. */
export type DatedTouch = Touch & { id: string };

/** How the `bot` of those begins whom the rules exclude; the exclusion's name follows. */
export const EXCLUDED = 'excluded:';

/** Visitors that one person may have: more are no browsers of one human being, and each costs the others. */
export const MAX_VISITORS = 100;

/** Whether that is a bot's mark, and not one of somebody whom the rules exclude: what a bot does is no person's doing. */
export const isBot = (bot: string | null): boolean => bot !== null && !bot.startsWith(EXCLUDED);

/** All that is kept of a visitor beside the raw events; rebuilt from them at any time. */
export interface VisitorRecord extends Inference {
  visitorId: string;
  /** A label, which merges nothing; of a person, who that is. */
  userId: string | null;
  /** The person whose visitor this is proven to be, by the id of its record. */
  personId: string | null;
  /** Time of the latest event that linked it, epoch ms; 0 where nothing ever did. */
  linkedAt: number;
  /** Time of the first that linked it to this person; 0 of links that were there before this was noted. */
  linkedSince: number;
  /** Whether this is a person: the sum of visitors, with no events of its own. */
  isPerson: boolean;
  /** Why the visitor counts as a bot, or by which of the rules' exclusions it is left out (`excluded:NAME`), or null: reports leave it out. */
  bot: string | null;
  /** Whether somebody said that, or that it is none, by hand: no event changes it then. */
  isJudged: boolean;
  /** Milliseconds by which the sender's clock was behind at its latest batch; null where it never said. */
  skew: number | null;
  firstSeen: number;
  lastSeen: number;
  /** Number of events stored. */
  events: number;
  /** Grows with every change. */
  rev: number;
  /** Version of the rules under which `facts` were made. */
  rules: number;
  /** Ranges of `seq` that are stored, ascending and apart. */
  have: Array<[from: number, to: number]>;
  /** With every trait known, whether the rules name it or not. */
  facts: Facts;
  firstTouch: DatedTouch | null;
  lastTouch: DatedTouch | null;
  /** Greatest `time` of an event whose clock was not ahead of ours by a day. */
  lastTime: number;
  /** When the current stage was entered, epoch ms. */
  stageSince: number;
  /** When the state may next change with no event, epoch ms. */
  dueAt: number | null;
  /** How many events the browser says it had to give up, the greatest number it ever sent. */
  lost: number;
}

/** Whose visitor somebody is, and from when on that is said. */
export type Link = Pick<VisitorRecord, 'personId' | 'linkedAt' | 'linkedSince'>;

/** Why the current stage changed. */
export interface Cause {
  /** `link`: it was proven whose visitor this is, or no longer is. */
  kind: 'event' | 'expiry' | 'rules' | 'link';
  /** The stage whose rule decided: the one that now holds, or that no longer holds. Absent where a visitor went into a person. */
  rule?: Stage;
  /** Version of the rules. */
  rules?: number;
  /** Id of the event, where one was the cause. */
  event?: string;
  eventName?: string;
  /** Signals the event carried. */
  signals?: string[];
  /** The rule with what met it or is missing, as `why()` says it. */
  because?: unknown;
}

export interface Transition {
  from: Stage | null;
  to: Stage | null;
  at: number;
  cause: Cause;
}

/** What a record is made of. */
export interface Change {
  /** The record so far, undefined for a new visitor. */
  before: VisitorRecord | undefined;
  /** Events that are stored now and were not before, in no particular order. */
  added: StoredEvent[];
  /** Every stored event, `added` included, where the facts must be made anew. */
  history?: StoredEvent[];
  /** Of a person: the records of its visitors as they were before `added`, where its facts must be added up anew. */
  parts?: VisitorRecord[];
  /** Of a person: whether a visitor became its own, or no longer is. */
  isLinked?: boolean;
  /** Whose visitor this is from now on; null for nobody's. */
  link?: Link;
  /** First day of which `history` has events: what was counted before stays. */
  keptFrom?: number;
}

/** Makes a visitor's new record, and says what its facts were before the events that were added. */
export type Fold = (change: Change) => {
  record: VisitorRecord;
  transitions: Transition[];
  past: Facts;
  sessions: SessionPart[];
};

/** What is known of a session, or a batch adds to it. */
export interface SessionPart {
  sessionId: string;
  /** Times of its first and last event. */
  startedAt: number;
  endedAt: number;
  /** Time of the event that says where it came from: one that began with no source has that of the first arrival in it that has one. */
  arrivedAt: number;
  events: number;
  /** Of its first event; where that has no source, of the first after it that has labels. */
  channel: string | null;
  /** Whether labels said so: without them only the first event of all says anything. Told where it is added. */
  isLabelled?: boolean;
  source: string | null;
  medium: string | null;
  campaign: string | null;
  bot: string | null;
  device: string | null;
  browser: string | null;
  os: string | null;
  country: string | null;
  region: string | null;
}

export interface DeadLetter {
  siteKey: string | null;
  /** Whose it is, where that is known. */
  visitorId?: string;
  receivedAt: number;
  reason: string;
  /** What was expected. */
  detail: string;
  /** What came; its first 4 KiB are kept. */
  body: string;
}

/** Events of one visitor, to be stored in one transaction with the visitor's new record. */
export interface Append {
  siteKey: string;
  visitorId: string;
  /** The version in force: a record made under another is made anew. */
  rulesVersion: number;
  /** Whether the facts made under a version hold under the one in force: where they do not, the raw events are read again. */
  keepsFacts(version: number): boolean;
  events: StoredEvent[];
  deadLetters: DeadLetter[];
  /** Whose visitor this is from now on, by the id of the person's record and who that is; null for nobody's; else it stays. */
  link?: { personId: string; userId: string } | null;
  /** When that was said, epoch ms: at last, and at first. */
  linkedAt?: number;
  linkedFrom?: number;
  /** What the visitor as a whole is taken for from now on; by its events alone where it is null and nobody's word. */
  verdict?: Verdict;
  foldOf: FoldOf;
}

export type Verdict = Pick<VisitorRecord, 'bot' | 'isJudged'>;

/** Folds a visitor's change, or a person's, by its id. */
export type FoldOf = (id: string) => Fold;

export interface Appended {
  accepted: number;
  duplicates: number;
  /** Whether the visitor was erased: then nothing is stored. */
  isForgotten?: boolean;
  /** Undefined where nothing of the visitor was ever stored. */
  record: VisitorRecord | undefined;
  /** Whose visitor it is, where that is proven. */
  person?: VisitorRecord;
}

/** What was erased of one visitor, in rows. */
export interface Erased {
  events: number;
  transitions: number;
  deadLetters: number;
}

export interface EventFilter {
  /** Epoch ms, included. */
  from?: number;
  /** Epoch ms, not included. */
  until?: number;
  name?: string;
  visitorId?: string;
  /** Only those that came with the secret key. */
  isProven?: boolean;
}

export interface Job {
  id: number;
  siteKey: string;
  kind: 'recompute';
  /** The version of the rules to be reached. */
  rules: number;
  state: 'running' | 'done';
  /** Visitors. */
  done: number;
  total: number;
}

/** How many pages the site's own server served on a day (`YYYY-MM-DD` in the site's time zone). */
export interface PageCount {
  day: string;
  pages: number;
}

/** What something was spent on: a channel, or a source, medium or campaign of it. */
export interface CostName {
  channel: string;
  source?: string;
  medium?: string;
  campaign?: string;
}

/** What it cost on a day, in the currency of the orders. */
export interface Cost extends CostName {
  day: string;
  cost: number;
}

/** What is said of a cost: null takes it back. */
export type GivenCost = Omit<Cost, 'cost'> & { cost: number | null };

/** A condition that was given a name: see reports/audience. */
export interface SavedAudience {
  id: number;
  name: string;
  when: object;
  author: string | null;
  savedAt: number;
  /** How many met it when it was saved, where it is those for good; null where it is whoever meets it. */
  people: number | null;
}

/** A note to a day of a site, such as the beginning of a campaign. */
export interface Annotation {
  id: number;
  /** `YYYY-MM-DD` in the site's time zone. */
  day: string;
  text: string;
  author: string | null;
  savedAt: number;
}

/** A view of the dashboard that was given a name. */
export interface SavedView {
  id: number;
  name: string;
  /** What stands after the site in the address bar, such as `flow?days=90`. */
  address: string;
  author: string | null;
  savedAt: number;
}

/** A link that shows a site's reports to whoever has it. */
export interface Share extends Omit<SavedView, 'name'> {
  expiresAt: number;
}

/** Something that was changed through the API. */
export interface AuditEntry {
  id: number;
  at: number;
  /** Name of the user; `admin` for the admin token. */
  who: string;
  /** The operation, by its id in the API document. */
  action: string;
  siteKey: string | null;
  /** The number or name of what was changed, where there is one. Nobody's visitor. */
  target: string | null;
}

/**
 * A guest sees one site's reports by a link; a viewer reads; an editor also changes rules and links; an owner also erases, adds sites and
 * sees what one person left.
 */
export const ROLES = ['guest', 'viewer', 'editor', 'owner'] as const;
export type Role = (typeof ROLES)[number];
/** Those that a user may have. */
export const USER_ROLES = ['viewer', 'editor', 'owner'] as const;

/** Who asks for something; null is whoever has the admin token or its link. */
export interface Who {
  name: string | null;
  role: Role;
  /** Of a guest: the only site that there is. */
  siteKey?: string;
}

export interface User {
  name: string;
  role: Role;
  createdAt: number;
}

/** A transition on the list of all. */
export interface ListedTransition {
  /** Ascending in the order in which they were found. */
  id: number;
  visitorId: string;
  from: Stage | null;
  to: Stage | null;
  at: number;
  kind: Cause['kind'];
  /** The version of the rules under which it was found; 0 where that is not known. */
  rules: number;
}

/** A session on the list of all. */
export interface ListedSession {
  visitorId: string;
  sessionId: string;
  startedAt: number;
  endedAt: number;
  arrivedAt: number;
  channel: string | null;
  source: string | null;
  medium: string | null;
  campaign: string | null;
  device: string | null;
  browser: string | null;
  country: string | null;
}

/** Events of one visitor that came together, and the number of their row: later ones have greater numbers, but for those that were free again. */
export interface EventRow {
  rowId: number;
  visitorId: string;
  events: StoredEvent[];
}

/** A visitor whose record changed. */
export interface VisitorChange {
  visitorId: string;
  /** Events that are new, where there are such. */
  events?: StoredEvent[];
  /** The number of their row. */
  rowId?: number;
  /** Whether events that were there before are others now. */
  isAmended: boolean;
}

/** What happened to visitors since a place in the list of changes. */
export interface VisitorChanges {
  /** The place up to which these go; the one that was asked for where there are no more. */
  upTo: string;
  /** Undefined where the list does not reach back so far: then anybody may have changed. */
  changed: VisitorChange[] | undefined;
  /** Whether some of those who were there are no more. */
  isSomebodyGone: boolean;
}

export interface Store {
  sites(): Promise<Site[]>;
  site(siteKey: string): Promise<Site | undefined>;
  addSite(site: NewSite, rules: Rules): Promise<void>;
  updateSite(siteKey: string, changes: SiteChanges): Promise<void>;

  /** Every version that decides about signals, oldest first; the last one is in force. */
  rules(siteKey: string): Promise<PublishedRules[]>;
  /** Puts the next version in force and returns it; undefined where another came in between. */
  publishRules(siteKey: string, rules: Rules, publication: Publication): Promise<number | undefined>;
  /** Every version there ever was, the latest first. */
  ruleVersions(siteKey: string): Promise<RuleVersion[]>;
  ruleVersion(siteKey: string, version: number): Promise<Rules | undefined>;
  draft(siteKey: string): Promise<RuleDraft | undefined>;
  /** Keeps a draft in place of the one before; null drops it. */
  /** @param known when the draft was saved that is known: another one stays, and is returned */
  saveDraft(siteKey: string, draft: Omit<RuleDraft, 'basedOn'> | null, known?: number): Promise<RuleDraft | undefined>;

  /** Stores each event not stored before and the visitor's new record. Resolves when all of it is on disk. */
  append(append: Append): Promise<Appended>;
  /** Removes the raw events of the days before one, piece by piece; facts stay. Returns how many they were. */
  expireEvents(siteKey: string, keptFrom: number): Promise<number>;
  addDeadLetter(letter: DeadLetter): Promise<void>;
  /** Drops dead letters received before a moment. */
  expireDeadLetters(before: number): Promise<void>;

  visitor(siteKey: string, visitorId: string): Promise<VisitorRecord | undefined>;
  /** Latest seen first, and of those seen in one moment the greatest id. @param options.after goes on after this one of those seen at `seenBefore` */
  visitors(
    siteKey: string,
    options: { limit: number; seenBefore?: number; after?: string | undefined },
  ): Promise<VisitorRecord[]>;
  /** Visitors and people by their ids: the next after one, or the first. */
  everyVisitor(siteKey: string, after: string | undefined, limit: number): Promise<VisitorRecord[]>;
  transitions(siteKey: string, visitorId: string): Promise<Transition[]>;
  /** The latest events of a visitor, oldest first. */
  latestEvents(siteKey: string, visitorId: string, limit: number): Promise<StoredEvent[]>;
  /** All events that fit, in no promised order, in pages, so that reading never holds up writing. */
  events(siteKey: string, filter: EventFilter): AsyncIterable<StoredEvent & { visitorId: string }>;
  deadLettersOf(siteKey: string, visitorId: string): Promise<DeadLetter[]>;
  /** The latest first. @param isOwn without those that name no site, which may be anybody's */
  deadLetters(siteKey: string, limit: number, isOwn?: boolean): Promise<DeadLetter[]>;
  /** How many came for the site since a moment, by the reason, most first. */
  refusals(siteKey: string, since: number): Promise<Array<{ reason: string; letters: number }>>;
  /** Grows whenever somebody of the site is erased. */
  erasures(siteKey: string): Promise<number>;

  /** Visitors that are proven to be a person's, by the id of its record. */
  visitorsOfPerson(siteKey: string, personId: string): Promise<string[]>;
  /** Visitors that carry this label. */
  visitorsOfUser(siteKey: string, userId: string): Promise<string[]>;
  /** The same of all users whose ids begin so. */
  visitorsOfUsers(siteKey: string, beginning: string): Promise<string[]>;
  /**
   * Erases all that is kept of a visitor, and leaves a keyed hash that knows it again. `wipe` takes it off the disk. A person whose
   * visitor it was is added up anew at once.
   */
  erase(
    siteKey: string,
    visitorId: string,
    now: number,
    how: Pick<Append, 'rulesVersion' | 'keepsFacts' | 'foldOf'>,
  ): Promise<Erased>;
  /** Erases the dead letters in which a text stands, and says how many they were. */
  eraseLetters(siteKey: string, text: string): Promise<number>;
  /** Takes what was erased off the disk. False where somebody who reads holds it up: then it is to be tried again. */
  wipe(): Promise<boolean>;
  isForgotten(siteKey: string, visitorId: string): Promise<boolean>;
  /** Copies everything into a new file while writing goes on. @param onProgress 0 to 1 */
  backup(file: string, onProgress?: (share: number) => void): Promise<void>;

  /** Visitors whose state may have changed with no event. */
  dueVisitors(now: number, limit: number, siteKey?: string): Promise<Array<{ siteKey: string; visitorId: string }>>;
  /** Has every visitor's facts made anew by the next recompute, from the raw events. */
  markStale(siteKey: string): Promise<void>;
  /** Visitors whose facts were made under other rules than this version. */
  staleVisitors(siteKey: string, rulesVersion: number, limit: number): Promise<string[]>;

  addJob(siteKey: string, rules: number): Promise<Job>;
  job(siteKey: string, id: number): Promise<Job | undefined>;
  runningJobs(): Promise<Job[]>;
  finishJob(id: number): Promise<void>;

  /** All transitions, those of bots too: the next after one, or the first (0). */
  everyTransition(siteKey: string, after: number, limit: number): Promise<ListedTransition[]>;
  /** A visitor's moves, up to one by its number. */
  movesOf(siteKey: string, visitorId: string, upTo: number): Promise<ListedTransition[]>;
  /** Everybody's id. */
  visitorIds(siteKey: string): Promise<string[]>;
  /** The latest place in the list of changes to visitors, the latest row of events, and how many visitors' records there are: of one moment. */
  latest(siteKey: string): Promise<{ change: string; rowId: number; visitors: number }>;
  /** What happened to visitors since a place in the list of changes, each as often as it did, or as much of it as one reading gives. */
  changesSince(siteKey: string, change: string): Promise<VisitorChanges>;
  /** Events by their rows: the next after one (0: the first), up to one; and how far that went. */
  eventsAfter(siteKey: string, rowId: number, upTo: number): Promise<{ rowId: number; rows: EventRow[] }>;
  /** A visitor's events by their rows. */
  eventRows(siteKey: string, visitorId: string): Promise<EventRow[]>;
  /** All sessions, by visitor: the next after one, or the first. */
  everySession(siteKey: string, after: ListedSession | undefined, limit: number): Promise<ListedSession[]>;

  /** Sessions of a visitor, latest first. */
  sessions(siteKey: string, visitorId: string, limit: number): Promise<SessionPart[]>;
  /** Adds pages to those of a day. */
  addPages(siteKey: string, count: PageCount): Promise<void>;
  /** Puts the numbers of days in the place of those that were there. */
  setPages(siteKey: string, counts: PageCount[]): Promise<void>;
  /** The days, both included, of which something is known. */
  pageCounts(siteKey: string, from: string, to: string): Promise<PageCount[]>;
  /** Page views of browsers in a span of time; bots' are left out. */
  pageViews(siteKey: string, from: number, until: number): Promise<number>;

  /**
   * Puts what channels cost on days in the place of all that was said of the same channels and sources on the same days: media and campaigns
   * are parts of these. @returns how many were there before
   */
  setCosts(siteKey: string, costs: GivenCost[]): Promise<number>;
  /** Takes back what was said of something on days from one to another. @returns how many there were */
  removeCosts(siteKey: string, named: CostName, from: string, to: string): Promise<number>;
  /** Costs of days, both included. */
  costs(siteKey: string, from: string, to: string): Promise<Cost[]>;

  /** By name. */
  audiences(siteKey: string): Promise<SavedAudience[]>;
  /**
   * Saves a new one, or in place of that with the number.
   * @param known when that was saved that is known: another one stays, and is returned
   * @returns its number, undefined where there is none to be replaced
   */
  saveAudience(
    siteKey: string,
    audience: Omit<SavedAudience, 'id'>,
    people?: string[],
    id?: number,
    known?: number,
  ): Promise<number | SavedAudience | undefined>;
  /** The visitors who are in an audience for good; nobody where it is whoever meets its condition. */
  audienceMembers(siteKey: string, id: number): Promise<string[]>;
  /** Says whether there was one. */
  removeAudience(siteKey: string, id: number): Promise<boolean>;

  /** By day. */
  annotations(siteKey: string): Promise<Annotation[]>;
  addAnnotation(siteKey: string, annotation: Omit<Annotation, 'id'>): Promise<number>;
  removeAnnotation(siteKey: string, id: number): Promise<boolean>;
  /** By name. */
  views(siteKey: string): Promise<SavedView[]>;
  addView(siteKey: string, view: Omit<SavedView, 'id'>): Promise<number>;
  removeView(siteKey: string, id: number): Promise<boolean>;
  /** Links that still work. */
  shares(siteKey: string, now: number): Promise<Share[]>;
  addShare(siteKey: string, share: Omit<Share, 'id'>, tokenHash: string): Promise<number>;
  removeShare(siteKey: string, id: number): Promise<boolean>;
  /** The site that a link's token shows. */
  siteOfShare(tokenHash: string, now: number): Promise<string | undefined>;

  /** Notes that something was changed; the latest ten thousand stay. */
  addAudit(entry: Omit<AuditEntry, 'id'>): Promise<void>;
  /** When an action was last done, epoch ms; undefined where it is not in the log. */
  lastDone(action: string): Promise<number | undefined>;
  /** Bytes that the data takes, and bytes there are for more. */
  space(): Promise<{ taken: number; free: number }>;
  /** The latest first. @param before the number of the last one seen */
  audit(limit: number, before?: number): Promise<AuditEntry[]>;

  /** The key that tokens are signed with, as a private JWK; what is offered is kept where there is none yet. */
  signingKey(offered?: string): Promise<string | undefined>;
  users(): Promise<User[]>;
  /** Says whether there was none of this name. */
  addUser(user: User, tokenHash: string): Promise<boolean>;
  /** Ends the user's sessions too. Says whether there was one of this name. */
  removeUser(name: string): Promise<boolean>;
  /** Whose token this is. */
  userOf(tokenHash: string): Promise<User | undefined>;

  /** Keeps the hash of a token that opens the dashboard. @param user whose it is; the owner's where absent */
  addToken(token: { hash: string; kind: 'link' | 'session'; expiresAt: number; user?: string }): Promise<void>;
  /** What a session may do; undefined where it is none. */
  sessionUser(hash: string, now: number): Promise<Who | undefined>;
  /** Says whether it was there and is now gone: a link's token works once. */
  takeToken(hash: string, kind: 'link' | 'session', now: number): Promise<boolean>;

  /**
   * Caches something of a site that can be made again at any time. It is gone when something of the site expires, or somebody is erased, of
   * whatever site.
   * @param stamp of when it was last brought up to date: where there is another by now, nothing is cached
   */
  cache(siteKey: string, made: Uint8Array, stamp: string): Promise<void>;
  /** Another whenever somebody is erased, or something of the site expires. */
  stamp(siteKey: string): Promise<string>;
  cached(siteKey: string): Promise<Uint8Array | undefined>;

  /** Removes what was kept from before a migration or a restore, when it was kept long enough. */
  dropKept(now: number): Promise<void>;
  /** Throws where nothing can be written. */
  check(): Promise<void>;
  /** Finishes what was accepted, then closes. */
  close(): Promise<void>;
}

/** A store as those see it who change no visitor: it may be in another thread. */
export type RemoteStore = Omit<Store, 'append' | 'erase' | 'backup' | 'close'>;
