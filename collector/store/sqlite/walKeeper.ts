import type Database from 'better-sqlite3';

/** Rows written between two steps that bring the log into the file. Pages that change again and again are so written once in a while. */
const CHANGES = 10_000;
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

/** Brings the log into the file, and lets it begin anew before it is long. */
export class WalKeeper {
  readonly #changes;
  #seen = 0;
  /** While readers are held back; ends it. */
  #hold: NodeJS.Timeout | undefined;
  #isDone = false;

  constructor(
    private readonly database: Database.Database,
    private readonly gate: Gate | undefined,
  ) {
    this.#changes = database.prepare<[], number>('SELECT total_changes()').pluck();
  }

  afterCommit(): void {
    // All was in the file and nobody read: this commit has begun the log anew.
    if (this.#isDone) this.#letGo();
    const changes = this.#changes.get()!;
    if (!this.#hold && changes - this.#seen < CHANGES) return;
    this.#seen = changes;
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
