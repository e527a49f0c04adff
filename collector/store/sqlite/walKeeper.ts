import type Database from 'better-sqlite3';

/** Rows written between two steps that bring the log into the file. Pages that change again and again are so written once in a while. */
const CHANGES = 10_000;
/** Steps of the other thread for each of this one: some ten thousand frames. */
const CALLS = 4;
/** Frames of 4 KiB: a longer log slows every reading and writing down, since all of it is searched. */
const LONG_LOG = 12_000;
/** How long readers are held back at most. */
const HOLD_MS = 500;

/**
 * Keeps those who read out while the log begins anew: it can only where nobody reads from it, and reports that follow each other
 * without a pause would let it grow for ever. A shared number that readers look at before they begin.
 */
export class Gate {
  readonly #isShut: Int32Array;

  /** @param shared four bytes, the same for all threads */
  constructor(readonly shared = new SharedArrayBuffer(4)) {
    this.#isShut = new Int32Array(shared);
  }

  /** Waits, in the reader's thread, while it is shut. */
  pass(): void {
    Atomics.wait(this.#isShut, 0, 1, HOLD_MS);
  }

  shut(): void {
    Atomics.store(this.#isShut, 0, 1);
  }

  open(): void {
    Atomics.store(this.#isShut, 0, 0);
    Atomics.notify(this.#isShut, 0);
  }
}

/** Calls a thread that waits for it. A shared number that grows with each call. */
export class Bell {
  readonly #rings: Int32Array;
  #heard = 0;

  /** @param shared four bytes, the same for both threads */
  constructor(readonly shared = new SharedArrayBuffer(4)) {
    this.#rings = new Int32Array(shared);
  }

  ring(): void {
    Atomics.add(this.#rings, 0, 1);
    Atomics.notify(this.#rings, 0);
  }

  /** Waits until it has rung since the last time. */
  wait(): void {
    Atomics.wait(this.#rings, 0, this.#heard);
    this.#heard = Atomics.load(this.#rings, 0);
  }
}

/** What the thread is told that brings the log into the file. */
export interface LogThreadOptions {
  file: string;
  bell: SharedArrayBuffer;
}

/** Brings the log into the file, and lets it begin anew before it is long. */
export class WalKeeper {
  readonly #changes;
  /** How many changes there are when the next step is due. */
  #next = CHANGES;
  /** Steps that another thread was called for since the last of its own. */
  #calls = 0;
  /** While readers are held back; ends it. */
  #hold: NodeJS.Timeout | undefined;
  #isDone = false;

  /** @param helper rings for a thread that brings most of the log into the file; what is left is done here, where nobody writes meanwhile */
  constructor(
    private readonly database: Database.Database,
    private readonly gate: Gate | undefined,
    private readonly helper?: Bell,
  ) {
    this.#changes = database.prepare<[], number>('SELECT total_changes()').pluck();
  }

  afterCommit(): void {
    // All was in the file and nobody read: this commit has begun the log anew.
    if (this.#isDone) this.#letGo();
    const changes = this.#changes.get()!;
    if (!this.#hold && changes < this.#next) return;
    if (this.helper && !this.#hold && this.#calls < CALLS) {
      this.helper.ring();
      // After the last call, when that thread is about done.
      this.#next = changes + (++this.#calls < CALLS ? CHANGES : CHANGES / 5);
      return;
    }
    this.#calls = 0;
    this.#next = changes + CHANGES;
    const { log, checkpointed } = this.#step();
    if (!this.gate || (!this.#hold && log < LONG_LOG)) return;
    this.gate.shut();
    this.#hold ??= setTimeout(() => this.#letGo(), HOLD_MS).unref();
    this.#isDone = checkpointed === log;
  }

  #step(): { log: number; checkpointed: number } {
    try {
      return (this.database.pragma('wal_checkpoint(PASSIVE)') as [{ log: number; checkpointed: number }])[0];
    } catch {
      // A full disk, for one: what was committed stands in the log, and the next commit says so itself where it has no room.
      return { log: 0, checkpointed: 0 };
    }
  }

  #letGo(): void {
    clearTimeout(this.#hold);
    this.#hold = undefined;
    this.#isDone = false;
    this.gate?.open();
  }
}
