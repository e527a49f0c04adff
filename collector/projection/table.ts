/** Rows of numbers in packed columns: millions of them take megabytes, and looking at all takes milliseconds. */

const ARRAYS = { i8: Int8Array, i32: Int32Array, u32: Uint32Array, f64: Float64Array };
type Schema = Record<string, keyof typeof ARRAYS>;
type Columns<S extends Schema> = { [K in keyof S]: InstanceType<(typeof ARRAYS)[S[K]]> };
type Row<S extends Schema> = { [K in keyof S]: number };

const FIRST = 256;
const GROWTH = 1.5;

/** A table as it is cached. */
export interface PackedTable {
  length: number;
  columns: Record<string, Float64Array | Int32Array | Uint32Array | Int8Array>;
}

export class Table<S extends Schema> {
  length = 0;
  /** Longer than the table; others once it has grown. */
  columns: Columns<S>;
  #capacity = 0;

  constructor(readonly schema: S) {
    this.columns = this.#resized({}, FIRST);
  }

  /** @returns the row's number */
  add(row: Row<S>): number {
    if (this.length === this.#capacity) this.columns = this.#resized(this.columns, Math.ceil(this.#capacity * GROWTH));
    this.set(this.length, row);
    return this.length++;
  }

  /** Puts a row in the place of one. */
  set(number: number, row: Row<S>): void {
    for (const name in row) this.columns[name]![number] = row[name]!;
  }

  pack(): PackedTable {
    const columns = Object.entries(this.columns).map(([name, column]) => [name, column.subarray(0, this.length)]);
    return { length: this.length, columns: Object.fromEntries(columns) as PackedTable['columns'] };
  }

  /** Takes over what was packed, in the place of all. */
  unpack({ length, columns }: PackedTable): void {
    this.length = length;
    this.columns = this.#resized(columns as Columns<S>, Math.ceil(length * GROWTH) + FIRST);
  }

  /** Puts the rows that are left in the place of all, in their order. @param isLeft asked of each row's number */
  protected sift(isLeft: (row: number) => boolean): void {
    let length = 0;
    for (let row = 0; row < this.length; row++) {
      if (!isLeft(row)) continue;
      for (const name in this.schema) this.columns[name]![length] = this.columns[name]![row]!;
      length++;
    }
    this.length = length;
  }

  #resized(before: Partial<Columns<S>>, capacity: number): Columns<S> {
    this.#capacity = capacity;
    const columns = {} as Columns<S>;
    for (const name in this.schema) {
      const column = new ARRAYS[this.schema[name]!](capacity);
      column.set(before[name]?.subarray(0, this.length) ?? []);
      columns[name] = column as Columns<S>[typeof name];
    }
    return columns;
  }
}

/** Fewer dead rows are no waste. */
export const LEAST_DEAD = 10_000;
export const NONE = -1;

const OWN = { visitor: 'i32', before: 'i32' } as const;

/** Rows that are each a visitor's, by the visitor's number; those of one can be dropped together. */
export class VisitorRows<S extends Schema> extends Table<S & typeof OWN> {
  /** Each visitor's latest row, from where `before` leads to the others. */
  #latest = new Table({ row: 'i32' });
  #dead = 0;

  constructor(schema: S) {
    super({ ...schema, ...OWN });
  }

