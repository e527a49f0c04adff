import type { JSX } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { STAGES, type Stage } from '../../sdk/core/index.js';
import {
  change,
  get,
  MODELS,
  type AttributionReport,
  type Model,
  type RulesNames,
  type Site,
  type SourcesReport,
} from './api.js';
import { Chart } from './chartPlace.js';
import { Costs } from './costs.js';
import { useOnce, useReport } from './live.js';
import { Alert, Copy, Loaded, People, RangePicker, rangeOf, Select, sayWay, Table, type Column } from './parts.js';
import { chosen, may, settingsChanged } from './state.js';
import { inLanguage, showChannel, showMoney, showNumber, t } from './texts.js';

type Row = AttributionReport['channels'][number];

/** What can be credited. */
const CREDITED = ['channel', 'source', 'medium', 'campaign'] as const;

/** What is shown of each model. */
const MEASURES = ['entries', 'revenue', 'cac', 'roas'] as const;

/** Sums of amounts carry noise in their last digits. */
const rounded = (amount: number) => Number(amount.toFixed(6));

const valueOf = (measure: (typeof MEASURES)[number], row: Row, model: Model): number | null =>
  measure === 'entries' ? row[model] : (row[measure]?.[model] ?? null);

/** Which channels brought people to a stage, by every model side by side; and sources that wait to be given a channel. */
export function Channels({ site }: { site: Site }): JSX.Element {
  const of = chosen('stage', 'action');
  const asked: Record<string, string> = STAGES.includes(of as Stage) ? { stage: of } : { signal: of };
  const read = useReport<AttributionReport>(site.siteKey, 'attribution', {
    ...rangeOf(site),
    ...asked,
    by: chosen('by'),
  });
  // What has an amount can be credited each time that it happens.
  const signals = useOnce<RulesNames>(`sites/${site.siteKey}/rules`)?.signals ?? {};
  const orders = Object.keys(signals).filter((name) => signals[name]!.value);
  const money = (value: number | null) => (value === null ? '–' : showMoney(value, site.currency));
  const measure = MEASURES.find((each) => each === chosen('measure')) ?? 'entries';
  return (
    <>
      <section class="card">
        <h2>{t('attribution')}</h2>
        <p class="soft">{t('attributionHint')}</p>
        <div class="filters">
          <RangePicker site={site} />
          <Select
            label={t('entriesInto')}
            name="stage"
            otherwise="action"
            options={[
              ...STAGES.map((each): [string, string] => [each, t(`stages.${each}`)]),
              ...orders.map((each): [string, string] => [
                each,
                t('eachOf', { name: inLanguage(signals[each]!.label) || each }),
              ]),
            ]}
          />
          <Select
            label={t('by')}
            name="by"
            otherwise="channel"
            options={CREDITED.map((each) => [each, t(`breakdowns.${each}`)])}
          />
          <Select
            label={t('shows')}
            name="measure"
            otherwise="entries"
            options={MEASURES.map((each) => [each, t(`measures.${each}`)])}
          />
        </div>
        <Loaded read={read}>
          {({ by, entries, withoutTouch, unnamedCost, channels, moves }) => (
            <>
              <p role="status">
                {asked.signal ? (
                  t('entriesSum', { count: showNumber(entries) })
                ) : (
                  <People site={site} asked={{ ...rangeOf(site), reached: of }} count={entries}>
                    {t('entriesSum', { count: showNumber(entries) })}
                  </People>
                )}{' '}
                <People
                  site={site}
                  asked={{ ...rangeOf(site), counted: `attribution:${of}:${by}` }}
                  count={withoutTouch}
                >
                  {t('entriesWithout', { count: showNumber(withoutTouch) })}
                </People>
              </p>
              {/cac|roas/.test(measure) && !unnamedCost && channels.every(({ cost }) => cost === null) && (
                <p class="soft">{t('noCosts', rangeOf(site))}</p>
              )}
              {!!unnamedCost && <p class="soft">{t('unnamedCost', { amount: money(unnamedCost) })}</p>}
              {channels.length ? (
                <Table
                  name="attribution"
                  rows={channels}
                  columns={[
                    {
                      title: t(by === 'channel' ? 'channel' : `breakdowns.${by}`),
                      of: ({ channel }) => sayWay(by, channel),
                    },
                    { title: t('sessions'), of: ({ sessions }) => sessions },
                    {
                      title: t('visitorsCount'),
                      of: ({ visitors }) => visitors,
                      // Those who are counted together have no name to be asked for by.
                      show: ({ channel, visitors }) =>
                        channel === '(other)' ? (
                          showNumber(visitors)
                        ) : (
                          <People site={site} asked={{ ...rangeOf(site), did: `${by}:${channel}` }} count={visitors} />
                        ),
                    },
                    { title: t('cost'), of: ({ cost }) => cost && rounded(cost), show: ({ cost }) => money(cost) },
                    ...MODELS.map((model): Column<Row> => ({
                      title: t(`models.${model}`),
                      of: (row) => valueOf(measure, row, model),
                      show: (row) => {
                        const value = valueOf(measure, row, model);
                        return (
                          <People
                            site={site}
                            asked={{ ...rangeOf(site), counted: `attribution:${of}:${by}:${model}:${row.channel}` }}
                            // A channel that stands on the ways of others alone has nobody behind it.
                            count={model === 'markov' && !row.shapley ? 0 : row[model]}
                          >
                            {measure === 'revenue' || measure === 'cac'
                              ? money(value)
                              : value === null
                                ? '–'
                                : showNumber(value)}
                          </People>
                        );
                      },
                    })),
                  ]}
                />
              ) : (
                <p>{t('nothingInRange')}</p>
              )}
              {!!moves.length && <ChannelMoves site={site} of={of} by={by} moves={moves} />}
            </>
          )}
        </Loaded>
      </section>
      {may('viewer') && <Costs site={site} changed={read.again} />}
      <Sources site={site} changed={read.again} />
      <Links site={site} />
    </>
  );
}

