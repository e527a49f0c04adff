import { findNodeAtLocation, parseTree, type ParseError } from 'jsonc-parser';
import type { JSX } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import {
  compileExclusions,
  compileRules,
  compileScores,
  lintRules,
  parseRules,
  type RulesError,
} from '../../sdk/core/index.js';
import {
  change,
  get,
  Refused,
  type Finding,
  type Preview,
  type RulesNames,
  type RuleVersion,
  type Site,
  type UnclassifiedReport,
} from './api.js';
import { Completions } from './completionList.js';
import { showEvent } from './events.js';
import { useRead, useReport } from './live.js';
import { sayNote } from './notes.js';
import { Alert, Loaded, People, Table } from './parts.js';
import { freeName, isShown } from './rulesEdits.js';
import { explainError, explainRefusedRules, meanwhileOf, unlessMeanwhile } from './rulesErrors.js';
import { RulesForm } from './rulesForm.js';
import { Moves } from './rulesPreview.js';
import { Templates } from './rulesTemplates.js';
import { isUnsaved, may, writing } from './state.js';
import { joinNames, showNumber, showTime, t } from './texts.js';
import { Words } from './why.js';

const { unsaved, kept, savedAt } = writing;
addEventListener('beforeunload', (event) => {
  if (isUnsaved()) event.preventDefault();
});

interface Checked {
  errors: RulesError[];
  warnings: Finding[];
}

/** Steps that can be taken back, and what is typed within so long is one. */
const MOST_UNDONE = 50;
const TYPING_MS = 2000;

