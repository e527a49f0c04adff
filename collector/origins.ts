import type { RemoteStore } from './store/store.js';

/** How long what was read is taken for true without another look, and how long while that look is under way. */
const FRESH_MS = 1000;
const KEPT_MS = 10_000;

/** The origins and secret keys of all sites: each request asks for them, and they hardly ever change. */
export class Origins {
  #origins = new Set<string>();
  #secrets = new Set<string>();
  #readAt = -Infinity;
  #reading: Promise<void> | undefined;

  constructor(
    private readonly store: RemoteStore,
    private readonly now: () => number,
  ) {}

  async has(origin: string): Promise<boolean> {
    return this.#isKnown(() => this.#origins.has(origin));
  }

  async hasSecret(secretKey: string): Promise<boolean> {
    return this.#isKnown(() => this.#secrets.has(secretKey));
  }

  async #isKnown(look: () => boolean): Promise<boolean> {
    const age = this.now() - this.#readAt;
    if (look() && age < KEPT_MS) {
      // Nobody waits for the look. Where looks fail, what is known holds until it is old.
      if (age >= FRESH_MS) this.#read().catch(() => {});
      return true;
    }
    // What is not among them may have been added just now: a look that was under way already may have missed it.
    if (this.#reading) await this.#reading.catch(() => {});
    if (!look() || this.now() - this.#readAt >= KEPT_MS) await this.#read();
    return look();
  }

  /** One look for all who ask meanwhile. */
  #read(): Promise<void> {
    return (this.#reading ??= this.#readNow().finally(() => (this.#reading = undefined)));
  }

  async #readNow(): Promise<void> {
    const sites = await this.store.sites();
    this.#origins = new Set(sites.flatMap(({ origins }) => origins));
    this.#secrets = new Set(sites.map(({ secretKey }) => secretKey));
    this.#readAt = this.now();
  }
}