/** By which channel people came after which, or by whatever is credited. @param of the stage, or the signal, to which they were on the way */
function ChannelMoves({
  site,
  of,
  by,
  moves,
}: {
  site: Site;
  of: string;
  by: AttributionReport['by'];
  moves: AttributionReport['moves'];
}): JSX.Element {
  const called = (name: string) => sayWay(by, name);
  const people = (which: 'all' | 'converted', { from, to }: AttributionReport['moves'][number]) => ({
    ...rangeOf(site),
    counted: `moves:${of}:${by}:${which}:${JSON.stringify([from, to])}`,
  });
  const links = moves.map(({ from, to, times }) => ({
    from: called(from),
    to: called(to),
    value: times,
    fromColor: '#6f9bd1',
    toColor: '#8a5fb0',
  }));
  return (
    <>
      <h3>{t('channelMoves')}</h3>
      <p class="soft">{t('channelMovesHint')}</p>
      <Chart
        name="channelMoves"
        label={t('channelMoves')}
        draw={({ drawFlow }, element) => drawFlow(element, links)}
        of={links}
      />
      <Table
        name="channelMoves"
        rows={moves}
        columns={[
          { title: t('fromChannel'), of: ({ from }) => called(from) },
          { title: t('toChannel'), of: ({ to }) => called(to) },
          {
            title: t('times'),
            of: ({ times }) => times,
            show: (move) => <People site={site} asked={people('all', move)} count={move.times} />,
          },
          {
            title: t('beforeEntry'),
            of: ({ beforeEntry }) => beforeEntry,
            show: (move) => <People site={site} asked={people('converted', move)} count={move.beforeEntry} />,
          },
        ]}
      />
    </>
  );
}

/** Channels by the names that reports use. */
const CHANNELS = (
  'Direct,Organic Search,Paid Search,Organic Social,Paid Social,Organic Video,Paid Video,Organic Shopping,Paid Shopping,Display,' +
  'Email,Affiliates,Referral,Audio,SMS,Mobile Push Notifications,AI Assistants,Paid Other'
).split(',');

