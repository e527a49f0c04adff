/**
 * What reports read of one site, in memory and packed: who counts and how they went, their sessions, what facts count of them, and what
 * they did. It is made from the store, follows the list of changes from then on, and can be thrown away at any time.
 */
import v8 from 'node:v8';
import { attempt, DAY_MS, dayOf, rank, reachedDays, STAGES, type Stage } from '../../sdk/core/index.js';
import { timelineOf, type Timeline } from '../ingest/timeline.js';
import {
  isBot,
  type EventRow,
  type ListedSession,
  type ListedTransition,
  type RemoteStore,
  type VisitorRecord,
} from '../store/store.js';
import { numbersOf } from '../store/numbers.js';
import { PAGE, pages } from '../store/pages.js';
import { activeDays, countedDays } from './counted.js';
import { dateMove } from './dating.js';
import { Kinds, valueOf, type Kind } from './kinds.js';
import {
  group,
  LEAST_DEAD,
  NONE,
  OwnedRows,
  sortByTime,
  Table,
  Texts,
  VisitorRows,
  type PackedTable,
} from './table.js';

/** Sessions of one visitor: more are no browser's. */
const MAX_SESSIONS = 100_000;
/** Visitors that are dated before others have their turn. */
const DATED_AT_ONCE = 20;
/** More kinds of events than these are no kinds: then events are read from the store each time. */
const MAX_KINDS = 200_000;
/** A row's events are dated from its first, in 32 bits of milliseconds. */
const LONGEST_MS = 2 ** 32 - 1;

/** Changes with what columns, kinds and dates mean. What columns there are goes into the format too. */
const FORMAT = 5;
const TABLES = ['visitors', 'moves', 'sessions', 'active', 'counts', 'amounts', 'batches', 'events', 'values'] as const;

/** What all of them have. */
type VisitorTable = Pick<VisitorRows<Record<string, 'i32'>>, 'length' | 'of'> & { columns: { visitor: Int32Array } };

/** Tables whose rows are looked up by whose doing they are. */
export type RowsName = 'moves' | 'sessions' | 'active' | 'counts' | 'amounts' | 'batches';

/** A projection as it is cached. */
interface Packed {
  format: string;
  /** Version of the rules. */
  rules: number;
  change: string;
  move: number;
  readTo: number;
  keptFrom: number;
  ids: string;
  texts: Array<string | null>;
  kinds: Kind[];
  tables: PackedTable[];
  dated: Map<number, number>;
  undated: Set<number>;
}

/** What changed a stage: by a link a visitor became a person's; by rules it was only called otherwise. */
export const MOVE_KINDS: Record<ListedTransition['kind'], number> = { event: 0, expiry: 1, rules: 2, link: 3 };

/** Whether somebody counts: what a `part` did, the person did whose visitor it is. */
const STATES = { unknown: 0, counted: 1, part: 2, out: 3 };

/** A visitor of whom nothing was read yet, and one who is gone. */
const UNKNOWN = {
  state: STATES.unknown,
  person: NONE,
  linkedSince: 0,
  isMarked: 0,
  current: NONE,
  peak: NONE,
  tags: 0,
  lastSeen: 0,
  stored: 0,
  missing: 0,
  ownedUp: 0,
  dueAt: Infinity,
  isTouched: 0,
  channel: 0,
  source: 0,
  medium: 0,
  campaign: 0,
  awareness: NONE,
  interest: NONE,
  consideration: NONE,
  action: NONE,
  loyalty: NONE,
};
const GONE = { ...UNKNOWN, isMarked: 1 };

/** The stage of a rank; null for NONE. */
export const stageAt = (rank: number): Stage | null => STAGES[rank] ?? null;

type Session = Pick<
  ListedSession,
  | 'startedAt'
  | 'endedAt'
  | 'arrivedAt'
  | 'channel'
  | 'source'
  | 'medium'
  | 'campaign'
  | 'device'
  | 'browser'
  | 'country'
>;

