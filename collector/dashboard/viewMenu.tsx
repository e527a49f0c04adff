import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { change, type SavedView, type Site } from './api.js';
import { useOnceEach, useRead } from './live.js';
import { Alert, Copy } from './parts.js';
import { hereOf, may, route, VIEWS, type View } from './state.js';
import { t } from './texts.js';

const SHARE_DAYS = [7, 30, 90];
/** Views that show nobody's visitors: a guest may see them. */
export const GUEST_VIEWS: readonly View[] = ['board', 'review', 'flow', 'funnel', 'channels', 'content', 'customers'];

/** Views that were given a name, and ways to give this one a name or show it to others. */
export function ViewMenu({ site }: { site: Site }): JSX.Element {
  const path = `sites/${site.siteKey}`;
  const read = useRead<{ views: SavedView[] }>(`${path}/views`);
  const [state, set] = useState<{ problem?: string; link?: string }>({});
  const once = useOnceEach();
  const address = hereOf(route.value);
  const attempt = async (run: () => Promise<{ link?: string }>) => {
    try {
      set(await run());
      read.again();
    } catch (error) {
      set({ problem: t('notSaved', { message: (error as Error).message }) });
    }
  };
  const save = (event: SubmitEvent) => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const view = { name: new FormData(form).get('name'), address };
    void once(view, () =>
      attempt(async () => {
        await change('POST', `${path}/views`, view);
        form.reset();
        return {};
      }),
    );
  };
  const remove = ({ id, name }: SavedView) =>
    confirm(t('confirmViewGone', { name })) &&
    void attempt(async () => {
      await change('DELETE', `${path}/views/${id}`);
      return {};
    });
  const share = (event: SubmitEvent) => {
    event.preventDefault();
    const days = Number(new FormData(event.currentTarget as HTMLFormElement).get('days'));
    void once({ address, days }, () =>
      attempt(() => change<{ link: string }>('POST', `${path}/shares`, { address, days })),
    );
  };
  const views = read.data?.views ?? [];
  // An address may name a view of another version.
  const isKnown = ({ address: own }: SavedView) => (VIEWS as readonly string[]).includes(own.split('?')[0]!);
  return (
    <details class="view-menu">
      <summary>{t('savedViews')}</summary>
      <div class="card">
        {views.length ? (
          <ul class="plain-list">
            {views.filter(isKnown).map((view) => (
              <li key={view.id}>
                <a href={`#/${encodeURIComponent(site.siteKey)}/${view.address}`}>{view.name}</a>{' '}
                {may('editor') && (
                  <button type="button" class="plain small" onClick={() => remove(view)}>
                    {t('remove')}
                  </button>
                )}
              </li>
            ))}
          </ul>
        ) : (
          <p class="soft">{t('noViews')}</p>
        )}
        {may('editor') && (
          <form class="filters" onSubmit={save}>
            <input name="name" aria-label={t('viewName')} placeholder={t('viewName')} maxLength={500} required />
            <button class="plain">{t('saveView')}</button>
          </form>
        )}
        {may('owner') && GUEST_VIEWS.includes(route.value.view) && (
          <form class="filters" onSubmit={share}>
            <label>
              {t('shareFor')}{' '}
              <select name="days">
                {SHARE_DAYS.map((days) => (
                  <option key={days} value={days} selected={`${days}` === '30'}>
                    {t('daysLong', { count: days })}
                  </option>
                ))}
              </select>
            </label>
            <button class="plain">{t('shareView')}</button>
          </form>
        )}
        {state.link && (
          <p role="status">
            {t('shareHint')}{' '}
            <input
              class="link"
              aria-label={t('shareLink')}
              value={state.link}
              readOnly
              onFocus={({ currentTarget }) => currentTarget.select()}
            />{' '}
            <Copy text={state.link} />
          </p>
        )}
        {(state.problem ?? read.problem) && <Alert>{state.problem ?? read.problem}</Alert>}
      </div>
    </details>
  );
}
