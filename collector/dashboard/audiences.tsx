import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { STAGES } from '../../sdk/core/index.js';
import {
  change,
  Preparing,
  LIFECYCLE,
  RFM,
  type Audience,
  type RulesNames,
  type SavedAudience,
  type Site,
} from './api.js';
import { AGAIN_MS, useOnce, useRead } from './live.js';
import { Alert, Loaded, StageName, Table } from './parts.js';
import { explainRefusal } from './rulesErrors.js';
import { choose, chosen, linkTo, linkToVisitor, may } from './state.js';
import { inLanguage, showChannel, showNumber, showShare, showTime, t } from './texts.js';

const KINDS = ['stage', 'tag', 'signal', 'channel', 'rfm', 'lifecycle', 'trait'] as const;
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

interface Draft {
  joined: 'all' | 'any';
  parts: Part[];
}

const EMPTY: Draft = { joined: 'all', parts: [{ kind: 'stage', value: 'consideration' }] };

/** What of the builder the collector is asked. */
function conditionOf({ joined, parts }: Draft): object {
  const conditions = parts.map(({ kind, value, count = '', within = '', isNot }) => {
    const own =
      kind === 'tag'
        ? { tag: value }
        : kind === 'signal'
          ? { signal: value, count: { gte: Number(count || 1) }, ...(Number(within) > 0 && { within: Number(within) }) }
          : kind === 'trait'
            ? {
                trait: value,
                ...(count ? { eq: /^-?\d+(\.\d+)?$/.test(count) ? Number(count) : count } : { exists: true }),
              }
            : { [kind]: value.split(',').map((each) => each.trim()) };
    return isNot ? { not: own } : own;
  });
  return { [joined]: conditions };
}

/** The builder's lines in the address: a link shows the same audience. */
function readDraft(): Draft {
  try {
    const { joined, parts } = JSON.parse(chosen('when')) as Draft;
    const isFit =
      parts.length > 0 && parts.every(({ kind, value }) => KINDS.includes(kind) && typeof value === 'string');
    return isFit ? { joined: joined === 'any' ? 'any' : 'all', parts } : EMPTY;
  } catch {
    return EMPTY;
  }
}

/** How long somebody types before everybody is counted. */
const PAUSE_MS = 400;

