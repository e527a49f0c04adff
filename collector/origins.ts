import type { RemoteStore } from './store/store.js';

/** An origin that a site has given up may be among them so much longer. */
const KEPT_MS = 1000;

/** The origins of all sites' pages: each request asks for them, and they hardly ever change. */
export class Origins {
  #known = new Set<string>();
  #until = 0;

  constructor(
    private readonly store: RemoteStore,
    private readonly now: () => number,
  ) {}

  async has(origin: string): Promise<boolean> {
    if (this.now() < this.#until && this.#known.has(origin)) return true;
    // One that is not among them may have been added just now.
    this.#known = new Set((await this.store.sites()).flatMap(({ origins }) => origins));
    this.#until = this.now() + KEPT_MS;
    return this.#known.has(origin);
  }
}
