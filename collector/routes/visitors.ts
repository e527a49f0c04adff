import { Hono, type Context } from 'hono';
import { stream } from 'hono/streaming';
import {
  countedFacts,
  DAY_MS,
  explainStage,
  inferFrom,
  isRecord,
  isUuid,
  parseDay,
  scoresOf,
  viewFacts,
  visibleFacts,
  type Facts,
  type Stage,
} from '../../sdk/core/index.js';
import { timelineOf, type Timeline } from '../ingest/timeline.js';
import { eraseFrom, exportFrom } from '../jobs/erase.js';
import { classified } from '../reports/sources.js';
import { whyUncounted } from '../reports/uncounted.js';
import { isOfPeople } from '../reports/choosePeople.js';
import type { VisitorFilter } from '../reports/visitorList.js';
import { explainVisitor } from '../reports/why.js';
import type { Services } from '../services.js';
import {
  isBot,
  type DatedTouch,
  type Site,
  type StoredEvent,
  type Verdict,
  type VisitorRecord,
} from '../store/store.js';
import { readJson, type SiteEnv } from './api.js';
import { readQuery } from './query.js';

/** Events listed with a visitor; all of them are in events.ndjson. */
const LISTED_EVENTS = 500;
const LISTED_SESSIONS = 100;
const DEFAULT_LIMIT = 50;
const NOBODY = 'this site has no visitor of this id, and none of a user of this id';