  addTo(visitor: number, row: Row<S>): number {
    while (this.#latest.length <= visitor) this.#latest.add({ row: NONE });
    const latest = this.#latest.columns.row;
    return (latest[visitor] = this.add({ ...row, visitor, before: latest[visitor]! } as Row<S & typeof OWN>));
  }

  /** A visitor's rows, the latest first. */
  *of(visitor: number): Generator<number> {
    const { before } = this.columns as unknown as { before: Int32Array };
    for (let row = this.#latestOf(visitor); row !== NONE; row = before[row]!) yield row;
  }

  drop(visitor: number): void {
    const { visitor: owner } = this.columns as unknown as { visitor: Int32Array };
    for (const row of this.of(visitor)) {
      owner[row] = NONE;
      this.#dead++;
    }
    if (visitor < this.#latest.length) this.#latest.columns.row[visitor] = NONE;
  }

  /** Whether more than half of the rows are dead. */
  get isWasteful(): boolean {
    return this.#dead > LEAST_DEAD && this.#dead > this.length / 2;
  }

  #latestOf(visitor: number): number {
    return visitor < this.#latest.length ? this.#latest.columns.row[visitor]! : NONE;
  }

  /** Gives the room of dead rows back: the others get other numbers. */
  compact(): void {
    if (!this.#dead) return;
    const isAlive = (row: number) => (this.columns as unknown as { visitor: Int32Array }).visitor[row] !== NONE;
    this.sift(isAlive);
    this.#link();
  }

  override unpack(packed: PackedTable): void {
    super.unpack(packed);
    this.#link();
  }

  #link(): void {
    const { visitor, before } = this.columns as unknown as { visitor: Int32Array; before: Int32Array };
    const visitors = visitor.subarray(0, this.length).reduce((most, each) => Math.max(most, each + 1), 0);
    while (this.#latest.length < visitors) this.#latest.add({ row: NONE });
    const latest = this.#latest.columns.row;
    latest.fill(NONE);
    for (let row = 0; row < this.length; row++) {
      before[row] = latest[visitor[row]!]!;
      latest[visitor[row]!] = row;
    }
    this.#dead = 0;
  }
}

/** Rows put together by whose they are: those of a number stand in `rows` from `start[number]` to before `start[number + 1]`. */
export interface Grouped {
  start: Int32Array;
  rows: Int32Array;
}

/**
 * Groups rows in their order, or by time. @param ownerOf a row's group, less than `groups`; NONE where it belongs to none
 * @param time of each row, where they are to be sorted by it
 */
export function group(length: number, groups: number, ownerOf: (row: number) => number, time?: Float64Array): Grouped {
  const start = new Int32Array(groups + 1);
  for (let row = 0; row < length; row++) {
    const owner = ownerOf(row);
    if (owner !== NONE) start[owner + 1]!++;
  }
  for (let owner = 0; owner < groups; owner++) start[owner + 1]! += start[owner]!;
  const rows = new Int32Array(start[groups]!);
  const next = start.slice(0, groups);
  for (let row = 0; row < length; row++) {
    const owner = ownerOf(row);
    if (owner !== NONE) rows[next[owner]!++] = row;
  }
  if (time) for (let owner = 0; owner < groups; owner++) sortByTime(rows, start[owner]!, start[owner + 1]!, time);
  return { start, rows };
}

/**
 * Rows by whose they are, told person by person. It never changes: where something of some people did, another takes its place, so that
 * whoever reads it goes on reading what there was.
 */
export class OwnedRows {
  /** Of whom `find` was asked last: their rows stand in what it gave from here to before there. */
  from = 0;
  until = 0;

  /** @param others rows of those of whom they are not in `all` any more */
  constructor(
    private readonly all: Grouped,
    private readonly others: ReadonlyMap<number, Int32Array> = new Map(),
  ) {}

  find(owner: number): Int32Array {
    const other = this.others.size ? this.others.get(owner) : undefined;
    const { start, rows } = this.all;
    this.from = other ? 0 : (start[owner] ?? 0);
    this.until = other ? other.length : (start[owner + 1] ?? 0);
    return other ?? rows;
  }

  /** Whether to renew the rows of so many people is less than to put everybody's together anew. */
  isWorth(people: number): boolean {
    return this.others.size + people <= Math.max(FEW, this.all.start.length * SHARE);
  }

  /** The same with the rows of some people as they are now. */
  renewed(changed: ReadonlyMap<number, Int32Array>): OwnedRows {
    return new OwnedRows(this.all, new Map([...this.others, ...changed]));
  }
}

/** So many people may have rows elsewhere, or this share of all. */
const FEW = 1000;
const SHARE = 0.05;

/** They mostly are in order. */
export function sortByTime(rows: Int32Array, from: number, to: number, time: Float64Array): void {
  for (let index = from + 1; index < to; index++)
    if (time[rows[index]!]! < time[rows[index - 1]!]!) {
      rows.subarray(from, to).sort((a, b) => time[a]! - time[b]! || a - b);
      return;
    }
}

/** Texts by number, each once; null has one too. */
export class Texts {
  readonly #numbers = new Map<string | null, number>();
  readonly #texts: Array<string | null>;

  constructor(texts: Array<string | null> = []) {
    this.#texts = texts;
    for (const [number, text] of texts.entries()) this.#numbers.set(text, number);
  }

  numberOf(text: string | null): number {
    let number = this.#numbers.get(text);
    if (number === undefined) {
      number = this.#texts.push(text) - 1;
      this.#numbers.set(text, number);
    }
    return number;
  }

  get length(): number {
    return this.#texts.length;
  }

  /** All of them, by number. */
  get all(): ReadonlyArray<string | null> {
    return this.#texts;
  }

  /** Forgets those that are not among some numbers. Theirs is given to no other. */
  forget(isUsed: (number: number) => boolean): void {
    for (const [number, text] of this.#texts.entries()) {
      if (isUsed(number)) continue;
      this.#texts[number] = null;
      if (text !== null && this.#numbers.get(text) === number) this.#numbers.delete(text);
    }
  }

  /** The text of a number that this gave. */
  at(number: number): string | null {
    return this.#texts[number]!;
  }
}
