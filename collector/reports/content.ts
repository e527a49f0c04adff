/** What visitors looked at, took along, looked for and filled in, and whether they went on after it. */
import jstat from 'jstat';
import { STAGES, type Stage } from '../../sdk/core/index.js';
import type { Kind } from '../projection/kinds.js';
import type { Deed, View } from '../projection/view.js';
import type { Site } from '../store/store.js';
import { headingOf, readRange, type Heading, type ReportQuery } from './range.js';

/** Of each kind those with most visitors. */
const MOST = 200;
/** Characters of a name. */
const LONGEST = 200;

interface Seen {
  visitors: number;
  times: number;
  /** Share of these visitors who later got to a stage that they had not been at. */
  wentOn: number;
}

export interface ContentReport extends Heading {
  /** Of everybody who saw a page: what the others are to be held against; null where nobody did. */
  wentOn: number | null;
  pages: Array<{ path: string; title: string | null } & Seen>;
  downloads: Array<{ file: string } & Seen>;
  searches: Array<{ term: string } & Seen>;
  forms: Array<{
    form: string;
    started: number;
    submitted: number;
    abandoned: number;
    /** Share of those who began who sent it. */
    rate: number | null;
    /** Where most of those who gave up left. */
    lastField: string | null;
    /** Median of those who gave up. */
    seconds: number | null;
  }>;
  /** 75th percentiles, as Google counts them; with the number of measurements. */
  vitals: Array<{ path: string; metric: string; p75: number; count: number }>;
  /** Entries into each stage, and the page seen last before: what moves people on, and where nothing does. */
  entries: Array<{ stage: Stage; entered: number; pages: Array<{ path: string; visitors: number }> }>;
}

/** What was noted of things by their names: how many did them, how often, and how many of those went on after the first time. */
class Tally {
  readonly #rows = new Map<string, { visitors: number; times: number; wentOn: number }>();

  /** @param firsts when somebody first did each, and how often @param lastAt when they last got to a stage that was new to them */
  add(firsts: Map<string, { first: number; times: number }>, lastAt: number): void {
    for (const [name, { first, times }] of firsts) {
      const row = this.#rows.get(name) ?? { visitors: 0, times: 0, wentOn: 0 };
      this.#rows.set(name, row);
      row.visitors++;
      row.times += times;
      row.wentOn += +(lastAt > first);
    }
  }

