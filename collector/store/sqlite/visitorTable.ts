import type Database from 'better-sqlite3';
import type { Stage } from '../../../sdk/core/index.js';
import { numbersOf } from '../numbers.js';
import type { Cause, ListedTransition, Transition, VisitorRecord } from '../store.js';
import { fromBlob, toBlob } from './uuid.js';

/** By their places, in the order of READ_COLUMNS: for every batch one is read, and an object with so many names is dear to make. */
type VisitorRow = [
  id: Buffer,
  userId: string | null,
  firstSeen: number,
  lastSeen: number,
  events: number,
  rev: number,
  rules: number,
  stage: Stage | null,
  peak: Stage | null,
  tags: string,
  score: number,
  have: string,
  facts: string,
  firstTouch: string | null,
  lastTouch: string | null,
  lastTime: number,
  stageSince: number,
  dueAt: number | null,
  lost: number,
  personId: Buffer | null,
  linkedAt: number,
  linkedSince: number,
  isPerson: number,
  bot: string | null,
  isJudged: number,
  skew: number | null,
];

interface TransitionRow {
  from_stage: Stage | null;
  to_stage: Stage | null;
  at: number;
  cause: string;
}

interface ListedRow {
  id: number;
  visitor_id: Buffer;
  kind: Cause['kind'];
  rules: number;
}

const COLUMNS = (
  'user_id first_seen last_seen events rev rules stage peak tags score have facts first_touch last_touch last_time ' +
  'stage_since due_at lost person_id linked_at linked_since is_person bot is_judged skew'
).split(' ');
const READ_COLUMNS = ['id', ...COLUMNS];
/** Those that hardly ever change, and that indexes stand on: an index is written anew wherever a column of it is set, to the same too. */
const STEADY_COLUMNS = ['user_id', 'rules', 'person_id', 'bot', 'due_at'];
const OTHER_COLUMNS = [...COLUMNS.filter((name) => !STEADY_COLUMNS.includes(name)), 'stored_seq', 'missing_seq'];

/** Visitors' records and their transitions. */
export class VisitorTable {
  readonly #get;
  readonly #put;
  readonly #update;
  readonly #latest;
  readonly #next;
  readonly #due;
  readonly #stale;
  readonly #count;
  readonly #countStale;
  readonly #markStale;
  readonly #addTransition;
  readonly #transitions;
  readonly #moves;
  readonly #ends;
  readonly #dropMove;
  readonly #writeCause;
  readonly #nextTransitions;
  readonly #movesOf;
  readonly #ids;
  readonly #ofUser;
  readonly #ofUsers;
  readonly #ofPerson;
  readonly #countOfPerson;
  readonly #erase;
  readonly #eraseTransitions;

