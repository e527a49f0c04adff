/** Reports that take long are given out as they were made last while the next one is made: nobody waits for what was seen before. */
import type { Site } from '../store/store.js';
import type { Work } from '../work.js';
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
  result: object;
  /** When it was begun, epoch ms: it tells of nothing later. */
  at: number;
  tookMs: number;
}

export class SlowReports {
  readonly #kept = new Map<string, Made>();
  /** Those that a newer one is being made of. */
  readonly #running = new Set<string>();
  /** Grows when what was made of a site is not to be given out any more. */
  #dropped = 0;

  constructor(
    private readonly report: Work['report'],
    private readonly now: () => number,
  ) {}

  /** @returns a report, with `updating` where a newer one is being made; or a text that says what is wrong */
  async get(name: ReportName, site: Site, query: ReportQuery): Promise<object | string> {
    const { siteKey, rulesVersion, timeZone, channels } = site;
    const key = JSON.stringify([siteKey, rulesVersion, timeZone, channels, name, query]);
    const known = this.#kept.get(key);
    const make = () => this.#make(key, name, site, query);
    if (!known || this.now() - known.at > MAX_AGE_MS) return make();
    if (this.now() - known.at < known.tookMs * FRESH_TIMES) return known.result;
    if (!this.#running.has(key)) {
      this.#running.add(key);
      // Where it fails, what was made last stays; the next who asks tries again.
      void make()
        .catch(() => {})
        .finally(() => this.#running.delete(key));
    }
    return { ...known.result, updating: true };
  }

  /** Forgets what was made of a site: somebody was erased. */
  drop(siteKey: string): void {
    this.#dropped++;
    for (const [key, made] of this.#kept) if (made.siteKey === siteKey) this.#kept.delete(key);
  }

  async #make(key: string, name: ReportName, site: Site, query: ReportQuery): Promise<object | string> {
    const [at, dropped] = [this.now(), this.#dropped];
    const result = await this.report(name, site, query, at);
    const tookMs = this.now() - at;
    this.#kept.delete(key);
    // What somebody was erased from meanwhile is given out this once, as it would have been a moment before.
    if (typeof result === 'object' && tookMs >= SLOW_MS && dropped === this.#dropped)
      this.#kept.set(key, { siteKey: site.siteKey, result, at, tookMs });
    for (const oldest of this.#kept.keys()) if (this.#kept.size > MAX_KEPT) this.#kept.delete(oldest);
    return result;
  }
}
