import type Database from 'better-sqlite3';

interface Waiting {
  write: () => unknown;
  resolve: (value: unknown) => void;
  reject: (error: unknown) => void;
}

/** Most writes in one transaction: bounds how long the process is busy before it answers. */
const GROUP_SIZE = 256;

/**
 * Runs writes of many callers in one transaction, so that all of them share one sync of the disk.
 * Each caller's promise settles after the commit. A write that throws is undone alone; a commit that fails fails all of them.
 */
export class GroupCommit {
  #waiting: Waiting[] = [];
  #scheduled = false;

  /** Writes that all succeed, or none of them stands. */
  readonly #together;
  /** A write by itself, within a group: a savepoint. */
  readonly #alone;

  /**
   * @param onUndone called when something was written and then undone: what was read meanwhile may not be true
   * @param onCommit called after each commit, when those who wait know of it
   */
  constructor(
    private readonly database: Database.Database,
    private readonly onUndone: () => void,
    private readonly onCommit: () => void,
  ) {
    this.#together = database.transaction((group: Waiting[]) => group.map(({ write }) => write()));
    this.#alone = database.transaction((write: () => unknown) => write());
  }

  write<T>(write: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ write, resolve: resolve as (value: unknown) => void, reject });
      if (this.#scheduled) return;
      this.#scheduled = true;
      // After the requests that are already at the door.
      setImmediate(() => this.commit());
    });
  }

  /** Commits what waits, now. */
  commit(): void {
    this.#scheduled = false;
    while (this.#waiting.length) this.#commitGroup(this.#waiting.splice(0, GROUP_SIZE));
    // After the answers.
    setImmediate(this.onCommit);
  }

  #commitGroup(group: Waiting[]): void {
    try {
      const values = this.#together.immediate(group);
      group.forEach(({ resolve }, index) => resolve(values[index]));
    } catch (error) {
      this.onUndone();
      // Nothing of it is kept yet: all but those that fail are done again.
      if (group.length > 1) this.#commitEach(group);
      else group[0]!.reject(error);
    }
  }

  #commitEach(group: Waiting[]): void {
    const settle: Array<() => void> = [];
    try {
      this.database
        .transaction(() => {
          for (const { write, resolve, reject } of group) {
            try {
              const value = this.#alone(write);
              settle.push(() => resolve(value));
            } catch (error) {
              this.onUndone();
              // SQLite itself ends the whole transaction on errors such as a full disk: then nobody's write stands.
              if (!this.database.inTransaction) throw error;
              settle.push(() => reject(error));
            }
          }
        })
        .immediate();
    } catch (error) {
      this.onUndone();
      for (const { reject } of group) reject(error);
      return;
    }
    for (const each of settle) each();
  }
}
