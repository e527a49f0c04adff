/** Every report by its name in the address. */
import type { Projections } from '../projection/projections.js';
import type { View } from '../projection/view.js';
import type { RemoteStore, Site } from '../store/store.js';
import { reportAlerts } from './alerts.js';
import { reportAttribution } from './attribution.js';
import { reportCommon } from './common.js';
import { reportContent } from './content.js';
import { reportCohorts, reportLifecycle, reportNps, reportRfm } from './customers.js';
import { reportFlow } from './flow.js';
import { reportFunnel } from './funnel.js';
import { reportKpis } from './kpis.js';
import { reportLoss } from './loss.js';
import type { ReportQuery } from './range.js';
import { reportSources } from './sources.js';
import { reportStages } from './stages.js';
import { pinTo } from './under.js';
import { reportUnclassified } from './unclassified.js';
import { reportValue } from './value.js';

/** A report for a site, or a text that says what is wrong with what was asked. */
type Report<From> = (from: From, site: Site, query: ReportQuery, now: number) => Promise<object | string>;

/** Of everybody as some version of the rules has them. */
const OF_PEOPLE = {
  funnel: reportFunnel,
  flow: reportFlow,
  common: reportCommon,
  attribution: reportAttribution,
  sources: reportSources,
  content: reportContent,
  kpis: reportKpis,
  rfm: reportRfm,
  lifecycle: reportLifecycle,
  cohorts: reportCohorts,
  value: reportValue,
  nps: reportNps,
  unclassified: reportUnclassified,
} satisfies Record<string, Report<View>>;

/** Of what was noticed as it was, under the rules of its time. */
const AS_NOTICED = {
  stages: reportStages,
  loss: reportLoss,
  alerts: reportAlerts,
} satisfies Record<string, Report<RemoteStore>>;

type OfPeople = keyof typeof OF_PEOPLE;
type AsNoticed = keyof typeof AS_NOTICED;
export type ReportName = OfPeople | AsNoticed;
export const REPORTS = [...Object.keys(OF_PEOPLE), ...Object.keys(AS_NOTICED)] as ReportName[];

/** Makes a report, of everybody as some version of the rules has them. */
export async function makeReport(
  { store, projections }: { store: RemoteStore; projections: Projections },
  name: ReportName,
  site: Site,
  query: ReportQuery,
  now: number,
): Promise<object | string> {
  const { rules } = query;
  const isPinned = rules !== undefined && rules !== site.rulesVersion;
  if (isAsNoticed(name))
    return isPinned
      ? `rules: ${name} counts what was noticed as it was; the others can be asked for under another version`
      : AS_NOTICED[name](store, site, query, now);
  const make = (view: View): Promise<object | string> => OF_PEOPLE[name](view, site, query, now);
  if (!isPinned) return projections.use(site, now, make);
  const pinned = await pinTo(store, site, rules, now);
  return pinned
    ? projections.useOnce(pinned, site, now, make)
    : `rules: there is no version ${rules}; the latest is ${site.rulesVersion}`;
}

const isAsNoticed = (name: ReportName): name is AsNoticed => Object.hasOwn(AS_NOTICED, name);

export const isReport = (name: string): name is ReportName => REPORTS.includes(name as ReportName);
