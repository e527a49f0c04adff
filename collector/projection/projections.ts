/** The projections of a store's sites: each is made when a report first asks for it, and follows what happens from then on. */
import type { RemoteStore, Site } from '../store/store.js';
import { readTemplate } from '../templates.js';
import { Projection } from './projection.js';
import { View } from './view.js';

/** What the stages of a site are measured by. */
const kpisOf = ({ template }: Site): string[] =>
  Object.values(readTemplate(template)?.kpis ?? {}).map(({ signal }) => signal);

export class Projections {
  readonly #kept = new Map<string, Projection>();
  /** What is done with each site, one after another: nothing moves under who reads. */
  readonly #queues = new Map<string, Promise<unknown>>();

  constructor(private readonly store: RemoteStore) {}

  /** Lends a site's projection, with all that was stored before. */
  use<T>(site: Site, now: number, read: (view: View) => Promise<T>): Promise<T> {
    const { siteKey } = site;
    const run = async () => {
      let projection = this.#kept.get(siteKey);
      // Of what fails half way nothing is to be read.
      this.#kept.delete(siteKey);
      if (!(await projection?.follow(now))) projection = await Projection.of(this.store, site, kpisOf(site), now);
      this.#kept.set(siteKey, projection!);
      return read(new View(this.store, projection!, site, now));
    };
    const before = this.#queues.get(siteKey) ?? Promise.resolve();
    const result = before.then(run, run);
    this.#queues.set(siteKey, result);
    return result;
  }

  /** Makes one of a store that shows a site otherwise, for once. */
  async useOnce<T>(store: RemoteStore, site: Site, now: number, read: (view: View) => Promise<T>): Promise<T> {
    return read(new View(store, await Projection.of(store, site, kpisOf(site), now), site, now));
  }
}
