import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { DAY_MS } from '../../sdk/core/index.js';
import { Alerts } from './alerts.js';
import {
  change,
  type CoverageReport,
  type DeadLetter,
  type Health,
  type Lost,
  type LossReport,
  type Site,
  type Template,
  type VisitorSummary,
} from './api.js';
import { useAttempt, useLive, useOnce, useRead, useReport } from './live.js';
import { Alert, Copy, Loaded, People, RangePicker, rangeOf, sayLost, Table, type Column } from './parts.js';
import { linkTo, may, settingsChanged } from './state.js';
import { Team } from './team.js';
import { inLanguage, language, sayRefusal, showNumber, showShare, showTime, t } from './texts.js';

/** The line for the pages, whether it works, what of it was lost, and the site's settings. */
export function Setup({ site }: { site: Site }): JSX.Element {
  return (
    <>
      <Alerts site={site} view="setup" />
      <Snippet site={site} />
      {may('owner') && <HealthCard site={site} />}
      {may('owner') && <Settings key={site.siteKey} site={site} />}
      <Coverage site={site} />
      <Loss site={site} />
      {may('owner') && <Refused site={site} />}
      {may('owner') && <Team site={site} />}
      {may('owner') && <AddSite />}
    </>
  );
}

/** The key that nobody sees who did not ask for it. */
function SecretKey({ site }: { site: Site }): JSX.Element {
  const [shown, show] = useState(false);
  const path = `sites/${site.siteKey}/secret-key`;
  const read = useRead<{ secretKey: string }>(shown ? path : undefined);
  const [problem, attempt] = useAttempt(read.again);
  return shown ? (
    <>
      <Loaded read={read}>
        {({ secretKey }) => (
          <p role="status">
            <code>{secretKey}</code> <Copy text={secretKey} />{' '}
            <button
              type="button"
              class="plain small"
              onClick={() => confirm(t('confirmSecret')) && void attempt(() => change('POST', path))}
            >
              {t('replaceSecret')}
            </button>
          </p>
        )}
      </Loaded>
      {problem && <Alert>{problem}</Alert>}
    </>
  ) : (
    <button type="button" class="plain small" onClick={() => show(true)}>
      {t('showSecret')}
    </button>
  );
}

function Snippet({ site }: { site: Site }): JSX.Element {
  const { data } = useLive<{ visitors: VisitorSummary[] }>(`sites/${site.siteKey}/visitors?limit=1`);
  const last = data?.visitors[0];
  return (
    <section class="card">
      <h2>{t('snippet')}</h2>
      <p class="soft">{t('snippetHint')}</p>
      <pre tabIndex={0}>{site.snippet}</pre>
      <Copy text={site.snippet} />
      <p>
        {/* When the latest came is not to be read out with each one. */}
        <span role="status">{!data ? t('loading') : last ? '✓' : `○ ${t('waiting')}`}</span>{' '}
        {last && t('lastEvent', { time: showTime(last.lastSeen, site.timeZone) })}
      </p>
      <details>
        <summary>{t('pinned')}</summary>
        <pre tabIndex={0}>{site.pinnedSnippet}</pre>
        <Copy text={site.pinnedSnippet} />
      </details>
      {may('owner') && <SecretKey site={site} />}
    </section>
  );
}

/** Days after which a copy of the data is too old to be of comfort. */
const BACKUP_DAYS = 7;
const LEAST_FREE = 1e9;

