import type Database from 'better-sqlite3';

/** Rows written between two steps that bring the log into the file. Pages that change again and again are so written once in a while. */
const CHANGES = 10_000;
/** Frames of 4 KiB: a longer log slows every reading and writing down, since all of it is searched. */
const LONG_LOG = 12_000;
/** From so many frames on the log should begin anew, for which the last of it is brought into the file by the thread that writes. */
const MUCH_LOG = 6000;
/** Rows written meanwhile that are left to be done where nobody writes: of more the other thread brings in most as well. */
const REST = 1500;
/** How often it is asked to, before it is taken to be no faster than what comes. */
const MOST_ROUNDS = 3;
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

const [RUNG, DONE, FRAMES] = [0, 1, 2] as const;
/** How long the thread that writes waits for the other: a thread that has not said anything for so long is gone. */
const PATIENCE_MS = 10_000;

/** Calls the thread that brings the log into the file, and hears of it when that is done, in shared numbers. */
export class Bell {
  readonly #numbers: Int32Array;

  /** @param shared twelve bytes, the same for both threads */
  constructor(readonly shared = new SharedArrayBuffer(12)) {
    this.#numbers = new Int32Array(shared);
  }

  ring(): void {
    Atomics.add(this.#numbers, RUNG, 1);
    Atomics.notify(this.#numbers, RUNG);
  }

  /** Waits, in the other thread, until it has rung for what is not done. @returns what `done` is told */
  wait(): number {
    Atomics.wait(this.#numbers, RUNG, Atomics.load(this.#numbers, DONE));
    return Atomics.load(this.#numbers, RUNG);
  }

  /** @param frames of the log, those in the file too */
  done(rung: number, frames: number): void {
    Atomics.store(this.#numbers, FRAMES, frames);
    Atomics.store(this.#numbers, DONE, rung);
    Atomics.notify(this.#numbers, DONE);
  }

  get isDone(): boolean {
    return Atomics.load(this.#numbers, DONE) === Atomics.load(this.#numbers, RUNG);
  }

  /** Waits until what it rang for is done. @returns whether it is */
  untilDone(): boolean {
    if (!this.isDone) Atomics.wait(this.#numbers, DONE, Atomics.load(this.#numbers, DONE), PATIENCE_MS);
    return this.isDone;
  }

  /** How many frames the log had when that was done, those in the file too. */
  get frames(): number {
    return Atomics.load(this.#numbers, FRAMES);
  }

  forgetFrames(): void {
    Atomics.store(this.#numbers, FRAMES, 0);
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
  /** How many there were when the helper was called last, and how often that was for what was written meanwhile. */
  #rungAt = 0;
  #rounds = 0;
  /** While readers are held back; ends it. */
  #hold: NodeJS.Timeout | undefined;
  #isDone = false;

  /** @param helper rings for a thread that brings most of the log into the file; what is left is done here, where nobody writes meanwhile */
  constructor(
    private readonly database: Database.Database,
    private readonly gate: Gate | undefined,
    private helper?: Bell,
  ) {
    this.#changes = database.prepare<[], number>('SELECT total_changes()').pluck();
  }

  afterCommit(): void {
    // All was in the file and nobody read: this commit has begun the log anew.
    if (this.#isDone) this.#letGo();
    const changes = this.#changes.get()!;
    const isMuch = !!this.helper?.isDone && this.helper.frames >= MUCH_LOG;
    if (!this.#hold && !isMuch && changes < this.#next) return;
    this.#next = changes + CHANGES;
    // It is waited for where it is slower than what comes: the log must not grow without end. Where it is gone, everything is done here.
    if (!this.helper?.untilDone()) this.helper = undefined;
    if (this.helper && !this.#hold && this.#isWorthACall(changes)) return this.helper.ring();
    this.helper?.forgetFrames();
    const { busy, log, checkpointed } = this.#step();
    // Somebody else is at it, a command perhaps: once more after the next commit.
    if (busy) this.#next = changes;
    if (busy || !this.gate || (!this.#hold && log < LONG_LOG)) return;
    this.gate.shut();
    this.#hold ??= setTimeout(() => this.#letGo(), HOLD_MS).unref();
    this.#isDone = checkpointed === log;
  }

  #isWorthACall(changes: number): boolean {
    const isMore = this.helper!.frames >= MUCH_LOG;
    if (isMore && (changes - this.#rungAt < REST || this.#rounds === MOST_ROUNDS)) return false;
    this.#rounds = isMore ? this.#rounds + 1 : 0;
    this.#rungAt = changes;
    return true;
  }

  #step(): { busy: number; log: number; checkpointed: number } {
    try {
      return (
        this.database.pragma('wal_checkpoint(PASSIVE)') as [{ busy: number; log: number; checkpointed: number }]
      )[0];
    } catch {
      // A full disk, for one: what was committed stands in the log, and the next commit says so itself where it has no room.
      return { busy: 0, log: 0, checkpointed: 0 };
    }
  }

  #letGo(): void {
    clearTimeout(this.#hold);
    this.#hold = undefined;
    this.#isDone = false;
    this.gate?.open();
  }
}
