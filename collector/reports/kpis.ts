import { countedFacts, rank, UNITS, type Facts, type Stage } from '../../sdk/core/index.js';
import type { RemoteStore, Site } from '../store/store.js';
import { readTemplate, type Kpi } from '../templates.js';
import { readPeople } from './people.js';
import { readRange, type ReportQuery } from './range.js';

export interface KpiReport {
  asOf: number;
  from: string;
  to: string;
  /** The template that says what each stage is measured by. */
  template: string;
  /**
   * The range, and as many days before it: null where the site's rules have no such signal any more. The target is the site's own for 30
   * days, for as many days as the range has; null where the site set none.
   */
  kpis: Array<
    Kpi & { stage: Stage; value: number | null; before: number | null; target: number | null; rating: Rating | null }
  >;
}

/** How far a target is met, best first. */
export const RATINGS = ['green', 'amber', 'red'] as const;
export type Rating = (typeof RATINGS)[number];

/** Days that a site's targets are for. */
const TARGET_DAYS = 30;
/** The share of a target below which it is missed by far. */
const NEAR = 0.8;

const rate = (value: number, target: number): Rating =>
  value >= target ? 'green' : value >= NEAR * target ? 'amber' : 'red';

/** Adds up on days what a measure counts of one person. */
function measure({ signal, measure: kind }: Kpi, facts: Facts, isIn: (day: string) => boolean): number {
  const days = <T>(byDay: Record<string, T> | undefined) => Object.entries(byDay ?? {}).filter(([day]) => isIn(day));
  const count = days(facts.signals[signal]).reduce((sum, [, each]) => sum + each, 0);
  if (kind === 'visitors') return Math.min(count, 1);
  if (kind === 'count') return count;
  const keyed = days(facts.keys[signal]).flatMap(([, keys]) => Object.values(keys).map(([, , units]) => units));
  const sums = days(facts.values[signal]).map(([, units]) => units);
  return [...sums, ...keyed].reduce((sum, units) => sum + units, 0);
}

/** Says by how much each stage of the site's template measures up. Days are UTC days, as facts have them. @returns a text that says what is wrong with the range */
export async function reportKpis(
  store: RemoteStore,
  site: Site,
  query: ReportQuery,
  now: number,
): Promise<KpiReport | string> {
  const range = readRange(site, query, now);
  if (typeof range === 'string') return range;
  const [from, to] = [range.from.toISODate()!, range.to.toISODate()!];
  const length = Math.round(range.to.diff(range.from, 'days').days) + 1;
  const earlier = range.from.minus({ days: length }).toISODate()!;
  const { rules } = (await store.rules(site.siteKey)).at(-1)!;
  const given = readTemplate(site.template)?.kpis;
  const kpis = Object.entries(given ?? {}).map(([stage, kpi]) => ({
    ...kpi,
    stage: stage as Stage,
    value: 0,
    before: 0,
  }));
  await readPeople(store, site.siteKey, (record) => {
    const facts = countedFacts(record.facts);
    for (const kpi of kpis) {
      kpi.value += measure(kpi, facts, (day) => day >= from && day <= to);
      kpi.before += measure(kpi, facts, (day) => day >= earlier && day < from);
    }
  });
  return {
    asOf: now,
    from,
    to,
    template: site.template,
    kpis: kpis
      .sort((a, b) => rank(a.stage) - rank(b.stage))
      .map(({ value, before, ...kpi }) => {
        const unit = kpi.measure === 'value' ? UNITS : 1;
        const isKnown = Object.hasOwn(rules.signals, kpi.signal);
        const target = site.targets[kpi.stage] === undefined ? null : (site.targets[kpi.stage]! * length) / TARGET_DAYS;
        return {
          ...kpi,
          value: isKnown ? value / unit : null,
          before: isKnown ? before / unit : null,
          target,
          rating: isKnown && target !== null ? rate(value / unit, target) : null,
        };
      }),
  };
}