export class Projection {
  texts = new Texts();
  readonly visitors = new Table({
    state: 'i8',
    /** The person whose part it is. */
    person: 'i32',
    /** From when on that is known. */
    linkedSince: 'f64',
    /** Whether it is a bot, or excluded by the rules. */
    isMarked: 'i8',
    /** The stage now and the highest, by rank. */
    current: 'i8',
    peak: 'i8',
    /** Names, as a JSON list. */
    tags: 'i32',
    lastSeen: 'f64',
    /** Numbers of events: those that are stored, those that never came, and how many of these the browser says it gave up. */
    stored: 'u32',
    missing: 'u32',
    ownedUp: 'u32',
    /** When the state may next change with no event; without end where never. */
    dueAt: 'f64',
    /** Of the first touch. */
    isTouched: 'i8',
    channel: 'i32',
    source: 'i32',
    medium: 'i32',
    campaign: 'i32',
    /** UTC days on which the stages, or higher ones, were first reached; NONE where they were not. */
    awareness: 'i32',
    interest: 'i32',
    consideration: 'i32',
    action: 'i32',
    loyalty: 'i32',
  } as const);
  /** Changes of the current stage, in the order in which they were found; stages by rank, NONE for none. */
  moves = newMoves();
  readonly sessions = new VisitorRows({
    startedAt: 'f64',
    endedAt: 'f64',
    arrivedAt: 'f64',
    channel: 'i32',
    source: 'i32',
    medium: 'i32',
    campaign: 'i32',
    device: 'i32',
    browser: 'i32',
    country: 'i32',
  } as const);
  /** Days on which somebody was there. */
  readonly active = new VisitorRows({ day: 'i32' } as const);
  /** How often a signal was there on a day, and what it adds up to in units where it does. */
  readonly counts = new VisitorRows({ signal: 'i32', day: 'i32', count: 'u32' } as const);
  readonly amounts = new VisitorRows({ signal: 'i32', day: 'i32', units: 'f64', daily: 'f64' } as const);
  batches = newBatches();
  events = newEvents();
  values = newValues();
  kinds: Kinds;
  /** Whether a site has too many kinds of events for them to be kept. */
  isOverfull = false;

  readonly #numbers = new Map<string, number>();
  /** Ids by number. */
  #ids: string[] = [];
  #timeline: Timeline;
  #change = '';
  /** First UTC day of which raw events are there. */
  #keptFrom = 0;
  /** Events whose batch was dropped. */
  #deadEvents = 0;
  #move = 0;
  #readTo = 0;
  /** How many reports read it that do not hold up others: rows are not moved then. */
  lent = 0;
  /** Of when it was last brought up to date: see Store.stamp. */
  stamp = '';
  /** When stages were first reached on days of which no move tells, by visitor and stage. */
  #dated = new Map<number, number>();
  /** Visitors of whom that is not found out yet. */
  #undated = new Set<number>();
  /** What was made of what is here, by name. */
  readonly #made = new Map<string, unknown>();
  /** The same of what is brought up to date person by person; those of whom it is not are `stale`. */
  readonly #kept = new Map<string, { value: unknown; stale: Set<number> }>();

  private constructor(
    private readonly store: RemoteStore,
    private readonly siteKey: string,
    timeline: Timeline,
  ) {
    this.#timeline = timeline;
    this.kinds = new Kinds(timeline);
  }

  /**
   * Reads a site from the beginning.
   * @param onProgress told how far it is, 0 to 1, over and over; what it throws ends the reading
   */
  static async of(
    store: RemoteStore,
    siteKey: string,
    now: number,
    onProgress: (share: number) => void = () => {},
  ): Promise<Projection> {
    const projection = new Projection(store, siteKey, timelineOf(await store.rules(siteKey)));
    await projection.#readAll(now, onProgress);
    return projection;
  }

