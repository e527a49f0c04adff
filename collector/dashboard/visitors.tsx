import type { ComponentChildren, JSX } from 'preact';
import { useState } from 'preact/hooks';
import { attempt, STAGES } from '../../sdk/core/index.js';
import { get, type RulesNames, type Site, type Touch, type VisitorSummary } from './api.js';
import { sayFeature } from './features.js';
import { useOnce, useRead } from './live.js';
import { Alert, Loaded, sayLost, sayWay, Select, showRow, stageColumn, Table } from './parts.js';
import { choose, chosen, linkTo, linkToVisitor } from './state.js';
import { channelNames, inLanguage, joinNames, showChannel, showNumber, showTime, t } from './texts.js';
import { leftOut } from './leftOut.js';

/** Where a visit came from, in a few words. */
export const saySource = (touch: Touch | null): string =>
  !touch || touch.channel === 'Direct'
    ? t('direct')
    : [showChannel(touch.channel), touch.source, touch.campaign].filter(Boolean).join(' · ');

export function VisitorTable({ visitors, site }: { visitors: VisitorSummary[]; site: Site }): JSX.Element {
  const rules = useOnce<RulesNames>(`sites/${site.siteKey}/rules`);
  const tags = (visitor: VisitorSummary) =>
    joinNames(visitor.tags.map((tag) => inLanguage(rules?.tags?.[tag]?.label) ?? tag));
  return (
    <Table
      name="visitors"
      rows={visitors}
      columns={[
        {
          title: t('visitor'),
          of: (visitor) => visitor.userId ?? visitor.visitorId,
          show: ({ userId, visitorId, bot }) => (
            <>
              <a href={linkToVisitor(site.siteKey, visitorId)}>{userId?.trim() || `…${visitorId.slice(-8)}`}</a>
              {bot && <div class="soft">{leftOut(bot)}</div>}
            </>
          ),
        },
        stageColumn(t('stage'), 'stage'),
        {
          title: t('lastSeen'),
          of: ({ lastSeen }) => showTime(lastSeen, site.timeZone),
          by: ({ lastSeen }) => lastSeen,
        },
        { title: t('events'), of: ({ eventCount }) => eventCount },
        { title: t('score'), of: ({ score }) => score },
        { title: t('cameFrom'), of: ({ firstTouch }) => saySource(firstTouch) },
        { title: t('tags'), of: tags },
      ]}
    />
  );
}

const PAGE = 200;
const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;

/** What a number of a report asks for. */
const OF_NUMBER =
  'reached,fate,moved,lastPage,from,to,dormantAfter,steps,order,window,perStep,hold,step,by,value,did,counted,period,audience,when,rules'.split(
    ',',
  );
const isOfNumber = () =>
  ['reached', 'moved', 'lastPage', 'steps', 'did', 'counted', 'audience', 'when'].some((name) => chosen(name));

/** What somebody can have done, as numbers ask for it. */
const DEEDS = 'signal,event,untold,page,path,file,term,form,abandoned,channel,source,medium,campaign,named'.split(',');

const PLACES = ['new', 'dormant', ...STAGES] as const;

/** From where to where, in words: an address can say anything. */
function moved(): { left: string; entered: string } {
  const [left = '', entered = ''] = chosen('moved')
    .split(':')
    .map((name) => {
      const place = PLACES.find((each) => each === name);
      return place ? t(`stages.${place}`) : name;
    });
  return { left, entered };
}

