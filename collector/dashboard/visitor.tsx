import { Fragment, type JSX } from 'preact';
import { useContext, useState } from 'preact/hooks';
import {
  change,
  get,
  type ErasureReceipt,
  type RulesNames,
  type SentEvent,
  type Site,
  type Touch,
  type Transition,
  type Visitor,
} from './api.js';
import { useLive, useOnce } from './live.js';
import { leftOut } from './leftOut.js';
import { showEvent, showProp } from './events.js';
import { Alert, Problem, save, Select, StageDot, StageName, Table } from './parts.js';
import { chosen, linkToList, linkToVisitor, may } from './state.js';
import { inLanguage, joinNames, showChannel, showCountry, showDevice, showNumber, showTime, t } from './texts.js';
import { saySource } from './visitors.js';
import { Why, Words } from './why.js';

/** One visitor: where they stand and why, how it came to this, and everything they did. */
export function VisitorPage({ site, visitorId }: { site: Site; visitorId: string }): JSX.Element {
  const live = useLive<Visitor>(`sites/${site.siteKey}/visitors/${visitorId}`);
  const rules = useOnce<RulesNames>(`sites/${site.siteKey}/rules`);
  const [receipt, setReceipt] = useState<ErasureReceipt>();
  const { data: visitor } = live;
  if (receipt) return <Receipt of={receipt} site={site} visitorId={visitorId} />;
  return (
    <>
      <p>
        <a href={linkToList(site.siteKey)}>← {t('back')}</a>
      </p>
      {visitor ? (
        <Words.Provider value={rules}>
          <Details visitor={visitor} site={site} onErased={setReceipt} onChanged={live.again} />
        </Words.Provider>
      ) : live.isMissing ? (
        <p>{t('noVisitor')}</p>
      ) : (
        <Problem live={live} />
      )}
    </>
  );
}

const ERASED = ['visitors', 'events', 'transitions', 'deadLetters'] as const;

/** What was erased, and nothing else of whoever it was. */
function Receipt({ of, site, visitorId }: { of: ErasureReceipt; site: Site; visitorId: string }): JSX.Element {
  const text = JSON.stringify(of, null, 2);
  return (
    <section class="card" role="status">
      <p>{t('erased')}</p>
      <dl class="facts">
        {ERASED.map((name) => (
          <Fragment key={name}>
            <dt>{t(`erasedOf.${name}`)}</dt>
            <dd>{showNumber(of[name])}</dd>
          </Fragment>
        ))}
        <dt>{t('erasedOf.erasedAt')}</dt>
        <dd>{showTime(of.erasedAt, site.timeZone)}</dd>
      </dl>
      <p>{t(of.isWiped ? 'isWiped' : 'notWiped')}</p>
      <button
        type="button"
        class="plain small"
        onClick={() => save(`receipt-${visitorId}.json`, new Blob([text], { type: 'application/json' }))}
      >
        {t('saveReceipt')}
      </button>
      <p>
        <a href={linkToList(site.siteKey)}>← {t('back')}</a>
      </p>
    </section>
  );
}

/** As many the API gives of one visitor, the latest. */
const LISTED = { events: 500, sessions: 100 };

