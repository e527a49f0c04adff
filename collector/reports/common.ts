import { attempt, DAY_MS, matchSignals, placeOf, rank, STAGES, type Stage } from '../../sdk/core/index.js';
import { adjustPValues, associate, type Association } from '../model/statistics.js';
import type { RemoteStore, Site } from '../store/store.js';
import { eachEvent, madeOf, readJourneys } from './people.js';
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
  store: RemoteStore,
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
  const channels = new Map<string, string>();
  const { people, journeys } = await readJourneys(store, site.siteKey, now, ({ visitorId, firstTouch }) => {
    if (firstTouch) channels.set(visitorId, firstTouch.channel);
  });
  /** When each went on; without end for those who did not. */
  const wentOnAt = new Map<string, number>();
  for (const [person, { reachedAt }] of journeys) {
    const at = reachedAt.get(before);
    if (at !== undefined && at >= from && at < range.until) wentOnAt.set(person, reachedAt.get(stage) ?? Infinity);
  }
  const did = new Map<string, Set<string>>();
  const note = (feature: string, person: string) => did.set(feature, (did.get(feature) ?? new Set()).add(person));
  for (const person of wentOnAt.keys()) if (channels.has(person)) note(`channel:${channels.get(person)}`, person);
  const asked = { from: from - LOOKBACK_DAYS * DAY_MS, until: now + 1 };
  await eachEvent(store, site, asked, people, (person, event, rules) => {
    // The event that moved somebody on is no reason why.
    if (!(event.time < (wentOnAt.get(person) ?? -Infinity))) return;
    const features = madeOf(did, rules, event, () => {
      const url = event.url === undefined ? undefined : attempt(() => new URL(event.url!));
      return matchSignals(rules, event, url && placeOf(url)).map(([signal]) => `signal:${signal}`);
    });
    for (const feature of features) note(feature, person);
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