/** Whom a number of a report counts, in words. */
function sayCounted(rules: RulesNames | undefined, days: { from: string; to: string }): string {
  const [report = '', first = '', ...more] = chosen('counted').split(':');
  const rest = more.join(':');
  const stage = (name: string) => (STAGES.some((each) => each === name) ? t(`stages.${name as 'action'}`) : name);
  const period = t(`periods.${(chosen('period') || 'week') as 'week'}`);
  const words: Record<string, () => string> = {
    stages: () =>
      t(`countedWho.${(['left', 'stood', 'reached'] as const).find((each) => each === first) ?? 'entered'}`, {
        stage: stage(rest),
        ...days,
      }),
    flow: () => t(first === 'open' ? 'countedWho.open' : 'countedWho.ended', { stage: stage(rest), ...days }),
    attribution: () => {
      const [by = '', model = '', ...name] = more;
      const of = sayCredited(rules, first);
      return model
        ? t('countedWho.credited', {
            of,
            model: t(`models.${model as 'linear'}`),
            name: sayWay(by, name.join(':')),
            ...days,
          })
        : t('countedWho.withoutTouch', { of, ...days });
    },
    moves: () => {
      const [by = '', which, ...pair] = more;
      const [left = '', right = ''] = JSON.parse(pair.join(':')) as string[];
      return t(which === 'all' ? 'countedWho.channelMoves' : 'countedWho.channelMovesBefore', {
        of: sayCredited(rules, first),
        left: sayWay(by, left),
        right: sayWay(by, right),
        ...days,
      });
    },
    loss: () =>
      t('countedWho.loss', { name: sayLost(first === 'channel' ? 'channel' : 'browser', rest || null), ...days }),
    value: () => t(first === 'again' ? 'countedWho.again' : 'countedWho.buyers'),
    kpis: () => t('countedWho.kpis', { name: inLanguage(rules?.signals?.[first]?.label) ?? first, ...days }),
    rfm: () => t('countedWho.rfm', { recency: first, frequencyAmount: rest }),
    lifecycle: () => t('countedWho.lifecycle', { state: t(`lifecycles.${rest as 'new'}`), day: first, period }),
    cohorts: () =>
      Number(rest)
        ? t('countedWho.cohorts', { day: first, later: rest, period })
        : t('countedWho.cohort', { day: first, period }),
    content: () => t('countedWho.content', { page: rest, stage: stage(first), ...days }),
    nps: () => t('countedWho.nps', { answer: t(first as 'passives'), ...days }),
    common: () =>
      t(chosen('fate') === 'wentOn' ? 'countedWho.commonWentOn' : 'countedWho.common', {
        feature: sayFeature(rest, rules),
        before: stage(
          STAGES.slice(0, STAGES.indexOf(first as 'action')).findLast((each) => rules?.stages?.[each]) ?? '',
        ),
        stage: stage(first),
        ...days,
      }),
  };
  // An address can say anything.
  return (Object.hasOwn(words, report) && attempt(words[report]!)) || chosen('counted');
}

/** What is credited: entries into a stage, or the orders of a signal. */
const sayCredited = (rules: RulesNames | undefined, of: string): string =>
  STAGES.some((each) => each === of)
    ? t('entriesOf', { stage: t(`stages.${of as 'action'}`) })
    : t('eachOf', { name: inLanguage(rules?.signals?.[of]?.label) || of });

/** Whom such a number counts, in words. */
function sayWho(site: Site, rules: RulesNames | undefined): ComponentChildren {
  const days = { from: chosen('from') || '…', to: chosen('to') || '…' };
  const fate = (['wentOn', 'stillThere', 'lost'] as const).find((each) => each === chosen('fate')) ?? 'all';
  const reached = STAGES.find((each) => each === chosen('reached'));
  const [kind = '', ...rest] = chosen('did').split(':');
  const own = rest.join(':');
  const name =
    kind === 'channel' ? showChannel(own) : (kind === 'signal' && inLanguage(rules?.signals?.[own]?.label)) || own;
  return (
    <>
      {reached && t(`fates.${fate}`, { stage: t(`stages.${reached}`), ...days })}
      {chosen('counted') && sayCounted(rules, days)}
      {chosen('moved') && t('movedWho', { ...moved(), ...days })}
      {chosen('lastPage') && ` ${t('lastPageWas', { page: chosen('lastPage') })}`}
      {chosen('steps') && t(`stepFates.${fate}`, { step: chosen('step', '1'), ...days })}
      {chosen('by') && ` ${t('ofRow', { value: showRow(chosen('by'), chosen('value') || null, rules) })}`}
      {DEEDS.includes(kind) &&
        t(chosen('fate') === 'wentOn' ? 'didAndWentOn' : 'didWhat', {
          what: t(`did.${kind as 'path'}`, { name }),
          ...days,
        })}
      {chosen('rules') && ` ${t('underVersion', { version: chosen('rules') })}`}
      {chosen('audience') && t('inAudience')}
      {chosen('when') && (
        <>
          {t('whoMeetsAudience')}{' '}
          <a href={linkTo(site.siteKey, 'audiences', { when: chosen('when') })}>{t('toAudience')} →</a>
        </>
      )}
    </>
  );
}

