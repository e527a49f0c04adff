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
  /** The range, and as many days before it. Null where the site's rules have no such signal any more. */
  kpis: Array<Kpi & { stage: Stage; value: number | null; before: number | null }>;
}

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
        return { ...kpi, value: isKnown ? value / unit : null, before: isKnown ? before / unit : null };
      }),
  };
}
