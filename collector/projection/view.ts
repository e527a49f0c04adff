/** A projection as reports look at it: by person, with the channels that the owner gave to sources. */
import {
  DAY_MS,
  dayOf,
  rank,
  STAGES,
  type CompiledRules,
  type FactsView,
  type Stage,
  type StagetagEvent,
} from '../../sdk/core/index.js';
import { timelineOf } from '../ingest/timeline.js';
import type { ListedSession, ListedTransition, RemoteStore, Site } from '../store/store.js';
import { channelOf } from './channels.js';
import type { CountedDay } from './counted.js';
import { endOfDay } from './dating.js';
import { Kinds, valueOf, type Kind } from './kinds.js';
import { MOVE_KINDS, stageAt, type Projection, type RowsName } from './projection.js';
import { NONE, type OwnedRows } from './table.js';

/** Who somebody is, in one projection. */
export type Person = number;

/** A change of the current stage as it was noticed. */
export interface Move extends Pick<ListedTransition, 'from' | 'to' | 'at'> {
  /** Whether nothing happened: other rules came to call it so, or it turned out whose visitor this is. */
  isSilent: boolean;
}

/** Moves of one visitor before it turned out whose it is, or of a person since. */
export interface Journey {
  /** Whether it is that of the person, or of a visitor who is nobody's. */
  isOwn: boolean;
  /** By time. */
  moves: Move[];
}
export interface Visit extends Pick<
  ListedSession,
  'startedAt' | 'channel' | 'source' | 'medium' | 'campaign' | 'device' | 'browser' | 'country'
> {
  /** Whatever the owner gave to its source. */
  ownChannel: string | null;
}

/** Of each session how it came. */
interface Ways {
  /** By the session's row, the place in `all`. */
  of: Int32Array;
  all: Way[];
  /** The places, by the numbers of the four texts. */
  numbers: ReadonlyMap<string, number>;
}

/** How sessions came that came alike. */
export type Way = Pick<Visit, 'channel' | 'source' | 'medium' | 'campaign'>;

export interface FirstTouch {
  channel: string;
  source: string | null;
  medium: string | null;
  campaign: string | null;
}

/** Something that somebody did. It is used again for the next: nobody may keep it. */
export interface Deed<T> {
  time: number;
  /** What was made of its kind. */
  of: T;
  /** NaN where the kind is not measured. */
  value: number;
}

/** Epoch ms; the end is not included. */
interface Span {
  from: number;
  until: number;
}

export const days = (ms: number): number => ms / DAY_MS;

/** It is to be looked at at once: what a projection takes over later is not in it. */
export class View {
  readonly #owned: Partial<Record<RowsName, OwnedRows>> = {};
  #ownWays: Ways | undefined;
  /** By person, then by stage. */
  #reachedAt: Float64Array | undefined;

  constructor(
    readonly store: RemoteStore,
    readonly projection: Projection,
    readonly site: Site,
    private readonly now: number,
    /** Called over and over by who reads the store: others may have their turn. What it throws ends the reading. */
    readonly letOthers: () => void = () => {},
  ) {
    this.#hasChannels = Object.keys(site.channels).length > 0;
  }

  /** Everybody who counts, once: visitors who are nobody's, and users who were proven. */
  get people(): Int32Array {
    return this.projection.people();
  }

  /**
   * When somebody first reached a stage, or a higher one, under the rules in force; undefined where never. The facts say on which day,
   * whenever that became known: by an event that came late, by a change of rules, or when it turned out whose visitor it was; the log of
   * moves says at which time of that day, or the day's events do.
   */
  reachedAt(person: Person, stage: Stage): number | undefined {
    this.#reachedAt ??= this.#reached();
    const at = this.#reachedAt[person * STAGES.length + rank(stage)]!;
    return at === Infinity ? undefined : Math.min(at, this.now);
  }

  /** Changes of the current stage, of everybody who is this person, each by itself. */
  journeys(person: Person): Journey[] {
    const { visitor, from, to, at, kind } = this.projection.moves.columns;
    const own: Journey = { isOwn: true, moves: [] };
    let others: Map<number, Journey> | undefined;
    const journeyOf = (who: number): Journey => {
      if (who === person) return own;
      others ??= new Map<number, Journey>();
      const journey = others.get(who) ?? { isOwn: false, moves: [] };
      others.set(who, journey);
      return journey;
    };
    const moves = this.#rowsOf('moves');
    const rows = moves.find(person);
    for (let { from: place, until } = moves; place < until; place++) {
      const row = rows[place]!;
      const isSilent = kind[row]! > MOVE_KINDS.expiry;
      const move = { from: stageAt(from[row]!), to: stageAt(to[row]!), at: at[row]!, isSilent };
      journeyOf(visitor[row]!).moves.push(move);
    }
    return others ? [own, ...others.values()] : [own];
  }

