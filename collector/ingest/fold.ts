/** Folding events into a visitor's record. Pure: the model decides, the store keeps what comes out. */
import {
  addEvent,
  addToView,
  attempt,
  bareHost,
  datedTraits,
  dayOf,
  DAY_MS,
  emptyFacts,
  formatDay,
  inferFrom,
  isBefore,
  listedDays,
  matchSignals,
  mergeFacts,
  mergeTraits,
  nextChange,
  placeOf,
  rank,
  readSource,
  reasonFor,
  sourcesOf,
  stageOf,
  stageSignals,
  touchOf,
  viewFacts,
  type CompiledRules,
  type Facts,
  type FactsView,
  type Inference,
  type Match,
  type Stage,
  type StagetagEvent,
  type Touch,
} from '../../sdk/core/index.js';
import { isBot, MAX_RANGES } from '../store/store.js';
import type {
  Cause,
  DatedTouch,
  Fold,
  Link,
  SessionPart,
  Site,
  StoredEvent,
  Transition,
  VisitorRecord,
} from '../store/store.js';
import { areImpossible } from './bot.js';
import type { ClientInfo } from './client.js';
import { remembered } from './remembered.js';
import type { Timeline } from './timeline.js';

/** What a batch says beside its events. */
export interface Told {
  /** A label; null leaves the one that is there. */
  userId?: string | null;
  /** How many events the browser says it had to give up in all. */
  lost?: number;
  /** Milliseconds by which the sender's clock is behind. */
  skew?: number | null;
  /** Who sent it. */
  client?: ClientInfo;
  /** When it came, where that is not now. */
  seenAt?: number;
  /** The site's own hosts: from one to another is no arrival. */
  hosts?: ReadonlySet<string>;
}

const NOBODYS: Link = { personId: null, linkedAt: 0, linkedSince: 0 };

/** Makes the fold of one visitor's batch, or of the same batch's person. */
export function foldInto(id: string, timeline: Timeline, now: number, told: Told = {}): Fold {
  const { userId = null, lost = 0, skew = null, seenAt = now, hosts } = told;
  return ({ before, added, history, parts, isLinked, link = NOBODYS, keptFrom = 0 }) => {
    const { personId, linkedAt, linkedSince } = link;
    const isDue = before?.dueAt !== null && before?.dueAt !== undefined && before.dueAt <= now;
    const isRelabelled = !!before && userId !== null && userId !== before.userId;
    const hasLostMore = !!before && lost > before.lost;
    const isMoved = !!before && personId !== before.personId;
    const isStale = !!before && before.rules !== timeline.current.version;
    const hasNews = added.length || history || parts || isDue || isRelabelled || hasLostMore || isMoved || isStale;
    if (before && !hasNews) return { record: before, transitions: [], past: before.facts, sessions: [] };

    const events = [...added].sort((a, b) => (isEarlier(a, b) ? -1 : 1));
    const known = before ?? newRecord(id, timeline, seenAt);
    const start = parts?.length ? addUp(known, parts) : known;
    const past = history ? factsAnew(timeline, start.facts, without(history, added), keptFrom) : start.facts;
    const facts = events.length ? mergeFacts(emptyFacts(), past) : past;
    for (const stored of events) addOne(timeline, facts, stored);

    const { current } = timeline;
    const view = viewFacts(current, facts, now);
    const state = inferFrom(view);
    // What a person's visitor does is told of the person.
    const transitions = personId
      ? leave(before, Math.min(now, events[0]?.event.time ?? now), timeline.current.version)
      : findLateTransitions(
          timeline,
          before?.personId ? { ...start, stage: null } : start,
          past,
          events,
          view,
          state,
          now,
          isLinked || isMoved ? 'link' : undefined,
        );
    const isChanged = !!added.length || !!history || isStale || !!isLinked || isMoved || !isSame(known, state);
    // One by one: to spread both into a new one costs more than all that is in it.
    const record: VisitorRecord = { ...start };
    record.stage = state.stage;
    record.peak = state.peak;
    record.tags = state.tags;
    record.score = state.score;
    record.facts = facts;
    record.personId = personId;
    record.linkedAt = linkedAt;
    record.linkedSince = linkedSince;
    // Of whom it is proven whose visitor it is no other label is taken.
    record.userId = personId && personId === before?.personId ? start.userId : (userId ?? start.userId);
    record.lost = Math.max(start.lost, lost);
    record.skew = skew ?? start.skew;
    // Of a person's visitor the person's facts tell whether it is excluded.
    if (!start.isJudged) record.bot = botOf(start, history ?? added) ?? (personId ? null : timeline.excludedAs(view));
    record.rules = current.version;
    record.rev = start.rev + (isChanged ? 1 : 0);
    record.events = start.events + added.length;
    if (added.length) {
      record.firstSeen = Math.min(start.firstSeen, seenAt);
      record.lastSeen = Math.max(start.lastSeen, seenAt);
    }
    record.stageSince = transitions.at(-1)?.at ?? known.stageSince;
    record.dueAt = personId ? null : (nextChange(timeline.due, facts, now, view) ?? null);
    for (const stored of events) note(record, stored);
    noteTouches(record, events, hosts);
    if (record.isPerson) record.have = [];
    return { record, transitions, past, sessions: sessionsOf(events, hosts, now, told.client) };
  };
}