/** Who meets a condition, counted while it is made; kept by name, and taken along. */
export function Audiences({ site }: { site: Site }): JSX.Element {
  const draft = readDraft();
  const text = JSON.stringify(conditionOf(draft));
  const rules = useOnce<RulesNames>(`sites/${site.siteKey}/rules`);
  const saved = useRead<{ audiences: SavedAudience[] }>(`sites/${site.siteKey}/audiences`);
  const [state, set] = useState<{ found?: Audience; problem?: string; isLoading?: boolean }>({ isLoading: true });
  const [name, setName] = useState('');
  const [isStatic, setStatic] = useState(false);
  useEffect(() => {
    let isGone = false;
    set(({ found }) => ({ ...(found && { found }), isLoading: true }));
    const ask = () => {
      change<Audience>('POST', `sites/${site.siteKey}/audiences/preview`, `{"when":${text}}`).then(
        (found) => isGone || set({ found }),
        (error: Error) => {
          if (isGone) return;
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
  const put = (next: Draft) => choose({ when: JSON.stringify(next) });
  const edit = (at: number, changes: Partial<Part>) =>
    put({ ...draft, parts: draft.parts.map((part, index) => (index === at ? { ...part, ...changes } : part)) });
  const attempt = async (run: () => Promise<unknown>) => {
    try {
      await run();
      saved.again();
    } catch (error) {
      set(({ found }) => ({
        ...(found && { found }),
        problem: t('notSaved', { message: explainRefusal(error as Error) }),
      }));
    }
  };
  const save = (event: SubmitEvent) => {
    event.preventDefault();
    void attempt(async () => {
      await change('POST', `sites/${site.siteKey}/audiences`, { name, when: conditionOf(draft), isStatic });
      setName('');
    });
  };
  return (
    <>
      <section class="card">
        <h2>{t('views.audiences')}</h2>
        <p class="soft">{t('audiencesHint')}</p>
        <label>
          {t('whoMeets')}{' '}
          <select
            name="joined"
            value={draft.joined}
            onChange={({ currentTarget }) => put({ ...draft, joined: currentTarget.value as 'all' })}
          >
            <option value="all">{t('all')}</option>
            <option value="any">{t('any')}</option>
          </select>
        </label>
        <ol class="builder">
          {draft.parts.map((part, at) => (
            <li key={at}>
              <PartEditor part={part} rules={rules} onChange={(changes) => edit(at, changes)} />{' '}
              {draft.parts.length > 1 && (
                <button
                  type="button"
                  class="plain small"
                  onClick={() => put({ ...draft, parts: draft.parts.filter((_, index) => index !== at) })}
                >
                  {t('remove')}
                </button>
              )}
            </li>
          ))}
        </ol>
        <p>
          <button
            type="button"
            class="plain"
            onClick={() => put({ ...draft, parts: [...draft.parts, { kind: 'stage', value: 'action' }] })}
          >
            + {t('addCondition')}
          </button>
        </p>
        {state.problem && <Alert>{state.problem}</Alert>}
        {state.isLoading && (
          <p class="soft" role="status">
            {t('loading')}
          </p>
        )}
        {state.found && <Found found={state.found} site={site} rules={rules} />}
        {may('editor') && (
          <form class="filters" onSubmit={save}>
            <label>
              {t('name')}{' '}
              <input name="name" value={name} required onInput={({ currentTarget }) => setName(currentTarget.value)} />
            </label>
            <label>
              <input
                type="checkbox"
                name="isStatic"
                checked={isStatic}
                onChange={({ currentTarget }) => setStatic(currentTarget.checked)}
              />{' '}
              {t('isStatic')}
            </label>
            <button>{t('save')}</button>
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
                  },
                  { title: t('author'), of: ({ author }) => author },
                  { title: t('savedAt'), of: ({ savedAt }) => showTime(savedAt, site.timeZone) },
                  {
                    title: t('action'),
                    of: () => '',
                    show: ({ id, when, name: own }) => (
                      <>
                        {isOfBuilder(when) ? (
                          <a href={linkTo(site.siteKey, 'audiences', { when: JSON.stringify(draftOf(when)) })}>
                            {t('open')}
                          </a>
                        ) : (
                          <span class="soft">{t('notOfBuilder')}</span>
                        )}{' '}
                        <a href={`api/sites/${site.siteKey}/audiences/${id}/members?format=csv`} download>
                          CSV
                        </a>{' '}
                        <a href={`api/sites/${site.siteKey}/audiences/${id}/members`} download={`${own}.json`}>
                          JSON
                        </a>{' '}
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

/** Whether the builder shows all of a condition: one that came by the API may ask for more. */
const isOfBuilder = (when: object): boolean => JSON.stringify(conditionOf(draftOf(when))) === JSON.stringify(when);

/** The builder's lines of a condition that it made. */
function draftOf(when: object): Draft {
  const joined = 'any' in when ? 'any' : 'all';
  const list = ((when as Record<string, unknown>)[joined] ?? [when]) as Array<Record<string, unknown>>;
  const parts = list.flatMap((each): Part[] => {
    const isNot = 'not' in each;
    const own = (isNot ? each.not : each) as Record<string, never>;
    const kind = KINDS.find((name) => name in own);
    if (!kind) return [];
    const { count, within, eq } = own as { count?: { gte?: number }; within?: number; eq?: unknown };
    return [
      {
        kind,
        value: String(own[kind]),
        ...(isNot && { isNot }),
        ...(count?.gte && { count: String(count.gte) }),
        ...(eq !== undefined && { count: String(eq) }),
        ...(within && { within: String(within) }),
      },
    ];
  });
  return parts.length ? { joined, parts } : EMPTY;
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
    channel: [],
    rfm: [...RFM.map((name): [string, string] => [name, t(`rfmNames.${name}`)]), ['none', t('notBought')]],
    lifecycle: LIFECYCLE.map((name) => [name, t(`lifecycles.${name}`)]),
    trait: [],
  };
  const known = names[part.kind];
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
            value: names[kind][0]?.[0] ?? (kind === 'channel' ? 'Direct' : 'plan'),
            count: '',
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
      {known.length ? (
        <select aria-label={t('value')} value={part.value} onChange={set('value')}>
          {known.map(([value, text]) => (
            <option key={value} value={value}>
              {text}
            </option>
          ))}
        </select>
      ) : (
        <input aria-label={t('value')} value={part.value} onChange={set('value')} />
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
          <input value={part.count ?? ''} placeholder={t('anyValue')} aria-label={t('value')} onChange={set('count')} />
        </label>
      )}
    </>
  );
}

function Found({ found, site, rules }: { found: Audience; site: Site; rules: RulesNames | undefined }): JSX.Element {
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
        })}
      </p>
      {!!found.profile.length && (
        <details>
          <summary>{t('profile')}</summary>
          <Table
            name="profile"
            rows={found.profile}
            columns={[
              { title: t('feature'), of: ({ feature }) => feature, show: ({ feature }) => name(feature) },
              { title: t('visitorsCount'), of: ({ people }) => people },
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