/** The rules as a document: checked, previewed, published; every version there was, and templates. */
export function Rules({ site }: { site: Site }): JSX.Element {
  const base = `sites/${site.siteKey}/rules`;
  const rules = useRead<object>(base);
  const versions = useRead<{ versions: RuleVersion[]; draft: { author: string | null; savedAt: number } | null }>(
    `${base}/versions`,
  );
  const other = versions.data?.draft;
  const [text, keepText] = useState(unsaved.get(site.siteKey));
  const [state, set] = useState<{
    problem?: string;
    done?: string;
    checked?: Checked;
    preview?: Preview;
    /** Nobody can meet some of them: publishing has to be confirmed. */
    isContradictory?: boolean;
    isBusy?: boolean;
    /** The line in which it is no JSON. */
    brokenAt?: number;
  }>({});
  const said = useRef<HTMLDivElement>(null);
  // What made it say something may stand far below.
  useEffect(() => {
    if (state.problem || state.done) said.current?.scrollIntoView({ block: 'nearest' });
  }, [state.problem, state.done]);
  /** What was written before, the latest last; what is typed in a row is one step. */
  const [undoable, setUndoable] = useState<Array<string | undefined>>([]);
  const typedAt = useRef(0);
  const setText = (next: string | undefined, isTyped?: boolean) => {
    const isMore = isTyped && Date.now() - typedAt.current < TYPING_MS;
    typedAt.current = isTyped ? Date.now() : 0;
    if (!isMore && next !== text) setUndoable((before) => [...before.slice(-MOST_UNDONE), text]);
    write(next);
  };
  const undo = () => {
    write(undoable.at(-1));
    setUndoable(undoable.slice(0, -1));
  };
  const write = (next: string | undefined) => {
    if (next === undefined) unsaved.delete(site.siteKey);
    else unsaved.set(site.siteKey, next);
    keepText(next);
    // It was said of another text.
    set(({ done }) => (done ? { done } : {}));
  };
  const [note, setNote] = useState('');
  const [apply, setApply] = useState<'all' | 'now'>('all');
  const shown = text ?? (rules.data ? JSON.stringify(rules.data, null, 2) : '');
  const isChanged = text !== undefined;
  const editor = useRef<HTMLTextAreaElement>(null);
  const draft = useMemo(() => parsed(shown), [shown]);
  const [caret, setCaret] = useState<number>();
  const complete = (next: string, at: number) => {
    setText(next);
    setCaret(at);
    // When the new text is in it.
    setTimeout(() => {
      editor.current!.focus();
      editor.current!.setSelectionRange(at, at);
    });
  };
  const live = useMemo(() => (isChanged ? checkHere(draft) : undefined), [draft, isChanged]);
  const goTo = (line: number) => {
    const field = editor.current!;
    const lines = shown.split('\n');
    const from = lines.slice(0, line - 1).join('\n').length + (line > 1 ? 1 : 0);
    field.focus();
    field.setSelectionRange(from, from + lines[line - 1]!.length);
    field.scrollTop = (field.scrollHeight / lines.length) * Math.max(0, line - 4);
  };

  const run = async (what: (rules: object) => Promise<typeof state>) => {
    let given: object;
    try {
      given = JSON.parse(shown) as object;
    } catch {
      const errors: ParseError[] = [];
      parseTree(shown, errors);
      const line = shown.slice(0, errors[0]?.offset).split('\n').length;
      return set({ problem: t('notJson', { line: showNumber(line) }), brokenAt: line });
    }
    set({ isBusy: true });
    try {
      set(await what(given));
    } catch (error) {
      const { status, body } = error as Refused;
      const { errors = [], warnings = [] } = (body ?? {}) as Partial<Checked>;
      set({
        problem: explainRefusedRules(error as Error),
        ...((errors.length || warnings.length) && { checked: { errors, warnings } }),
        isContradictory: status === 409 && !meanwhileOf(error),
      });
    }
  };
  const check = () => run(async (given) => ({ checked: await change<Checked>('POST', `${base}/lint`, given) }));
  const preview = () =>
    run(async (given) => ({ preview: await change<Preview>('POST', `${base}/preview?apply=${apply}`, given) }));
  const publish = () =>
    run(async (given) => {
      // What contradicts itself was asked about already.
      if (!state.isContradictory && !confirm(t('confirmPublish'))) return {};
      const query = new URLSearchParams({
        apply,
        ...(note && { note }),
        ...(state.isContradictory && { confirm: 'true' }),
      });
      // What a document is made of stands in it; a template is made of nothing.
      const { version: basedOn } = given as { version?: unknown };
      const isMade = Number.isInteger(basedOn);
      const done = await unlessMeanwhile(site, (isSure) => {
        if (isMade && !isSure) query.set('basedOn', String(basedOn));
        else query.delete('basedOn');
        return change<{ version: number }>('PUT', `${base}?${query}`, given);
      });
      if (!done) return {};
      const { version } = done;
      // Somebody else's stays.
      const draftAt = savedAt.get(site.siteKey);
      if (draftAt) await change('DELETE', `${base}/draft?after=${draftAt}`).catch(() => {});
      savedAt.delete(site.siteKey);
      setText(undefined);
      setNote('');
      rules.again();
      versions.again();
      return { done: t(apply === 'all' ? 'published' : 'publishedNow', { version }) };
    });
  const saveDraft = () =>
    run(async (given) => {
      const saved = await unlessMeanwhile(site, (isSure) =>
        change<{ savedAt: number }>(
          'PUT',
          `${base}/draft${isSure ? '' : `?after=${savedAt.get(site.siteKey) ?? 0}`}`,
          given,
        ),
      );
      if (!saved) return {};
      savedAt.set(site.siteKey, saved.savedAt);
      kept.set(site.siteKey, shown);
      versions.again();
      return { done: t('draftSaved') };
    });
  const mayDrop = () => !isChanged || confirm(t('confirmDrop'));
  const load = async (path: string, done: string) => {
    if (!mayDrop()) return;
    try {
      const found = await get<{ rules?: object; savedAt?: number }>(path);
      setText(JSON.stringify(found.rules ?? found, null, 2));
      savedAt.set(site.siteKey, found.savedAt ?? 0);
      set({ done });
    } catch (error) {
      set({ problem: (error as Error).message });
    }
  };
  /** Puts a signal for a page or an event into what is written. */
  const addSignal = ({ event, path }: UnclassifiedReport['rows'][number]) =>
    run(async (given) => {
      const { signals = {} } = given as { signals?: Record<string, object> };
      const words = path === null ? event : `${path.match(/[\p{L}\p{N}]+/gu)?.join('_') ?? 'home'}_view`;
      const wanted = words.replace(/[^\p{L}\p{N}_.-]/gu, '_').slice(0, 60);
      const name = freeName(wanted, signals);
      const signal = path === null ? { event } : { event: 'page_view', path };
      const same = Object.entries(signals).find(([, each]) => JSON.stringify(each) === JSON.stringify(signal));
      if (same) return { done: t('signalAdded', { name: same[0] }) };
      setText(JSON.stringify({ ...given, signals: { ...signals, [name]: signal } }, null, 2));
      return { done: t('signalAdded', { name }) };
    });
  const restore = async (version: number) => {
    if (!confirm(t('confirmRestore', { version })) || !mayDrop()) return;
    const query = new URLSearchParams();
    // Whoever chooses knows of these versions.
    const basedOn = Math.max(...versions.data!.versions.map((each) => each.version));
    const publishAgain = () =>
      unlessMeanwhile(site, (isSure) => {
        if (isSure) query.delete('basedOn');
        else query.set('basedOn', String(basedOn));
        return change<{ version: number }>('POST', `${base}/versions/${version}/restore?${query}`);
      });
    try {
      const next = await publishAgain().catch((error: Error) => {
        if ((error as Refused).status !== 409 || !confirm(t('confirmContradictory'))) throw error;
        query.set('confirm', 'true');
        return publishAgain();
      });
      if (!next) return;
      setText(undefined);
      rules.again();
      versions.again();
      set({ done: t('published', { version: next.version }) });
    } catch (error) {
      set({ problem: explainRefusedRules(error as Error) });
    }
  };

  return (
    <>
      <section class="card">
        <h2>{t('views.rules')}</h2>
        <p class="soft">{t('rulesHint')}</p>
        {!may('editor') && <p class="soft">{t('takesEditor')}</p>}
        <Loaded read={rules}>
          {() => (
            <div class="beside">
              <div>
                <p class="soft">{t('formHint')}</p>
                {isShown(draft) ? (
                  <RulesForm rules={draft} onChange={(next) => setText(JSON.stringify(next, null, 2))} />
                ) : (
                  <Alert>{t('formBroken')}</Alert>
                )}
              </div>
              <div>
                <textarea
                  ref={editor}
                  class="editor"
                  aria-label={t('rulesText')}
                  spellcheck={false}
                  value={shown}
                  onInput={({ currentTarget }) => {
                    setText(currentTarget.value, true);
                    setCaret(currentTarget.selectionStart);
                  }}
                  onKeyUp={({ currentTarget }) => setCaret(currentTarget.selectionStart)}
                  onClick={({ currentTarget }) => setCaret(currentTarget.selectionStart)}
                />
                <Completions text={shown} caret={caret} onChoose={complete} />
              </div>
            </div>
          )}
        </Loaded>
        <div class="filters">
          <button type="button" onClick={check} disabled={!!state.isBusy}>
            {t('check')}
          </button>
          <button type="button" onClick={preview} disabled={!!state.isBusy}>
            {t('preview')}
          </button>
          <button
            type="button"
            class="plain"
            onClick={saveDraft}
            disabled={!isChanged || !!state.isBusy || !may('editor')}
          >
            {t('saveDraft')}
          </button>
          {other && (
            <button type="button" class="plain" onClick={() => void load(`${base}/draft`, t('draftLoaded'))}>
              {t('loadDraft', { author: other.author ?? '?', time: showTime(other.savedAt, site.timeZone) })}
            </button>
          )}
          <button type="button" class="plain" disabled={!undoable.length} onClick={undo}>
            {t('undo')}
          </button>
          <button
            type="button"
            class="plain"
            disabled={!isChanged}
            onClick={() => {
              if (!mayDrop()) return;
              setText(undefined);
              set({});
            }}
          >
            {t('discard')}
          </button>
        </div>
        <div class="filters">
          <label>
            {t('note')}{' '}
            <input
              value={note}
              onInput={({ currentTarget }) => setNote(currentTarget.value)}
              size={32}
              maxLength={500}
            />
          </label>
          <label>
            {t('applies')}{' '}
            <select
              value={apply}
              onChange={({ currentTarget }) => {
                setApply(currentTarget.value as typeof apply);
                set({});
              }}
            >
              <option value="all">{t('appliesAll')}</option>
              <option value="now">{t('appliesNow')}</option>
            </select>
          </label>
          <button type="button" onClick={publish} disabled={!isChanged || !!state.isBusy || !may('editor')}>
            {state.isContradictory ? t('publishAnyway') : t('publish')}
          </button>
        </div>
        {state.isBusy && (
          <p class="soft" role="status">
            {t('loading')}
          </p>
        )}
        <div ref={said}>
          {state.problem && (
            <Alert>
              {state.problem}{' '}
              {state.brokenAt && (
                <button type="button" class="plain small" onClick={() => goTo(state.brokenAt!)}>
                  {t('place', { line: state.brokenAt })}
                </button>
              )}
            </Alert>
          )}
          {state.done && <p role="status">{state.done}</p>}
        </div>
        {(state.checked ?? (hasFindings(live) && live)) && (
          <Findings checked={state.checked ?? live!} text={shown} goTo={goTo} />
        )}
        {state.preview && (
          <Words.Provider value={draft as RulesNames}>
            <Moves preview={state.preview} site={site} />
            {!!state.preview.warnings.length && (
              <Findings checked={{ errors: [], warnings: state.preview.warnings }} text={shown} goTo={goTo} />
            )}
          </Words.Provider>
        )}
      </section>
      <Unclassified site={site} add={addSignal} />
      <section class="card">
        <h2>{t('versions')}</h2>
        <Loaded read={versions}>
          {(found) => (
            <Table
              name="versions"
              rows={found.versions}
              columns={[
                { title: t('version'), of: ({ version }) => version },
                {
                  title: t('publishedAt'),
                  of: ({ publishedAt }) => showTime(publishedAt, site.timeZone),
                  by: ({ publishedAt }) => publishedAt,
                },
                { title: t('author'), of: ({ author }) => author },
                { title: t('note'), of: ({ note: said }) => said && sayNote(said) },
                {
                  title: t('action'),
                  of: () => '',
                  show: ({ version, inForce }) => (
                    <>
                      <button
                        type="button"
                        class="plain small"
                        onClick={() => void load(`${base}/versions/${version}`, t('versionLoaded', { version }))}
                      >
                        {t('open')}
                      </button>{' '}
                      {inForce ? (
                        <span class="soft">{t('inForce')}</span>
                      ) : (
                        <button
                          type="button"
                          class="plain small"
                          disabled={!may('editor')}
                          onClick={() => void restore(version)}
                        >
                          {t('restore')}
                        </button>
                      )}
                    </>
                  ),
                },
              ]}
            />
          )}
        </Loaded>
      </section>
      <Templates site={site} onOpen={(name) => void load(`templates/${name}`, t('templateLoaded'))} />
    </>
  );
}

