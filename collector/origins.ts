import type { RemoteStore } from './store/store.js';

/** What a site has given up may be among them so much longer. */
const KEPT_MS = 1000;

/** The origins and secret keys of all sites: each request asks for them, and they hardly ever change. */
export class Origins {
  #origins = new Set<string>();
  #secrets = new Set<string>();
  #until = 0;

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
    if (this.now() < this.#until && look()) return true;
    // What is not among them may have been added just now.
    const sites = await this.store.sites();
    this.#origins = new Set(sites.flatMap(({ origins }) => origins));
    this.#secrets = new Set(sites.map(({ secretKey }) => secretKey));
    this.#until = this.now() + KEPT_MS;
    return look();
  }
}
