import type { ComponentChildren, JSX } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { DAY_MS, rank, type Stage } from '../../sdk/core/index.js';
import type { LossReport, RulesNames, RuleVersion, Site } from './api.js';
import { isUpdating, useOnce, useReport, type Live, type Read } from './live.js';
import { choose, chosen, linkTo, may } from './state.js';
import {
  inLanguage,
  language,
  showChannel,
  showClock,
  showCountry,
  showDevice,
  showNumber,
  showShare,
  t,
} from './texts.js';

/** Five stages, told apart by lightness as well as by hue. */
export const COLORS = {
  awareness: '#9db8d9',
  interest: '#6f9bd1',
  consideration: '#e0a93f',
  action: '#4f9d78',
  loyalty: '#8a5fb0',
};

export function StageDot({ stage }: { stage: Stage | null }): JSX.Element {
  return (
    <svg width="10" height="10" aria-hidden="true">
      <circle cx="5" cy="5" r="5" fill={stage ? COLORS[stage] : '#8888'} />
    </svg>
  );
}

/** A stage as a word in its colour. */
export function StageName({ stage }: { stage: Stage | null }): JSX.Element {
  return (
    <span class="stage" data-stage={stage ?? ''}>
      <StageDot stage={stage} /> {t(`stages.${stage ?? 'none'}`)}
    </span>
  );
}

export const Alert = ({ children }: { children: ComponentChildren }): JSX.Element => (
  <p class="problem" role="alert">
    {children}
  </p>
);

/** Takes a text along. Browsers let a page do it where it came over HTTPS or from this machine; elsewhere the text can be marked by hand. */
export function Copy({ text }: { text: string }): JSX.Element | null {
  const [copied, set] = useState<string>();
  if (!navigator.clipboard) return null;
  const copy = () =>
    navigator.clipboard.writeText(text).then(
      () => set(text),
      () => {},
    );
  return (
    <button type="button" class="plain small" onClick={() => void copy()}>
      <span aria-live="polite">{t(copied === text ? 'copied' : 'copy')}</span>
    </button>
  );
}

/** Says that something is still to come, and how far the collector is where that takes long. */
const Coming = ({ preparing }: { preparing: number | undefined }): JSX.Element => (
  <p class="soft" role="status">
    {preparing === undefined ? t('loading') : t('preparing', { share: showShare(preparing) })}
  </p>
);

/** Says that something is still to come, is out of date, or could not be had. */
export function Problem({ live: { data, problem, preparing, asOf } }: { live: Live<unknown> }): JSX.Element | null {
  if (!problem) return data ? null : <Coming preparing={preparing} />;
  return <Alert>{data ? t('offline', { time: showClock(asOf) }) : t('failed', { message: problem })}</Alert>;
}

/** Says of which moment a report is, while a newer one is being made. */
export const Updating = ({ of }: { of: unknown }): JSX.Element | null =>
  isUpdating(of) ? (
    <p class="soft" role="status">
      {t('updating', { time: showClock(of.asOf) })}
    </p>
  ) : null;

/** What is read again and again, or that it is still to come, or why it could not be had. */
export const Living = <T,>({
  live,
  children,
}: {
  live: Live<T>;
  children: (data: T) => ComponentChildren;
}): JSX.Element => (
  <>
    <Problem live={live} />
    <Updating of={live.data} />
    {live.data !== undefined && children(live.data)}
  </>
);

/** What was read, or that it is still to come, or why it could not be had and a way to try again. */
export function Loaded<T>({
  read,
  children,
}: {
  read: Read<T>;
  children: (data: T) => ComponentChildren;
}): JSX.Element {
  return (
    <>
      {read.problem && (
        <Alert>
          {t('failed', { message: read.problem })}{' '}
          <button type="button" class="plain" onClick={read.again}>
            {t('retry')}
          </button>
        </Alert>
      )}
      {read.isLoading && <Coming preparing={read.preparing} />}
      <Updating of={read.data} />
      {read.data !== undefined && children(read.data)}
    </>
  );
}

