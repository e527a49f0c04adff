/**
 * The projections of a store's sites: each is made when a report first asks for it, and follows what happens from then on. What took long
 * to make is cached beside the data for the next start.
 */
import type { RemoteStore, Site } from '../store/store.js';
import { Projection } from './projection.js';
import { View } from './view.js';

const LONG_MS = 2000;
/** What is asked for is cached anew once in so long: a crash costs what happened since. */
const CACHE_MS = 10 * 60_000;
/** After so long that nobody asked, the memory is given back. */
const IDLE_MS = 3_600_000;
const PATIENCE_MS = 3000;

/** A site is read from its beginning for its reports, for once, or its visitors are made anew under other rules. */
export class Preparing extends Error {
  /** @param preparing how far that is, 0 to 1 */
  constructor(
    readonly preparing: number,
    message = 'the reports of this site are being prepared',
  ) {
    super(message);
  }
}

interface Held {
  projection: Projection;
  /** Whether it took long to make: then it is cached. */
  wasSlow: boolean;
  cachedAt: number;
  /** Releases it. */
  idle?: NodeJS.Timeout;
}

/** The queue of those that are made for once. */
const PINNED = '';

export class Projections {
  readonly #held = new Map<string, Held>();
  /** What is done with each site, one after another: nothing moves under who reads. */
  readonly #queues = new Map<string, Promise<unknown>>();
  /** How far those are that are being made. */
  readonly #making = new Map<string, number>();
  readonly #closing = new AbortController();

  /** @param longMs what was made in less is not cached @param patienceMs who asks while it is made waits no longer */
  constructor(
    private readonly store: RemoteStore,
    private readonly longMs = LONG_MS,
    private readonly patienceMs = PATIENCE_MS,
    private readonly clock: () => number = Date.now,
  ) {}

  /**
   * Lends a site's projection, with all that was stored before.
   * @param isDated whether it says to the event when stages were reached
   * @throws Preparing where it is not made soon
   */
  async use<T>(site: Site, now: number, read: (view: View) => Promise<T>, isDated = false): Promise<T> {
    let isAwaited = true;
    let begin = () => {};
    const hasBegun = new Promise<void>((done) => (begin = done));
    const result = new Promise<T>((resolve, reject) => {
      const turn = this.#inTurn(site.siteKey, async () => {
        const projection = await this.#hold(site, now, isDated);
        begin();
        if (!isAwaited) return;
        // Who reads the store meanwhile, which takes long, lets others have their turn.
        let release = () => {};
        const isReleased = new Promise<void>((done) => (release = done));
        const view = new View(this.store, projection, site, now, () => {
          this.#closing.signal.throwIfAborted();
          release();
        });
        projection.lent++;
        const reading = read(view).finally(() => projection.lent--);
        reading.then(resolve, reject);
        await Promise.race([reading, isReleased]);
      });
      turn.catch(reject);
    });
    result.catch(() => {}); // Whoever asked is told below, or waits no longer.
    try {
      await this.#soon(site.siteKey, Promise.race([hasBegun, result]));
    } catch (error) {
      isAwaited = false;
      throw error;
    }
    return result;
  }

  /** Has a site's projection made. */
  prepare(site: Site, now: number): Promise<void> {
    return this.#inTurn(site.siteKey, async () => void (await this.#hold(site, now, true)));
  }

  /** Makes one of a store that shows a site otherwise, for once. */
  useOnce<T>(store: RemoteStore, site: Site, now: number, read: (view: View) => Promise<T>): Promise<T> {
    const check = () => this.#closing.signal.throwIfAborted();
    return this.#inTurn(PINNED, async () => {
      const projection = await Projection.of(store, site.siteKey, now, check);
      await projection.date(now, check);
      return read(new View(store, projection, site, now, check));
    });
  }

  /** Caches what is worth it for the next start, and holds nothing any more. */
  async putAway(): Promise<void> {
    this.#closing.abort(new Error('the collector stops'));
    for (const siteKey of this.#held.keys()) await this.#inTurn(siteKey, () => this.#release(siteKey)).catch(() => {}); // It is made again at the next start.
  }

  #inTurn<T>(key: string, run: () => Promise<T>): Promise<T> {
    const before = this.#queues.get(key) ?? Promise.resolve();
    const result = before.then(run, run);
    // Whoever asked is told where it fails.
    result.catch(() => {});
    this.#queues.set(key, result);
    return result;
  }

  /** Waits for what is to be done, and no longer than is fit where a projection has to be made for it. */
  async #soon(siteKey: string, done: Promise<unknown>): Promise<void> {
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

  /** Brings a site's projection up to date, or makes it. */
  async #hold(site: Site, now: number, isDated = false): Promise<Projection> {
    const { siteKey } = site;
    const check = () => this.#closing.signal.throwIfAborted();
    check();
    const before = this.#held.get(siteKey);
    clearTimeout(before?.idle);
    // What fails half way is not to be read any more.
    this.#held.delete(siteKey);
    this.#making.set(siteKey, 0);
    let held: Held;
    try {
      const isCurrent = await before?.projection.follow(now, check);
      held = before && isCurrent ? before : await this.#make(siteKey, now, !before);
      if (isDated)
        await held.projection.date(now, (share) => {
          check();
          this.#making.set(siteKey, share);
        });
    } finally {
      this.#making.delete(siteKey);
    }
    held.idle = setTimeout(
      () => void this.#inTurn(siteKey, () => this.#release(siteKey)).catch(() => {}),
      IDLE_MS,
    ).unref();
    this.#held.set(siteKey, held);
    if (Date.now() - held.cachedAt > CACHE_MS) await this.#cache(siteKey, held);
    return held.projection;
  }

  /** @param isFirst whether what was cached may be of use */
  async #make(siteKey: string, now: number, isFirst: boolean): Promise<Held> {
    const { store } = this;
    const start = performance.now();
    const cached = isFirst ? await store.cached(siteKey) : undefined;
    // What is damaged is of no use either.
    const resumed = cached && (await Projection.resume(store, siteKey, cached, now).catch(() => undefined));
    if (resumed) return { projection: resumed, wasSlow: true, cachedAt: Date.now() };
    const onProgress = (share: number) => {
      this.#closing.signal.throwIfAborted();
      this.#making.set(siteKey, share);
    };
    const projection = await Projection.of(store, siteKey, now, onProgress);
    return { projection, wasSlow: performance.now() - start > this.longMs, cachedAt: 0 };
  }

  /** What cannot be cached is made again at the next start. */
  async #cache(siteKey: string, held: Held): Promise<void> {
    const { projection, wasSlow } = held;
    // One that gave up its events may hold them all when it is made again.
    if (!wasSlow || projection.lent || projection.isOverfull) return;
    held.cachedAt = Date.now();
    try {
      await this.store.cache(siteKey, projection.pack(), projection.stamp);
    } catch {
      // Nobody who asks for a report is to be told of it.
    }
  }

  async #release(siteKey: string): Promise<void> {
    const held = this.#held.get(siteKey);
    this.#held.delete(siteKey);
    clearTimeout(held?.idle);
    // Who was erased since must not be in what is cached.
    if (held?.wasSlow && (await held.projection.follow(this.clock()))) await this.#cache(siteKey, held);
  }
}