function Details({
  visitor,
  site,
  onErased,
  onChanged,
}: {
  visitor: Visitor;
  site: Site;
  onErased: (receipt: ErasureReceipt) => void;
  onChanged: () => void;
}): JSX.Element {
  const { why } = visitor;
  const only = chosen('event');
  const listed = visitor.events.filter((event) => !only || event.name === only).reverse();
  const words = useContext(Words);
  const time = (at: number) => showTime(at, site.timeZone);
  // Set apart: what others wrote may turn the direction of what stands beside it.
  const came = (touch: Touch) => (
    <>
      <bdi>{saySource(touch)}</bdi> · {time(touch.at)}
    </>
  );
  const { behaviour, intent, profile } = visitor.scores;
  const parts = { behaviour: showNumber(behaviour), intent: showNumber(intent), profile: showNumber(profile) };
  return (
    <>
      <section class="card">
        <h2 class="id">{visitor.userId?.trim() || visitor.visitorId}</h2>
        <dl class="facts">
          <dt>{t('stage')}</dt>
          <dd class="stage-now">
            <StageName stage={visitor.stage} />
          </dd>
          <dt>{t('score')}</dt>
          <dd>
            {showNumber(visitor.score)} <span class="soft">{t('scoreParts', parts)}</span>
          </dd>
          <dt>{t('tags')}</dt>
          <dd>{joinNames(visitor.tags.map((tag) => inLanguage(words?.tags?.[tag]?.label) ?? tag)) || t('none')}</dd>
          {visitor.firstTouch && (
            <>
              <dt>{t('firstFrom')}</dt>
              <dd>{came(visitor.firstTouch)}</dd>
            </>
          )}
          {visitor.lastTouch && (
            <>
              <dt>{t('lastFrom')}</dt>
              <dd>{came(visitor.lastTouch)}</dd>
            </>
          )}
          {!!visitor.others.length && (
            <>
              <dt>{t('others')}</dt>
              <dd>
                {visitor.others.map(({ visitorId, firstSeen, lastSeen }) => (
                  <div key={visitorId}>
                    <a href={linkToVisitor(site.siteKey, visitorId)}>…{visitorId.slice(-8)}</a>{' '}
                    <span class="soft">
                      {time(firstSeen)} – {time(lastSeen)}
                    </span>
                  </div>
                ))}
                <span class="soft">{t('othersHint', { user: visitor.userId })}</span>
                {may('editor') && <Separate site={site} visitor={visitor} onChanged={onChanged} />}
              </dd>
            </>
          )}
          <dt>{t('firstSeen')}</dt>
          {/* The collector sees somebody a little after their browser does. */}
          <dd>{time(Math.min(visitor.firstSeen, visitor.firstTouch?.at ?? Infinity))}</dd>
          <dt>{t('lastSeen')}</dt>
          <dd>{time(visitor.lastSeen)}</dd>
        </dl>
        {may('editor') && <Counted site={site} visitor={visitor} onChanged={onChanged} />}
        {may('owner') && <Rights site={site} visitorId={visitor.visitorId} onErased={onErased} />}
        <h3>{t('whyHere')}</h3>
        {why.sticky && <p>{t('sticky')}</p>}
        <ul class="why">{why.because && <Why reason={why.because} />}</ul>
        {why.next && (
          <>
            <h3>{t('next', { stage: t(`stages.${why.next.stage}`) })}</h3>
            <ul class="why">
              {why.next.missing.map((reason, index) => (
                <Why key={index} reason={reason} />
              ))}
            </ul>
          </>
        )}
      </section>
      <section class="card">
        <h2>{t('history')}</h2>
        {visitor.transitions.length ? (
          <ol class="history">
            {[...visitor.transitions].reverse().map((transition, index) => (
              <Change key={index} transition={transition} at={time(transition.at)} />
            ))}
          </ol>
        ) : (
          <p>{t('noHistory')}</p>
        )}
      </section>
      <section class="card">
        <h2>{t('visits')}</h2>
        <Table
          name="visits"
          rows={visitor.sessions}
          most={LISTED.sessions}
          columns={[
            { title: t('began'), of: ({ startedAt }) => time(startedAt), by: ({ startedAt }) => startedAt },
            {
              title: t('minutes'),
              of: ({ startedAt, endedAt }) => Math.round((endedAt - startedAt) / 60_000),
            },
            { title: t('events'), of: ({ events }) => events },
            {
              title: t('cameFrom'),
              of: ({ channel, source }) => [channel && showChannel(channel), source].filter(Boolean).join(' · ') || '–',
            },
            {
              title: t('device'),
              of: ({ device, browser, country }) =>
                [device && showDevice(device), browser, country && showCountry(country)].filter(Boolean).join(' · ') ||
                '–',
            },
          ]}
        />
      </section>
      <section class="card">
        <h2>{t('timeline')}</h2>
        <div class="filters">
          <Select
            label={t('event')}
            name="event"
            otherwise=""
            options={[
              ['', t('everyEvent')],
              ...[...new Set([...visitor.events.map((event) => event.name), only].filter(Boolean))]
                .sort()
                .map((name): [string, string] => [name, nameOf(name, words)]),
            ]}
          />
        </div>
        {visitor.events.length >= LISTED.events && (
          <p class="soft">{t('latestEvents', { count: LISTED.events, all: showNumber(visitor.eventCount) })}</p>
        )}
        <ol class="timeline">
          {listed.map((event) => (
            <Happening
              key={event.id}
              event={event}
              at={time(event.time)}
              change={visitor.transitions.find(({ cause }) => cause.event === event.id)}
            />
          ))}
        </ol>
      </section>
    </>
  );
}

interface Changing {
  site: Site;
  visitor: Visitor;
  onChanged: () => void;
}

/** Takes this browser out of the user whose it was said to be. */
function Separate({ site, visitor: { visitorId, userId }, onChanged }: Changing): JSX.Element {
  const [problem, setProblem] = useState('');
  const separate = () =>
    confirm(t('confirmSeparate', { user: userId })) &&
    change('DELETE', `sites/${site.siteKey}/visitors/${visitorId}/link`).then(onChanged, (error: Error) =>
      setProblem(t('notDone', { message: error.message })),
    );
  return (
    <>
      <p>
        <button type="button" class="plain small" onClick={separate}>
          {t('separate')}
        </button>
      </p>
      {problem && <Alert>{problem}</Alert>}
    </>
  );
}