/** Whether all is well, point by point: each says what to do where it is not. */
function HealthCard({ site }: { site: Site }): JSX.Element {
  const read = useRead<Health>(`sites/${site.siteKey}/health`);
  return (
    <section class="card">
      <h2>{t('health')}</h2>
      <Loaded read={read}>
        {({ asOf, lastEventAt, due, jobs, takenBytes, freeBytes, backupAt }) => {
          const points: Array<[isWell: boolean, text: string]> = [
            [
              lastEventAt !== null && asOf - lastEventAt < DAY_MS,
              lastEventAt === null ? t('waiting') : t('lastEvent', { time: showTime(lastEventAt, site.timeZone) }),
            ],
            [!due, due ? t('lagging', { count: showNumber(due) }) : t('noLag')],
            ...jobs.map(({ done, total }): [boolean, string] => [
              false,
              t('recomputing', { share: showShare(total ? done / total : 0) }),
            ]),
            [
              freeBytes > LEAST_FREE,
              t('space', { taken: showNumber(takenBytes / 1e6), free: showNumber(freeBytes / 1e9) }),
            ],
            [
              backupAt !== null && asOf - backupAt < BACKUP_DAYS * DAY_MS,
              backupAt === null ? t('noBackup') : t('lastBackup', { time: showTime(backupAt, site.timeZone) }),
            ],
          ];
          return (
            <ul class="findings">
              {points.map(([isWell, text]) => (
                <li key={text}>
                  <span class={isWell ? 'met' : 'missing'}>{isWell ? '✓' : '○'}</span> {text}
                </li>
              ))}
            </ul>
          );
        }}
      </Loaded>
    </section>
  );
}

const lines = (text: FormDataEntryValue | null) =>
  String(text ?? '')
    .split(/[\n,，、;；]/)
    .map((each) => each.trim())
    .filter(Boolean);

/** No site may keep events for less: the collector refuses it. */
const LEAST_DAYS = 30;

function Settings({ site }: { site: Site }): JSX.Element {
  const [state, set] = useState<{ problem?: string; done?: string }>({});
  /** What the form was opened with: what stands as it was is not written over what somebody else changed meanwhile. */
  const opened = useRef<object>(site);
  const save = async (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const days = String(form.get('retentionDays')).trim();
    const retentionDays = days ? Number(days) : null;
    if (Number.isNaN(retentionDays)) return set({ problem: t('notDays', { given: days }) });
    // What is removed is gone for good.
    const isDays = Number.isInteger(retentionDays) && retentionDays! >= LEAST_DAYS;
    const isLess = isDays && retentionDays! < (site.retentionDays ?? Infinity);
    if (isLess && !confirm(t('confirmRetention', { count: retentionDays! }))) return;
    try {
      const given = {
        name: form.get('name'),
        origins: lines(form.get('origins')),
        timeZone: form.get('timeZone'),
        internal: lines(form.get('internal')),
        retentionDays,
        weekStart: form.get('weekStart'),
      };
      const was = opened.current as Record<string, unknown>;
      const changed = Object.entries(given).filter(
        ([name, value]) => JSON.stringify(value) !== JSON.stringify(was[name]),
      );
      await change('PATCH', `sites/${site.siteKey}`, Object.fromEntries(changed));
      opened.current = { ...was, ...given };
      set({ done: t('saved') });
      settingsChanged.value++;
    } catch (error) {
      set({ problem: t('notSaved', { message: (error as Error).message }) });
    }
  };
  return (
    <section class="card">
      <h2>{t('settings')}</h2>
      <form class="form" onSubmit={save}>
        <label>
          {t('siteName')} <input name="name" defaultValue={site.name} required />
        </label>
        <label>
          {t('origins')} <textarea name="origins" rows={3} defaultValue={site.origins.join('\n')} required />
        </label>
        <label>
          {t('timeZone')} <input name="timeZone" defaultValue={site.timeZone} list="zones" required />
        </label>
        <datalist id="zones">
          {Intl.supportedValuesOf('timeZone').map((zone) => (
            <option key={zone} value={zone} />
          ))}
        </datalist>
        <label>
          {t('weekStart')}{' '}
          <select name="weekStart">
            {(['monday', 'saturday', 'sunday'] as const).map((day) => (
              <option key={day} value={day} selected={day === site.weekStart}>
                {t(`weekDays.${day}`)}
              </option>
            ))}
          </select>
        </label>
        <label>
          {t('retentionDays')}{' '}
          <input name="retentionDays" inputMode="numeric" defaultValue={String(site.retentionDays ?? '')} />
        </label>
        <label>
          {t('internal')} <textarea name="internal" rows={2} defaultValue={site.internal.join('\n')} />
        </label>
        <a href="internal" target="_blank">
          {t('leaveBrowser')}
        </a>
        <button>{t('save')}</button>
      </form>
      {state.problem && <Alert>{state.problem}</Alert>}
      {state.done && <p role="status">{state.done}</p>}
    </section>
  );
}