  /** Goes on from what was packed. @returns undefined where it is of no use any more */
  static async resume(
    store: RemoteStore,
    siteKey: string,
    packed: Uint8Array,
    now: number,
  ): Promise<Projection | undefined> {
    const projection = new Projection(store, siteKey, timelineOf(await store.rules(siteKey)));
    const isOfUse = attempt(() => projection.#unpack(packed)) && (await projection.follow(now));
    return isOfUse ? projection : undefined;
  }

  /** What is needed to go on from here another time; nothing of those who are gone. */
  pack(): Uint8Array {
    this.#tidy(true);
    const packed: Packed = {
      ...this.#isFor(),
      change: this.#change,
      move: this.#move,
      readTo: this.#readTo,
      keptFrom: this.#keptFrom,
      ids: this.#ids.join('\n'),
      texts: [...this.texts.all],
      kinds: this.kinds.all,
      tables: TABLES.map((name) => this[name].pack()),
      dated: this.#dated,
      undated: this.#undated,
    };
    return v8.serialize(packed);
  }

  #isFor(): Pick<Packed, 'format' | 'rules'> {
    const format = JSON.stringify([FORMAT, TABLES.map((name) => this[name].schema)]);
    return { format, rules: this.#timeline.current.version };
  }

  #unpack(data: Uint8Array): boolean {
    const packed = v8.deserialize(data) as Packed;
    const { format, rules } = this.#isFor();
    if (packed.format !== format || packed.rules !== rules) return false;
    this.#change = packed.change;
    this.#move = packed.move;
    this.#readTo = packed.readTo;
    this.#keptFrom = packed.keptFrom;
    this.#ids = packed.ids ? packed.ids.split('\n') : [];
    for (const [number, id] of this.#ids.entries()) if (id) this.#numbers.set(id, number);
    this.texts = new Texts(packed.texts);
    this.kinds = new Kinds(this.#timeline, packed.kinds);
    for (const [index, name] of TABLES.entries()) this[name].unpack(packed.tables[index]!);
    this.#dated = packed.dated;
    this.#undated = packed.undated;
    return true;
  }

  /**
   * Takes over what changed since. Row numbers stay as they are while it is lent.
   * @param check called over and over; what it throws leaves the projection of no use
   * @returns false where it cannot be told what changed: then it is to be made anew
   */
  async follow(now: number, check: () => void = () => {}): Promise<boolean> {
    const { store, siteKey } = this;
    const timeline = timelineOf(await store.rules(siteKey));
    const { version } = this.#timeline.current;
    const isOtherVersion = timeline.current.version !== version;
    if (isOtherVersion && !timeline.keepsFacts(version)) return false;
    this.#timeline = timeline;
    this.kinds.follow(timeline);
    this.stamp = await store.stamp(siteKey);
    const { keptFrom } = (await store.site(siteKey))!;
    // Before anything is added: the rows of what is expired may be given to what comes.
    if (keptFrom > this.#keptFrom && !this.#expire(keptFrom)) return false;
    if (isOtherVersion) {
      this.#kept.clear();
      await this.#readVisitors(now, check);
    }

    const ownersBefore = this.owners();
    const changed = new Set<string>();
    const amended = new Set<string>();
    let isSomebodyGone = false;
    for (;;) {
      check();
      const found = await store.changesSince(siteKey, this.#change);
      if (!found.changed) return false;
      if (found.upTo === this.#change) break;
      this.#change = found.upTo;
      isSomebodyGone ||= found.isSomebodyGone;
      for (const { visitorId, events, rowId, isAmended } of found.changed) {
        changed.add(visitorId);
        if (isAmended) amended.add(visitorId);
        // What was read already can be named by a change that came at the same time.
        const isKnown = rowId !== undefined && rowId <= this.#readTo && this.#hasRow(visitorId, rowId);
        if (events && !isKnown) this.#addEvents({ visitorId, rowId: rowId!, events });
      }
      await new Promise(setImmediate);
    }
    if (isSomebodyGone) {
      if (this.lent) return false;
      await this.#dropGone();
    }
    for (const visitorId of amended) {
      if (!this.#numbers.has(visitorId)) continue;
      await this.#readEvents(visitorId);
      await this.#readMovesOf(visitorId);
    }
    for (const visitorId of new Set([...changed, ...this.#dueBy(now)])) {
      check();
      const record = await store.visitor(siteKey, visitorId);
      if (!record) continue; // Gone by now: the list will say so.
      const sessions = await store.sessions(siteKey, visitorId, MAX_SESSIONS);
      // At once: who reads it meanwhile is to see all or nothing of it.
      this.#take(record, now);
      changed.add(visitorId);
      const number = this.#numberOf(visitorId);
      this.sessions.drop(number);
      for (const session of sessions) this.#addSession(number, session);
    }
    const touched = await this.#readMoves();
    for (const id of changed) {
      // Whoever is gone by now is not to be numbered anew.
      const number = this.#numbers.get(id);
      if (number === undefined) continue;
      this.#undated.add(number);
      touched.add(number);
    }
    if (isOtherVersion) this.#undated = new Set(this.#ids.keys());
    if (touched.size || isOtherVersion || isSomebodyGone) this.#made.clear();
    this.#outdate(touched, ownersBefore);
    if (!this.lent) this.#tidy(false);
    return true;
  }

  /** Notes of whom what is kept is not up to date: of some visitors, and of those whose doing theirs was or is. */
  #outdate(visitors: Iterable<number>, ownersBefore: Int32Array): void {
    if (!this.#kept.size) return;
    const owners = this.owners();
    for (const number of visitors)
      for (const who of [number, ownersBefore[number] ?? NONE, owners[number]!])
        if (who !== NONE) for (const { stale } of this.#kept.values()) stale.add(who);
  }

  /** Makes something of what is here, once until it changes. */
  once<T>(name: string, make: () => T): T {
    if (!this.#made.has(name)) this.#made.set(name, make());
    return this.#made.get(name) as T;
  }

  /**
   * The same, brought up to date where only some people changed. What was made is not to be changed: somebody may still read it.
   * @param renew makes another of what there was; undefined where it is to be made anew
   */
  kept<T>(name: string, make: () => T, renew: (before: T, stale: ReadonlySet<number>) => T | undefined): T {
    const before = this.#kept.get(name) as { value: T; stale: Set<number> } | undefined;
    if (before && !before.stale.size) return before.value;
    const value = (before && renew(before.value, before.stale)) ?? make();
    this.#kept.set(name, { value, stale: new Set() });
    return value;
  }

  /** Whose doing a visitor's is: a person's, or its own; NONE where it is nobody's who counts. */
  owners(): Int32Array {
    return this.once('owners', () => {
      const { state, person } = this.visitors.columns;
      const owners = new Int32Array(this.visitors.length);
      for (let number = 0; number < owners.length; number++) {
        const owner = state[number] === STATES.part ? person[number]! : number;
        owners[number] = state[owner] === STATES.counted ? owner : NONE;
      }
      return owners;
    });
  }

  /** Everybody who counts. */
  people(): Int32Array {
    return this.once('people', () => {
      const owners = this.owners();
      const people = new Int32Array(owners.length);
      let length = 0;
      for (let number = 0; number < owners.length; number++) if (owners[number] === number) people[length++] = number;
      return people.subarray(0, length);
    });
  }

  /** Rows of a table by whose doing they are, those with a time by that. */
  rowsOf(name: RowsName): OwnedRows {
    const rows: VisitorTable = this[name];
    const { at } = this.moves.columns;
    const { startedAt } = this.sessions.columns;
    const { first } = this.batches.columns;
    const time = {
      moves: at,
      sessions: startedAt,
      batches: first,
      active: undefined,
      counts: undefined,
      amounts: undefined,
    }[name];
    const make = () => {
      const owners = this.owners();
      const { visitor } = rows.columns;
      const ownerOf = (row: number) => (visitor[row] === NONE ? NONE : owners[visitor[row]!]!);
      return new OwnedRows(group(rows.length, owners.length, ownerOf, time));
    };
    return this.kept(name, make, (before, stale) => {
      if (!before.isWorth(stale.size)) return undefined;
      const changed = new Map<number, Int32Array>();
      for (const [owner, visitors] of this.#visitorsOf(stale)) {
        const own = Int32Array.from(visitors.flatMap((visitor) => [...rows.of(visitor)])).sort();
        if (time) sortByTime(own, 0, own.length, time);
        changed.set(owner, own);
      }
      return before.renewed(changed);
    });
  }

  /** The visitors whose doing is some people's: none where they do not count any more. */
  #visitorsOf(people: ReadonlySet<number>): Map<number, number[]> {
    const visitors = new Map<number, number[]>(Array.from(people, (person) => [person, []]));
    const owners = this.owners();
    for (let number = 0; number < owners.length; number++) visitors.get(owners[number]!)?.push(number);
    return visitors;
  }

  /** Whether there is such a visitor: one may be gone, or be named by something alone. */
  isKnown(number: number): boolean {
    return this.visitors.columns.state[number] !== STATES.unknown;
  }

  idOf(number: number): string {
    return this.#ids[number]!;
  }

  /** Whose doing a visitor's is, by its id. */
  ownerOf(visitorId: string): number {
    const number = this.#numbers.get(visitorId);
    // One who came since the owners were told is nobody's yet.
    return number === undefined ? NONE : (this.owners()[number] ?? NONE);
  }

  async #readAll(now: number, onProgress: (share: number) => void): Promise<void> {
    const { store, siteKey } = this;
    this.stamp = await store.stamp(siteKey);
    this.#keptFrom = (await store.site(siteKey))!.keptFrom;
    const { change, rowId: last, visitors } = await store.latest(siteKey);
    this.#change = change;
    this.#readTo = last;
    // Visitors are about half of the work.
    await this.#readVisitors(now, (done) => onProgress(Math.min(1, done / (visitors || 1)) / 2));
    const sessions = pages((last?: ListedSession) => store.everySession(siteKey, last, PAGE));
    for await (const session of sessions) this.#addSession(this.#numberOf(session.visitorId), session);
    await this.#readMoves();
    for (let rowId = 0; rowId < last && !this.isOverfull;) {
      onProgress((1 + rowId / last) / 2);
      const found = await store.eventsAfter(siteKey, rowId, last);
      for (const row of found.rows) this.#addEvents(row);
      rowId = found.rowId;
      await new Promise(setImmediate);
    }
    this.#cluster();
    this.#undated = new Set(this.#ids.keys());
  }

  /** Drops the events of the days before one. @returns false where it is lent */
  #expire(keptFrom: number): boolean {
    if (this.lent) return false;
    this.#keptFrom = keptFrom;
    for (const [key, at] of this.#dated) if (dayOf(at) < keptFrom) this.#dated.delete(key);
    this.#cluster();
    this.#forgetTexts();
    this.#made.clear();
    this.#kept.clear();
    return true;
  }

  /** Gives the room of dropped rows back. @param isAll of the few too */
  #tidy(isAll: boolean): void {
    const wasteful = [this.sessions, this.moves, this.active, this.counts, this.amounts].filter(
      (rows) => isAll || rows.isWasteful,
    );
    for (const rows of wasteful) rows.compact();
    const isScattered = this.#deadEvents > (isAll ? 0 : Math.max(LEAST_DEAD, this.events.length / 2));
    if (isScattered) this.#cluster();
    if (wasteful.length || isScattered) this.#kept.clear();
  }

  /**
   * Puts each visitor's events together, without those that were dropped and those that are not kept any more: to go over everybody is
   * to go over memory from its beginning to its end then.
   */
  #cluster(): void {
    const { batches, events, values, kinds } = this;
    const { visitor, rowId, first, start, count, value } = batches.columns;
    const { after, kind } = events.columns;
    const { rows } = group(batches.length, this.visitors.length, (row) => visitor[row]!, first);
    const from = this.#keptFrom * DAY_MS;
    [this.batches, this.events, this.values] = [newBatches(), newEvents(), newValues()];
    this.#deadEvents = 0;
    for (const row of rows) {
      const [newStart, newValue] = [this.events.length, this.values.length];
      let measured = value[row]!;
      for (let event = start[row]!; event < start[row]! + count[row]!; event++) {
        const { isMeasured } = kinds.all[kind[event]!]!;
        if (first[row]! + after[event]! >= from) {
          this.events.add({ after: after[event]!, kind: kind[event]! });
          if (isMeasured) this.values.add({ value: values.columns.value[measured]! });
        }
        measured += +isMeasured;
      }
      const left = this.events.length - newStart;
      if (left)
        this.batches.addTo(visitor[row]!, {
          rowId: rowId[row]!,
          first: first[row]!,
          start: newStart,
          count: left,
          value: newValue,
        });
    }
  }

  async #readVisitors(now: number, onProgress: (done: number) => void = () => {}): Promise<void> {
    const { store, siteKey } = this;
    const all = pages((last?: VisitorRecord) => store.everyVisitor(siteKey, last?.visitorId, PAGE));
    let done = 0;
    for await (const record of all) {
      this.#take(record, now);
      if (++done % PAGE === 0) onProgress(done);
    }
  }

  /** Those whose state may be another by now with no event. */
  #dueBy(now: number): string[] {
    const { dueAt, state } = this.visitors.columns;
    const due: string[] = [];
    for (let number = 0; number < this.visitors.length; number++)
      if (dueAt[number]! <= now && state[number] !== STATES.unknown) due.push(this.#ids[number]!);
    return due;
  }

  async #dropGone(): Promise<void> {
    const left = new Set(await this.store.visitorIds(this.siteKey));
    for (const [id, number] of this.#numbers) {
      if (left.has(id)) continue;
      this.#numbers.delete(id);
      this.#ids[number] = '';
      this.visitors.set(number, GONE);
      this.#forgetDates(number);
      this.#undated.delete(number);
      for (const rows of [this.sessions, this.active, this.counts, this.amounts]) rows.drop(number);
      this.#dropEvents(number);
    }
    this.#tidy(true);
    this.#forgetTexts();
    // Somebody may be there again by now, and the numbers of the last moves given to others.
    this.moves = newMoves();
    this.#move = 0;
    this.#kept.clear();
  }

  #dropEvents(visitor: number): void {
    for (const row of this.batches.of(visitor)) this.#deadEvents += this.batches.columns.count[row]!;
    this.batches.drop(visitor);
  }

  /** Forgets what those alone said who are gone. */
  #forgetTexts(): void {
    const texts = new Uint8Array(this.texts.length);
    const note = (table: PackedTable, names: string[], isLeft: (row: number) => boolean) => {
      for (const name of names)
        for (let row = 0; row < table.length; row++) if (isLeft(row)) texts[table.columns[name]![row]!] = 1;
    };
    const isAlive =
      ({ columns }: PackedTable) =>
      (row: number) =>
        columns.visitor![row] !== NONE;
    const { state } = this.visitors.columns;
    note(this.visitors, ['channel', 'source', 'medium', 'campaign', 'tags'], (row) => state[row] !== STATES.unknown);
    note(
      this.sessions,
      ['channel', 'source', 'medium', 'campaign', 'device', 'browser', 'country'],
      isAlive(this.sessions),
    );
    for (const rows of [this.counts, this.amounts]) note(rows, ['signal'], isAlive(rows));
    this.texts.forget((number) => texts[number] === 1);

    const kinds = new Uint8Array(this.kinds.all.length);
    const { visitor, start, count } = this.batches.columns;
    for (let row = 0; row < this.batches.length; row++)
      if (visitor[row] !== NONE)
        for (let event = start[row]!; event < start[row]! + count[row]!; event++)
          kinds[this.events.columns.kind[event]!] = 1;
    this.kinds.forget((number) => kinds[number] === 1);
  }

  #numberOf(visitorId: string): number {
    let number = this.#numbers.get(visitorId);
    if (number === undefined) {
      number = this.visitors.add(UNKNOWN);
      this.#numbers.set(visitorId, number);
      this.#ids.push(visitorId);
    }
    return number;
  }

  /** Takes over what a record says. */
  #take(record: VisitorRecord, now: number): void {
    const { visitorId, bot, personId, dueAt, facts, firstTouch, stage: current, peak, lastSeen } = record;
    const number = this.#numberOf(visitorId);
    const person = personId ? this.#numberOf(personId) : NONE;
    const { columns } = this.visitors;
    const state = isBot(bot) ? 'out' : personId ? 'part' : bot ? 'out' : 'counted';
    columns.state[number] = STATES[state];
    columns.person[number] = person;
    columns.linkedSince[number] = record.linkedSince;
    columns.isMarked[number] = +(bot !== null);
    columns.current[number] = rank(current);
    columns.peak[number] = rank(peak);
    columns.tags[number] = this.texts.numberOf(JSON.stringify(record.tags));
    columns.lastSeen[number] = lastSeen;
    const { stored, missing } = numbersOf(record.have);
    columns.stored[number] = stored;
    columns.missing[number] = missing;
    columns.ownedUp[number] = Math.min(record.lost, missing);
    columns.dueAt[number] = dueAt ?? Infinity;
    columns.isTouched[number] = +!!firstTouch;
    for (const name of ['channel', 'source', 'medium', 'campaign'] as const)
      columns[name][number] = this.texts.numberOf(firstTouch?.[name] ?? null);
    for (const rows of [this.active, this.counts, this.amounts]) rows.drop(number);
    // Of all others nobody asks.
    const isCounted = state === 'counted';
    const reached = isCounted ? reachedDays(this.#timeline.current, facts, now) : undefined;
    for (const stage of STAGES) columns[stage][number] = reached?.get(stage) ?? NONE;
    if (!isCounted) return;
    for (const day of activeDays(facts)) this.active.addTo(number, { day });
    for (const [name, days] of countedDays(facts)) {
      const signal = this.texts.numberOf(name);
      for (const { day, count, units, daily } of days) {
        this.counts.addTo(number, { signal, day, count });
        if (units || daily) this.amounts.addTo(number, { signal, day, units, daily });
      }
    }
  }

  #addSession(visitor: number, session: Session): void {
    const { startedAt, endedAt, arrivedAt, channel, source, medium, campaign, device, browser, country } = session;
    this.sessions.addTo(visitor, {
      startedAt,
      endedAt,
      arrivedAt,
      channel: this.texts.numberOf(channel),
      source: this.texts.numberOf(source),
      medium: this.texts.numberOf(medium),
      campaign: this.texts.numberOf(campaign),
      device: this.texts.numberOf(device),
      browser: this.texts.numberOf(browser),
      country: this.texts.numberOf(country),
    });
  }