/** Why it counts as a bot, whatever the rules exclude. */
function botOf({ bot, isPerson }: VisitorRecord, events: StoredEvent[]): string | null {
  if (isBot(bot)) return bot;
  if (isPerson) return null;
  return events.find((stored) => stored.bot)?.bot ?? (areImpossible(events) ? 'impossible_rate' : null);
}

/** A visitor who turns out to be a person's is not counted by itself any more. @param at of the first event with which that became known */
const leave = (before: VisitorRecord | undefined, at: number, rules: number): Transition[] =>
  before?.stage && !before.personId
    ? [{ from: before.stage, to: null, at: Math.max(before.stageSince, at), cause: { kind: 'link', rules } }]
    : [];

/** A person is what its visitors are together. */
function addUp(person: VisitorRecord, all: VisitorRecord[]): VisitorRecord {
  const people = all.filter(({ bot }) => !isBot(bot));
  const parts = people.length ? people : all;
  const record: VisitorRecord = {
    ...person,
    isPerson: true,
    facts: parts.map(({ facts }) => facts).reduce(mergeFacts, emptyFacts()),
    rev: Math.max(person.rev, ...parts.map(({ rev }) => rev)),
    events: parts.reduce((sum, { events }) => sum + events, 0),
    firstSeen: Math.min(...parts.map(({ firstSeen }) => firstSeen)),
    lastSeen: Math.max(...parts.map(({ lastSeen }) => lastSeen)),
    lastTime: Math.max(...parts.map(({ lastTime }) => lastTime)),
    bot: people.length ? null : parts[0]!.bot,
    // Who says by hand of one of its visitors that it counts says so of the person.
    isJudged: people.some(({ isJudged }) => isJudged),
    firstTouch: null,
    lastTouch: null,
    // Of who was not known before nothing was told that what happened must come after.
    stageSince: person.rev ? person.stageSince : 0,
  };
  for (const { firstTouch, lastTouch } of parts) for (const touch of [firstTouch, lastTouch]) noteTouch(record, touch);
  return record;
}

function newRecord(visitorId: string, { current }: Timeline, now: number): VisitorRecord {
  return {
    visitorId,
    userId: null,
    ...NOBODYS,
    isPerson: false,
    bot: null,
    isJudged: false,
    skew: null,
    firstSeen: now,
    lastSeen: now,
    events: 0,
    rev: 0,
    rules: current.version,
    have: [],
    facts: emptyFacts(),
    firstTouch: null,
    lastTouch: null,
    lastTime: 0,
    stageSince: now,
    dueAt: null,
    lost: 0,
    stage: null,
    peak: null,
    tags: [],
    score: 0,
  };
}

const idOf = ({ event }: StoredEvent) => event.id.toLowerCase();
export const isEarlier = (a: StoredEvent, b: StoredEvent) =>
  a.event.time < b.event.time || (a.event.time === b.event.time && idOf(a) < idOf(b));

/** Facts made anew from what is there, beside those of the days of which nothing is there any more. */
export function factsAnew(timeline: Timeline, before: Facts, history: StoredEvent[], keptFrom: number): Facts {
  const first = formatDay(keptFrom);
  const gone = listedDays(before, (day) => day < first);
  return mergeFacts(
    factsOf(
      timeline,
      history.filter(({ event }) => dayOf(event.time) >= keptFrom),
    ),
    gone,
  );
}

