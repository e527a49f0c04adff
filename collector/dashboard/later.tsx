import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { EVERY_MS } from './live.js';
import { Alert } from './parts.js';
import { isUnsaved } from './state.js';
import { t } from './texts.js';

/** A view whose code comes when it is opened: most mornings nobody opens it. A browser remembers that a file did not come: trying again is a new page. */
export function later<P extends object>(load: () => Promise<(props: P) => JSX.Element>): (props: P) => JSX.Element {
  return function Later(props) {
    const [state, set] = useState<{ View?: (props: P) => JSX.Element; isMissing?: boolean }>({});
    useEffect(() => {
      void load().then(
        (View) => set({ View }),
        () => set({ isMissing: true }),
      );
    }, []);
    useEffect(() => {
      if (!state.isMissing) return;
      const again = () => isUnsaved() || location.reload();
      // The connection of this machine, or the collector itself, is back.
      const timer = setInterval(
        () =>
          void fetch('healthz').then(
            ({ ok }) => ok && again(),
            () => {},
          ),
        EVERY_MS,
      );
      addEventListener('online', again);
      return () => {
        clearInterval(timer);
        removeEventListener('online', again);
      };
    }, [state.isMissing]);
    if (state.View) return <state.View {...props} />;
    if (!state.isMissing) return <p class="soft">{t('loading')}</p>;
    return (
      <Alert>
        {t('viewMissing')}{' '}
        <button type="button" class="plain" onClick={() => location.reload()}>
          {t('retry')}
        </button>
      </Alert>
    );
  };
}