/** By which share something grew, marked as good or bad news. */
export const Change = ({ by }: { by: number }): JSX.Element => (
  <span class={by > 0 ? 'up' : by < 0 ? 'down' : ''}>
    {by > 0 ? '▲ +' : by < 0 ? '▼ ' : ''}
    {showShare(by)}
  </span>
);

/**
 * A number, and the way to those who are behind it, for whoever may see them.
 * @param asked what the list of visitors is asked for @param children how the number is shown, where not by itself
 */
export const People = ({
  site,
  asked,
  count,
  children = showNumber(count),
}: {
  site: Site;
  asked: Record<string, string>;
  count: number;
  children?: ComponentChildren;
}): JSX.Element => {
  const given = Object.entries({ ...asked, rules: chosen('rules') }).filter(
    ([name, value]) => value || name === 'value',
  );
  return may('viewer') && count ? (
    <a href={linkTo(site.siteKey, 'visitors', Object.fromEntries(given))}>{children}</a>
  ) : (
    <>{children}</>
  );
};

export interface Column<T> {
  title: string;
  /** What stands in the CSV file: in words, as it is shown. */
  of: (row: T) => string | number | null;
  /** What rows are sorted by, where that is something else. */
  by?: (row: T) => string | number | null;
  /** How it is shown; as it is where absent, numbers in the page's language. */
  show?: (row: T) => ComponentChildren;
  /** Where it may lie, at 95 %: columns of its own in the CSV file; a share that is shown as it is has it beside it. */
  interval?: (row: T) => [low: number, high: number] | null;
  /** Whether it is hardly chance, where it is shown by a mark: a column of its own in the CSV file. */
  isSure?: (row: T) => boolean | undefined;
}

/** What is not known stands last, whichever way. */
function compare(a: string | number | null, b: string | number | null, isUp: boolean): number {
  if (a === null || b === null) return +(a === null) - +(b === null);
  const way = isUp ? 1 : -1;
  return typeof a === 'number' && typeof b === 'number'
    ? (a - b) * way
    : `${a}`.localeCompare(`${b}`, language.value) * way;
}

/** Some columns are named by words that stand in a list elsewhere. */
const capital = (title: string): string => title.charAt(0).toUpperCase() + title.slice(1);

const shown = (value: string | number | null): string =>
  value === null ? '–' : typeof value === 'number' ? showNumber(value) : value;

/** A share, with the interval in which it may lie. */
const Share = ({ share, interval }: { share: number; interval: [number, number] | null }): JSX.Element => (
  <>
    {showShare(share)}
    {interval && (
      <span class="soft">
        {' '}
        ({showShare(interval[0])}–{showShare(interval[1])})
      </span>
    )}
  </>
);

/** A column of stages. */
export const stageColumn = <K extends string>(title: string, key: K): Column<Record<K, Stage | null>> => ({
  title,
  of: (row) => t(`stages.${row[key] ?? 'none'}`),
  by: (row) => rank(row[key]),
  show: (row) => <StageName stage={row[key]} />,
});

/** A number beside a bar that shows how much of the most it is. */
export const WithBar = ({ share, children }: { share: number; children: ComponentChildren }): JSX.Element => (
  <span class="with-bar">
    <svg class="bar" viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">
      <rect width={share * 100} height="1" fill={COLORS.interest} />
    </svg>
    <span>{children}</span>
  </span>
);

/** What came with no name, as GA4 calls it. */
const NAMELESS: Record<string, () => string> = {
  '(not set)': () => t('namelessNotSet'),
  '(direct)': () => t('direct'),
  '(none)': () => t('none'),
  '(other)': () => t('namelessOther'),
};

/** A channel, or whatever else of a session is credited, in words. */
export const sayWay = (by: string, name: string): string =>
  by === 'channel' ? showChannel(name) : Object.hasOwn(NAMELESS, name) ? NAMELESS[name]!() : name;

/** A browser or a channel whose losses are told, in words. */
export const sayLost = (by: 'browser' | 'channel', name: string | null): string =>
  by === 'channel' ? showChannel(name) : name || t('unknown');