/** Characters of a path as reports have it; and paths that are listed. */
const LONGEST = 200;
const MOST_UNSEEN = 300;

/** Paths of a sitemap, or of addresses one a line; those of other hosts are left out. */
function pathsOf(text: string, origins: string[]): string[] {
  const listed = [...text.matchAll(/<loc>\s*(?:<!\[CDATA\[)?\s*([^<\]]+?)\s*(?:\]\]>)?\s*<\/loc>/g)].map(([, url]) =>
    url!.replaceAll('&amp;', '&'),
  );
  const given = listed.length ? listed : text.split(/\s+/).filter(Boolean);
  const paths = given.flatMap((each) => {
    if (each.startsWith('/')) return [each.split(/[?#]/)[0]!];
    if (!URL.canParse(each)) return [];
    const { origin, pathname } = new URL(each);
    return origins.includes(origin) ? [pathname] : [];
  });
  return [...new Set(paths.map((path) => path.slice(0, LONGEST)))];
}

const withoutSlash = (path: string) => path.replace(/(.)\/$/, '$1');

/** Which pages carry the tag, and which do not any more, or never did. */
function Coverage({ site }: { site: Site }): JSX.Element {
  const read = useReport<CoverageReport>(site.siteKey, 'coverage', {});
  const [text, setText] = useState('');
  const wanted = pathsOf(text, site.origins);
  return (
    <section class="card">
      <h2>{t('coverage')}</h2>
      <p class="soft">{t('coverageHint')}</p>
      <Loaded read={read}>
        {({ pages, rows }) => {
          const silent = rows.filter(({ isSilent }) => isSilent);
          const seen = new Set(rows.map(({ path }) => withoutSlash(path)));
          const unseen = wanted.filter((path) => !seen.has(withoutSlash(path)));
          return pages ? (
            <>
              <p role="status">
                {t('coverageSum', { pages: showNumber(pages) })} {!silent.length && t('noneSilent')}
              </p>
              {!!silent.length && (
                <Table
                  name="coverage"
                  rows={silent}
                  columns={[
                    { title: t('page'), of: ({ path }) => path },
                    { title: t('views_'), of: ({ views }) => views },
                    {
                      title: t('lastSeen'),
                      of: ({ lastAt }) => showTime(lastAt, site.timeZone),
                      by: ({ lastAt }) => lastAt,
                    },
                  ]}
                />
              )}
              <details>
                <summary>{t('holdAgainst')}</summary>
                <p class="soft">
                  {t('holdHint')} {pages > rows.length && t('partly', { pages: showNumber(pages) })}
                </p>
                <textarea
                  class="wide"
                  rows={4}
                  aria-label={t('holdAgainst')}
                  value={text}
                  onInput={({ currentTarget }) => setText(currentTarget.value)}
                />
                {!!wanted.length &&
                  (unseen.length ? (
                    <>
                      <p role="status">
                        {t('neverSeen', {
                          all: showNumber(wanted.length),
                          seen: showNumber(wanted.length - unseen.length),
                        })}
                      </p>
                      <Table
                        name="neverSeen"
                        rows={unseen.slice(0, MOST_UNSEEN)}
                        columns={[{ title: t('page'), of: (path) => path }]}
                      />
                    </>
                  ) : (
                    <p role="status">{t('allSeen', { all: showNumber(wanted.length) })}</p>
                  ))}
              </details>
            </>
          ) : (
            <p>{t('nothingInRange')}</p>
          );
        }}
      </Loaded>
    </section>
  );
}

const columns = <T extends Lost>(
  site: Site,
  by: 'browser' | 'channel',
  of: (row: T) => string | null,
): Array<Column<T>> => [
  { title: t(by), of: (row) => sayLost(by, of(row)) },
  {
    title: t('visitorsCount'),
    of: ({ visitors }) => visitors,
    show: (row) => (
      <People site={site} asked={{ ...rangeOf(site), counted: `loss:${by}:${of(row) ?? ''}` }} count={row.visitors} />
    ),
  },
  { title: t('stored'), of: ({ stored }) => stored },
  { title: t('missing'), of: ({ missing }) => missing },
  { title: t('rate'), of: ({ rate }) => rate, show: ({ rate }) => (rate === null ? '–' : showShare(rate)) },
];

function Loss({ site }: { site: Site }): JSX.Element {
  const read = useReport<LossReport>(site.siteKey, 'loss', rangeOf(site));
  return (
    <section class="card">
      <h2>{t('loss')}</h2>
      <p class="soft">{t('lossHint')}</p>
      <div class="filters">
        <RangePicker site={site} />
      </div>
      <Loaded read={read}>
        {(report) =>
          report.visitors ? (
            <>
              <p role="status">
                {t('lossSum', {
                  missing: showNumber(report.missing),
                  all: showNumber(report.stored + report.missing),
                  share: showShare(report.rate ?? 0),
                  owned: showNumber(report.ownedUp),
                })}{' '}
                {report.pages
                  ? t('pagesSum', {
                      served: showNumber(report.pages.served),
                      share: showShare(report.pages.rate),
                    })
                  : t('noPages')}
              </p>
              <Table
                name="lossByBrowser"
                rows={report.byBrowser}
                columns={columns<LossReport['byBrowser'][number]>(site, 'browser', ({ browser }) => browser)}
              />
              <Table
                name="lossByChannel"
                rows={report.byChannel}
                columns={columns<LossReport['byChannel'][number]>(site, 'channel', ({ channel }) => channel)}
              />
            </>
          ) : (
            <p>{t('nothingInRange')}</p>
          )
        }
      </Loaded>
    </section>
  );
}

/** As many as are looked at. */
const LETTERS = 1000;
/** Samples of a reason, the latest first. */
const SAMPLES = 3;

/** What came and was not taken: by the reason, with the latest of each. */
function Refused({ site }: { site: Site }): JSX.Element {
  const read = useRead<{ letters: DeadLetter[] }>(`sites/${site.siteKey}/dead-letters?limit=${LETTERS}`, true);
  return (
    <section class="card">
      <h2>{t('refused')}</h2>
      <p class="soft">{t('refusedHint')}</p>
      <Loaded read={read}>
        {({ letters }) => {
          const reasons = [...new Set(letters.map(({ reason }) => reason))].map((reason) => ({
            reason,
            all: letters.filter((letter) => letter.reason === reason),
          }));
          return reasons.length ? (
            [
              letters.length >= LETTERS && <p class="soft">{t('latestOnly', { count: showNumber(LETTERS) })}</p>,
              ...reasons.map(({ reason, all }) => (
                <details key={reason}>
                  <summary>
                    {sayRefusal(reason)} · {showNumber(all.length)}
                  </summary>
                  <p class="soft">
                    <code>{reason}</code>
                    {language.value === 'en' && ` · ${all[0]!.detail}`}
                  </p>
                  {all.slice(0, SAMPLES).map(({ receivedAt, body }) => (
                    <div key={receivedAt + body}>
                      <p class="soft">{showTime(receivedAt, site.timeZone)}</p>
                      <pre tabIndex={0}>{body || '–'}</pre>
                    </div>
                  ))}
                </details>
              )),
            ]
          ) : (
            <p>{t('nothingRefused')}</p>
          );
        }}
      </Loaded>
    </section>
  );
}

const STEPS = ['site', 'line', 'event'] as const;

/** A site of one's own in three steps: what it is, the line for its pages, and whether they are heard. */
export function AddSite({ isFirst }: { isFirst?: boolean }): JSX.Element {
  const templates = useOnce<{ templates: Template[] }>('templates')?.templates ?? [];
  const [template, setTemplate] = useState('general');
  const [state, set] = useState<{ problem?: string; added?: Added }>({});
  const [isHeard, setHeard] = useState(false);
  const isAdding = useRef(false);
  const add = async (event: SubmitEvent) => {
    event.preventDefault();
    if (isAdding.current) return;
    isAdding.current = true;
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const timeZone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    const currency = String(form.get('currency')).trim().toUpperCase();
    const given = {
      name: form.get('name'),
      origins: lines(form.get('origins')),
      template,
      timeZone,
      ...(currency && { currency }),
    };
    try {
      set({ added: { ...(await change<Omit<Added, 'timeZone'>>('POST', 'sites', given)), timeZone } });
      settingsChanged.value++;
    } catch (error) {
      set({ problem: t('notSaved', { message: (error as Error).message }) });
    }
    isAdding.current = false;
  };
  const { added } = state;
  const step = !added ? 'site' : isHeard ? 'event' : 'line';
  return (
    <section class="card">
      <h2>{t(isFirst ? 'welcome' : 'addSite')}</h2>
      <p class="soft">{t(isFirst ? 'welcomeHint' : 'addSiteHint')}</p>
      <ol class="steps-of">
        {STEPS.map((each, at) => (
          <li key={each} aria-current={each === step ? 'step' : undefined}>
            {at < STEPS.indexOf(step) || isHeard ? '✓ ' : ''}
            {t(`addSteps.${each}`)}
          </li>
        ))}
      </ol>
      {!added ? (
        <form class="form level" onSubmit={add}>
          <label>
            {t('siteName')} <input name="name" required />
          </label>
          <label>
            {t('origins')} <textarea name="origins" rows={2} placeholder="https://www.example.com" required />
            <span class="soft">{t('originsHint')}</span>
          </label>
          <label>
            {t('template')}{' '}
            <select name="template" value={template} onChange={({ currentTarget }) => setTemplate(currentTarget.value)}>
              {(templates.length ? templates : [{ name: 'general', title: 'general', about: '' }]).map(
                ({ name, title }) => (
                  <option key={name} value={name}>
                    {inLanguage(title)}
                  </option>
                ),
              )}
            </select>
            <span class="soft">{inLanguage(templates.find(({ name }) => name === template)?.about)}</span>
          </label>
          <label>
            {t('currency')} <input name="currency" class="short" list="currencies" maxLength={3} placeholder="EUR" />
            <span class="soft">{t('currencyHint')}</span>
          </label>
          <datalist id="currencies">
            {CURRENCIES.map((each) => (
              <option key={each} value={each} />
            ))}
          </datalist>
          <button>{t('addSite')}</button>
        </form>
      ) : (
        <Added added={added} onHeard={() => setHeard(true)} />
      )}
      {state.problem && <Alert>{state.problem}</Alert>}
    </section>
  );
}

/** What browsers know of them; older ones do not tell. */
const CURRENCIES = Intl.supportedValuesOf?.('currency') ?? [];

interface Added {
  siteKey: string;
  secretKey: string;
  snippet: string;
  timeZone: string;
}

function Added({
  added: { siteKey, secretKey, snippet, timeZone },
  onHeard,
}: {
  added: Added;
  onHeard: () => void;
}): JSX.Element {
  const { data } = useLive<{ visitors: VisitorSummary[] }>(`sites/${siteKey}/visitors?limit=1`);
  const first = data?.visitors[0];
  useEffect(() => {
    if (first) onHeard();
  }, [!!first]);
  return (
    <>
      <p>{t('added')}</p>
      <pre tabIndex={0}>{snippet}</pre>
      <Copy text={snippet} />
      <p>
        {t('secretKey')} <code>{secretKey}</code> <Copy text={secretKey} />
      </p>
      <p role="status">
        {first
          ? `✓ ${t('heard', { time: showTime(first.lastSeen, timeZone), stage: first.stage ? t(`stages.${first.stage}`) : t('stages.none') })}`
          : `○ ${t('waiting')}`}
      </p>
      <a href={linkTo(siteKey, first ? 'board' : 'setup')}>{t(first ? 'openBoard' : 'openSetup')}</a>
    </>
  );
}