function without(history: StoredEvent[], added: StoredEvent[]): StoredEvent[] {
  const ids = new Set(added.map(idOf));
  return history.filter((stored) => !ids.has(idOf(stored)));
}

/** The facts of these events alone. */
export function factsOf(timeline: Pick<Timeline, 'at'>, events: StoredEvent[]): Facts {
  const facts = emptyFacts();
  for (const stored of events) addOne(timeline, facts, stored);
  return facts;
}

/** Adds what one event says to facts, in place. */
function addOne(timeline: Pick<Timeline, 'at'>, facts: Facts, stored: StoredEvent): void {
  const event = withId(stored);
  const { traits, isProven } = stored;
  // A group that the collector sets is nothing that anybody did.
  const matches = isGroupSet(stored) ? [] : signalsIn(timeline, event);
  addEvent(facts, isProven || event.name !== 'identify' ? event : withoutGroups(event), matches);
  if (traits) mergeTraits(facts.traits, datedTraits(isProven ? traits : withoutGroupsIn(traits), event.time, event.id));
}

/** Whether it is the collector's own word on somebody's groups, see jobs/groups. */
const isGroupSet = ({ event, isProven }: StoredEvent): boolean => {
  if (event.name !== 'identify' || !isProven || event.url) return false;
  const set = Object.keys(event.props ?? {});
  return set.length > 0 && set.every((each) => each.startsWith('stagetag.'));
};

/** Without the traits that only the collector sets, see jobs/groups: a page could claim any. */
const withoutGroupsIn = <T>(traits: Record<string, T>): Record<string, T> =>
  Object.fromEntries(Object.entries(traits).filter(([name]) => !name.startsWith('stagetag.')));

const withoutGroups = (event: StagetagEvent): StagetagEvent => ({
  ...event,
  ...(event.props && { props: withoutGroupsIn(event.props) }),
});

/** An event with its id in lower case. */
function withId(stored: StoredEvent): StagetagEvent {
  const id = idOf(stored);
  return id === stored.event.id ? stored.event : { ...stored.event, id };
}

const signalsIn = (timeline: Pick<Timeline, 'at'>, event: StagetagEvent): Match[] =>
  matchesOf(timeline.at(event.time), event, parseUrl(event.url));

/** Whether it counts for something beside its signals. */
const isMore = ({ event, traits }: StoredEvent) =>
  !!traits || event.name === 'identify' || event.props?.transaction_id != null;

/** Whether it says itself where it came from: a link from elsewhere alone may be the way back from a bank. */
const isLabelled = (event: StagetagEvent, { search, searchParams }: URL) =>
  hasLabels(event) || (search !== '' && Object.keys(readSource(searchParams)).length > 0);

const hasLabels = ({ source }: StagetagEvent) => !!source && Object.keys(source).length > 0;

/** What is remembered of each page, at most: there may be as many pages as addresses are. */
const OF_A_PAGE = 20;

/** What events mean by their page and name, where it hangs on nothing else of them. */
const meanings = new WeakMap<CompiledRules, WeakMap<URL, Map<string, Match[]>>>();

function matchesOf(rules: CompiledRules, event: StagetagEvent, url: URL | undefined): Match[] {
  const find = () => matchSignals(rules, event, url && placeOf(url));
  if (event.props || !url || hasLabels(event)) return find();
  let pages = meanings.get(rules);
  if (!pages) meanings.set(rules, (pages = new WeakMap<URL, Map<string, Match[]>>()));
  let names = pages.get(url);
  if (!names) pages.set(url, (names = new Map<string, Match[]>()));
  return remembered(names, event.name, find, OF_A_PAGE);
}

/** Addresses parsed last: a site has far fewer than its visitors open. */
const urls = new Map<string, URL | undefined>();

/** What cannot be parsed is stored as it came; no rule on host or path can match it, here and in the browser alike. */
const parseUrl = (text = ''): URL | undefined => remembered(urls, text, () => attempt(() => new URL(text)));

const isSame = (a: Inference, b: Inference) =>
  a.stage === b.stage && a.peak === b.peak && a.tags.join(' ') === b.tags.join(' ');

/**
 * How often late events of one batch are looked at: of many days several together, since whoever sends them decides how many they are. Each look
 * goes over all days on which somebody was there: of whom these are many it is less often.
 */
const MOST_LOOKS = 100;
const MOST_DAYS_LOOKED_AT = 40_000;

