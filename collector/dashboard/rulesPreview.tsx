import { Fragment, type JSX } from 'preact';
import type { Preview, RulesNames, Site } from './api.js';
import { useOnce } from './live.js';
import { stageColumn, StageName, Table } from './parts.js';
import { linkToVisitor } from './state.js';
import { inLanguage, showNumber, t } from './texts.js';
import { Why } from './why.js';

/** What publishing rules would do: how many would stand elsewhere, who they are, and why. */
export function Moves({
  preview: { visitors, excluded, moves, people, stages, tags, examples },
  site,
}: {
  preview: Preview;
  site: Site;
}): JSX.Element {
  const moved = moves.reduce((sum, move) => sum + move.visitors, 0);
  const rules = useOnce<RulesNames>(`sites/${site.siteKey}/rules`);
  const otherTags = tags.filter(({ before, after }) => before !== after);
  return (
    <div class="preview">
      <p role="status">{t('previewSum', { moved: showNumber(moved), visitors: showNumber(visitors) })}</p>
      {excluded.before !== excluded.after && (
        <p>{t('previewExcluded', { before: showNumber(excluded.before), after: showNumber(excluded.after) })}</p>
      )}
      <Table
        name="previewStages"
        rows={stages}
        columns={[
          stageColumn(t('stage'), 'stage'),
          { title: t('nowCount'), of: ({ before }) => before },
          { title: t('thenCount'), of: ({ after }) => after },
        ]}
      />
      {!!moves.length && (
        <Table
          name="previewMoves"
          rows={moves}
          columns={[
            stageColumn(t('fromStage'), 'from'),
            stageColumn(t('toStage'), 'to'),
            { title: t('visitorsCount'), of: (move) => move.visitors },
          ]}
        />
      )}
      {!!otherTags.length && (
        <Table
          name="previewTags"
          rows={otherTags}
          columns={[
            { title: t('tags'), of: ({ tag }) => inLanguage(rules?.tags?.[tag]?.label) ?? tag },
            { title: t('nowCount'), of: ({ before }) => before },
            { title: t('thenCount'), of: ({ after }) => after },
          ]}
        />
      )}
      {!!people.length && <h3>{t('whoMoves')}</h3>}
      {people.map(({ from, to, visitors: movers }, at) => (
        <details key={`${from} ${to}`}>
          <summary>
            <StageName stage={from} /> → <StageName stage={to} /> ({showNumber(moves[at]!.visitors)})
          </summary>
          {examples
            .filter((example) => example.from === from && example.to === to)
            .map(({ visitorId, userId, why }) => (
              <Fragment key={visitorId}>
                <p>{t('whyMoves', { visitor: userId ?? `…${visitorId.slice(-8)}` })}</p>
                <ul class="why">{why.because && <Why reason={why.because} />}</ul>
              </Fragment>
            ))}
          <p class="people">
            {movers.map(({ visitorId, userId }) => (
              <a key={visitorId} href={linkToVisitor(site.siteKey, visitorId)}>
                {userId ?? `…${visitorId.slice(-8)}`}
              </a>
            ))}
          </p>
          {movers.length < moves[at]!.visitors && <p class="soft">{t('firstOnly', { count: movers.length })}</p>}
        </details>
      ))}
    </div>
  );
}