/** @param changed called when a source was given another channel, which holds in every report */
function Sources({ site, changed }: { site: Site; changed: () => void }): JSX.Element {
  const read = useReport<SourcesReport>(site.siteKey, 'sources', rangeOf(site));
  const [given, setGiven] = useState(site.channels);
  const [problem, setProblem] = useState('');
  /** One after the other, and each upon what is there by then: somebody else may have given some too. */
  const turn = useRef(Promise.resolve());
  const give = (source: string, channel: string) => (turn.current = turn.current.then(() => giveNow(source, channel)));
  const giveNow = async (source: string, channel: string) => {
    try {
      const { sites } = await get<{ sites: Site[] }>('sites');
      const { channels: now } = sites.find(({ siteKey }) => siteKey === site.siteKey)!;
      const { [source.toLowerCase()]: _, ...others } = now;
      const channels = channel ? { ...others, [source.toLowerCase()]: channel } : others;
      await change('PATCH', `sites/${site.siteKey}`, { channels });
      setGiven(channels);
      settingsChanged.value++;
      setProblem('');
      read.again();
      changed();
    } catch (error) {
      setProblem(t('notSaved', { message: (error as Error).message }));
    }
  };
  return (
    <section class="card">
      <h2>{t('sources')}</h2>
      <p class="soft">{t('sourcesHint')}</p>
      {!may('owner') && <p class="soft">{t('takesOwner')}</p>}
      {problem && <Alert>{problem}</Alert>}
      <Loaded read={read}>
        {({ sources }) =>
          sources.length ? (
            <Table
              name="sources"
              rows={sources}
              most={500}
              columns={[
                {
                  title: t('source'),
                  of: ({ source, isUnknown }) => (isUnknown ? `${source} (${t('notKnown')})` : source),
                  by: ({ source }) => source,
                  show: ({ source, isUnknown }) => (
                    <>
                      <bdi>{source}</bdi>
                      {isUnknown && <span class="mark"> {t('notKnown')}</span>}
                    </>
                  ),
                },
                { title: t('sessions'), of: ({ sessions }) => sessions },
                {
                  title: t('visitorsCount'),
                  of: ({ visitors }) => visitors,
                  show: ({ source, visitors }) => (
                    <People site={site} asked={{ ...rangeOf(site), did: `named:${source}` }} count={visitors} />
                  ),
                },
                { title: t('channel'), of: ({ channel }) => showChannel(channel) },
                {
                  title: t('giveChannel'),
                  of: ({ isGiven, channel }) => (isGiven ? showChannel(channel) : ''),
                  show: ({ source, isGiven, channel }) => (
                    <select
                      aria-label={`${t('giveChannel')}: ${source}`}
                      disabled={!may('owner')}
                      value={isGiven ? (channel ?? '') : ''}
                      onChange={({ currentTarget }) => void give(source, currentTarget.value)}
                    >
                      <option value="">{t('asFound')}</option>
                      {[...new Set([...CHANNELS, ...Object.values(given)])].map((each) => (
                        <option key={each} value={each}>
                          {showChannel(each)}
                        </option>
                      ))}
                    </select>
                  ),
                },
              ]}
            />
          ) : (
            <p>{t('nothingInRange')}</p>
          )
        }
      </Loaded>
    </section>
  );
}

const LABELS = ['utm_source', 'utm_medium', 'utm_campaign', 'utm_content', 'utm_term'] as const;

/** An address with the labels of a campaign. */
function Links({ site }: { site: Site }): JSX.Element {
  const [values, setValues] = useState<Record<string, string>>({ url: site.origins[0] ? `${site.origins[0]}/` : '' });
  const set = (name: string) => (event: { currentTarget: HTMLInputElement }) =>
    setValues({ ...values, [name]: event.currentTarget.value });
  const link = URL.canParse(values.url ?? '') ? new URL(values.url!) : undefined;
  for (const name of LABELS) if (link && values[name]?.trim()) link.searchParams.set(name, values[name].trim());
  return (
    <section class="card">
      <h2>{t('links')}</h2>
      <p class="soft">{t('linksHint')}</p>
      <div class="form">
        <label>
          {t('page')} <input name="url" type="url" value={values.url} onInput={set('url')} />
        </label>
        {LABELS.map((name) => (
          <label key={name}>
            {name} <input name={name} value={values[name] ?? ''} onInput={set(name)} />
          </label>
        ))}
      </div>
      <p>
        <output class="link">{link ? link.href : t('noAddress')}</output>
      </p>
      {link && <Copy text={link.href} />}
    </section>
  );
}