  /** @returns whose there were */
  async #readMoves(): Promise<Set<number>> {
    const { store, siteKey } = this;
    const first = { id: this.#move } as { id: number };
    const moved = new Set<number>();
    const all = pages((last: { id: number } = first) => store.everyTransition(siteKey, last.id, PAGE));
    for await (const move of all) {
      this.#move = move.id;
      moved.add(this.#addMove(move));
    }
    return moved;
  }

  /** Reads a visitor's moves anew, as far as they were read: some may have been taken back. */
  async #readMovesOf(visitorId: string): Promise<void> {
    const moves = await this.store.movesOf(this.siteKey, visitorId, this.#move);
    this.moves.drop(this.#numberOf(visitorId));
    for (const move of moves) this.#addMove(move);
  }

  /** @returns whose it is */
  #addMove({ visitorId, from, to, at, kind, rules }: ListedTransition): number {
    const visitor = this.#numberOf(visitorId);
    this.moves.addTo(visitor, { from: rank(from), to: rank(to), at, kind: MOVE_KINDS[kind], rules });
    return visitor;
  }

  /**
   * Finds out when stages were first reached on days of which no move tells: a move by rules says when these were published, and one that was
   * noted before all that had happened by then was known may be too late. The events of the day do. To be done before `datedAt` is asked.
   * @param check called over and over with the share that is done; what it throws ends it
   */
  async date(now: number, check: (share: number) => void = () => {}): Promise<void> {
    const { store, siteKey } = this;
    const all = this.#undated.size;
    if (!all) return;
    const { to, at } = this.moves.columns;
    let lateFrom: number | undefined;
    const isTold = (number: number, place: number, day: number) => {
      for (const row of this.moves.of(number))
        if (to[row]! >= place && dayOf(at[row]!) === day && this.tells(row))
          return this.#isExact(number, row) && at[row]! <= (lateFrom ??= this.#lateFrom(number));
      return false;
    };
    const dating = { store, siteKey, timeline: this.#timeline, keptFrom: this.#keptFrom, now };
    let looked = 0;
    for (const number of this.#undated) {
      this.#undated.delete(number);
      this.#forgetDates(number);
      this.#kept.get('reached')?.stale.add(number);
      const { columns } = this.visitors;
      if (columns.state[number] !== STATES.counted) continue;
      lateFrom = undefined;
      const untold = STAGES.map((stage, place) => ({ place, day: columns[stage][number]! })).filter(
        // Of a day whose events are gone only the end is known.
        ({ place, day }) => day !== NONE && day >= this.#keptFrom && !isTold(number, place, day),
      );
      if (!untold.length) continue;
      check(1 - this.#undated.size / all);
      // Others have their turn.
      if (++looked % DATED_AT_ONCE === 0) await new Promise(setImmediate);
      const record = await store.visitor(siteKey, this.#ids[number]!);
      if (!record) continue; // Gone by now.
      for (const day of new Set(untold.map((each) => each.day))) {
        const places = untold.filter((each) => each.day === day).map(({ place }) => place);
        const move = { day, from: null, to: stageAt(Math.max(...places)) };
        const dated = await dateMove(dating, record, record.facts, move);
        for (const place of places) {
          const entry = dated.find((each) => rank(each.to) >= place);
          if (entry) this.#dated.set(number * STAGES.length + place, entry.at);
        }
      }
      // Who read it meanwhile did not know.
      this.#kept.get('reached')?.stale.add(number);
    }
  }

  /** Visitors of somebody that did something at a moment, as far as their events are here. */
  doing(person: number, at: number): Set<number> {
    const { visitor, first, start, count } = this.batches.columns;
    const { after } = this.events.columns;
    const owned = this.rowsOf('batches');
    const rows = owned.find(person);
    const doing = new Set<number>();
    for (let { from: place, until } = owned; place < until; place++) {
      const row = rows[place]!;
      for (let event = start[row]!; event < start[row]! + count[row]!; event++)
        if (at === first[row]! + after[event]!) doing.add(visitor[row]!);
    }
    return doing;
  }

  /** When the first of somebody's events happened that came after later ones; Infinity where all came in their order. */
  #lateFrom(person: number): number {
    const { first, start, count, rowId } = this.batches.columns;
    const { after } = this.events.columns;
    const owned = this.rowsOf('batches');
    const found = owned.find(person);
    // As they came; mostly that is how they stand.
    const rows = [...found.subarray(owned.from, owned.until)].sort(
      (a, b) => rowId[a]! - rowId[b]! || first[a]! - first[b]!,
    );
    let [last, late] = [-Infinity, Infinity];
    for (const row of rows) {
      // Of a row's events the first may not be kept any more.
      const from = first[row]! + after[start[row]!]!;
      if (from < last) late = Math.min(late, from);
      last = Math.max(last, first[row]! + after[start[row]! + count[row]! - 1]!);
    }
    return late;
  }

  #forgetDates(number: number): void {
    for (const place of STAGES.keys()) this.#dated.delete(number * STAGES.length + place);
  }

  /** Whether a move was when its event was: one by a clock that was ahead was noted as it came. */
  #isExact(number: number, row: number): boolean {
    const { kind, at } = this.moves.columns;
    return kind[row] !== MOVE_KINDS.event || this.isOverfull || this.doing(number, at[row]!).size > 0;
  }

  /** Whether a move says when something was reached under the rules in force: one that they made themselves, and when it happened. */
  tells(row: number): boolean {
    const { kind, rules } = this.moves.columns;
    return kind[row]! <= MOVE_KINDS.expiry && this.#timeline.keepsStages(rules[row]!);
  }

  /** When somebody first reached a stage, or a higher one, where no move of that day tells. */
  datedAt(number: number, place: number): number | undefined {
    return this.#dated.get(number * STAGES.length + place);
  }

  /** Reads a visitor's events anew. */
  async #readEvents(visitorId: string): Promise<void> {
    const rows = await this.store.eventRows(this.siteKey, visitorId);
    this.#dropEvents(this.#numberOf(visitorId));
    for (const row of rows) {
      this.#addEvents(row);
      this.#readTo = Math.max(this.#readTo, row.rowId);
    }
  }

