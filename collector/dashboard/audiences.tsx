import { Fragment, type JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { isRecord, MEASURES, STAGES } from '../../sdk/core/index.js';
import {
  change,
  download,
  Preparing,
  Unreachable,
  LIFECYCLE,
  RFM,
  type Audience,
  type RulesNames,
  type SavedAudience,
  type Site,
} from './api.js';
import { AGAIN_MS, FRESH_MS, useOnce, useOnceEach, useRead } from './live.js';
import { Alert, Loaded, People, save as saveFile, StageName, Table } from './parts.js';
import { explainRefusal, unlessMeanwhile } from './rulesErrors.js';
import { choose, chosen, linkTo, linkToVisitor, may, route } from './state.js';
import { channelNames, inLanguage, showChannel, showNumber, showShare, showTime, t } from './texts.js';

const KINDS = ['stage', 'peak', 'tag', 'signal', 'channel', 'source', 'rfm', 'lifecycle', 'trait'] as const;
type Kind = (typeof KINDS)[number];

/** One line of the builder. */
interface Part {
  kind: Kind;
  value: string;
  /** Of a signal: how often at least, and in how many days (empty: ever). Of a trait: what it is. */
  count?: string;
  within?: string;
  isNot?: boolean;
}

/** Lines, and groups of lines, of which all or one must hold. */
interface Draft {
  joined: 'all' | 'any';
  isNot?: boolean;
  parts: Array<Part | Draft>;
}

const isGroup = (part: Part | Draft): part is Draft => 'parts' in part;

const EMPTY: Draft = { joined: 'all', parts: [{ kind: 'stage', value: 'consideration' }] };

/** What of the builder the collector is asked. */
function conditionOf(part: Part | Draft): object {
  const own = isGroup(part) ? { [part.joined]: part.parts.map(conditionOf) } : conditionOfLine(part);
  return part.isNot ? { not: own } : own;
}

/** What is typed for a trait: it may be set as a text as well as a number, or as yes or no. */
function meant(text: string): { eq: string } | { in: Array<string | number | boolean> } {
  if (/^(true|false)$/.test(text)) return { in: [text, text === 'true'] };
  return /^-?\d+(\.\d+)?$/.test(text) ? { in: [text, Number(text)] } : { eq: text };
}

function conditionOfLine({ kind, value, count = '', within = '' }: Part): object {
  if (kind === 'tag') return { tag: value };
  if (kind === 'signal')
    return { signal: value, count: { gte: Number(count || 1) }, ...(Number(within) > 0 && { within: Number(within) }) };
  if (kind === 'trait')
    return {
      trait: value,
      ...(count ? meant(count) : { exists: true }),
    };
  return { [kind]: value.split(',').map((each) => each.trim()) };
}

/** The builder's lines of a condition; undefined where it has none for it. */
function partOf(when: object): Part | Draft | undefined {
  const { not, all, any, ...own } = when as { not?: object; all?: object[]; any?: object[] } & Record<string, unknown>;
  if (not) {
    const part = partOf(not);
    return part && { ...part, isNot: true };
  }
  const list = all ?? any;
  if (list) {
    const parts = list.map(partOf);
    return parts.every((part) => part !== undefined) ? { joined: all ? 'all' : 'any', parts } : undefined;
  }
  const kind = KINDS.find((name) => name in own);
  if (!kind) return undefined;
  const { count, within, ...trait } = own as {
    count?: { gte?: number };
    within?: number;
    eq?: unknown;
    in?: unknown[];
  };
  const eq = trait.eq ?? trait.in?.[0];
  return {
    kind,
    value: String(own[kind]),
    ...(count?.gte && { count: String(count.gte) }),
    ...(eq !== undefined && { count: String(eq) }),
    ...(within && { within: String(within) }),
  };
}

/** A condition as a text that is the same for all that ask the same: of signals once where they say nothing, of traits what a text may mean. */
const spelled = (when: object): string =>
  JSON.stringify(when, (_, value: unknown) => {
    if (!isRecord(value)) return value;
    const isOnce = 'signal' in value && !MEASURES.some((measure) => measure in value);
    const { eq, ...others } = value;
    const isOfTrait = 'trait' in value && eq !== undefined;
    const whole = isOnce ? { ...value, count: { gte: 1 } } : isOfTrait ? { ...others, ...meant(String(eq)) } : value;
    return Object.fromEntries(Object.entries(whole).sort(([a], [b]) => (a < b ? -1 : 1)));
  });

/** The builder's lines of a condition, where they say all of it: one that came by the API may ask for more. */
function draftOf(when: object): Draft | undefined {
  const part = partOf(when);
  if (!part || spelled(conditionOf(part)) !== spelled(when)) return undefined;
  return isGroup(part) && !part.isNot ? part : { joined: 'all', parts: [part] };
}

/** Whether an address holds what the builder wrote: it can say anything. */
const isDraft = (given: Part | Draft): boolean =>
  isGroup(given)
    ? Array.isArray(given.parts) && !!given.parts.length && given.parts.every(isDraft)
    : KINDS.includes(given.kind) && typeof given.value === 'string';

interface Read {
  /** The builder's lines; absent where they cannot say what is asked. */
  draft?: Draft;
  /** What the collector is asked. */
  when: object;
  /** Whether the address holds something else. */
  isBroken?: boolean;
}

/** What the address holds, the builder's lines or a condition: a link shows the same audience. */
function readAddress(): Read {
  const text = chosen('when');
  if (!text) return { draft: EMPTY, when: conditionOf(EMPTY) };
  try {
    const given = JSON.parse(text) as Draft;
    if (!isGroup(given)) {
      const draft = draftOf(given);
      return { ...(draft && { draft }), when: given };
    }
    if (isDraft(given)) return { draft: given, when: conditionOf(given) };
  } catch {
    // As good as nothing.
  }
  return { draft: EMPTY, when: conditionOf(EMPTY), isBroken: true };
}

/** How long somebody types before everybody is counted. */
const PAUSE_MS = 400;

/** Who meets a condition, counted while it is made; kept by name, and taken along. */
export function Audiences({ site }: { site: Site }): JSX.Element {
  const { draft, when: asked, isBroken } = readAddress();
  const text = JSON.stringify(asked);
  const rules = useOnce<RulesNames>(`sites/${site.siteKey}/rules`);
  const once = useOnceEach();
  const saved = useRead<{ audiences: SavedAudience[] }>(`sites/${site.siteKey}/audiences`);
  const [state, set] = useState<{ found?: Audience; of?: string; problem?: string; isLoading?: boolean }>({
    isLoading: true,
  });
  const opened = saved.data?.audiences.find(({ id }) => `${id}` === chosen('saved'));
  // As it is saved, until something else is written.
  const [typed, type] = useState<{ of: string; name?: string; isStatic?: boolean }>({ of: '' });
  const own = typed.of === chosen('saved') ? typed : { of: chosen('saved') };
  const { name = opened?.name ?? '', isStatic = opened ? opened.people !== null : false } = own;
  useEffect(() => {
    let isGone = false;
    set(({ found, of }) => ({ ...(found && { found, of }), isLoading: true }));
    const ask = () => {
      // Nobody looks, and to count takes its time.
      if (document.hidden) return void (timer = setTimeout(ask, FRESH_MS));
      change<Audience>('POST', `sites/${site.siteKey}/audiences/preview`, `{"when":${text}}`).then(
        (found) => {
          if (isGone) return;
          set({ found, of: text });
          timer = setTimeout(ask, FRESH_MS);
        },
        (error: Error) => {
          if (isGone) return;
          if (error instanceof Unreachable) timer = setTimeout(ask, FRESH_MS);
          if (!(error instanceof Preparing)) return set({ problem: explainRefusal(error) });
          set({ problem: t('preparing', { share: showShare(error.share) }) });
          timer = setTimeout(ask, AGAIN_MS);
        },
      );
    };
    let timer = setTimeout(ask, PAUSE_MS);
    return () => {
      isGone = true;
      clearTimeout(timer);
    };
  }, [text]);
  const put = (next: Draft) => choose({ when: JSON.stringify(next) }, true);
  const attempt = async (run: () => Promise<unknown>) => {
    try {
      await run();
    } catch (error) {
      set(({ found, of }) => ({
        ...(found && { found, of }),
        problem: t('notSaved', { message: explainRefusal(error as Error) }),
      }));
    } finally {
      // Where it failed, somebody else may have taken away what it was about.
      saved.again();
    }
  };
  const save = (event: SubmitEvent) => {
    event.preventDefault();
    const isChange = opened && event.submitter?.getAttribute('name') === 'change';
    // Who was in it for good would be out of it for good.
    const isLess = isChange && opened.people !== null && (!isStatic || spelled(opened.when) !== spelled(asked));
    if (isLess && !confirm(t('confirmMembersGone', { count: opened.people! }))) return;
    const path = `sites/${site.siteKey}/audiences`;
    const body = { name, when: asked, isStatic };
    void once([body, isChange], () =>
      attempt(async () => {
        const done = await (isChange
          ? unlessMeanwhile(site, (isSure) =>
              change<SavedAudience>('PUT', `${path}/${opened.id}${isSure ? '' : `?after=${opened.savedAt}`}`, body),
            )
          : change<SavedAudience>('POST', path, body));
        if (!done) return;
        type({ of: '' });
        if (route.value.view === 'audiences') choose({ saved: `${done.id}` });
      }),
    );
  };
  return (
    <>
      <section class="card">
        <h2>{t('views.audiences')}</h2>
        <p class="soft">{t('audiencesHint')}</p>
        {isBroken && <Alert>{t('noConditions')}</Alert>}
        {!!chosen('saved') && saved.data && !opened && <Alert>{t('audienceGone')}</Alert>}
        {draft ? (
          <GroupEditor label={t('whoMeets')} group={draft} rules={rules} onChange={put} />
        ) : (
          <>
            <p>{t('notOfBuilder')}</p>
            <pre tabIndex={0}>{JSON.stringify(asked, null, 2)}</pre>
            <button type="button" class="plain small" onClick={() => choose({ when: '' })}>
              {t('reset')}
            </button>
          </>
        )}
        {state.problem && <Alert>{state.problem}</Alert>}
        {state.isLoading && (
          <p class="soft" role="status">
            {t('loading')}
          </p>
        )}
        {state.found && (
          <div class={state.of === text ? '' : 'soft'}>
            <Found found={state.found} when={state.of!} site={site} rules={rules} />
          </div>
        )}
        {may('editor') && (
          <form class="filters" onSubmit={save}>
            <label>
              {t('name')}{' '}
              <input
                name="name"
                value={name}
                required
                onInput={({ currentTarget }) => type({ ...own, name: currentTarget.value })}
              />
            </label>
            <label>
              <input
                type="checkbox"
                name="isStatic"
                checked={isStatic}
                onChange={({ currentTarget }) => type({ ...own, isStatic: currentTarget.checked })}
              />{' '}
              {t('isStatic')}
            </label>
            {/* The first is what the Enter key does: nothing is lost by it. */}
            <button class={opened ? 'plain' : ''}>{t(opened ? 'saveAsNew' : 'save')}</button>
            {opened && <button name="change">{t('saveChanges', { name: opened.name })}</button>}
          </form>
        )}
      </section>
      <section class="card">
        <h2>{t('savedAudiences')}</h2>
        <Loaded read={saved}>
          {({ audiences }) =>
            audiences.length ? (
              <Table
                name="audiences"
                rows={audiences}
                columns={[
                  { title: t('name'), of: (audience) => audience.name },
                  {
                    title: t('whoIsIn'),
                    of: ({ people }) => (people === null ? t('dynamic') : t('static', { count: showNumber(people) })),
                    show: ({ id, people, when }) =>
                      people === null ? (
                        <a href={linkTo(site.siteKey, 'visitors', { when: JSON.stringify(when) })}>{t('dynamic')}</a>
                      ) : (
                        <People site={site} asked={{ audience: `${id}` }} count={people}>
                          {t('static', { count: showNumber(people) })}
                        </People>
                      ),
                  },
                  { title: t('madeBy'), of: ({ author }) => author },
                  {
                    title: t('savedAt'),
                    of: ({ savedAt }) => showTime(savedAt, site.timeZone),
                    by: ({ savedAt }) => savedAt,
                  },
                  {
                    title: t('action'),
                    of: () => '',
                    show: ({ id, when, name: own }) => (
                      <>
                        <a href={linkTo(site.siteKey, 'audiences', { when: JSON.stringify(when), saved: `${id}` })}>
                          {t('open')}
                        </a>{' '}
                        {(['csv', 'json'] as const).map((format) => (
                          <Fragment key={format}>
                            <button
                              type="button"
                              class="plain small"
                              onClick={() =>
                                void attempt(async () => {
                                  const path = `sites/${site.siteKey}/audiences/${id}/members`;
                                  saveFile(`${own}.${format}`, await download(`${path}?format=${format}`));
                                })
                              }
                            >
                              {format.toUpperCase()}
                            </button>{' '}
                          </Fragment>
                        ))}
                        {may('editor') && (
                          <button
                            type="button"
                            class="plain small"
                            onClick={() =>
                              confirm(t('confirmAudience', { name: own })) &&
                              void attempt(() => change('DELETE', `sites/${site.siteKey}/audiences/${id}`))
                            }
                          >
                            {t('remove')}
                          </button>
                        )}
                      </>
                    ),
                  },
                ]}
              />
            ) : (
              <p>{t('noAudiences')}</p>
            )
          }
        </Loaded>
      </section>
    </>
  );
}

/** All of some lines, one of them, or none. */
function GroupEditor({
  label,
  group,
  rules,
  onChange,
}: {
  label?: string;
  group: Draft;
  rules: RulesNames | undefined;
  onChange: (group: Draft) => void;
}): JSX.Element {
  const { joined, isNot, parts } = group;
  const put = (next: Draft['parts']) => onChange({ ...group, parts: next });
  const edit = (at: number, part: Part | Draft) => put(parts.map((each, index) => (index === at ? part : each)));
  const join = (value: string) =>
    onChange({ joined: value.endsWith('all') ? 'all' : 'any', parts, ...(value.startsWith('not') && { isNot: true }) });
  const line: Part = { kind: 'stage', value: 'action' };
  return (
    <>
      <label>
        {label}{' '}
        <select
          name={label && 'joined'}
          aria-label={label ?? t('groupOf')}
          value={`${isNot ? 'not ' : ''}${joined}`}
          onChange={({ currentTarget }) => join(currentTarget.value)}
        >
          <option value="all">{t('all')}</option>
          <option value="any">{t('any')}</option>
          <option value="not any">{t('noneOf')}</option>
          <option value="not all">{t('notAllOf')}</option>
        </select>
      </label>
      <ol class="builder">
        {parts.map((part, at) => (
          <li key={at}>
            {isGroup(part) ? (
              <GroupEditor group={part} rules={rules} onChange={(next) => edit(at, next)} />
            ) : (
              <PartEditor part={part} rules={rules} onChange={(changes) => edit(at, { ...part, ...changes })} />
            )}{' '}
            {parts.length > 1 && (
              <button type="button" class="plain small" onClick={() => put(parts.filter((_, index) => index !== at))}>
                {t(isGroup(part) ? 'removeGroup' : 'remove')}
              </button>
            )}
          </li>
        ))}
      </ol>
      <p class="adders">
        <button type="button" class="plain small" onClick={() => put([...parts, line])}>
          + {t('addCondition')}
        </button>{' '}
        <button
          type="button"
          class="plain small"
          onClick={() => put([...parts, { joined: joined === 'all' ? 'any' : 'all', parts: [line] }])}
        >
          + {t('addGroup')}
        </button>
      </p>
    </>
  );
}

function PartEditor({
  part,
  rules,
  onChange,
}: {
  part: Part;
  rules: RulesNames | undefined;
  onChange: (changes: Partial<Part>) => void;
}): JSX.Element {
  const names: Record<Kind, Array<[value: string, text: string]>> = {
    stage: [...STAGES, 'none' as const].map((stage) => [stage, t(`stages.${stage}`)]),
    tag: Object.entries(rules?.tags ?? {}).map(([name, { label }]) => [name, inLanguage(label) ?? name]),
    signal: Object.entries(rules?.signals ?? {}).map(([name, { label }]) => [name, inLanguage(label) ?? name]),
    peak: [...STAGES, 'none' as const].map((stage) => [stage, t(`stages.${stage}`)]),
    channel: channelNames.map((name) => [name, showChannel(name)]),
    source: [],
    rfm: [...RFM.map((name): [string, string] => [name, t(`rfmNames.${name}`)]), ['none', t('notBought')]],
    lifecycle: LIFECYCLE.map((name) => [name, t(`lifecycles.${name}`)]),
    trait: [],
  };
  const known = names[part.kind];
  // One of several may be meant; and what came by a link may be in no list, such as a channel of the owner's.
  const values = part.kind === 'tag' || part.kind === 'signal' ? [part.value] : part.value.split(',');
  const isSeveral = values.length > 1;
  const isListed = values.every((each) => known.some(([value]) => value === each));
  const set =
    (name: 'value' | 'count' | 'within') => (event: { currentTarget: HTMLInputElement | HTMLSelectElement }) =>
      onChange({ [name]: event.currentTarget.value });
  return (
    <>
      <select
        aria-label={t('is')}
        value={part.isNot ? 'not' : 'is'}
        onChange={({ currentTarget }) => onChange({ isNot: currentTarget.value === 'not' })}
      >
        <option value="is">{t('is')}</option>
        <option value="not">{t('not')}</option>
      </select>{' '}
      <select
        aria-label={t('kindOfCondition')}
        value={part.kind}
        onChange={({ currentTarget }) => {
          const kind = currentTarget.value as Kind;
          onChange({
            kind,
            value: names[kind][0]?.[0] ?? (kind === 'source' ? 'google' : 'plan'),
            count: kind === 'signal' ? '1' : '',
            within: '',
          });
        }}
      >
        {KINDS.map((kind) => (
          <option key={kind} value={kind}>
            {t(`conditions.${kind}`)}
          </option>
        ))}
      </select>{' '}
      {isListed ? (
        <select
          aria-label={t('figureValue')}
          multiple={isSeveral}
          size={isSeveral ? known.length : 1}
          value={isSeveral ? undefined : part.value}
          onChange={({ currentTarget: { selectedOptions } }) =>
            onChange({ value: [...selectedOptions].map(({ value }) => value).join(',') })
          }
        >
          {known.map(([value, text]) => (
            <option key={value} value={value} selected={values.includes(value)}>
              {text}
            </option>
          ))}
        </select>
      ) : (
        <input aria-label={t('figureValue')} value={part.value} onChange={set('value')} />
      )}{' '}
      {part.kind === 'signal' && (
        <>
          <label>
            {t('timesAtLeast')}{' '}
            <input class="short" type="number" min="1" value={part.count ?? '1'} onInput={set('count')} />
          </label>{' '}
          <label>
            {t('inLastDays')}{' '}
            <input
              class="short"
              type="number"
              min="1"
              value={part.within ?? ''}
              placeholder="∞"
              onInput={set('within')}
            />
          </label>
        </>
      )}
      {part.kind === 'trait' && (
        <label>
          ={' '}
          <input
            value={part.count ?? ''}
            placeholder={t('anyValue')}
            aria-label={t('figureValue')}
            onChange={set('count')}
          />
        </label>
      )}
    </>
  );
}

/** @param when JSON of the condition */
function Found({
  found,
  when,
  site,
  rules,
}: {
  found: Audience;
  when: string;
  site: Site;
  rules: RulesNames | undefined;
}): JSX.Element {
  /** Those of them who have a feature. */
  const withFeature = (feature: string) => {
    const [kind = '', ...rest] = feature.split(':');
    const own = rest.join(':');
    return JSON.stringify({ all: [JSON.parse(when), { [kind]: kind === 'tag' ? own : [own] }] });
  };
  const name = (feature: string) => {
    const [kind, ...rest] = feature.split(':');
    const own = rest.join(':');
    if (kind === 'stage') return `${t('stage')}: ${t(`stages.${own as 'none'}`)}`;
    return kind === 'tag' ? (inLanguage(rules?.tags?.[own]?.label) ?? own) : `${t('channel')}: ${showChannel(own)}`;
  };
  return (
    <>
      <p class="leak" role="status">
        {t('audienceSum', {
          people: showNumber(found.people),
          of: showNumber(found.of),
          share: showShare(found.of ? found.people / found.of : 0),
        })}{' '}
        {!!found.people && <a href={linkTo(site.siteKey, 'visitors', { when })}>{t('seeThem')} →</a>}
      </p>
      {!!found.profile.length && (
        <details>
          <summary>{t('profile')}</summary>
          <Table
            name="profile"
            rows={found.profile}
            columns={[
              { title: t('feature'), of: ({ feature }) => name(feature) },
              {
                title: t('visitorsCount'),
                of: ({ people }) => people,
                show: ({ feature, people }) => (
                  <People site={site} asked={{ when: withFeature(feature) }} count={people} />
                ),
              },
              { title: t('ofThem'), of: ({ share }) => share, show: ({ share }) => showShare(share) },
              {
                title: t('ofEverybody'),
                of: ({ everybody }) => everybody,
                show: ({ everybody }) => showShare(everybody),
              },
              { title: t('index'), of: ({ index }) => index },
            ]}
          />
        </details>
      )}
      {!!found.examples.length && (
        <details>
          <summary>{t('examples')}</summary>
          <ul class="findings">
            {found.examples.map(({ visitorId, userId, stage }) => (
              <li key={visitorId}>
                <a href={linkToVisitor(site.siteKey, visitorId)}>{userId ?? `…${visitorId.slice(-8)}`}</a>{' '}
                <StageName stage={stage} />
              </li>
            ))}
          </ul>
        </details>
      )}
    </>
  );
}