/**
 * The same as findTransitions. Events that came later than they happened, and after all that is known, such as those of a browser that was
 * offline for long, or of a file, are looked at day by day, as they would have been then: windows may have ended since.
 */
function findLateTransitions(...given: Parameters<typeof findTransitions>): Transition[] {
  const [timeline, start, past, events, last, reached, now, anew] = given;
  const { current } = timeline;
  const today = dayOf(now);
  const first = events[0]?.event.time ?? Infinity;
  // A person of whom these are the first events is as anybody else.
  const isFirst =
    !start.rev || (!start.stageSince && sourcesOf(past).every(({ signals }) => !Object.keys(signals).length));
  // Neither before an event that is known, nor before a change that was told.
  const isAfter = isFirst || first > Math.max(start.lastTime, start.stageSince);
  // Where no window has ended since, all was then as it is now.
  const hasEnded = (start.dueAt ?? Infinity) <= now || dayOf(first) + Math.min(...current.windows) <= today;
  if (!isAfter || !hasEnded || dayOf(first) >= today || (anew && !isFirst) || start.rules !== current.version)
    return findTransitions(...given);
  const transitions: Transition[] = [];
  const facts = mergeFacts(emptyFacts(), past);
  let [known, rest] = [start, events];
  const days = Math.max(...Object.values(past.signals).map((byDay) => Object.keys(byDay).length), 0) + events.length;
  const looks = Math.min(MOST_LOOKS, Math.max(1, Math.floor(MOST_DAYS_LOOKED_AT / days)));
  const length = Math.ceil((Math.min(dayOf(events.at(-1)!.event.time), today) - dayOf(first) + 1) / looks);
  while (rest[0] && dayOf(rest[0].event.time) < today) {
    const end = Math.min(dayOf(rest[0].event.time) + length, today);
    const until = rest.findIndex(({ event }) => dayOf(event.time) >= end);
    const own = until < 0 ? rest : rest.slice(0, until);
    rest = rest.slice(own.length);
    const asOf = (dayOf(own.at(-1)!.event.time) + 1) * DAY_MS - 1;
    const added = factsOf(timeline, own);
    const view = viewFacts(current, [facts, added], asOf);
    const stage = stageOf(view);
    const moves = findTransitions(timeline, known, facts, own, view, { stage }, asOf, undefined);
    transitions.push(...moves);
    mergeFacts(facts, added);
    const stageSince = moves.at(-1)?.at ?? (known.rev ? known.stageSince : 0);
    known = { ...known, stage, stageSince, dueAt: nextChange(current, facts, asOf, view) ?? null, rev: known.rev || 1 };
  }
  return [...transitions, ...findTransitions(timeline, known, facts, rest, last, reached, now, undefined)];
}

/**
 * What happened to the current stage, in order: a change of rules or time passing first, then event by event.
 * @param past facts before the events @param last the facts after them, as they are seen now @param anew why `past` is not what it was
 */