  #addEvents({ visitorId, rowId, events }: EventRow): void {
    if (this.isOverfull) return;
    const visitor = this.#numberOf(visitorId);
    let [row, first] = [NONE, 0];
    for (const { event } of [...events].sort((a, b) => a.event.time - b.event.time)) {
      if (row === NONE || event.time - first > LONGEST_MS) {
        first = event.time;
        const [start, value] = [this.events.length, this.values.length];
        row = this.batches.addTo(visitor, { rowId, first, start, count: 0, value });
      }
      const kind = this.kinds.numberOf(event);
      this.events.add({ after: event.time - first, kind });
      this.batches.columns.count[row]!++;
      if (this.kinds.all[kind]!.isMeasured) this.values.add({ value: valueOf(event) });
    }
    if (this.kinds.size > MAX_KINDS) this.#giveUpEvents();
  }

  #hasRow(visitorId: string, rowId: number): boolean {
    for (const row of this.batches.of(this.#numberOf(visitorId)))
      if (this.batches.columns.rowId[row] === rowId) return true;
    return false;
  }

  #giveUpEvents(): void {
    this.isOverfull = true;
    this.batches = newBatches();
    this.events = newEvents();
    this.values = newValues();
    this.kinds = new Kinds(this.#timeline);
  }
}

/** Events that came together: they stand among the events from `start` on, and their numbers among the values from `value` on. */
const newBatches = () =>
  new VisitorRows({ rowId: 'f64', first: 'f64', start: 'u32', count: 'u32', value: 'u32' } as const);
const newMoves = () => new VisitorRows({ from: 'i8', to: 'i8', at: 'f64', kind: 'i8', rules: 'i32' } as const);
/** Milliseconds after the batch's first. */
const newEvents = () => new Table({ after: 'u32', kind: 'u32' } as const);
const newValues = () => new Table({ value: 'f64' } as const);
