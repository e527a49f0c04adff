/** What visitors looked at, took along, looked for and filled in, and whether they went on after it. */
import jstat from 'jstat';
import { DAY_MS, STAGES, type Stage } from '../../sdk/core/index.js';
import { LONGEST, type Kind } from '../projection/kinds.js';
import type { Person, View } from '../projection/view.js';
import type { Site } from '../store/store.js';
import { stagesOf } from './flow.js';
import { pageOf } from './leaving.js';
import { headingOf, readRange, type Heading, type ReportQuery } from './range.js';

/** How long before the days of the report a page still counts as the last that was seen before a stage. */
export const BEFORE_MS = 90 * DAY_MS;

/** The page that is viewed, as reports name it. */
export const viewed = (kind: Kind): string | undefined => pageOf(kind)?.slice(0, LONGEST);

/** Of each kind those with most visitors. */
const MOST = 200;

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
    /** Who began, sent or gave it up, and the share of them who later got to a stage that they had not been at. */
    visitors: number;
    wentOn: number;
    started: number;
    submitted: number;
    abandoned: number;
    /** Who gave it up, each once. */
    gaveUp: number;
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

/** What was noted of a thing. */
interface Noted {
  visitors: number;
  times: number;
  wentOn: number;
  /** Who was counted last. */
  latest: Person;
}

const noted = (): Noted => ({ visitors: 0, times: 0, wentOn: 0, latest: -1 });

/** @param lastAt when the person last got to a stage that was new to them: who did a thing before went on after it */
function note(thing: Noted, person: Person, time: number, lastAt: number): void {
  thing.times++;
  if (thing.latest === person) return;
  thing.latest = person;
  thing.visitors++;
  thing.wentOn += +(lastAt > time);
}

/** Things by their names. */
class Tally<T extends Noted> {
  readonly #rows = new Map<string, T>();

  constructor(private readonly make: () => T) {}

  of(name: string): T {
    const known = this.#rows.get(name) ?? this.make();
    this.#rows.set(name, known);
    return known;
  }

  /** @param more what is told of each beside */
  rows<K extends string, M extends object>(key: K, more: (thing: T) => M): Array<Record<K, string> & Seen & M> {
    return [...this.#rows]
      .filter(([, { visitors }]) => visitors)
      .map(([name, thing]) => {
        const { visitors, times, wentOn } = thing;
        const row = { [key]: name, visitors, times, wentOn: wentOn / visitors, ...more(thing) };
        return row as Record<K, string> & Seen & M;
      })
      .sort((a, b) => b.visitors - a.visitors || b.times - a.times || (a[key] < b[key] ? -1 : 1))
      .slice(0, MOST);
  }
}

interface Page extends Noted {
  path: string;
  titleAt: number;
  title: string | null;
}

interface Form extends Noted {
  started: number;
  submitted: number;
  /** People who began it, and those of them who sent it after that; of both the latest. */
  begun: number;
  starter: Person;
  sent: number;
  sender: Person;
  gaveUp: number;
  /** Who gave it up last. */
  quitter: Person;
  fields: string[];
  seconds: number[];
}

/** What an event of a kind adds to. */
type Target =
  | { what: 'page'; page: Page; title: string | null }
  | { what: 'thing'; thing: Noted }
  | { what: 'form'; form: Form; name: string; field: string | null }
  | { what: 'vital'; values: number[] };

/** Interpolated between the two that are nearest, as spreadsheets do. */
const quantile = (values: number[], share: number): number =>
  // Of a single one the library knows nothing.
  values.length > 1 ? jstat.quantiles(values, [share], 1, 1)[0]! : values[0]!;

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
  const pages = new Tally((): Page => ({ ...noted(), path: '', titleAt: 0, title: null }));
  const [downloads, searches, all] = [new Tally(noted), new Tally(noted), noted()];
  const forms = new Map<string, Form>();
  const vitals = new Map<string, { path: string; metric: string; values: number[] }>();
  /** By stage: how many entered it, and the page that each saw last before. */
  const entries = STAGES.map((stage) => ({ stage, entered: 0, pages: new Map<string, number>() }));
  const count = (place: number, path: string) => {
    const { pages: last } = entries[place]!;
    last.set(path, (last.get(path) ?? 0) + 1);
  };
  /** Who entered stages without a page before them in these days: it may have been seen earlier. */
  const earlier = new Map<Person, number[]>();
  const once = <T>(map: Map<string, T>, key: string, make: () => T): T => {
    if (!map.has(key)) map.set(key, make());
    return map.get(key)!;
  };