function findTransitions(
  timeline: Timeline,
  start: VisitorRecord,
  past: Facts,
  events: StoredEvent[],
  last: FactsView,
  end: Pick<Inference, 'stage'>,
  now: number,
  anew: 'link' | undefined,
): Transition[] {
  const { current } = timeline;
  const transitions: Transition[] = [];
  let { stage, stageSince } = start;
  /** What is known now when this many of the events are. */
  const viewAfter = (count: number) =>
    viewFacts(current, count ? [past, factsOf(timeline, events.slice(0, count))] : past, now);
  const stageBy = (count: number) => (count === events.length ? end.stage : stageOf(viewAfter(count)));
  const move = (to: Stage | null, at: number, view: FactsView, { kind, event, eventName, signals }: Cause) => {
    const rule = (rank(to) > rank(stage) ? to : stage)!;
    const because = reasonFor(view, rule);
    stageSince = Math.max(stageSince, Math.min(at, now));
    const cause: Cause = { kind, event, eventName, signals, rule, rules: current.version, because };
    transitions.push({ from: stage, to, at: stageSince, cause });
    stage = to;
  };

  if (anew || start.rules !== current.version) {
    const view = events.length ? viewAfter(0) : last;
    const to = stageOf(view);
    // Whose it is became known with the first of these events.
    const at = anew ? Math.min(now, events[0]?.event.time ?? now) : now;
    if (to !== stage) move(to, at, view, { kind: anew ?? 'rules' });
  } else {
    // Time may have passed several windows' ends since the record was last looked at.
    for (let at = start.dueAt ?? Infinity; at <= now;) {
      const view = viewFacts(current, past, at);
      const to = stageOf(view);
      if (to !== stage) move(to, at, view, { kind: 'expiry' });
      at = nextChange(current, past, at, view) ?? Infinity;
    }
  }
  if (events.length && !start.rev) stageSince = 0; // A new visitor's first stage begins with its event, however late it came.
  // Who is new enters by the first event, and mostly stays there.
  const first = start.rev ? 0 : 1;
  /** Looks at the stage after each event; of many by halves first, as most events change none. */
  const follow = (from: number, until: number, to: Stage | null): void => {
    const isOver = (at: number) => stage === to && at >= first;
    if (isOver(from)) return;
    if (until - from > FEW) {
      const half = (from + until) >> 1;
      follow(from, half, stageBy(half));
      return follow(half, until, to);
    }
    let view = viewAfter(from);
    for (let at = from; at < until && !isOver(at); at++) {
      const stored = events[at]!;
      const event = withId(stored);
      const matches = signalsIn(timeline, event);
      const isNews = isMore(stored) || at < first || bringsNews(view, event, matches);
      if (isMore(stored)) view = viewAfter(at + 1);
      else if (matches.length) addToView(view, event, matches);
      if (!isNews) continue;
      const next = stageOf(view);
      if (next === stage) continue;
      const { id, name, time } = stored.event;
      const signals = matches.map(([signal]) => signal);
      move(next, time, view, { kind: 'event', event: id, eventName: name, signals });
    }
  };
  if (events.length) follow(0, events.length, end.stage);
  // Traits that came with an event stored before: the log must end where the visitor stands.
  if (end.stage !== stage) move(end.stage, now, last, { kind: 'event' });
  return transitions;
}

const asked = new WeakMap<CompiledRules, Map<string, boolean>>();

/** Whether a stage can be another with an event: most of a visit's are of pages as were seen that day already. */
function bringsNews({ rules, rows, days, today }: FactsView, { time }: StagetagEvent, matches: Match[]): boolean {
  if (!matches.length) return false;
  const day = Math.min(dayOf(time), today);
  if (!days.includes(day)) return true;
  const signals = asked.get(rules) ?? stageSignals(rules);
  asked.set(rules, signals);
  const isNew = (signal: string) => !rows.get(signal)?.some((row) => row.day === day);
  return matches.some(([signal]) => signals.has(signal) && (signals.get(signal) || isNew(signal)));
}

/** So many events are looked at one after the other. */
const FEW = 16;

/**
 * What events add to the sessions they are of; none is dated into the future, as no entry into a stage is. A session that began with no
 * source has that of the first arrival in it that has labels: whoever clicks an advertisement meanwhile came by it.
 * @param events by (time, id)
 */
function sessionsOf(
  events: StoredEvent[],
  hosts: Told['hosts'],
  now: number,
  client: ClientInfo = NOBODY,
): SessionPart[] {
  const parts = new Map<string, SessionPart>();
  for (const stored of events) {
    const { event, bot } = stored;
    if (!event.sessionId) continue;
    const time = Math.min(event.time, now);
    const known = parts.get(event.sessionId);
    const isSaid = known && known.channel !== null && known.channel !== DIRECT;
    const url = isSaid ? undefined : parseUrl(event.url);
    // Most of what follows in a session says nothing of where it came from.
    const isArrival = url && (!known || known.channel === null || isLabelled(event, url));
    const landing = isArrival ? landingOf(stored, url, hosts) : undefined;
    if (known) {
      known.events++;
      known.endedAt = time;
      if (landing && (known.channel === null || !isDirect(landing))) {
        const { channel, source, medium, campaign } = landing;
        const isLabelledNow = isLabelled(event, url!);
        Object.assign(known, { channel, source, medium, campaign, arrivedAt: time, isLabelled: isLabelledNow });
      }
      continue;
    }
    parts.set(event.sessionId, {
      sessionId: event.sessionId,
      startedAt: time,
      endedAt: time,
      events: 1,
      channel: landing?.channel ?? null,
      isLabelled: !!landing && isLabelled(event, url!),
      source: landing?.source ?? null,
      medium: landing?.medium ?? null,
      campaign: landing?.campaign ?? null,
      arrivedAt: time,
      bot,
      device: client.device,
      browser: client.browser,
      os: client.os,
      country: client.country,
      region: client.region,
    });
  }
  return [...parts.values()];
}