export function visitorRoutes({ store, work, now }: Services): Hono<SiteEnv> {
  const routes = new Hono<SiteEnv>();

  routes.get('/visitors', async (c) => {
    const { siteKey } = c.get('site');
    const query = readQuery<VisitorFilter>(c, 'listVisitors');
    if (typeof query === 'string') return c.json({ error: query }, 400);
    const filter = { limit: DEFAULT_LIMIT, ...query, after: query.after?.toLowerCase() };
    await work.restage(now());
    const isAsked = filter.rules ?? filter.stage ?? filter.tag ?? filter.channel ?? filter.user ?? filter.find;
    const found =
      isAsked !== undefined || isOfPeople(filter)
        ? await work.listVisitors(c.get('site'), filter, now())
        : { visitors: await store.visitors(siteKey, filter) };
    if (typeof found === 'string') return c.json({ error: found }, 400);
    const { visitors, ...rest } = found;
    const { version } = timelineOf(await store.rules(siteKey)).current;
    const fresh = await Promise.all(
      visitors.map((record) => (record.rules < version && !filter.rules ? refresh(siteKey, record) : record)),
    );
    const { stage, tag } = filter;
    const fits = (each: VisitorRecord) =>
      (!stage || (each.stage ?? 'none') === stage) && (!tag || each.tags.includes(tag));
    const listed = fresh.filter(fits).map(async (record) => ({
      ...summary(record, c.get('site')),
      // Under another version's rules it is of when it was found out.
      ...(!filter.rules && { score: await scoreOf(c.get('site'), record) }),
    }));
    return c.json({ visitors: await Promise.all(listed), ...rest });
  });

  /** What somebody's score has come down to by now: of stages and tags alone it is written when they change. */
  const scoreOf = async ({ siteKey }: Site, record: VisitorRecord): Promise<number> => {
    const { facts } = (record.personId && (await store.visitor(siteKey, record.personId))) || record;
    return inferFrom(viewFacts(timelineOf(await store.rules(siteKey)).current, facts, now())).score;
  };

  /** Whoever is yet to be made anew under newer rules is made so when a list is to show them: no list mixes two versions. */
  const refresh = async (siteKey: string, listed: VisitorRecord): Promise<VisitorRecord> => {
    const { record, person } = await work.refresh(siteKey, listed.visitorId, now());
    if (!record) return listed;
    const { stage, peak, tags, score, bot } = person ?? record;
    return { ...record, stage, peak, tags, score, bot: record.bot ?? bot };
  };

  routes.get('/visitors/:visitorId', async (c) => {
    const { siteKey } = c.get('site');
    const visitorId = c.req.param('visitorId').toLowerCase();
    const { record: own, person } = isUuid(visitorId) ? await work.refresh(siteKey, visitorId, now()) : {};
    if (!own || own.isPerson) return c.json({ error: 'this site has no such visitor' }, 404);
    const ofOwn = { visitorId, events: own.events, lost: own.lost, isJudged: own.isJudged };
    const record = person ? { ...person, ...ofOwn, bot: isBot(own.bot) ? own.bot : person.bot } : own;
    const published = await store.rules(siteKey);
    const timeline = timelineOf(published);
    const { current: rules } = timeline;
    const { facts } = record;
    const view = viewFacts(rules, facts, now());
    return c.json({
      ...summary(record, c.get('site')),
      ...inferFrom(view),
      scores: scoresOf(published.at(-1)!.rules, view),
      facts: sorted(countedFacts(visibleFacts(rules, facts))),
      traits: Object.fromEntries(Object.entries(facts.traits).map(([name, [, , value]]) => [name, value])),
      why: explainStage(rules, facts, now()),
      others: await othersOf(person, visitorId, siteKey),
      transitions: await store.transitions(siteKey, person?.visitorId ?? visitorId),
      sessions: await store.sessions(siteKey, visitorId, LISTED_SESSIONS),
      events: (await store.latestEvents(siteKey, visitorId, LISTED_EVENTS)).map((stored) =>
        listed(stored, timeline, facts),
      ),
    });
  });

  /** The other browsers of whoever it is. */
  const othersOf = async (person: VisitorRecord | undefined, visitorId: string, siteKey: string) => {
    const ids = person ? await store.visitorsOfPerson(siteKey, person.visitorId) : [];
    const records = await Promise.all(ids.filter((id) => id !== visitorId).map((id) => store.visitor(siteKey, id)));
    return records
      .filter((record) => record !== undefined)
      .map(({ visitorId: id, firstSeen, lastSeen }) => ({ visitorId: id, firstSeen, lastSeen }));
  };

  routes.post('/groups', async (c) => c.json(await work.group(c.get('site').siteKey, now())));

  routes.get('/visitors/:visitorId/why', async (c) => {
    const { siteKey } = c.get('site');
    const query = readQuery<{ stage: Stage; tag: string }>(c, 'explainVisitor');
    if (typeof query === 'string') return c.json({ error: query }, 400);
    const visitorId = c.req.param('visitorId').toLowerCase();
    const { record: own, person } = isUuid(visitorId) ? await work.refresh(siteKey, visitorId, now()) : {};
    if (!own || own.isPerson) return c.json({ error: 'this site has no such visitor' }, 404);
    const visitorIds = person ? await store.visitorsOfPerson(siteKey, person.visitorId) : [visitorId];
    const why = await explainVisitor(store, siteKey, person ?? own, visitorIds, query, now());
    return why ? c.json(why) : c.json({ error: `tag: the rules have none that is called ${query.tag}` }, 400);
  });

  routes.delete('/visitors/:visitorId/link', async (c) => {
    const { siteKey } = c.get('site');
    const visitorId = c.req.param('visitorId').toLowerCase();
    const record = isUuid(visitorId) ? await store.visitor(siteKey, visitorId) : undefined;
    if (!record?.personId)
      return c.json({ error: 'this site has no visitor of this id that is linked to a user' }, 404);
    await work.unlink(siteKey, visitorId, now());
    return c.json({ visitorId, userId: record.userId });
  });

  // What somebody says by hand holds whatever the visitor's events say, until it is taken back.
  const judge = async (c: Context<SiteEnv>, verdict: Verdict) => {
    const { siteKey } = c.get('site');
    const visitorId = c.req.param('visitorId')!.toLowerCase();
    const known = isUuid(visitorId) ? await store.visitor(siteKey, visitorId) : undefined;
    if (!known || known.isPerson) return c.json({ error: 'this site has no such visitor' }, 404);
    const record = await work.judge(siteKey, visitorId, verdict, now());
    return c.json({ visitorId, bot: record!.bot, isJudged: record!.isJudged });
  };
  routes.put('/visitors/:visitorId/bot', async (c) => {
    const body = await readJson(c);
    const bot = isRecord(body) ? body.bot : undefined;
    const isReason = typeof bot === 'string' && /^\w{1,64}$/.test(bot);
    if (bot !== null && !isReason)
      return c.json({ error: 'bot: expected null, or a reason of at most 64 letters, digits and _' }, 400);
    return judge(c, { bot, isJudged: true });
  });
  routes.delete('/visitors/:visitorId/bot', (c) => judge(c, { bot: null, isJudged: false }));

  // `who` is a visitor's id, or a user's.
  routes.get('/people/:who/export', async (c) => {
    const visitors = await exportFrom(store, c.get('site'), c.req.param('who'));
    if (!visitors.length) return c.json({ error: NOBODY }, 404);
    c.header('Content-Disposition', 'attachment; filename="export.json"');
    return c.json({ exportedAt: now(), visitors });
  });

  routes.get('/dead-letters', async (c) => {
    const query = readQuery<{ limit: number }>(c, 'listDeadLetters');
    if (typeof query === 'string') return c.json({ error: query }, 400);
    const letters = await store.deadLetters(c.get('site').siteKey, query.limit ?? 100, true);
    return c.json({
      letters: letters.map(({ receivedAt, reason, detail, body }) => ({ receivedAt, reason, detail, body })),
    });
  });

  routes.delete('/people/:who', async (c) => {
    const receipt = await eraseFrom(store, work, c.get('site'), c.req.param('who'), now());
    return receipt ? c.json(receipt) : c.json({ error: NOBODY }, 404);
  });

  routes.get('/events.ndjson', async (c) => {
    const query = readQuery<Record<'from' | 'to' | 'name' | 'visitor', string>>(c, 'readEvents');
    if (typeof query === 'string') return c.json({ error: query }, 400);
    const { from, to, name, visitor } = query;
    const filter = {
      ...(from && { from: parseDay(from) * DAY_MS }),
      ...(to && { until: (parseDay(to) + 1) * DAY_MS }),
      ...(name && { name }),
      ...(visitor && { visitorId: visitor.toLowerCase() }),
    };
    c.header('Content-Type', 'application/x-ndjson; charset=utf-8');
    return stream(c, async (out) => {
      let chunk = '';
      for await (const stored of store.events(c.get('site').siteKey, filter)) {
        chunk += `${JSON.stringify({ ...sent(stored), visitorId: stored.visitorId })}\n`;
        if (chunk.length < 65_536) continue;
        await out.write(chunk);
        chunk = '';
      }
      await out.write(chunk);
    });
  });
  return routes;
}