  /** Where somebody stands now. */
  stage(person: Person): Stage | null {
    return stageAt(this.projection.visitors.columns.current[person]!);
  }

  /** The highest stage that somebody ever had. */
  peak(person: Person): Stage | null {
    return stageAt(this.projection.visitors.columns.peak[person]!);
  }

  lastSeen(person: Person): number {
    return this.projection.visitors.columns.lastSeen[person]!;
  }

  /** The id of somebody's record. */
  idOf(person: Person): string {
    return this.projection.idOf(person);
  }

  /** Whose doing a visitor's is; undefined where it is nobody's who counts. */
  ownerOf(visitorId: string): Person | undefined {
    const owner = this.projection.ownerOf(visitorId);
    return owner === NONE ? undefined : owner;
  }

  tags(person: Person): string[] {
    const { visitors, texts } = this.projection;
    return JSON.parse(texts.at(visitors.columns.tags[person]!)!) as string[];
  }

  /** The same for one tag of very many: few lists of tags are different. */
  hasTag(person: Person, tag: string): boolean {
    const known = this.projection.once(`tag:${tag}`, () => new Map<number, boolean>());
    const list = this.projection.visitors.columns.tags[person]!;
    if (!known.has(list)) known.set(list, this.tags(person).includes(tag));
    return known.get(list)!;
  }

  /** Lists of tags, with how many people have just these. */
  tagLists(): Array<[tags: string[], people: number]> {
    const { visitors, texts } = this.projection;
    const counts = new Map<number, number>();
    for (const person of this.people) {
      const list = visitors.columns.tags[person]!;
      counts.set(list, (counts.get(list) ?? 0) + 1);
    }
    return [...counts].map(([list, people]) => [JSON.parse(texts.at(list)!) as string[], people]);
  }

  /** Every visitor, those who do not count too, and whose stage and tags are theirs: a person's where it is proven. */
  *eachVisitor(): Generator<[visitor: Person, owner: Person]> {
    const { visitors } = this.projection;
    const { person } = visitors.columns;
    const isPerson = new Uint8Array(visitors.length);
    for (let number = 0; number < visitors.length; number++) if (person[number] !== NONE) isPerson[person[number]!] = 1;
    for (let number = 0; number < visitors.length; number++)
      if (!isPerson[number] && this.projection.isKnown(number))
        yield [number, person[number] === NONE ? number : person[number]!];
  }

  /** The channel of somebody's first touch; undefined where there is none. */
  firstChannel(person: Person): string | undefined {
    const { isTouched, channel, source } = this.projection.visitors.columns;
    const { texts } = this.projection;
    if (!isTouched[person]) return undefined;
    const own = texts.at(channel[person]!);
    return (this.#hasChannels ? this.#channelOf({ channel: own, source: texts.at(source[person]!) }) : own)!;
  }

  touch(person: Person): FirstTouch | null {
    const { isTouched, channel, source, medium, campaign } = this.projection.visitors.columns;
    const { texts } = this.projection;
    if (!isTouched[person]) return null;
    const named = { channel: texts.at(channel[person]!), source: texts.at(source[person]!) };
    return {
      channel: this.#channelOf(named)!,
      source: named.source,
      medium: texts.at(medium[person]!),
      campaign: texts.at(campaign[person]!),
    };
  }

  /** Most owners give no channels: then nothing is looked up. */
  readonly #hasChannels: boolean;
  #channelOf(named: { source: string | null; channel: string | null }): string | null {
    return this.#hasChannels ? channelOf(this.site, named) : named.channel;
  }

  /** When sessions began, by time. */
  starts(person: Person): number[] {
    const { startedAt } = this.projection.sessions.columns;
    return this.#each('sessions', person, (row) => startedAt[row]!);
  }