/** What of a cell may be cut off where there is little room. */
const titleOf = (value: string | number | null): string | undefined =>
  typeof value === 'string' && value.length > LONG ? value : undefined;
const LONG = 24;

/** A button that saves a file. */
const Take = ({ text, take }: { text: string; take: () => unknown }): JSX.Element => (
  <button type="button" class="plain small" onClick={take}>
    {text}
  </button>
);

export const CsvButton = <T,>({
  name,
  columns,
  rows,
  text = t('csv'),
}: {
  name: string;
  columns: Array<Column<T>>;
  rows: T[];
  text?: string;
}): JSX.Element => <Take text={text} take={() => saveCsv(name, columns, rows)} />;

/** Saves a picture of an element of this class in the card around. */
export const PictureButton = ({ name, of }: { name: string; of: string }): JSX.Element => {
  const place = useRef<HTMLSpanElement>(null);
  const [isMissing, setMissing] = useState(false);
  const take = async () => {
    // Another version of the collector may have no such file any more.
    const part = await import('./picture.js').catch(() => undefined);
    setMissing(!part);
    if (part)
      save(`${name}.png`, await part.toPicture(place.current!.closest('.card')!.querySelector<HTMLElement>(of)!));
  };
  return (
    <span ref={place}>
      <Take text={t('png')} take={take} />
      {isMissing && <Alert>{t('noCharts')}</Alert>}
    </span>
  );
};