/** Everybody, latest seen first, by stage, tag and the channel of the first visit. */
export function Visitors({ site }: { site: Site }): JSX.Element {
  const asked = ['stage', 'tag', 'channel', 'user', 'find', ...OF_NUMBER].flatMap((name) =>
    chosen(name) || (name === 'value' && chosen('by')) ? [[name, chosen(name)]] : [],
  );
  const path = `sites/${site.siteKey}/visitors?${new URLSearchParams([['limit', String(PAGE)], ...asked]).toString()}`;
  const rules = useOnce<RulesNames>(`sites/${site.siteKey}/rules`);
  const [later, set] = useState<{
    path: string;
    more: VisitorSummary[];
    problem?: string;
    isAll?: boolean;
  }>({ path, more: [] });
  // What was read on under another choice is not of this one.
  const { more, problem, isAll }: Partial<typeof later> & Pick<typeof later, 'more'> =
    later.path === path ? later : { more: [] };
  // What was read on goes on from what was read first.
  const read = useRead<{ visitors: VisitorSummary[]; count?: number }>(path, !more.length);
  const all = [...(read.data?.visitors ?? []), ...more];
  const readMore = async () => {
    try {
      const { lastSeen, visitorId } = all.at(-1)!;
      const { visitors: found } = await get<{ visitors: VisitorSummary[] }>(
        `${path}&seenBefore=${lastSeen}&after=${visitorId}`,
      );
      set({ path, more: [...more, ...found], isAll: !found.length });
    } catch (error) {
      set({ path, more, problem: t('failed', { message: (error as Error).message }) });
    }
  };
  const find = (event: SubmitEvent) => {
    event.preventDefault();
    // An id as lists show it.
    const id = String(new FormData(event.currentTarget as HTMLFormElement).get('id'))
      .trim()
      .replace(/^…/, '');
    // A site's own ids of users may look like ours of visitors.
    const isVisitor = UUID.test(id) && get(`sites/${site.siteKey}/visitors/${id}`).then(() => true);
    void Promise.resolve(isVisitor).then(
      (found) => (found ? (location.hash = linkToVisitor(site.siteKey, id)) : choose({ user: '', find: id })),
      () => choose({ user: '', find: id }),
    );
  };
  return (
    <section class="card">
      <h2>{t('views.visitors')}</h2>
      <p class="soft">{t('visitorsHint')}</p>
      {isOfNumber() && (
        <p class="who">
          {sayWho(site, rules)}{' '}
          <button
            type="button"
            class="plain small"
            onClick={() =>
              choose(
                Object.fromEntries(['stage', 'tag', 'channel', 'user', 'find', ...OF_NUMBER].map((name) => [name, ''])),
              )
            }
          >
            {t('everybody')}
          </button>
        </p>
      )}
      <div class="filters">
        <Select
          label={t('stage')}
          name="stage"
          otherwise=""
          options={[
            ['', t('everyStage')],
            ...STAGES.map((each): [string, string] => [each, t(`stages.${each}`)]),
            ['none', t('stages.none')],
          ]}
        />
        <Select
          label={t('tags')}
          name="tag"
          otherwise=""
          options={[
            ['', t('everyTag')],
            ...Object.entries(rules?.tags ?? {}).map(([name, { label }]): [string, string] => [
              name,
              inLanguage(label) ?? name,
            ]),
          ]}
        />
        <Select
          label={t('cameFrom')}
          name="channel"
          otherwise=""
          options={[
            ['', t('anyChannel')],
            ...[...channelNames, ...Object.values(site.channels)]
              .filter((name, at, names) => names.indexOf(name) === at)
              .map((name): [string, string] => [name, showChannel(name)]),
          ]}
        />
        <form onSubmit={find}>
          <label>
            <span class="soft">{t('visitor')}</span>{' '}
            <input
              key={chosen('find') || chosen('user')}
              name="id"
              placeholder={t('visitorId')}
              defaultValue={chosen('find') || chosen('user')}
            />
          </label>{' '}
          <button>{t('findVisitor')}</button>
        </form>
      </div>
      <Loaded read={read}>
        {({ count }) => (
          <>
            <p class="soft" role="status">
              {count !== undefined && t('fit', { count: showNumber(count) })}
            </p>
            {all.length < (count ?? 0) && <p class="soft">{t('shownOf', { shown: showNumber(all.length) })}</p>}
            {all.length ? (
              <VisitorTable visitors={all} site={site} />
            ) : asked.length ? (
              <p>
                {t('nobodyFits')} {chosen('find') && t('findHint')}
              </p>
            ) : (
              <>
                <p>{t('noVisitors')}</p>
                <pre>{site.snippet}</pre>
              </>
            )}{' '}
            {isAll && (
              <p class="soft" role="status">
                {t('noMore')}
              </p>
            )}
            {all.length >= PAGE && !isAll && (
              <button type="button" class="plain small" onClick={readMore}>
                {t('more')}
              </button>
            )}
            {problem && <Alert>{problem}</Alert>}
          </>
        )}
      </Loaded>
    </section>
  );
}
