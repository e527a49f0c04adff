/** Reports that take long are given out as they were made last while the next one is made: nobody waits for what was seen before. */
import type { RemoteStore, Site } from '../store/store.js';
import type { Unmixed, Work } from '../work.js';
import type { ReportQuery } from './range.js';
import type { ReportName } from './reports.js';

/** What takes no longer is made anew each time. */
const SLOW_MS = 2000;
/** As long as it took, so many times over, a report is as good as new. */
const FRESH_TIMES = 2;
const MAX_AGE_MS = 86_400_000;
const MAX_KEPT = 100;

interface Made {
  siteKey: string;
  /** Of what was erased of the site when it was made. */
  mark: string;
  result: object;
  /** When it was begun, epoch ms: it tells of nothing later. */
  at: number;
  tookMs: number;
  /** Whether something was changed since it was begun. */
  isOutdated: boolean;
}

export class SlowReports {
  readonly #kept = new Map<string, Made>();
  /** Those that a newer one is being made of. */
  readonly #running = new Set<string>();
  /** Counts what may make a report that is being made out of date. */
  #changes = 0;

  constructor(
    private readonly report: Work['report'],
    private readonly store: Pick<RemoteStore, 'erasures'>,
    private readonly now: () => number,
    /** Waits for what a report is not to be made in: that takes nothing of its time. */
    private readonly settled: Unmixed['settled'] = async () => {},
  ) {}

  /** @returns a report, with `updating` where a newer one is being made; or a text that says what is wrong */
  async get(name: ReportName, site: Site, query: ReportQuery): Promise<object | string> {
    const { siteKey, rulesVersion, timeZone, weekStart, channels, keptFrom } = site;
    // What somebody was in who is erased, by whatever process, is given out to nobody any more.
    const mark = `${await this.store.erasures(siteKey)} ${keptFrom}`;
    for (const [key, made] of this.#kept) if (made.siteKey === siteKey && made.mark !== mark) this.#kept.delete(key);
    const key = JSON.stringify([siteKey, mark, rulesVersion, timeZone, weekStart, channels, name, query]);
    const known = this.#kept.get(key);
    const make = async () => {
      await this.settled(site);
      return this.#make({ key, siteKey, mark }, () => this.report(name, site, query, this.now()));
    };
    if (!known) return make();
    const age = this.now() - known.at;
    // A clock that was set back knows nothing of ages.
    if (age < 0 || age > MAX_AGE_MS) return make();
    if (!known.isOutdated && age < known.tookMs * FRESH_TIMES) return known.result;
    if (!this.#running.has(key)) {
      this.#running.add(key);
      // Where it fails, what was made last stays; the next who asks tries again.
      void make()
        .catch(() => {})
        .finally(() => this.#running.delete(key));
    }
    return { ...known.result, updating: true };
  }

  /** Something of a site was changed by hand: what was made is given out as what it is, of before. */
  outdate(siteKey: string): void {
    for (const made of this.#kept.values()) if (made.siteKey === siteKey) made.isOutdated = true;
    this.#changes++;
  }

  async #make(
    { key, siteKey, mark }: Pick<Made, 'siteKey' | 'mark'> & { key: string },
    run: () => Promise<object | string>,
  ): Promise<object | string> {
    const [at, changes] = [this.now(), this.#changes];
    const result = await run();
    const tookMs = this.now() - at;
    if (typeof result === 'string') return result;
    // One that was begun later may be there already.
    if ((this.#kept.get(key)?.at ?? -Infinity) > at) return result;
    this.#kept.delete(key);
    if (tookMs >= SLOW_MS)
      this.#kept.set(key, { siteKey, mark, result, at, tookMs, isOutdated: changes !== this.#changes });
    for (const oldest of this.#kept.keys()) if (this.#kept.size > MAX_KEPT) this.#kept.delete(oldest);
    return result;
  }
}