  /** The last sign of life: a session's beginning, or else a day on which something was counted. Epoch ms; 0 where there is none. */
  lastSign(person: Person): number {
    let last = 0;
    const { startedAt } = this.projection.sessions.columns;
    const begun = this.#rowsOf('sessions');
    const sessions = begun.find(person);
    if (begun.from < begun.until) last = startedAt[sessions[begun.until - 1]!]!;
    const { day } = this.projection.active.columns;
    const active = this.#rowsOf('active');
    const rows = active.find(person);
    // A day on which a session began is over before that: it says nothing new.
    for (let { from: place, until } = active; place < until; place++)
      last = Math.max(last, day[rows[place]!]! * DAY_MS);
    return last;
  }

  /** How sessions came, each way once. */
  get ways(): Way[] {
    return this.#ways().all.map(({ channel, ...way }) => ({
      ...way,
      channel: this.#channelOf({ channel, source: way.source }),
    }));
  }

  /** Goes over somebody's sessions, by time. @param visit told the place in `ways` of how each came, from when on it is known to have come so, and whose it was */
  eachSession(
    person: Person,
    visit: (startedAt: number, way: number, arrivedAt: number, visitor: number) => void,
  ): void {
    const { startedAt, arrivedAt, visitor } = this.projection.sessions.columns;
    const { of } = this.#ways();
    const sessions = this.#rowsOf('sessions');
    const rows = sessions.find(person);
    for (let { from: place, until } = sessions; place < until; place++)
      visit(startedAt[rows[place]!]!, of[rows[place]!]!, arrivedAt[rows[place]!]!, visitor[rows[place]!]!);
  }

  /**
   * Tells which of somebody's visitors were known to be one person in the visit in which something happened: those that were linked by its end,
   * or the one alone that did it, where itself it was linked later. Where its events are not here, who was there then, or on that day, did it.
   */
  togetherAt(person: Person, at: number): (visitor: number) => boolean {
    const { linkedSince } = this.projection.visitors.columns;
    const { startedAt, endedAt, visitor } = this.projection.sessions.columns;
    const sessions = this.#each('sessions', person, (row) => ({
      visitor: visitor[row]!,
      from: startedAt[row]!,
      until: endedAt[row]!,
    })).filter(({ from }) => from <= at);
    const thereFrom = (from: number) =>
      new Set(sessions.filter(({ until }) => until >= from).map((each) => each.visitor));
    const doing = [this.projection.doing(person, at), thereFrom(at), thereFrom(dayOf(at) * DAY_MS)].find(
      ({ size }) => size,
    );
    const end = Math.max(at, ...sessions.filter((each) => doing?.has(each.visitor)).map(({ until }) => until));
    const isKnown = (each: number) => linkedSince[each]! <= end;
    if (!doing) return sessions.some((each) => isKnown(each.visitor)) ? isKnown : () => true;
    const isOfAll = [...doing].some(isKnown);
    return (each) => doing.has(each) || (isOfAll && isKnown(each));
  }

  /** Of each session how it came: the place of that among all there are. */
  #ways(): Ways {
    if (this.#ownWays) return this.#ownWays;
    const { projection } = this;
    const goOn = (before: Ways): Ways => {
      const { sessions, texts } = projection;
      const { channel, source, medium, campaign } = sessions.columns;
      const of = new Int32Array(sessions.length);
      of.set(before.of);
      const all = [...before.all];
      const numbers = new Map(before.numbers);
      for (let row = before.of.length; row < sessions.length; row++) {
        const key = `${channel[row]} ${source[row]} ${medium[row]} ${campaign[row]}`;
        let number = numbers.get(key);
        if (number === undefined) {
          numbers.set(key, (number = all.length));
          all.push({
            channel: texts.at(channel[row]!),
            source: texts.at(source[row]!),
            medium: texts.at(medium[row]!),
            campaign: texts.at(campaign[row]!),
          });
        }
        of[row] = number;
      }
      return { of, all, numbers };
    };
    // First of all, so that none of them is newer than what is found out of them.
    this.#rowsOf('sessions');
    const none = { of: new Int32Array(), all: [], numbers: new Map() };
    const known = projection.kept('ways', () => goOn(none), goOn);
    return (this.#ownWays = known.of.length < projection.sessions.length ? goOn(known) : known);
  }

  /** Sessions, by time. */
  visits(person: Person): Visit[] {
    const { startedAt, channel, source, medium, campaign, device, browser, country } = this.projection.sessions.columns;
    const { texts } = this.projection;
    return this.#each('sessions', person, (row) => {
      const named = { channel: texts.at(channel[row]!), source: texts.at(source[row]!) };
      return {
        startedAt: startedAt[row]!,
        channel: this.#channelOf(named),
        ownChannel: named.channel,
        source: named.source,
        medium: texts.at(medium[row]!),
        campaign: texts.at(campaign[row]!),
        device: texts.at(device[row]!),
        browser: texts.at(browser[row]!),
        country: texts.at(country[row]!),
      };
    });
  }

  /** UTC days on which somebody was there, each once. */
  activeDays(person: Person): number[] {
    const { day } = this.projection.active.columns;
    return this.#each('active', person, (row) => day[row]!);
  }

  /** Whether anything that somebody did adds an amount up. */
  hasAmounts(person: Person): boolean {
    const amounts = this.#rowsOf('amounts');
    amounts.find(person);
    return amounts.from < amounts.until;
  }

  /** What a signal counts of somebody, by day. */
  counted(person: Person, signal: string): CountedDay[] {
    const { counts, amounts, texts } = this.projection;
    const number = texts.numberOf(signal);
    const { signal: counted, day, count } = counts.columns;
    const days: CountedDay[] = [];
    this.#each('counts', person, (row) => {
      if (counted[row] === number) days.push({ day: day[row]!, count: count[row]!, units: 0, daily: 0 });
    });
    const { signal: added, day: on, units, daily } = amounts.columns;
    if (days.length)
      this.#each('amounts', person, (row) => {
        const found = added[row] === number && days.find((each) => each.day === on[row]);
        if (found) [found.units, found.daily] = [units[row]!, daily[row]!];
      });
    return days;
  }

  /** Signals that somebody carried on a UTC day or later. */
  signalsSince(first: number): Set<string> {
    const { counts, texts } = this.projection;
    const { visitor, signal, day } = counts.columns;
    const found = new Set<number>();
    for (let row = 0; row < counts.length; row++)
      if (visitor[row] !== NONE && day[row]! >= first) found.add(signal[row]!);
    return new Set(Array.from(found, (number) => texts.at(number)!));
  }

  /**
   * What conditions look at: how often signals were there, on which days, and what they add up to where each event counts; not the different
   * values of a signal, what came together in a session, and traits.
   */
  facts(person: Person, rules: CompiledRules): FactsView {
    const { counts, amounts, texts } = this.projection;
    const today = dayOf(this.now);
    const { signal, day, count } = counts.columns;
    const { signal: added, day: on, units } = amounts.columns;
    const rows: FactsView['rows'] = new Map();
    this.#each('counts', person, (row) => {
      const name = texts.at(signal[row]!)!;
      const known = rows.get(name) ?? [];
      rows.set(name, known);
      known.push({ day: Math.min(day[row]!, today), count: count[row]!, value: 0, keys: undefined, days: 1 });
    });
    this.#each('amounts', person, (row) => {
      const found = rows.get(texts.at(added[row]!)!)?.find((each) => each.day === Math.min(on[row]!, today));
      if (found) found.value += units[row]!;
    });
    return { rules, today, rows, days: [], traits: {}, base: undefined };
  }

  /**
   * Goes over everybody, with what each did in a span of time.
   * @param make makes something of each kind of event, once; undefined of those that are left out
   * @param visit told what each did, by time: nothing too
   * @param people those who are gone over, where it is not everybody
   */
  async eachDeeds<T>(
    span: Span,
    make: (kind: Kind) => T | undefined,
    visit: (person: Person, deeds: Array<Deed<T>>) => void,
    people: Iterable<Person> = this.people,
  ): Promise<void> {
    return this.projection.isOverfull
      ? this.#eachRead(span, make, visit, people)
      : this.#eachHeld(span, make, visit, people);
  }

  #eachHeld<T>(
    span: Span,
    make: (kind: Kind) => T | undefined,
    visit: (person: Person, deeds: Array<Deed<T>>) => void,
    people: Iterable<Person>,
  ): void {
    const { projection } = this;
    const from = this.#first(span.from);
    const { all } = projection.kinds;
    const made = all.map(make);
    const isMeasured = Uint8Array.from(all, (kind) => +kind.isMeasured);
    const isAny = made.some((each) => each !== undefined);
    const { first, start, count, value } = projection.batches.columns;
    const { after, kind } = projection.events.columns;
    const { value: values } = projection.values.columns;
    const owned = this.#rowsOf('batches');
    const pool: Array<Deed<T>> = [];
    const deeds: Array<Deed<T>> = [];
    for (const person of people) {
      deeds.length = 0;
      const rows = owned.find(person);
      for (let { from: place, until } = owned; isAny && place < until; place++) {
        const row = rows[place]!;
        const begin = first[row]!;
        if (begin >= span.until) continue;
        let measured = value[row]!;
        const end = start[row]! + count[row]!;
        for (let event = start[row]!; event < end; event++) {
          const number = kind[event]!;
          const of = made[number];
          const time = begin + after[event]!;
          if (of !== undefined && time >= from && time < span.until) {
            const deed = (pool[deeds.length] ??= { time, of, value: NaN });
            deed.time = time;
            deed.of = of;
            deed.value = isMeasured[number] ? values[measured]! : NaN;
            deeds.push(deed);
          }
          measured += isMeasured[number]!;
        }
      }
      visit(person, sorted(deeds));
    }
  }

  /** The same from the store. */
  async #eachRead<T>(
    span: Span,
    make: (kind: Kind) => T | undefined,
    visit: (person: Person, deeds: Array<Deed<T>>) => void,
    people: Iterable<Person>,
  ): Promise<void> {
    const all = new Map<Person, Array<Deed<T>>>();
    await this.eachEvent(span, (person, event, kind) => {
      const of = make(kind);
      if (of === undefined) return;
      const deed = { time: event.time, of, value: valueOf(event) };
      const known = all.get(person);
      if (known) known.push(deed);
      else all.set(person, [deed]);
    });
    for (const person of people) visit(person, sorted(all.get(person) ?? []));
  }

  /** Reads the events of everybody who counts from the store, in no order, with all that was sent: that takes long. */
  async eachEvent({ from, until }: Span, visit: (person: Person, event: StagetagEvent, kind: Kind) => void) {
    const { store, site, projection } = this;
    const kinds = new Kinds(timelineOf(await store.rules(site.siteKey)));
    for await (const { visitorId, event } of store.events(site.siteKey, { from: this.#first(from), until })) {
      this.letOthers();
      const person = projection.ownerOf(visitorId);
      if (person !== NONE) visit(person, event, kinds.of(event));
    }
  }

  /** Nothing of the days before is kept any more, although some of it may still be there. */
  #first(from: number): number {
    return Math.max(from, this.site.keptFrom * DAY_MS);
  }

  #each<T>(name: RowsName, person: Person, make: (row: number) => T): T[] {
    const made: T[] = [];
    const owned = this.#rowsOf(name);
    const rows = owned.find(person);
    for (let { from: place, until } = owned; place < until; place++) made.push(make(rows[place]!));
    return made;
  }

  /** As they were when this asked first. */
  #rowsOf(name: RowsName): OwnedRows {
    return (this.#owned[name] ??= this.projection.rowsOf(name));
  }

  #reached(): Float64Array {
    const { projection } = this;
    const { length: stages } = STAGES;
    const reach = (reached: Float64Array, people: Iterable<Person>) => {
      for (const person of people)
        for (let place = 0; place < stages; place++)
          reached[person * stages + place] = this.#firstReached(person, place);
      return reached;
    };
    const none = () => new Float64Array(projection.visitors.length * stages).fill(Infinity);
    return projection.kept(
      'reached',
      () => reach(none(), this.people),
      (before, stale) => {
        const owners = projection.owners();
        const reached = none();
        reached.set(before);
        for (const person of stale) reached.fill(Infinity, person * stages, (person + 1) * stages);
        return reach(
          reached,
          [...stale].filter((person) => owners[person] === person),
        );
      },
    );
  }

  /** When somebody first reached a stage, or a higher one; Infinity where never. @param place of the stage */
  #firstReached(person: Person, place: number): number {
    const { projection } = this;
    const day = projection.visitors.columns[STAGES[place]!][person]!;
    if (day === NONE) return Infinity;
    const dated = projection.datedAt(person, place);
    if (dated !== undefined) return dated;
    const { to, at } = projection.moves.columns;
    const moves = this.#rowsOf('moves');
    const rows = moves.find(person);
    for (let { from: index, until } = moves; index < until; index++) {
      const row = rows[index]!;
      if (to[row]! >= place && dayOf(at[row]!) === day && projection.tells(row)) return at[row]!;
    }
    return endOfDay(day);
  }
}

/** They mostly are in order. */
function sorted<T>(deeds: Array<Deed<T>>): Array<Deed<T>> {
  for (let index = 1; index < deeds.length; index++)
    if (deeds[index]!.time < deeds[index - 1]!.time) return deeds.sort((a, b) => a.time - b.time);
  return deeds;
}
