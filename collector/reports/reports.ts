/** Every report by its name in the address. */
import type { RemoteStore, Site } from '../store/store.js';
import { reportLoss } from './loss.js';
import type { Range } from './range.js';
import { reportStages } from './stages.js';

/** A report for a site and days, or a text that says what is wrong with what was asked. */
type Report = (store: RemoteStore, site: Site, range: Range, now: number) => Promise<object | string>;

export const REPORTS = { stages: reportStages, loss: reportLoss } satisfies Record<string, Report>;

export type ReportName = keyof typeof REPORTS;

export const isReport = (name: string): name is ReportName => Object.hasOwn(REPORTS, name);