  rows<K extends string>(key: K): Array<Record<K, string> & Seen> {
    return [...this.#rows]
      .map(
        ([name, { visitors, times, wentOn }]) =>
          ({ [key]: name, visitors, times, wentOn: wentOn / visitors }) as Record<K, string> & Seen,
      )
      .sort((a, b) => b.visitors - a.visitors || b.times - a.times || (a[key] < b[key] ? -1 : 1))
      .slice(0, MOST);
  }
}

/** When each thing was first done, and how often. @param nameOf a text, or null for what is no such thing @param deeds by time */
function firstsOf(deeds: Deed[], nameOf: (kind: Kind) => string | null) {
  const firsts = new Map<string, { first: number; times: number }>();
  for (const { kind, time } of deeds) {
    const name = nameOf(kind);
    if (name === null) continue;
    const known = firsts.get(name);
    if (known) known.times++;
    else firsts.set(name, { first: time, times: 1 });
  }
  return firsts;
}

/** Interpolated between the two that are nearest, as spreadsheets do. */
const quantile = (values: number[], share: number): number =>
  // Of a single one the library knows nothing.
  values.length > 1 ? jstat.quantiles(values, [share], 1, 1)[0]! : values[0]!;

const pageOf = ({ name, path }: Kind) => (name === 'page_view' && path ? path.slice(0, LONGEST) : null);

/** Kinds that are counted by their subjects. */
const FORMS = new Set(['form_start', 'form_submit', 'form_abandon']);
const LOOKED_AT = new Set(['page_view', 'file_download', 'search', 'web_vital', ...FORMS]);

/** @returns a text that says what is wrong with the range */
export async function reportContent(
  view: View,
  site: Site,
  query: ReportQuery,
  now: number,
): Promise<ContentReport | string> {
  const range = readRange(site, query, now);
  if (typeof range === 'string') return range;
  const [from, until] = [range.from.toMillis(), range.until];
  const [pages, downloads, searches, all] = [new Tally(), new Tally(), new Tally(), new Tally()];
  const titles = new Map<string, [time: number, title: string]>();
  const forms = new Map<string, { started: number; submitted: number; fields: string[]; seconds: number[] }>();
  const vitals = new Map<string, { path: string; metric: string; values: number[] }>();
  /** By stage: how many entered it, and the page that each saw last before. */
  const entries = STAGES.map((stage) => ({ stage, entered: 0, pages: new Map<string, number>() }));

  const onForm = ({ kind: { name, subject, field }, value }: Deed) => {
    const form = forms.get(subject!) ?? { started: 0, submitted: 0, fields: [], seconds: [] };
    forms.set(subject!, form);
    if (name === 'form_start') form.started++;
    else if (name === 'form_submit') form.submitted++;
    else {
      form.fields.push(field ?? '');
      if (!Number.isNaN(value)) form.seconds.push(value);
    }
  };
  const onVital = ({ kind: { subject: metric, path }, value }: Deed) => {
    if (!metric || !path || !(value >= 0)) return;
    const page = path.slice(0, LONGEST);
    const key = `${metric} ${page}`;
    const vital = vitals.get(key) ?? { path: page, metric, values: [] };
    vitals.set(key, vital);
    vital.values.push(value);
  };
  await view.eachDeeds(
    { from, until },
    ({ name }) => LOOKED_AT.has(name),
    (person, deeds) => {
      const reached = STAGES.map((stage) => view.reachedAt(person, stage));
      const seen = deeds.filter(({ kind }) => pageOf(kind) !== null);
      for (const [index, at] of reached.entries()) {
        if (at === undefined || at < from || at >= until) continue;
        const entry = entries[index]!;
        entry.entered++;
        const last = seen.findLast(({ time }) => time <= at);
        const page = last && pageOf(last.kind)!;
        if (page) entry.pages.set(page, (entry.pages.get(page) ?? 0) + 1);
      }
      if (!deeds.length) return;
      const lastAt = Math.max(...reached.map((at) => at ?? -Infinity));
      pages.add(firstsOf(seen, pageOf), lastAt);
      all.add(
        firstsOf(seen, () => ''),
        lastAt,
      );
      for (const { kind, time } of seen) {
        const page = pageOf(kind)!;
        if (kind.title && time >= (titles.get(page)?.[0] ?? 0)) titles.set(page, [time, kind.title]);
      }
      const ofKind = (name: string) => deeds.filter(({ kind }) => kind.name === name);
      const subjectOf = ({ subject }: Kind) => subject || null;
      downloads.add(firstsOf(ofKind('file_download'), subjectOf), lastAt);
      searches.add(firstsOf(ofKind('search'), subjectOf), lastAt);
      for (const deed of deeds)
        if (FORMS.has(deed.kind.name)) onForm(deed);
        else if (deed.kind.name === 'web_vital') onVital(deed);
    },
  );
  return {
    ...headingOf(site, range, now),
    wentOn: all.rows('all')[0]?.wentOn ?? null,
    pages: pages.rows('path').map((row) => ({ ...row, title: titles.get(row.path)?.[1] ?? null })),
    downloads: downloads.rows('file'),
    searches: searches.rows('term'),
    forms: [...forms]
      .map(([form, { started, submitted, fields, seconds }]) => ({
        form,
        started,
        submitted,
        abandoned: fields.length,
        rate: started ? Math.min(1, submitted / started) : null,
        lastField: mostOf(fields.filter(Boolean)),
        seconds: seconds.length ? quantile(seconds, 0.5) : null,
      }))
      .sort((a, b) => b.started - a.started || (a.form < b.form ? -1 : 1))
      .slice(0, MOST),
    vitals: [...vitals.values()]
      .map(({ path, metric, values }) => ({ path, metric, p75: quantile(values, 0.75), count: values.length }))
      .sort((a, b) => b.count - a.count || (a.path + a.metric < b.path + b.metric ? -1 : 1))
      .slice(0, MOST),
    entries: entries.map(({ stage, entered, pages: last }) => ({
      stage,
      entered,
      pages: [...last]
        .map(([path, visitors]) => ({ path, visitors }))
        .sort((a, b) => b.visitors - a.visitors || (a.path < b.path ? -1 : 1))
        .slice(0, 10),
    })),
  };
}

function mostOf(names: string[]): string | null {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))[0]?.[0] ?? null;
}
