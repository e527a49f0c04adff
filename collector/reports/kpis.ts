import { parseDay, rank, UNITS, type Rules, type Signal, type Stage } from '../../sdk/core/index.js';
import type { CountedDay } from '../projection/counted.js';
import type { View } from '../projection/view.js';
import type { Site } from '../store/store.js';
import { readTemplate, templateNames, type Kpi } from '../templates.js';
import { ordersOf, refundSignalOf } from './customers.js';
import { lastOfFacts, readRange, type ReportQuery } from './range.js';

export interface KpiReport {
  asOf: number;
  from: string;
  to: string;
  /** The template that says what each stage is measured by: the site's, or another whose signals its rules have more of. */
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

/** What a measure comes to of one person. @param days those that are asked for */
function measured({ measure }: Kpi, days: CountedDay[]): number {
  const sum = (of: 'count' | 'daily') => days.reduce((all, day) => all + day[of], 0);
  return measure === 'value' ? sum('daily') : measure === 'count' ? sum('count') : Math.min(sum('count'), 1);
}

/** A signal of a template in rules: by its name, or, where it was given another, by what it means. */
function nameIn(rules: Rules, template: Rules, name: string): string {
  const meaning = (signal: Signal) => JSON.stringify({ ...signal, label: undefined });
  const same = () =>
    Object.keys(rules.signals).find((each) => meaning(rules.signals[each]!) === meaning(template.signals[name]!));
  return Object.hasOwn(rules.signals, name) ? name : (same() ?? name);
}

interface Chosen {
  template: string;
  kpis: Array<Kpi & { stage: Stage }>;
  /** Of how many the rules have the signal. */
  known: number;
}

function kpisOf(name: string, rules: Rules): Chosen | undefined {
  const template = readTemplate(name);
  if (!template) return undefined;
  const kpis = Object.entries(template.kpis).map(([stage, kpi]) => ({
    ...kpi,
    stage: stage as Stage,
    signal: nameIn(rules, template.rules, kpi.signal),
  }));
  return { template: name, kpis, known: kpis.filter(({ signal }) => Object.hasOwn(rules.signals, signal)).length };
}

/** What each stage is measured by: as the site's template says, or another where its rules have more of that one's signals. */
function chooseKpis(own: string, rules: Rules): Chosen {
  const first = kpisOf(own, rules);
  if (first && first.known === first.kpis.length) return first;
  const all = [first, ...templateNames().map((name) => kpisOf(name, rules))].filter((each) => each !== undefined);
  return all.reduce((best, each) => (each.known > best.known ? each : best));
}

/** Says by how much each stage of the site's template measures up. Days are UTC days, as facts have them. @returns a text that says what is wrong with the range */
export async function reportKpis(view: View, site: Site, query: ReportQuery, now: number): Promise<KpiReport | string> {
  const range = readRange(site, query, now);
  if (typeof range === 'string') return range;
  const [from, to] = [range.from.toISODate()!, range.to.toISODate()!];
  const length = Math.round(range.to.diff(range.from, 'days').days) + 1;
  const earlier = range.from.minus({ days: length }).toISODate()!;
  const { rules } = (await view.store.rules(site.siteKey)).at(-1)!;
  const { template, kpis: given } = chooseKpis(site.template, rules);
  const kpis = given.map((kpi) => ({ ...kpi, value: 0, before: 0 }));
  const [first, last, start] = [parseDay(from), lastOfFacts(range, now), parseDay(earlier)];
  // Of what was sold that is left which was not given back.
  const refunds = new Map(
    kpis.map(({ measure, signal }) => [signal, measure === 'value' ? refundSignalOf(rules, signal) : undefined]),
  );
  for (const person of view.people)
    for (const kpi of kpis) {
      const days = ordersOf(view, person, kpi.signal, refunds.get(kpi.signal));
      const within = (since: number, until: number) => days.filter(({ day }) => day >= since && day <= until);
      kpi.value += measured(kpi, within(first, last));
      kpi.before += measured(kpi, within(start, first - 1));
    }
  return {
    asOf: now,
    from,
    to,
    template,
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