/** Whether reports count the visitor, and the way to say otherwise, and to take that back. */
function Counted({ site, visitor: { visitorId, bot, isJudged }, onChanged }: Changing): JSX.Element {
  const [problem, setProblem] = useState('');
  const path = `sites/${site.siteKey}/visitors/${visitorId}/bot`;
  const say = (how: 'PUT' | 'DELETE', body?: object) => () =>
    change(how, path, body).then(onChanged, (error: Error) => setProblem(t('notDone', { message: error.message })));
  return (
    <>
      {bot && <p role="status">{t('leftOutBecause', { reason: leftOut(bot) })}</p>}
      <p>
        <button
          type="button"
          class="plain small"
          onClick={bot ? say('PUT', { bot: null }) : say('PUT', { bot: 'by_hand' })}
        >
          {t(bot ? 'countVisitor' : 'leaveOutVisitor')}
        </button>{' '}
        {isJudged && (
          <button type="button" class="plain small" onClick={say('DELETE')}>
            {t('judgeByRules')}
          </button>
        )}
      </p>
      {problem && <Alert>{problem}</Alert>}
    </>
  );
}

/** What somebody may ask for: all that is kept of them, and that it is erased. */
function Rights({
  site,
  visitorId,
  onErased,
}: {
  site: Site;
  visitorId: string;
  onErased: (receipt: ErasureReceipt) => void;
}): JSX.Element {
  const [problem, setProblem] = useState('');
  const attempt = async (run: () => Promise<void>) => {
    try {
      await run();
    } catch (error) {
      setProblem(t('notDone', { message: (error as Error).message }));
    }
  };
  const path = `sites/${site.siteKey}/people/${visitorId}`;
  const take = () =>
    attempt(async () =>
      save(
        `${visitorId}.json`,
        new Blob([JSON.stringify(await get<object>(`${path}/export`), null, 2)], { type: 'application/json' }),
      ),
    );
  const erase = () =>
    attempt(async () => {
      if (confirm(t('confirmErase'))) onErased(await change<ErasureReceipt>('DELETE', path));
    });
  return (
    <>
      <p>
        <button type="button" class="plain small" onClick={take}>
          {t('takeAlong')}
        </button>{' '}
        <button type="button" class="plain small" onClick={erase}>
          {t('erase')}
        </button>
      </p>
      {problem && <Alert>{problem}</Alert>}
    </>
  );
}

const CAUSES = { event: 'causeEvent', expiry: 'causeExpiry', rules: 'causeRules', link: 'causeLink' } as const;

function Change({ transition: { from, to, cause }, at }: { transition: Transition; at: string }): JSX.Element {
  const words = useContext(Words);
  const name = (stage: typeof from) => t(`stages.${stage ?? 'none'}`);
  const title = !from
    ? t('begins', { to: name(to) })
    : !to
      ? t('leaves', { from: name(from) })
      : t('becomes', { from: name(from), to: name(to) });
  return (
    <li data-to={to ?? ''}>
      <StageDot stage={to} /> <strong>{title}</strong> <span class="soft">{at}</span>
      <div class="soft">
        {t(CAUSES[cause.kind], {
          event: cause.eventName && nameOf(cause.eventName, words),
          rule: name(cause.rule ?? null),
          rules: cause.rules,
        })}
      </div>
      {cause.because && (
        <details>
          <summary>{t('why')}</summary>
          <ul class="why">
            <Why reason={cause.because} />
          </ul>
        </details>
      )}
    </li>
  );
}

/** What people call an event: of one of the site's own, what the rules call the signal that it is. */
function nameOf(event: string, words: RulesNames | undefined): string {
  const signal = Object.values(words?.signals ?? {}).find((each) => each.event === event && !each.path);
  const known = showEvent(event);
  return known === event ? (inLanguage(signal?.label) ?? known) : known;
}

function Happening({
  event,
  at,
  change,
}: {
  event: SentEvent;
  at: string;
  change: Transition | undefined;
}): JSX.Element {
  const words = useContext(Words);
  return (
    <li>
      <span class="soft">{at}</span> <strong title={event.name}>{nameOf(event.name, words)}</strong>{' '}
      {event.uncounted && <span class="missing">{t(`uncounted.${event.uncounted}`)}</span>}{' '}
      {change && <StageName stage={change.to} />}
      <div class="soft url">
        {event.title && (
          <>
            <bdi>{event.title}</bdi> ·{' '}
          </>
        )}
        <bdi>{event.url}</bdi>
      </div>
      {event.props && (
        <ul class="props">
          {Object.entries(event.props).map(([name, value]) => (
            <li key={name}>
              <span class="soft" title={name}>
                {showProp(name)}
              </span>{' '}
              {typeof value === 'object' ? <code>{JSON.stringify(value)}</code> : String(value)}
            </li>
          ))}
        </ul>
      )}
    </li>
  );
}
