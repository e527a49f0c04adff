/** Every report by its name in the address. */
import type { Projections } from '../projection/projections.js';
import type { View } from '../projection/view.js';
import type { RemoteStore, Site } from '../store/store.js';
import { reportAlerts } from './alerts.js';
import { reportAttribution } from './attribution.js';
import { reportCommon } from './common.js';
import { reportContent } from './content.js';
import { reportCoverage } from './coverage.js';
import { reportCohorts, reportLifecycle, reportNps, reportRfm } from './customers.js';
import { reportFlow } from './flow.js';
import { reportFunnel } from './funnel.js';
import { reportKpis } from './kpis.js';
import { reportLeaving } from './leaving.js';
import { reportLoss } from './loss.js';
import type { ReportQuery } from './range.js';
import { reportSources } from './sources.js';
import { reportStages } from './stages.js';
import { reportTags } from './tags.js';
import { pinTo } from './under.js';
import { reportUnclassified } from './unclassified.js';
import { reportValue } from './value.js';

/** A report for a site, or a text that says what is wrong with what was asked. */
type Report = (view: View, site: Site, query: ReportQuery, now: number) => Promise<object | string>;

const REPORTS_BY_NAME = {
  stages: reportStages,
  funnel: reportFunnel,
  flow: reportFlow,
  leaving: reportLeaving,
  common: reportCommon,
  attribution: reportAttribution,
  sources: reportSources,
  content: reportContent,
  coverage: reportCoverage,
  kpis: reportKpis,
  tags: reportTags,
  rfm: reportRfm,
  lifecycle: reportLifecycle,
  cohorts: reportCohorts,
  value: reportValue,
  nps: reportNps,
  loss: reportLoss,
  alerts: reportAlerts,
  unclassified: reportUnclassified,
} satisfies Record<string, Report>;

/** Those that ask when stages were reached. */
const DATED = new Set<string>(['funnel', 'flow', 'leaving', 'common', 'attribution', 'content'] satisfies ReportName[]);

export type ReportName = keyof typeof REPORTS_BY_NAME;
export const REPORTS = Object.keys(REPORTS_BY_NAME) as ReportName[];

/** Makes a report, of everybody as some version of the rules has them. */
export async function makeReport(
  { store, projections }: { store: RemoteStore; projections: Projections },
  name: ReportName,
  site: Site,
  query: ReportQuery,
  now: number,
): Promise<object | string> {
  const make = (view: View): Promise<object | string> => REPORTS_BY_NAME[name](view, site, query, now);
  return underRules({ store, projections }, site, query.rules, now, make, DATED.has(name));
}

/**
 * Reads everybody as some version of the rules has them.
 * @param isDated whether it hangs on when stages were first reached
 * @returns a text where there is no such version
 */
export async function underRules<T>(
  { store, projections }: { store: RemoteStore; projections: Projections },
  site: Site,
  rules: number | undefined,
  now: number,
  read: (view: View) => Promise<T>,
  isDated: boolean,
): Promise<T | string> {
  if (rules === undefined || rules === site.rulesVersion) return projections.use(site, now, read, isDated);
  const pinned = await pinTo(store, site, rules, now);
  return pinned
    ? projections.useOnce(pinned, site, now, read)
    : `rules: there is no version ${rules}; the latest is ${site.rulesVersion}`;
}

export const isReport = (name: string): name is ReportName => REPORTS.includes(name as ReportName);