/** A table that can be taken along as CSV, and as a picture where it is a chart too. */
export function Table<T>({
  name,
  columns,
  rows,
  isWorst,
  isChart,
  of,
  most = Infinity,
}: {
  name: string;
  columns: Array<Column<T>>;
  rows: T[];
  isWorst?: (row: T) => boolean;
  isChart?: boolean;
  /** What it is of, where a page has several of the name. */
  of?: string;
  /** How many rows the API gives at most. */
  most?: number;
}): JSX.Element {
  // Where nothing stands nothing says what it would be.
  const isNumber = ({ of }: Column<T>) =>
    rows.some((row) => typeof of(row) === 'number') && !rows.some((row) => typeof of(row) === 'string');
  const numbers = columns.map(isNumber);
  const [sort, setSort] = useState<{ title: string; isUp: boolean }>();
  const by = columns.find(({ title }) => title === sort?.title);
  const keyOf = by?.by ?? by?.of;
  const sorted = keyOf ? [...rows].sort((a, b) => compare(keyOf(a), keyOf(b), sort!.isUp)) : rows;
  const isSortable = ({ of }: Column<T>) => rows.some((row) => of(row) !== of(rows[0]!));
  /** Numbers from the greatest first; then the other way round; then as they came. */
  const turn = (title: string, isUp: boolean) =>
    setSort(sort?.title !== title ? { title, isUp } : sort.isUp === isUp ? { title, isUp: !isUp } : undefined);
  return (
    <>
      <div
        class="scroll"
        tabIndex={0}
        role="region"
        aria-label={[t(`tables.${name}` as 'table'), of].filter(Boolean).join(': ')}
      >
        <table class={name}>
          <thead>
            <tr>
              {columns.map(({ title }, index) => (
                <th
                  key={title}
                  scope="col"
                  class={numbers[index] ? 'number' : ''}
                  aria-sort={sort?.title === title ? (sort.isUp ? 'ascending' : 'descending') : undefined}
                >
                  {isSortable(columns[index]!) ? (
                    <button type="button" class="sort" onClick={() => turn(title, !numbers[index])}>
                      {capital(title)}
                    </button>
                  ) : (
                    capital(title)
                  )}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {sorted.map((row, at) => (
              <tr key={at} class={isWorst?.(row) ? 'worst' : ''}>
                {columns.map(({ title, of, show, interval }, index) => (
                  <td key={title} class={numbers[index] ? 'number' : ''} title={titleOf(of(row))}>
                    {show ? (
                      show(row)
                    ) : interval && of(row) !== null ? (
                      <Share share={of(row) as number} interval={interval(row)} />
                    ) : (
                      shown(of(row))
                    )}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {rows.length >= most && <p class="soft">{t('firstOnly', { count: most })}</p>}
      {!!rows.length && <CsvButton name={name} columns={columns} rows={sorted} />}{' '}
      {isChart && !!rows.length && <PictureButton name={name} of={`table.${name}`} />}
    </>
  );
}

/** A cell that no spreadsheet takes for a formula. */
function cell(value: string | number | null): string {
  if (typeof value === 'number' || value === null) return String(value ?? '');
  // Full-width signs too: some spreadsheets take them for the same.
  const text = /^[=+\-@\t\r\n＝＋－＠]/.test(value) ? `'${value}` : value;
  return `"${text.replaceAll('"', '""')}"`;
}

/** Nothing where that is not asked. */
const sayIfSure = (isSure: boolean | undefined): string | null =>
  isSure === undefined ? null : t(isSure ? 'yes' : 'maybeChance');

function saveCsv<T>(name: string, columns: Array<Column<T>>, rows: T[]): void {
  // What a column of buttons does cannot be taken along.
  const isSaid = ({ of }: Column<T>) => rows.some((row) => of(row) !== '');
  const all = columns.filter(isSaid).flatMap(({ title, of, interval, isSure }) => [
    { title, of },
    ...(isSure ? [{ title: `${title}: ${t('sure')}`, of: (row: T) => sayIfSure(isSure(row)) }] : []),
    ...(interval
      ? [
          { title: t('intervalFrom', { title }), of: (row: T) => interval(row)?.[0] ?? null },
          { title: t('intervalTo', { title }), of: (row: T) => interval(row)?.[1] ?? null },
        ]
      : []),
  ]);
  const lines = [all.map(({ title }) => cell(title)), ...rows.map((row) => all.map(({ of }) => cell(of(row))))];
  // Spreadsheets tell by the mark that it is UTF-8.
  const text = `\uFEFF${lines.map((line) => line.join(',')).join('\r\n')}\r\n`;
  save(`${name}.csv`, new Blob([text], { type: 'text/csv' }));
}

export function save(name: string, blob: Blob): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}

export function Select<T extends string>({
  label,
  name,
  options,
  otherwise,
}: {
  label: string;
  name: string;
  options: Array<[value: T, text: string]>;
  otherwise: T;
}): JSX.Element {
  const value = chosen(name, otherwise);
  // An address can say anything, such as what an earlier version of the rules knew.
  const isKnown = options.some(([each]) => each === value);
  return (
    <label>
      <span class="soft">{label}</span>{' '}
      <select
        name={name}
        value={value}
        onChange={({ currentTarget: { value: next } }) => choose({ [name]: next === otherwise ? '' : next })}
      >
        {[...options, ...(isKnown ? [] : [[value, value]])].map(([each, text]) => (
          <option key={each} value={each}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}

/** What a row of a breakdown stands for, in words. */
export function showRow(by: string, value: string | null, rules: RulesNames | undefined): string {
  if (by === 'channel') return showChannel(value);
  if (value === null) return t(by === 'tag' ? 'none' : by === 'source' ? 'direct' : 'unknown');
  if (by === 'device') return showDevice(value);
  if (by === 'country') return showCountry(value);
  return (by === 'tag' && inLanguage(rules?.tags?.[value]?.label)) || value;
}

/** Days of facts are days of UTC: to be said where they are not the site's. */
export const inUtc = ({ timeZone }: Site): string => (timeZone === 'UTC' ? '' : t('daysInUtc'));

/** The day that it is on a site. By its parts, since no language writes days alike in all browsers. */
export function todayOf({ timeZone }: Site): string {
  const format = new Intl.DateTimeFormat('en', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' });
  const parts = format.formatToParts(Date.now());
  return (['year', 'month', 'day'] as const).map((name) => parts.find(({ type }) => type === name)!.value).join('-');
}

export const daysBefore = (day: string, count: number): string =>
  new Date(Date.parse(day) - count * DAY_MS).toISOString().slice(0, 10);

/** As many days, up to the one before. */
export function rangeBefore({ from, to }: { from: string; to: string }): { from: string; to: string } {
  const days = Math.round((Date.parse(to) - Date.parse(from)) / DAY_MS) + 1;
  return { from: daysBefore(from, days), to: daysBefore(from, 1) };
}

const DAYS = 30;

/** How many days were chosen. */
function lengthOf(otherwise: number): number {
  const length = Number(chosen('days', `${otherwise}`));
  return length >= 1 && length <= 3660 ? Math.floor(length) : otherwise;
}

/** Whether it is a day that there is: an address can say anything. */
export const isDay = (text: string): boolean =>
  /^\d{4}-\d\d-\d\d$/.test(text) && new Date(Date.parse(text) || 0).toISOString().startsWith(text);

/** The days that were chosen, as reports are asked for them: none is to come. @param otherwise how many they are where nothing was chosen */
export function rangeOf(site: Site, otherwise = DAYS): { from: string; to: string } {
  const today = todayOf(site);
  const to = isDay(chosen('to')) && chosen('to') < today ? chosen('to') : today;
  const from = chosen('from');
  if (!isDay(from)) return { from: daysBefore(to, lengthOf(otherwise) - 1), to };
  // An address may name days the other way round, and such as are still to come.
  const begin = from < today ? from : today;
  return begin < to ? { from: begin, to } : { from: to, to: begin };
}

/** How much of these days was never seen: every rate is of what was. */
function Unseen({ site, range }: { site: Site; range: { from: string; to: string } }): JSX.Element | null {
  const { data } = useReport<LossReport>(site.siteKey, 'loss', range);
  return (
    <>
      {!!data?.rate && (
        <small class="soft" title={t('lossLine', { share: showShare(data.rate) })}>
          {t('notSeen', { share: showShare(data.rate) })}
        </small>
      )}
      {data?.exactFrom && <small class="mark">{t('exactFrom', { day: data.exactFrom })}</small>}
    </>
  );
}

/** Under which version of the rules everybody is looked at. */
function Version({ site }: { site: Site }): JSX.Element | null {
  const all = useOnce<{ versions: RuleVersion[] }>(`sites/${site.siteKey}/rules/versions`)?.versions ?? [];
  // A link may name one that there is not: it can be taken back.
  return all.length < 2 && !chosen('rules') ? null : (
    <Select
      label={t('underRules')}
      name="rules"
      otherwise=""
      options={all.map(({ version, inForce }) => [
        inForce ? '' : `${version}`,
        inForce ? t('rulesInForce', { version }) : t('rulesVersion', { version }),
      ])}
    />
  );
}

/** The first day that can be asked for. */
export const FIRST_DAY = '1970-01-01';

export function RangePicker({ site, otherwise = DAYS }: { site: Site; otherwise?: number }): JSX.Element {
  const { from, to } = rangeOf(site, otherwise);
  const length = `${lengthOf(otherwise)}`;
  const isOwn = !!chosen('from') || !!chosen('to');
  const pick = (value: string) =>
    choose(
      value === 'own' ? { from, to, days: '' } : { from: '', to: '', days: value === `${otherwise}` ? '' : value },
    );
  // Of a year that is still being typed only the end is there yet.
  const set = (name: string) => (event: { currentTarget: HTMLInputElement }) =>
    event.currentTarget.value >= FIRST_DAY && choose({ [name]: event.currentTarget.value }, true);
  return (
    <>
      <label>
        <span class="soft">{t('range')}</span>{' '}
        <select name="days" value={isOwn ? 'own' : length} onChange={({ currentTarget }) => pick(currentTarget.value)}>
          {[...new Set(['7', '30', '90', '365', length])].map((days) => (
            <option key={days} value={days}>
              {t('lastDays', { count: days })}
            </option>
          ))}
          <option value="own">{t('ownRange')}</option>
        </select>
      </label>
      {isOwn && (
        <>
          <input type="date" aria-label={t('fromDay')} value={from} max={to} onChange={set('from')} />
          <input type="date" aria-label={t('toDay')} value={to} min={from} max={todayOf(site)} onChange={set('to')} />
        </>
      )}
      {may('viewer') && <Version site={site} />}
      <Unseen site={site} range={{ from, to }} />
    </>
  );
}
