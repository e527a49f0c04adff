/**
 * The projections of a store's sites: each is made when a report first asks for it, and follows what happens from then on. What took long
 * to make is kept beside the data for the next start.
 */
import type { RemoteStore, Site } from '../store/store.js';
import { Projection } from './projection.js';
import { View } from './view.js';

const LONG_MS = 2000;
/** What is asked for is kept anew once in so long: a crash costs what happened since. */
const KEEP_MS = 10 * 60_000;
/** After so long that nobody asked, the memory is given back. */
const IDLE_MS = 3_600_000;

const PATIENCE_MS = 3000;

/** A site is read from its beginning for its reports, for once. */
export class Preparing extends Error {
  /** @param preparing how far that is, 0 to 1 */
  constructor(readonly preparing: number) {
    super('the reports of this site are being prepared');
  }
}

interface Held {
  site: Site;
  projection: Projection;
  isWorthKeeping: boolean;
  keptAt: number;
  /** Releases it. */
  idle?: NodeJS.Timeout;
}

export class Projections {
  readonly #held = new Map<string, Held>();
  /** What is done with each site, one after another: nothing moves under who reads. */
  readonly #queues = new Map<string, Promise<unknown>>();
  /** How far those are that are being made. */
  readonly #making = new Map<string, number>();
  readonly #closing = new AbortController();

  /** @param longMs what was made in less is not kept @param patienceMs who asks while it is made waits no longer */
  constructor(
    private readonly store: RemoteStore,
    private readonly longMs = LONG_MS,
    private readonly patienceMs = PATIENCE_MS,
  ) {}

  /** Lends a site's projection, with all that was stored before. @throws Preparing where it is not made soon */
  async use<T>(site: Site, now: number, read: (view: View) => Promise<T>): Promise<T> {
    await this.#soon(site.siteKey, this.prepare(site, now));
    return this.#inTurn(site.siteKey, async () => {
      const { projection } = await this.#hold(site, now);
      return read(new View(this.store, projection, site, now));
    });
  }

  /** Has a site's projection made. */
  prepare(site: Site, now: number): Promise<void> {
    return this.#inTurn(site.siteKey, async () => void (await this.#hold(site, now)));
  }

  /** Waits for what is to be done, and no longer than is fit where a projection has to be made for it. */
  async #soon(siteKey: string, done: Promise<void>): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((_, reject) => {
      timer = setInterval(() => {
        const share = this.#making.get(siteKey);
        if (share !== undefined) reject(new Preparing(share));
      }, this.patienceMs);
    });
    try {
      await Promise.race([done, late]);
    } finally {
      clearInterval(timer);
    }
  }

  /** Makes one of a store that shows a site otherwise, for once. */
  async useOnce<T>(store: RemoteStore, site: Site, now: number, read: (view: View) => Promise<T>): Promise<T> {
    return read(new View(store, await Projection.of(store, site.siteKey, now), site, now));
  }

  /** Keeps what is worth it for the next start, and holds nothing any more. */
  async putAway(): Promise<void> {
    this.#closing.abort(new Error('the collector stops'));
    for (const siteKey of this.#held.keys()) await this.#inTurn(siteKey, () => this.#release(siteKey));
  }

  #inTurn<T>(siteKey: string, run: () => Promise<T>): Promise<T> {
    const before = this.#queues.get(siteKey) ?? Promise.resolve();
    const result = before.then(run, run);
    // Whoever asked is told where it fails.
    result.catch(() => {});
    this.#queues.set(siteKey, result);
    return result;
  }

  async #hold(site: Site, now: number): Promise<Held> {
    const { siteKey } = site;
    const before = this.#held.get(siteKey);
    // What fails half way is not to be read any more.
    this.#held.delete(siteKey);
    clearTimeout(before?.idle);
    const isCurrent = await before?.projection.follow(now);
    const held =
      before && isCurrent ? before : await this.#make(site, now, !before).finally(() => this.#making.delete(siteKey));
    if (held.isWorthKeeping && Date.now() - held.keptAt > KEEP_MS) await this.#keep(held);
    held.idle = setTimeout(() => void this.#inTurn(siteKey, () => this.#release(siteKey)), IDLE_MS).unref();
    this.#held.set(siteKey, held);
    return held;
  }

  /** @param isFirst whether what was kept may be of use */
  async #make(site: Site, now: number, isFirst: boolean): Promise<Held> {
    const { store } = this;
    const start = performance.now();
    const onProgress = (share: number) => {
      this.#closing.signal.throwIfAborted();
      this.#making.set(site.siteKey, share);
    };
    const kept = isFirst ? await store.cached(site.siteKey) : undefined;
    const resumed = kept && (await Projection.resume(store, site.siteKey, kept, now));
    const projection = resumed ?? (await Projection.of(store, site.siteKey, now, onProgress));
    const isWorthKeeping = !!resumed || performance.now() - start > this.longMs;
    return { site, projection, isWorthKeeping, keptAt: resumed ? Date.now() : 0 };
  }

  async #keep(held: Held): Promise<void> {
    held.keptAt = Date.now();
    await this.store.cache(held.site.siteKey, held.projection.keep());
  }

  async #release(siteKey: string): Promise<void> {
    const held = this.#held.get(siteKey);
    this.#held.delete(siteKey);
    clearTimeout(held?.idle);
    if (held?.isWorthKeeping) await this.#keep(held);
  }
}
