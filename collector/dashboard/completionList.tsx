import { parse } from 'jsonc-parser';
import type { JSX } from 'preact';
import { useEffect, useMemo, useState } from 'preact/hooks';
import { completionsAt } from './completions.js';
import { EVENTS } from './events.js';
import { language, t } from './texts.js';

/** What fits where the caret stands, to be put there with a click. */
export function Completions({
  text,
  caret,
  onChoose,
}: {
  text: string;
  caret: number | undefined;
  onChoose: (text: string, caret: number) => void;
}): JSX.Element {
  const [schema, setSchema] = useState<object>();
  useEffect(() => {
    // What it offers is a help, and the page is whole without it.
    fetch('rules.schema.json')
      .then((response) => response.json())
      .then(setSchema, () => {});
  }, []);
  const found = useMemo(() => {
    if (!schema || caret === undefined) return [];
    const { signals } = (parse(text) ?? {}) as { signals?: object };
    return completionsAt(schema, text, caret, { signals: Object.keys(signals ?? {}), events: EVENTS });
  }, [schema, text, caret]);
  return (
    <div class="completions" role="group" aria-label={t('fitsHere')}>
      <span class="soft">{t(found.length ? 'fitsHere' : 'fitsHereHint')}</span>{' '}
      {found.map((each) => (
        <button
          key={each.label}
          type="button"
          class="plain small"
          // The schema's own words are English.
          title={language.value === 'en' ? each.description : undefined}
          onClick={() => onChoose(each.text, each.caret)}
        >
          {each.label}
        </button>
      ))}
    </div>
  );
}
