import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { STAGES } from '../../sdk/core/index.js';
import { get, type RulesNames, type Site, type Touch, type VisitorSummary } from './api.js';
import { useOnce, useRead } from './live.js';
import { Alert, Loaded, Select, StageName, Table } from './parts.js';
import { chosen, linkToVisitor } from './state.js';
import { inLanguage, showChannel, showTime, t } from './texts.js';
import { leftOut } from './visitor.js';

const from = (touch: Touch | null) =>
  !touch || touch.channel === 'Direct'
    ? t('direct')
    : [showChannel(touch.channel), touch.source, touch.campaign].filter(Boolean).join(' · ');

export function VisitorTable({ visitors, site }: { visitors: VisitorSummary[]; site: Site }): JSX.Element {
  const rules = useOnce<RulesNames>(`sites/${site.siteKey}/rules`);
  const tags = (visitor: VisitorSummary) =>
    visitor.tags.map((tag) => inLanguage(rules?.tags?.[tag]?.label) ?? tag).join(', ');
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
              <a href={linkToVisitor(site.siteKey, visitorId)}>{userId ?? `…${visitorId.slice(-8)}`}</a>
              {bot && <div class="soft">{leftOut(bot)}</div>}
            </>
          ),
        },
        { title: t('stage'), of: ({ stage }) => stage, show: ({ stage }) => <StageName stage={stage} /> },
        { title: t('lastSeen'), of: ({ lastSeen }) => showTime(lastSeen, site.timeZone) },
        { title: t('events'), of: ({ eventCount }) => eventCount },
        { title: t('score'), of: ({ score }) => score },
        { title: t('cameFrom'), of: ({ firstTouch }) => from(firstTouch) },
        { title: t('tags'), of: tags },
      ]}
    />
  );
}

const PAGE = 200;

/** Everybody, latest seen first, by stage and tag. */
export function Visitors({ site }: { site: Site }): JSX.Element {
  const path = `sites/${site.siteKey}/visitors?limit=${PAGE}`;
  const read = useRead<{ visitors: VisitorSummary[] }>(path);
  const rules = useOnce<RulesNames>(`sites/${site.siteKey}/rules`);
  const [more, setMore] = useState<VisitorSummary[]>([]);
  const [problem, setProblem] = useState('');
  const all = [...(read.data?.visitors ?? []), ...more];
  const [stage, tag] = [chosen('stage'), chosen('tag')];
  const fits = (visitor: VisitorSummary) =>
    (!stage || (visitor.stage ?? 'none') === stage) && (!tag || visitor.tags.includes(tag));
  const readMore = async () => {
    try {
      // Some may have been seen in the same moment as the last one.
      const before = all.at(-1)!.lastSeen;
      const known = new Set(all.map(({ visitorId }) => visitorId));
      const next = async (seenBefore: number) =>
        (await get<{ visitors: VisitorSummary[] }>(`${path}&seenBefore=${seenBefore}`)).visitors.filter(
          ({ visitorId }) => !known.has(visitorId),
        );
      const visitors = await next(before + 1);
      const found = visitors.length ? visitors : await next(before);
      setMore([...more, ...found]);
      setProblem(found.length ? '' : t('noMore'));
    } catch (error) {
      setProblem(t('failed', { message: (error as Error).message }));
    }
  };
  const find = (event: SubmitEvent) => {
    event.preventDefault();
    const id = String(new FormData(event.currentTarget as HTMLFormElement).get('id')).trim();
    if (id) location.hash = linkToVisitor(site.siteKey, id);
  };
  return (
    <section class="card">
      <h2>{t('views.visitors')}</h2>
      <p class="soft">{t('visitorsHint')}</p>
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
        <form onSubmit={find}>
          <label>
            <span class="soft">{t('findVisitor')}</span> <input name="id" size={20} placeholder={t('visitorId')} />
          </label>{' '}
          <button>{t('open')}</button>
        </form>
      </div>
      <Loaded read={read}>
        {() => (
          <>
            <p class="soft" role="status">
              {t('shownOf', { count: all.filter(fits).length, all: all.length })}
            </p>
            <VisitorTable visitors={all.filter(fits)} site={site} />{' '}
            {all.length >= PAGE && (
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
