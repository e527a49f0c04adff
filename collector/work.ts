/** What changes visitors, and what takes long. It is done in other threads than the one that answers requests. */
import { inferState, type Rules, type RulesError, type Stage, type Warning } from '../sdk/core/index.js';
import { factsOf } from './ingest/fold.js';
import { timelineOf } from './ingest/timeline.js';
import { firstKeptDay, ingest, REFUSALS, type BatchRequest, type RefusalReason } from './ingest/ingest.js';
import type { Lookups } from './ingest/lookups.js';
import { setGroups, type Grouped } from './jobs/groups.js';
import { recompute } from './jobs/recompute.js';
import { Preparing, Projections } from './projection/projections.js';
import { countAudience, listAudience, type Audience, type Member } from './reports/audience.js';
import { lintSite } from './reports/lint.js';
import { previewRules, type Preview } from './reports/preview.js';
import type { ReportQuery } from './reports/range.js';
import { makeReport, underRules, type ReportName } from './reports/reports.js';
import { needsDates } from './reports/choosePeople.js';
import { listVisitors, type VisitorFilter, type VisitorList } from './reports/visitorList.js';
import { eraseVisitor, refreshVisitor, restageDue } from './jobs/restage.js';
import type {
  Appended,
  Erased,
  Job,
  RemoteStore,
  Site,
  Store,
  StoredEvent,
  Verdict,
  VisitorRecord,
} from './store/store.js';

/** What is answered to a batch. */
export interface Reply {
  status: 200 | 400 | 403 | 413;
  /** JSON. */
  body: string;
  /** Of a batch that was not refused. */
  siteKey?: string;
  /** Why the whole batch was refused. */
  refusal?: RefusalReason;
  accepted: number;
  duplicates: number;
  /** Of each event that was refused, why. */
  rejected: string[];
}

export interface Work {
  /** Takes a batch, and answers when it is on disk. @throws where it cannot be stored: then nothing of it is acknowledged */
  ingest(request: BatchRequest): Promise<Reply>;
  /** Brings one visitor's record up to date with the rules and with time. */
  refresh(siteKey: string, visitorId: string, now: number): Promise<Pick<Appended, 'record' | 'person'>>;
  /** The stage that follows from what came with the secret key alone: the page's part anybody could have made up. */
  provenStage(siteKey: string, visitorId: string, now: number): Promise<Stage | null>;
  /** Erases a visitor; its person is what its others are. */
  erase(siteKey: string, visitorId: string, now: number): Promise<Erased>;
  /** Says what a visitor is, by hand, or has its events say so again. */
  judge(siteKey: string, visitorId: string, verdict: Verdict, now: number): Promise<VisitorRecord | undefined>;
  /** Makes it nobody's visitor again. */
  unlink(siteKey: string, visitorId: string, now: number): Promise<void>;
  /** Brings the visitors whose windows have ended up to date. */
  restage(now: number): Promise<void>;
  /** Removes the raw events that are older than each site keeps them. */
  expire(now: number): Promise<void>;
  /** Makes a report. @returns a text that says what is wrong with the range, where something is @throws Preparing while it cannot be made yet */
  report(name: ReportName, site: Site, query: ReportQuery, now: number): Promise<object | string>;
  /** Says what publishing rules would do. */
  preview(site: Site, rules: Rules, apply: 'all' | 'now', now: number): Promise<Preview>;
  /** Warns of what is odd about rules. */
  lint(site: Site, rules: Rules, now: number): Promise<Warning[]>;
  /** Counts those who meet a condition. */
  audience(site: Site, when: unknown, now: number): Promise<Audience | { errors: RulesError[] }>;
  /** Lists them. @param saved number of the audience, where it is those who were in it when it was saved */
  members(site: Site, when: unknown, now: number, saved?: number): Promise<Member[] | { errors: RulesError[] }>;
  /** Lists visitors by where they stand. */
  listVisitors(site: Site, filter: VisitorFilter, now: number): Promise<VisitorList | string>;
  /** Sets everybody's groups that the rules ask for. */
  group(siteKey: string, now: number): Promise<Grouped>;
  /** Does a job to its end. */
  recompute(job: Job): Promise<void>;
  /** Reads what reports need of a site, so that the first of them need not wait for it. */
  prepare(site: Site, now: number): Promise<void>;
  /** Puts away what is held for reports, for the next start. */
  putAway(): Promise<void>;
}