const hasFindings = (checked: Checked | undefined): boolean =>
  !!checked && !!(checked.errors.length || checked.warnings.length);

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What is wrong with what is being written, as far as the rules alone tell; undefined where they are no document. */
function checkHere(draft: unknown): Checked | undefined {
  if (draft === undefined) return undefined;
  const read = parseRules(draft);
  if ('errors' in read) return { errors: read.errors, warnings: [] };
  return {
    errors: [],
    warnings: lintRules(compileRules(read.rules), compileExclusions(read.rules), compileScores(read.rules).fit),
  };
}

/** The line of a document, from 1, on which what a path such as `stages.interest.when.all[0]` names begins; of what is missing, the nearest above it. */
function lineOf(text: string, path: string): number | undefined {
  let node = parseTree(text);
  let rest = path;
  while (node && rest) {
    const index = /^\[(\d+)\]/.exec(rest);
    // Names may have dots in them: the longest that fits is meant.
    const names = node.type === 'object' ? node.children!.map(({ children }) => String(children![0]!.value)) : [];
    const name = names
      .filter((each) => rest === each || rest.startsWith(`${each}.`) || rest.startsWith(`${each}[`))
      .sort((a, b) => b.length - a.length)[0];
    if (!index && name === undefined) break;
    const next = findNodeAtLocation(node, [index ? Number(index[1]) : name!]);
    if (!next) break;
    rest = rest.slice(index ? index[0].length : name!.length).replace(/^\./, '');
    node = next;
  }
  return node && text.slice(0, node.parent?.type === 'property' ? node.parent.offset : node.offset).split('\n').length;
}