/** An event as it was sent, and what the collector knows of it. */
function sent({ event, receivedAt, bot, inApp, traits }: StoredEvent) {
  return { ...event, receivedAt, bot, ...(inApp && { inApp }), ...(traits && { traits }) };
}

/** How long before it came an event may have happened, and how far ahead of our clock, without being flagged. */
const LATE_MS = DAY_MS;
const FUTURE_MS = 10 * 60_000;

/**
 * The same with what is odd about it: that it came late, or before it happened, and then one of the clocks is wrong; that its amount does
 * not count.
 * @param facts its visitor's, or the user's whose it is
 */
function listed(stored: StoredEvent, timeline: Timeline, facts: Facts) {
  const { event, receivedAt } = stored;
  const delay = receivedAt - event.time;
  const timing = delay > LATE_MS ? 'late' : delay < -FUTURE_MS ? 'future' : undefined;
  const uncounted = whyUncounted(timeline.at(event.time), facts, event);
  return { ...sent(stored), ...(timing && { timing }), ...(uncounted && { uncounted }) };
}

function summary(record: VisitorRecord, site: Site) {
  return {
    visitorId: record.visitorId,
    ...(record.userId && { userId: record.userId }),
    stage: record.stage,
    peak: record.peak,
    tags: record.tags,
    score: record.score,
    rules: record.rules,
    rev: record.rev,
    firstSeen: record.firstSeen,
    lastSeen: record.lastSeen,
    stageSince: record.stageSince,
    eventCount: record.events,
    lost: record.lost,
    clockSkew: record.skew,
    bot: record.bot,
    isJudged: record.isJudged,
    firstTouch: touch(record.firstTouch, site),
    lastTouch: touch(record.lastTouch, site),
  };
}

function touch(dated: DatedTouch | null, site: Site) {
  if (!dated) return null;
  const { id: _, ...rest } = dated;
  return classified(site, rest);
}

/** The same facts with their members in alphabetical order, so that equal facts are equal texts. */
function sorted(facts: Facts): unknown {
  const sort = (value: unknown): unknown =>
    typeof value !== 'object' || value === null || Array.isArray(value)
      ? value
      : Object.fromEntries(
          Object.entries(value)
            .sort(([a], [b]) => (a < b ? -1 : 1))
            .map(([name, each]) => [name, sort(each)]),
        );
  return sort(facts);
}
