/** Every report by its name in the address. */
import type { RemoteStore, Site } from '../store/store.js';
import { reportAttribution } from './attribution.js';
import { reportCommon } from './common.js';
import { reportLifecycle, reportNps, reportRfm } from './customers.js';
import { reportFlow } from './flow.js';
import { reportFunnel } from './funnel.js';
import { reportKpis } from './kpis.js';
import { reportLoss } from './loss.js';
import type { ReportQuery } from './range.js';
import { reportStages } from './stages.js';
import { reportValue } from './value.js';

/** A report for a site, or a text that says what is wrong with what was asked. */
type Report = (store: RemoteStore, site: Site, query: ReportQuery, now: number) => Promise<object | string>;

export const REPORTS = {
  stages: reportStages,
  funnel: reportFunnel,
  flow: reportFlow,
  common: reportCommon,
  attribution: reportAttribution,
  kpis: reportKpis,
  rfm: reportRfm,
  lifecycle: reportLifecycle,
  value: reportValue,
  nps: reportNps,
  loss: reportLoss,
} satisfies Record<string, Report>;

export type ReportName = keyof typeof REPORTS;

export const isReport = (name: string): name is ReportName => Object.hasOwn(REPORTS, name);