const explainWarning = ({ code, names, message }: Finding): string =>
  code ? t(`lint.${code}`, { names: names && joinNames(names) }) : message;

function Findings({
  checked: { errors, warnings },
  text,
  goTo,
}: {
  checked: Checked;
  text: string;
  goTo: (line: number) => void;
}): JSX.Element {
  if (!errors.length && !warnings.length) return <p role="status">{t('allWell')}</p>;
  const count = { errors: errors.length, warnings: warnings.length };
  const place = (path: string) => {
    const line = lineOf(text, path);
    return (
      line && (
        <button type="button" class="plain small" onClick={() => goTo(line)}>
          {t('place', { line })}
        </button>
      )
    );
  };
  return (
    <>
      <p class="soft" role="status">
        {t('found', count)}
      </p>
      {(
        [
          ['errors', errors.map((error) => ({ path: error.path, text: explainError(error) }))],
          ['warnings', warnings.map((warning) => ({ path: warning.path, text: explainWarning(warning) }))],
        ] as const
      ).map(
        ([name, all]) =>
          !!all.length && (
            <div key={name}>
              <h3>{t(name)}</h3>
              <ul class="findings">
                {all.map(({ path, text: said }, index) => (
                  <li key={index}>
                    <code>{path || '·'}</code> {said} {place(path)}
                  </li>
                ))}
              </ul>
            </div>
          ),
      )}
    </>
  );
}