  constructor(database: Database.Database) {
    const read = <Given extends unknown[]>(rest: string, named = READ_COLUMNS) =>
      database.prepare<Given, VisitorRow>(`SELECT ${named.join(', ')} FROM visitors ${rest}`).raw();
    this.#get = read<[number, Buffer]>('WHERE site_id = ? AND id = ?');
    const columns = [...STEADY_COLUMNS, ...OTHER_COLUMNS];
    this.#put = database.prepare(`
      INSERT INTO visitors (site_id, id, ${columns.join(', ')}) VALUES (?, ?${', ?'.repeat(columns.length)})
      ON CONFLICT DO UPDATE SET ${columns.map((name) => `${name} = excluded.${name}`).join(', ')}`);
    this.#update = database.prepare(
      `UPDATE visitors SET ${OTHER_COLUMNS.map((name) => `${name} = ?`).join(', ')} WHERE site_id = ? AND id = ?`,
    );
    // Who is proven to be a person's stands where the person does.
    const standing = READ_COLUMNS.map((name) =>
      /^(stage|peak|tags|score)$/.test(name) ? `p.${name}` : name === 'bot' ? 'coalesce(v.bot, p.bot)' : `v.${name}`,
    );
    this.#latest = read<[number, number, number, Buffer, number]>(
      `v JOIN visitors p ON p.site_id = v.site_id AND p.id = coalesce(v.person_id, v.id)
      WHERE v.site_id = ? AND v.last_seen <= ? AND (v.last_seen < ? OR v.id < ?) AND NOT v.is_person
      ORDER BY v.last_seen DESC, v.id DESC LIMIT ?`,
      standing,
    );
    this.#next = read<[number, Buffer, number]>('WHERE site_id = ? AND id > ? ORDER BY id LIMIT ?');
    this.#ids = database.prepare<[number], Buffer>('SELECT id FROM visitors WHERE site_id = ?').pluck();
    this.#ofUser = database.prepare<[number, string], { id: Buffer }>(
      'SELECT id FROM visitors WHERE site_id = ? AND user_id = ? AND NOT is_person ORDER BY id',
    );
    this.#ofUsers = database
      .prepare<[number, string, string], Buffer>(
        'SELECT id FROM visitors WHERE site_id = ? AND user_id >= ? AND user_id < ? AND NOT is_person',
      )
      .pluck();
    this.#countOfPerson = database
      .prepare<[number, Buffer], number>('SELECT count(*) FROM visitors WHERE site_id = ? AND person_id = ?')
      .pluck();
    this.#ofPerson = read<[number, Buffer]>('WHERE site_id = ? AND person_id = ? ORDER BY id');
    this.#erase = database.prepare('DELETE FROM visitors WHERE site_id = ? AND id = ?');
    this.#eraseTransitions = database.prepare('DELETE FROM transitions WHERE site_id = ? AND visitor_id = ?');
    this.#due = database.prepare<[number, number | null, number], { site_id: number; id: Buffer }>(`
      SELECT site_id, id FROM visitors WHERE due_at IS NOT NULL AND due_at <= ? AND site_id = coalesce(?, site_id)
      ORDER BY due_at LIMIT ?`);
    this.#stale = database.prepare<[number, number, number], { id: Buffer }>(
      'SELECT id FROM visitors WHERE site_id = ? AND rules < ? LIMIT ?',
    );
    this.#count = database.prepare<[number], number>('SELECT count(*) FROM visitors WHERE site_id = ?').pluck();
    this.#markStale = database.prepare('UPDATE visitors SET rules = 0 WHERE site_id = ?');
    this.#countStale = database
      .prepare<[number, number], number>('SELECT count(*) FROM visitors WHERE site_id = ? AND rules < ?')
      .pluck();
    this.#addTransition = database.prepare(
      'INSERT INTO transitions (site_id, visitor_id, from_stage, to_stage, at, cause) VALUES (?, ?, ?, ?, ?, ?)',
    );
    this.#transitions = database.prepare<[number, Buffer], TransitionRow>(
      'SELECT from_stage, to_stage, at, cause FROM transitions WHERE site_id = ? AND visitor_id = ? ORDER BY id',
    );
    this.#moves = database.prepare<[number, Buffer], Pick<TransitionRow, 'to_stage' | 'cause'> & { id: number }>(
      'SELECT id, to_stage, cause FROM transitions WHERE site_id = ? AND visitor_id = ? ORDER BY id',
    );
    this.#ends = database.prepare<
      [number, Buffer],
      Pick<TransitionRow, 'from_stage' | 'at'> & { id: number; kind: string }
    >(`
      SELECT id, from_stage, at, cause ->> 'kind' AS kind FROM transitions
      WHERE site_id = ? AND visitor_id = ? ORDER BY id DESC`);
    this.#dropMove = database.prepare('DELETE FROM transitions WHERE id = ?');
    this.#writeCause = database.prepare('UPDATE transitions SET cause = ? WHERE id = ?');
    const listed = `SELECT id, visitor_id, from_stage, to_stage, at, cause ->> 'kind' AS kind,
        coalesce(cause ->> 'rules', 0) AS rules FROM transitions`;
    this.#nextTransitions = database.prepare<[number, number, number], TransitionRow & ListedRow>(
      `${listed} WHERE site_id = ? AND id > ? ORDER BY id LIMIT ?`,
    );
    this.#movesOf = database.prepare<[number, Buffer, number], TransitionRow & ListedRow>(
      `${listed} WHERE site_id = ? AND visitor_id = ? AND id <= ? ORDER BY id`,
    );
  }

  get(site: number, visitor: Buffer): VisitorRecord | undefined {
    const row = this.#get.get(site, visitor);
    return row && toRecord(row);
  }

  /** @param before what is there, where that is known */
  put(site: number, id: Buffer, record: VisitorRecord, before?: VisitorRecord): void {
    const { stored, missing } = numbersOf(record.have);
    const { firstTouch, lastTouch } = record;
    const first = firstTouch && JSON.stringify(firstTouch);
    // By their places, in the order of OTHER_COLUMNS: this is done for every batch, and looking names up costs as much as the row.
    const others = [
      record.firstSeen,
      record.lastSeen,
      record.events,
      record.rev,
      record.stage,
      record.peak,
      JSON.stringify(record.tags),
      record.score,
      JSON.stringify(record.have),
      JSON.stringify(record.facts),
      first,
      lastTouch === firstTouch ? first : lastTouch && JSON.stringify(lastTouch),
      record.lastTime,
      record.stageSince,
      record.lost,
      record.linkedAt,
      record.linkedSince,
      Number(record.isPerson),
      Number(record.isJudged),
      record.skew,
      stored,
      missing,
    ];
    const { userId, rules, personId, bot, dueAt } = record;
    const isSteady =
      before?.rules === rules &&
      before.userId === userId &&
      before.personId === personId &&
      before.bot === bot &&
      before.dueAt === dueAt;
    if (isSteady) this.#update.run(...others, site, id);
    else this.#put.run(site, id, userId, rules, personId && toBlob(personId), bot, dueAt, ...others);
  }

  latest(site: number, limit: number, seenBefore = Number.MAX_SAFE_INTEGER, after?: string): VisitorRecord[] {
    // No id is less than none.
    const id = after === undefined ? Buffer.alloc(0) : toBlob(after);
    return this.#latest.all(site, seenBefore, seenBefore, id, limit).map(toRecord);
  }

  next(site: number, after: Buffer, limit: number): VisitorRecord[] {
    return this.#next.all(site, after, limit).map(toRecord);
  }

  countOfPerson(site: number, person: Buffer): number {
    return this.#countOfPerson.get(site, person)!;
  }

  /** Every visitor that is proven to be a person's. */
  ofPerson(site: number, person: Buffer): VisitorRecord[] {
    return this.#ofPerson.all(site, person).map(toRecord);
  }

  ids(site: number): string[] {
    return this.#ids.all(site).map(fromBlob);
  }

  ofUser(site: number, userId: string): string[] {
    return this.#ofUser.all(site, userId).map((row) => fromBlob(row.id));
  }

  ofUsers(site: number, beginning: string): string[] {
    // Behind everything that begins so.
    return this.#ofUsers.all(site, beginning, `${beginning}\u{10FFFF}`).map(fromBlob);
  }

  /** @returns how many transitions there were */
  erase(site: number, visitor: Buffer): number {
    this.#erase.run(site, visitor);
    return this.#eraseTransitions.run(site, visitor).changes;
  }

  due(now: number, limit: number, site?: number): Array<{ site: number; visitorId: string }> {
    return this.#due.all(now, site ?? null, limit).map((row) => ({ site: row.site_id, visitorId: fromBlob(row.id) }));
  }

  stale(site: number, rules: number, limit: number): string[] {
    return this.#stale.all(site, rules, limit).map((row) => fromBlob(row.id));
  }

  count(site: number): number {
    return this.#count.get(site)!;
  }

  markStale(site: number): void {
    this.#markStale.run(site);
  }

  countStale(site: number, rules: number): number {
    return this.#countStale.get(site, rules)!;
  }

  addTransition(site: number, visitor: Buffer, { from, to, at, cause }: Transition): void {
    this.#addTransition.run(site, visitor, from, to, at, JSON.stringify(cause));
  }

  /**
   * Takes out of a person's moves what erased events brought about: the first of them and all after it; and of those before it what was
   * counted then.
   * @returns where the person stood after the last that stays
   */
  forgetMoves(site: number, person: Buffer, events: ReadonlySet<string>): Stage | null {
    const moves = this.#moves.all(site, person).map(({ id, to_stage, cause }) => ({
      id,
      to: to_stage,
      cause: JSON.parse(cause) as Cause,
    }));
    const first = moves.findIndex(({ cause }) => events.has(cause.event?.toLowerCase() ?? ''));
    const kept = first < 0 ? moves : moves.slice(0, first);
    for (const { id } of moves.slice(kept.length)) this.#dropMove.run(id);
    for (const { id, cause } of kept) {
      delete cause.because;
      this.#writeCause.run(JSON.stringify(cause), id);
    }
    return kept.at(-1)?.to ?? null;
  }

  /**
   * Takes back the latest moves that time alone made after a moment: something is known now that happened before them.
   * @returns what the record said before them; undefined where there are none
   */
  takeBackExpiries(
    site: number,
    visitor: Buffer,
    time: number,
  ): Pick<VisitorRecord, 'stage' | 'stageSince' | 'dueAt'> | undefined {
    const moves = this.#ends.all(site, visitor);
    let count = 0;
    while (moves[count]?.kind === 'expiry' && moves[count]!.at > time) this.#dropMove.run(moves[count++]!.id);
    if (!count) return undefined;
    const { from_stage: stage, at: dueAt } = moves[count - 1]!;
    return { stage, stageSince: moves[count]?.at ?? 0, dueAt };
  }

  transitions(site: number, visitor: Buffer): Transition[] {
    return this.#transitions.all(site, visitor).map((row) => ({
      from: row.from_stage,
      to: row.to_stage,
      at: row.at,
      cause: JSON.parse(row.cause) as Cause,
    }));
  }

  nextTransitions(site: number, after: number, limit: number): ListedTransition[] {
    return this.#nextTransitions.all(site, after, limit).map(toListed);
  }

  movesOf(site: number, visitor: Buffer, upTo: number): ListedTransition[] {
    return this.#movesOf.all(site, visitor, upTo).map(toListed);
  }
}

const toListed = (row: TransitionRow & ListedRow): ListedTransition => ({
  id: row.id,
  visitorId: fromBlob(row.visitor_id),
  from: row.from_stage,
  to: row.to_stage,
  at: row.at,
  kind: row.kind,
  rules: row.rules,
});

function toRecord(row: VisitorRow): VisitorRecord {
  const [id, userId, firstSeen, lastSeen, events, rev, rules, stage, peak, tags, score, have, facts, ...more] = row;
  const [firstTouch, lastTouch, lastTime, stageSince, dueAt, lost, personId, linkedAt, linkedSince, ...rest] = more;
  const [isPerson, bot, isJudged, skew] = rest;
  return {
    visitorId: fromBlob(id),
    userId,
    firstSeen,
    lastSeen,
    events,
    rev,
    rules,
    stage,
    peak,
    tags: JSON.parse(tags) as string[],
    score,
    have: JSON.parse(have) as VisitorRecord['have'],
    facts: JSON.parse(facts) as VisitorRecord['facts'],
    firstTouch: firstTouch ? (JSON.parse(firstTouch) as VisitorRecord['firstTouch']) : null,
    lastTouch: lastTouch ? (JSON.parse(lastTouch) as VisitorRecord['lastTouch']) : null,
    lastTime,
    stageSince,
    dueAt,
    lost,
    personId: personId && fromBlob(personId),
    linkedAt,
    linkedSince,
    isPerson: !!isPerson,
    bot,
    isJudged: !!isJudged,
    skew,
  };
}
