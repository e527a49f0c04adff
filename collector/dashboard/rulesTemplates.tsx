import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { RulesNames, Site, Template, TemplateDemo } from './api.js';
import { useOnce, useRead } from './live.js';
import { Loaded, stageColumn, Table, WithBar } from './parts.js';
import { inLanguage, showNumber, showShare, t } from './texts.js';

/** Ready-made rules by trade, each with what it makes of invented visitors. */
export function Templates({ site, onOpen }: { site: Site; onOpen: (name: string) => void }): JSX.Element {
  const read = useRead<{ templates: Template[] }>('templates');
  const [seen, setSeen] = useState<Record<string, boolean>>({});
  return (
    <section class="card">
      <h2>{t('templates')}</h2>
      <p class="soft">{t('templatesHint')}</p>
      <Loaded read={read}>
        {({ templates }) => (
          <ul class="templates">
            {templates.map(({ name, title, about }) => (
              <li key={name}>
                <strong>{inLanguage(title)}</strong>{' '}
                {name === site.template && <span class="mark">{t('ownTemplate')}</span>}
                <div class="soft">{inLanguage(about)}</div>
                <button type="button" class="plain small" onClick={() => onOpen(name)}>
                  {t('intoEditor')}
                </button>
                <details onToggle={({ currentTarget }) => currentTarget.open && setSeen({ ...seen, [name]: true })}>
                  <summary>{t('withInvented')}</summary>
                  {seen[name] && <Demo of={name} />}
                </details>
              </li>
            ))}
          </ul>
        )}
      </Loaded>
    </section>
  );
}

/** What a template makes of invented visitors. */
function Demo({ of }: { of: string }): JSX.Element {
  const read = useRead<TemplateDemo>(`templates/${of}/demo`);
  const rules = useOnce<{ rules: RulesNames }>(`templates/${of}`)?.rules;
  return (
    <Loaded read={read}>
      {({ visitors, stages, tags }) => (
        <>
          <Table
            name="demo"
            of={of}
            rows={stages}
            columns={[
              stageColumn(t('stage'), 'stage'),
              {
                title: t('everReached'),
                of: ({ reached }) => reached,
                show: ({ reached }) => <WithBar share={reached / visitors}>{showNumber(reached)}</WithBar>,
              },
              {
                title: t('ofStageBefore'),
                of: ({ fromPrevious }) => fromPrevious,
                show: ({ fromPrevious }) => (fromPrevious === null ? '–' : showShare(fromPrevious)),
              },
              { title: t('standNow'), of: ({ current }) => current },
            ]}
          />
          <p class="soft">
            {tags
              .filter((each) => each.visitors)
              .map(({ tag, visitors: count }) => `${inLanguage(rules?.tags?.[tag]?.label) ?? tag} ${showNumber(count)}`)
              .join(' · ')}
          </p>
        </>
      )}
    </Loaded>
  );
}