const NOBODY: ClientInfo = { device: null, browser: null, os: null, country: null, region: null };

/** Notes what else of an event is kept with its visitor. */
function note(record: VisitorRecord, { event, receivedAt }: StoredEvent): void {
  if (event.seq) record.have = addSeq(record.have, event.seq);
  if (event.time <= receivedAt + DAY_MS) record.lastTime = Math.max(record.lastTime, event.time);
}

const DIRECT = 'Direct';
const isDirect = (touch: Pick<Touch, 'channel'>) => touch.channel === DIRECT;

/** Notes where events came from: the first of them, and the last that was not direct, can be their visitor's. @param events by (time, id) */
function noteTouches(record: VisitorRecord, events: StoredEvent[], hosts: Told['hosts']): void {
  const touchOfOne = (stored: StoredEvent): DatedTouch | undefined => {
    const url = parseUrl(stored.event.url);
    if (!url) return undefined;
    const { channel, source, medium, campaign, referrer } = landingOf(stored, url, hosts);
    return { channel, source, medium, campaign, referrer, at: stored.event.time, id: idOf(stored) };
  };
  let first = 0;
  let touch: DatedTouch | undefined;
  while (first < events.length && !(touch = touchOfOne(events[first]!))) first++;
  if (!touch) return;
  noteTouch(record, touch);
  let last: DatedTouch | undefined;
  for (let at = events.length - 1; at > first && (!last || isDirect(last)); at--) {
    const earlier = touchOfOne(events[at]!);
    if (earlier && (!last || !isDirect(earlier))) last = earlier;
  }
  noteTouch(record, last ?? touch);
}

function noteTouch(record: VisitorRecord, touch: DatedTouch | null): void {
  if (!touch) return;
  const { firstTouch, lastTouch } = record;
  const isEarlierTouch = (a: DatedTouch, b: DatedTouch) => isBefore([a.at, a.id, 0], [b.at, b.id, 0]);
  if (!firstTouch || isEarlierTouch(touch, firstTouch)) record.firstTouch = touch;
  const isLater = !lastTouch || isEarlierTouch(lastTouch, touch);
  // A direct arrival never takes the place of one with a source.
  const takesPlace = !lastTouch || isDirect(lastTouch) === isDirect(touch) ? isLater : isDirect(lastTouch);
  if (takesPlace) record.lastTouch = touch;
}

/** Touches of landings without labels of their own, by their pages and by what else is known of where they came from. */
const landings = new WeakMap<URL, Map<string, Touch>>();

function landingOf({ event, inApp }: StoredEvent, url: URL, hosts: Told['hosts']): Touch {
  const referrer = parseUrl(event.referrer);
  const from = referrer && !hosts?.has(bareHost(referrer.hostname)) ? referrer : undefined;
  const find = () => touchOf(event, url, from, inApp);
  if (hasLabels(event)) return find();
  let known = landings.get(url);
  if (!known) landings.set(url, (known = new Map<string, Touch>()));
  const isStart = event.name === 'session_start';
  const key = `${isStart} ${!!event.source} ${!!from} ${inApp} ${event.referrer === undefined} ${event.referrer}`;
  return remembered(known, key, find, OF_A_PAGE);
}

/** Hosts by origins. */
const hostsByOrigins = new WeakMap<readonly string[], ReadonlySet<string>>();

/** The hosts that a site's origins name, each without its `www.`. */
export function hostsOf({ origins }: Pick<Site, 'origins'>): ReadonlySet<string> {
  const known =
    hostsByOrigins.get(origins) ?? new Set(origins.map((origin) => bareHost(parseUrl(origin)?.hostname ?? '')));
  hostsByOrigins.set(origins, known);
  return known;
}

/** Adds a number to ascending ranges. */
function addSeq(ranges: VisitorRecord['have'], seq: number): VisitorRecord['have'] {
  const latest = ranges.at(-1);
  if (latest && seq === latest[1] + 1) return [...ranges.slice(0, -1), [latest[0], seq]];
  const merged: VisitorRecord['have'] = [];
  for (const [from, to] of [...ranges, [seq, seq] as [number, number]].sort((a, b) => a[0] - b[0])) {
    const last = merged.at(-1);
    if (last && from <= last[1] + 1) last[1] = Math.max(last[1], to);
    else merged.push([from, to]);
  }
  return merged.slice(-MAX_RANGES);
}