  const targetOf = ({ name, path: whole, title, subject, field, isMeasured }: Kind): Target | undefined => {
    const path = whole?.slice(0, LONGEST);
    if (name === 'page_view') {
      if (!path) return undefined;
      const page = pages.of(path);
      page.path = path;
      return { what: 'page', page, title };
    }
    if (name === 'file_download') return subject ? { what: 'thing', thing: downloads.of(subject) } : undefined;
    if (name === 'search') return subject ? { what: 'thing', thing: searches.of(subject) } : undefined;
    if (/^form_(start|submit|abandon)$/.test(name)) {
      const none = (): Form => ({
        ...noted(),
        started: 0,
        submitted: 0,
        begun: 0,
        starter: -1,
        sent: 0,
        sender: -1,
        gaveUp: 0,
        quitter: -1,
        fields: [],
        seconds: [],
      });
      return { what: 'form', form: once(forms, subject!, none), name, field };
    }
    if (name !== 'web_vital' || !path || !subject || !isMeasured) return undefined;
    const { values } = once(vitals, JSON.stringify([subject, path]), () => ({ path, metric: subject, values: [] }));
    return { what: 'vital', values };
  };
  const reached = STAGES.map(() => -Infinity);
  const before = STAGES.map((): Page | undefined => undefined);
  /** Of the stages those that somebody entered in the range. */
  const entered: number[] = [];
  await view.eachDeeds({ from, until }, targetOf, (person, deeds) => {
    before.fill(undefined);
    entered.length = 0;
    let lastAt = -Infinity;
    for (let place = 0; place < STAGES.length; place++) {
      const at = view.reachedAt(person, STAGES[place]!) ?? -Infinity;
      reached[place] = at;
      lastAt = Math.max(lastAt, at);
      if (at >= from && at < until) entered.push(place);
    }
    for (const { time, of, value } of deeds) {
      if (of.what === 'page') {
        const { page, title } = of;
        note(page, person, time, lastAt);
        if (all.latest !== person) note(all, person, time, lastAt);
        if (title && time >= page.titleAt) {
          page.titleAt = time;
          page.title = title;
        }
        for (const place of entered) if (time <= reached[place]!) before[place] = page;
      } else if (of.what === 'thing') note(of.thing, person, time, lastAt);
      else if (of.what === 'vital') {
        if (value >= 0) of.values.push(value);
      } else {
        const { form, name, field } = of;
        note(form, person, time, lastAt);
        if (name === 'form_start') {
          form.started++;
          form.begun += +(form.starter !== person);
          form.starter = person;
        } else if (name === 'form_submit') {
          form.submitted++;
          // Who sends it without having begun it, or once more, is none of those who began.
          if (form.starter === person && form.sender !== person) {
            form.sent++;
            form.sender = person;
          }
        } else {
          form.fields.push(field ?? '');
          form.gaveUp += +(form.quitter !== person);
          form.quitter = person;
          if (!Number.isNaN(value)) form.seconds.push(value);
        }
      }
    }
    for (const place of entered) {
      entries[place]!.entered++;
      const path = before[place]?.path;
      if (path !== undefined) count(place, path);
      else earlier.set(person, [...(earlier.get(person) ?? []), place]);
    }
  });
  if (earlier.size) {
    const span = { from: from - BEFORE_MS, until: from };
    await view.eachDeeds(
      span,
      viewed,
      (person, deeds) => {
        const last = deeds.at(-1);
        if (last) for (const place of earlier.get(person) ?? []) count(place, last.of);
      },
      [...earlier.keys()],
    );
  }
  const known = await stagesOf(view);
  const nothing = () => ({});
  return {
    ...headingOf(site, range, now),
    wentOn: all.visitors ? all.wentOn / all.visitors : null,
    pages: pages.rows('path', ({ title }) => ({ title })),
    downloads: downloads.rows('file', nothing),
    searches: searches.rows('term', nothing),
    forms: [...forms]
      .filter(([, { started, submitted, fields }]) => started || submitted || fields.length)
      .map(([form, { visitors, wentOn, started, submitted, begun, sent, gaveUp, fields, seconds }]) => ({
        form,
        visitors,
        wentOn: wentOn / visitors,
        started,
        submitted,
        abandoned: fields.length,
        gaveUp,
        rate: begun ? sent / begun : null,
        lastField: mostOf(fields.filter(Boolean)),
        seconds: seconds.length ? quantile(seconds, 0.5) : null,
      }))
      .sort((a, b) => b.started - a.started || (a.form < b.form ? -1 : 1))
      .slice(0, MOST),
    vitals: [...vitals.values()]
      .filter(({ values }) => values.length)
      .sort((a, b) => b.values.length - a.values.length || (a.path + a.metric < b.path + b.metric ? -1 : 1))
      .slice(0, MOST)
      .map(({ path, metric, values }) => ({ path, metric, p75: quantile(values, 0.75), count: values.length })),
    entries: entries
      .filter(({ stage }) => known.includes(stage))
      .map(({ stage, entered, pages: last }) => ({
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
