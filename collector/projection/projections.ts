/**
 * The projections of a store's sites: each is made when a report first asks for it, and follows what happens from then on. What took long
 * to make is kept beside the data for the next start.
 */
import type { RemoteStore, Site } from '../store/store.js';
import { readTemplate } from '../templates.js';
import { Projection } from './projection.js';
import { View } from './view.js';

const LONG_MS = 2000;
/** What is asked for is kept anew once in so long: a crash costs what happened since. */
const KEEP_MS = 10 * 60_000;
/** After so long that nobody asked, the memory is given back. */
const IDLE_MS = 3_600_000;

interface Held {
  site: Site;
  projection: Projection;
  isWorthKeeping: boolean;
  keptAt: number;
  /** Releases it. */
  idle?: NodeJS.Timeout;
}

/** What the stages of a site are measured by. */
const kpisOf = ({ template }: Site): string[] =>
  Object.values(readTemplate(template)?.kpis ?? {}).map(({ signal }) => signal);

export class Projections {
  readonly #held = new Map<string, Held>();
  /** What is done with each site, one after another: nothing moves under who reads. */
  readonly #queues = new Map<string, Promise<unknown>>();

  /** @param longMs what was made in less is not kept */
  constructor(
    private readonly store: RemoteStore,
    private readonly longMs = LONG_MS,
  ) {}

  /** Lends a site's projection, with all that was stored before. */
  use<T>(site: Site, now: number, read: (view: View) => Promise<T>): Promise<T> {
    return this.#inTurn(site.siteKey, async () => {
      const held = await this.#hold(site, now);
      return read(new View(this.store, held.projection, site, now));
    });
  }

  /** Makes one of a store that shows a site otherwise, for once. */
  async useOnce<T>(store: RemoteStore, site: Site, now: number, read: (view: View) => Promise<T>): Promise<T> {
    return read(new View(store, await Projection.of(store, site, kpisOf(site), now), site, now));
  }

  /** Keeps what is worth it for the next start, and holds nothing any more. */
  async putAway(): Promise<void> {
    for (const siteKey of this.#held.keys()) await this.#inTurn(siteKey, () => this.#release(siteKey));
  }

  #inTurn<T>(siteKey: string, run: () => Promise<T>): Promise<T> {
    const before = this.#queues.get(siteKey) ?? Promise.resolve();
    const result = before.then(run, run);
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
    const held = before && isCurrent ? before : await this.#make(site, now, !before);
    if (held.isWorthKeeping && Date.now() - held.keptAt > KEEP_MS) await this.#keep(held);
    held.idle = setTimeout(() => void this.#inTurn(siteKey, () => this.#release(siteKey)), IDLE_MS).unref();
    this.#held.set(siteKey, held);
    return held;
  }

  /** @param isFirst whether what was kept may be of use */
  async #make(site: Site, now: number, isFirst: boolean): Promise<Held> {
    const { store } = this;
    const [kpis, start] = [kpisOf(site), performance.now()];
    const kept = isFirst ? await store.cached(site.siteKey) : undefined;
    const resumed = kept && (await Projection.resume(store, site, kpis, kept, now));
    const projection = resumed ?? (await Projection.of(store, site, kpis, now));
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