type Row = UnclassifiedReport['rows'][number];

/** Rows that are shown; all are in the API. */
const MOST_ROWS = 20;

/** What the rules do not look at yet, and a way to have them do so. */
function Unclassified({ site, add }: { site: Site; add: (row: Row) => Promise<void> }): JSX.Element {
  const read = useReport<UnclassifiedReport>(site.siteKey, 'unclassified', {});
  return (
    <section class="card">
      <h2>{t('unclassified')}</h2>
      <p class="soft">{t('unclassifiedHint')}</p>
      <Loaded read={read}>
        {({ rows }) =>
          rows.length ? (
            <Table
              name="unclassified"
              rows={rows.slice(0, MOST_ROWS)}
              most={rows.length > MOST_ROWS ? MOST_ROWS : Infinity}
              columns={[
                { title: t('eventName'), of: ({ event }) => showEvent(event) },
                { title: t('pagePath'), of: ({ path }) => path },
                {
                  title: t('people'),
                  of: ({ people }) => people,
                  show: ({ event, path, people }) => (
                    <People
                      site={site}
                      asked={{ did: event === 'page_view' && path ? `path:${path}` : `untold:${event}` }}
                      count={people}
                    />
                  ),
                },
                { title: t('howOften'), of: ({ times }) => times },
                {
                  title: t('action'),
                  of: () => '',
                  show: (row) => (
                    <button type="button" class="plain small" onClick={() => void add(row)}>
                      {t('makeSignal')}
                    </button>
                  ),
                },
              ]}
            />
          ) : (
            <p>{t('allClassified')}</p>
          )
        }
      </Loaded>
    </section>
  );
}