/** Work on a store that is at hand. */
export function workOn(store: Store, now: () => number, lookups?: Lookups): Work {
  const projections = new Projections(store, undefined, undefined, now);
  return {
    async ingest(request) {
      const outcome = await ingest(store, request, lookups);
      if ('refusal' in outcome) {
        const { refusal } = outcome;
        const { status, expected } = REFUSALS[refusal];
        const body = JSON.stringify({ error: expected, reason: refusal });
        return { status, body, refusal, accepted: 0, duplicates: 0, rejected: [] };
      }
      const { accepted, duplicates, rejected } = outcome.answer;
      const reasons = rejected.map(({ reason }) => reason);
      const body = JSON.stringify(outcome.answer);
      return { status: 200, body, siteKey: outcome.siteKey, accepted, duplicates, rejected: reasons };
    },
    refresh: (siteKey, visitorId, at) => refreshVisitor(store, siteKey, visitorId, at),
    async provenStage(siteKey, visitorId, at) {
      const timeline = timelineOf(await store.rules(siteKey));
      const { personId } = (await store.visitor(siteKey, visitorId)) ?? {};
      const visitorIds = personId ? await store.visitorsOfPerson(siteKey, personId) : [visitorId];
      const proven: StoredEvent[] = [];
      for (const each of visitorIds)
        for await (const stored of store.events(siteKey, { visitorId: each, isProven: true })) proven.push(stored);
      return inferState(timeline.current, factsOf(timeline, proven), at).stage;
    },
    erase: (siteKey, visitorId, at) => eraseVisitor(store, siteKey, visitorId, at),
    unlink: async (siteKey, visitorId, at) =>
      void (await refreshVisitor(store, siteKey, visitorId, at, { link: null })),
    judge: async (siteKey, visitorId, verdict, at) =>
      (await refreshVisitor(store, siteKey, visitorId, at, { verdict })).record,
    restage: (at) => restageDue(store, at),
    async expire(at) {
      for (const { siteKey, retentionDays, keptFrom } of await store.sites()) {
        const first = retentionDays === null ? 0 : firstKeptDay(retentionDays, at);
        if (first > keptFrom) await store.expireEvents(siteKey, first);
      }
    },
    report: (name, site, query, at) => makeReport({ store, projections }, name, site, query, at),
    preview: (site, rules, apply, at) => previewRules(store, site, rules, apply, at),
    lint: (site, rules, at) => projections.use(site, at, (view) => lintSite(view, rules, at)),
    audience: (site, when, at) => projections.use(site, at, (view) => countAudience(view, when, at)),
    members: (site, when, at, saved) => projections.use(site, at, (view) => listAudience(view, when, at, saved)),
    listVisitors: (site, filter, at) =>
      underRules(
        { store, projections },
        site,
        filter.rules,
        at,
        (view) => listVisitors(view, filter, at),
        needsDates(filter),
      ),
    group: (siteKey, at) => setGroups(store, siteKey, at),
    recompute: (job) => recompute(store, job, now),
    prepare: (site, at) => projections.prepare(site, at),
    putAway: () => projections.putAway(),
  };
}

/** Who asks meanwhile waits no longer for visitors to be made anew. */
const PATIENCE_MS = 3000;

/** Work that looks at a site's visitors together when none of them is being made anew. */
export interface Unmixed extends Work {
  /** Resolves when none is. @throws Preparing, with how far that is, where it takes long */
  settled(site: Site): Promise<void>;
}

/**
 * Has what looks at a site's visitors together wait while they are made anew under other rules, and look again where that began meanwhile:
 * nobody is shown some of them by the old rules and some by the new.
 * @param patienceMs for how long it waits
 */
export function unmixed(work: Work, store: Pick<RemoteStore, 'job'>, patienceMs = PATIENCE_MS): Unmixed {
  const running = new Map<string, { job: Job; result: Promise<void>; done: Promise<void> }>();
  /** Number of the last job of a site. */
  const latest = new Map<string, number>();
  const settled = async ({ siteKey }: Site): Promise<void> => {
    const end = Date.now() + patienceMs;
    for (let found; (found = running.get(siteKey));) {
      let timer: NodeJS.Timeout | undefined;
      await Promise.race([found.done, new Promise((resolve) => (timer = setTimeout(resolve, end - Date.now())))]);
      clearTimeout(timer);
      if (Date.now() < end) continue;
      const { done, total } = (await store.job(siteKey, found.job.id)) ?? { done: 0, total: 0 };
      throw new Preparing(
        total && Math.min(1, done / total),
        'the rules of this site are being applied to its visitors',
      );
    }
  };
  const whole = async <R>(site: Site, run: () => Promise<R>): Promise<R> => {
    for (;;) {
      await settled(site);
      const before = latest.get(site.siteKey);
      const result = await run();
      if (latest.get(site.siteKey) === before) return result;
    }
  };
  return {
    ...work,
    settled,
    report: (name, site, ...rest) => whole(site, () => work.report(name, site, ...rest)),
    audience: (site, ...rest) => whole(site, () => work.audience(site, ...rest)),
    members: (site, ...rest) => whole(site, () => work.members(site, ...rest)),
    listVisitors: (site, ...rest) => whole(site, () => work.listVisitors(site, ...rest)),
    async recompute(job) {
      const known = running.get(job.siteKey);
      if (known?.job.id === job.id) return known.result;
      const result = work.recompute(job);
      const own = { job, result, done: result.catch(() => {}) };
      running.set(job.siteKey, own);
      latest.set(job.siteKey, job.id);
      await own.done;
      // A later one may have begun.
      if (running.get(job.siteKey) === own) running.delete(job.siteKey);
      return result;
    },
  };
}

/** Goes on with the jobs that a stop or a crash interrupted. One that fails does not hold up the others. */
export async function resumeJobs(store: RemoteStore, work: Work, onError: (error: unknown) => void): Promise<void> {
  await Promise.all((await store.runningJobs()).map((job) => work.recompute(job).catch(onError)));
}
