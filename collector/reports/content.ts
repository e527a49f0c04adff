/** What visitors looked at, took along, looked for and filled in, and whether they went on after it. */
import jstat from 'jstat';
import { attempt, placeOf, STAGES, type Stage, type StagetagEvent } from '../../sdk/core/index.js';
import type { RemoteStore, Site } from '../store/store.js';
import { eachEvent, madeOf, readJourneys, type Journey } from './people.js';
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

/** What was noted of a thing: who, when first, and how often. */
class Tally {
  readonly #rows = new Map<string, Map<string, { first: number; times: number }>>();

  add(name: string, person: string, time: number): void {
    const row = this.#rows.get(name) ?? new Map<string, { first: number; times: number }>();
    this.#rows.set(name, row);
    const known = row.get(person);
    row.set(person, { first: Math.min(known?.first ?? Infinity, time), times: (known?.times ?? 0) + 1 });
  }

  rows<K extends string>(key: K, journeys: Map<string, Journey>): Array<Record<K, string> & Seen> {
    return [...this.#rows]
      .map(([name, row]) => {
        const went = [...row].filter(([person, { first }]) => goesOn(journeys.get(person), first)).length;
        const times = [...row.values()].reduce((sum, each) => sum + each.times, 0);
        return { [key]: name, visitors: row.size, times, wentOn: went / row.size } as Record<K, string> & Seen;
      })
      .sort((a, b) => b.visitors - a.visitors || b.times - a.times || (a[key] < b[key] ? -1 : 1))
      .slice(0, MOST);
  }
}

const goesOn = (journey: Journey | undefined, after: number): boolean =>
  !!journey && [...journey.reachedAt.values()].some((at) => at > after);

/** Interpolated between the two that are nearest, as spreadsheets do. */
const quantile = (values: number[], share: number): number =>
  // Of a single one the library knows nothing.
  values.length > 1 ? jstat.quantiles(values, [share], 1, 1)[0]! : values[0]!;

const text = (value: unknown): string | null =>
  typeof value === 'string' && value ? value.slice(0, LONGEST) : typeof value === 'number' ? String(value) : null;

/** @returns a text that says what is wrong with the range */
export async function reportContent(
  store: RemoteStore,
  site: Site,
  query: ReportQuery,
  now: number,
): Promise<ContentReport | string> {
  const range = readRange(site, query, now);
  if (typeof range === 'string') return range;
  const [from, until] = [range.from.toMillis(), range.until];
  const { people, journeys } = await readJourneys(store, site.siteKey, now);
  const [pages, downloads, searches, all] = [new Tally(), new Tally(), new Tally(), new Tally()];
  const titles = new Map<string, [time: number, title: string]>();
  const forms = new Map<string, { started: number; submitted: number; fields: string[]; seconds: number[] }>();
  const vitals = new Map<string, { path: string; metric: string; values: number[] }>();
  /** The page seen last before each entry. */
  const before = new Map<string, Map<Stage, [time: number, path: string]>>();

  const onPage = (person: string, event: StagetagEvent, path: string) => {
    pages.add(path, person, event.time);
    all.add('', person, event.time);
    const title = text(event.title);
    if (title && event.time >= (titles.get(path)?.[0] ?? 0)) titles.set(path, [event.time, title]);
    for (const [stage, at] of journeys.get(person)?.reachedAt ?? []) {
      if (at < from || at >= until || event.time > at) continue;
      const own = before.get(person) ?? new Map<Stage, [number, string]>();
      before.set(person, own);
      if (event.time >= (own.get(stage)?.[0] ?? -Infinity)) own.set(stage, [event.time, path]);
    }
  };
  const onForm = ({ name, props = {} }: StagetagEvent) => {
    const key = text(props.form_id) ?? text(props.form_name) ?? text(props.form_destination) ?? '';
    const form = forms.get(key) ?? { started: 0, submitted: 0, fields: [], seconds: [] };
    forms.set(key, form);
    if (name === 'form_start') form.started++;
    else if (name === 'form_submit') form.submitted++;
    else {
      form.fields.push(text(props.last_field) ?? '');
      if (typeof props.seconds === 'number') form.seconds.push(props.seconds);
    }
  };
  const pathOf = ({ url: address }: StagetagEvent) => {
    const url = address === undefined ? undefined : attempt(() => new URL(address));
    return url && placeOf(url).path.slice(0, LONGEST);
  };
  await eachEvent(store, site, { from, until }, people, (person, event, rules) => {
    const { name, props = {}, time } = event;
    const path = madeOf(vitals, rules, event, () => pathOf(event));
    if (name === 'page_view') {
      if (path) onPage(person, event, path);
    } else if (name === 'file_download') {
      const file = text(props.file_name) ?? text(props.link_url);
      if (file) downloads.add(file, person, time);
    } else if (name === 'search') {
      const term = text(props.search_term)?.trim().toLowerCase();
      if (term) searches.add(term, person, time);
    } else if (/^form_(start|submit|abandon)$/.test(name)) {
      onForm(event);
    } else if (name === 'web_vital' && path) {
      const metric = text(props.metric);
      const key = `${metric} ${path}`;
      if (!metric || typeof props.value !== 'number' || !(props.value >= 0)) return;
      const vital = vitals.get(key) ?? { path, metric, values: [] };
      vitals.set(key, vital);
      vital.values.push(props.value);
    }
  });
  return {
    ...headingOf(site, range, now),
    wentOn: all.rows('all', journeys)[0]?.wentOn ?? null,
    pages: pages.rows('path', journeys).map((row) => ({ ...row, title: titles.get(row.path)?.[1] ?? null })),
    downloads: downloads.rows('file', journeys),
    searches: searches.rows('term', journeys),
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
    entries: STAGES.map((stage) => {
      const last = new Map<string, number>();
      let entered = 0;
      for (const [person, { reachedAt }] of journeys) {
        const at = reachedAt.get(stage);
        if (at === undefined || at < from || at >= until) continue;
        entered++;
        const path = before.get(person)?.get(stage)?.[1];
        if (path !== undefined) last.set(path, (last.get(path) ?? 0) + 1);
      }
      const rows = [...last].map(([path, visitors]) => ({ path, visitors }));
      return {
        stage,
        entered,
        pages: rows.sort((a, b) => b.visitors - a.visitors || (a.path < b.path ? -1 : 1)).slice(0, 10),
      };
    }),
  };
}

function mostOf(names: string[]): string | null {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))[0]?.[0] ?? null;
}
