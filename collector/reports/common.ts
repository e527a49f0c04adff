import { DAY_MS, rank, STAGES, type Stage } from '../../sdk/core/index.js';
import { adjustPValues, associate, type Association } from '../model/statistics.js';
import type { Kind } from '../projection/kinds.js';
import type { Person, View } from '../projection/view.js';
import type { Site } from '../store/store.js';
import { headingOf, readRange, type Heading, type ReportQuery } from './range.js';

/** Fewer who did a thing say nothing of it. */
const MIN_SUPPORT = 10;
const LOOKBACK_DAYS = 90;

export interface CommonReport extends Heading {
  /** Of those who got to the stage before in the range: how many there are, and how many went on to this one. */
  stage: Stage;
  visitors: number;
  wentOn: number;
  minSupport: number;
  /** What goes together with going on, the most telling first. It says nothing of causes. */
  features: Array<
    Association & {
      /** `signal:NAME` or `channel:NAME`. */
      feature: string;
      /** How many did it before they went on, or at all. */
      did: number;
      didAndWentOn: number;
      /** Adjusted for the number of features that were looked at. */
      q: number;
    }
  >;
}

/**
 * Says what those who went on to a stage had in common before they did.
 * @returns a text that says what is wrong with what was asked
 */
export async function reportCommon(
  view: View,
  site: Site,
  query: ReportQuery,
  now: number,
): Promise<CommonReport | string> {
  const range = readRange(site, query, now);
  if (typeof range === 'string') return range;
  const { stage = 'action' } = query;
  if (stage === STAGES[0]) return 'stage: expected one that another comes before';
  const before = STAGES[rank(stage) - 1]!;
  const from = range.from.toMillis();
  /** When each went on; without end for those who did not. */
  const wentOnAt = new Map<Person, number>();
  const did = new Map<string, Set<Person>>();
  const note = (feature: string, person: Person) => {
    const known = did.get(feature);
    if (known) known.add(person);
    else did.set(feature, new Set([person]));
  };
  for (const person of view.people) {
    const at = view.reachedAt(person, before);
    if (at === undefined || at < from || at >= range.until) continue;
    wentOnAt.set(person, view.reachedAt(person, stage) ?? Infinity);
    const touch = view.touch(person);
    if (touch) note(`channel:${touch.channel}`, person);
  }
  const span = { from: from - LOOKBACK_DAYS * DAY_MS, until: now + 1 };
  const tells = ({ signals }: Kind) => signals.length > 0;
  await view.eachDeeds(span, tells, (person, deeds) => {
    const end = wentOnAt.get(person);
    if (end === undefined) return;
    // The event that moved somebody on is no reason why.
    const own = new Set(deeds.filter(({ time }) => time < end).flatMap(({ kind }) => kind.signals));
    for (const signal of own) note(`signal:${signal}`, person);
  });
  const wentOn = [...wentOnAt.values()].filter((at) => at < Infinity).length;
  const rows = [...did]
    .filter(([, who]) => who.size >= MIN_SUPPORT && who.size < wentOnAt.size)
    .map(([feature, who]) => {
      const both = [...who].filter((person) => wentOnAt.get(person)! < Infinity).length;
      const others = wentOnAt.size - who.size;
      const association = associate([both, who.size - both], [wentOn - both, others - (wentOn - both)]);
      return { feature, did: who.size, didAndWentOn: both, ...association };
    });
  const q = adjustPValues(rows.map(({ p }) => p));
  return {
    ...headingOf(site, range, now),
    stage,
    visitors: wentOnAt.size,
    wentOn,
    minSupport: MIN_SUPPORT,
    features: rows
      .map((row, index) => ({ ...row, q: q[index]! }))
      .sort((a, b) => a.q - b.q || b.lift - a.lift || (a.feature < b.feature ? -1 : 1)),
  };
}
