import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { Alert } from './parts.js';
import { t } from './texts.js';

/** A view whose code comes when it is opened: most mornings nobody opens it. A browser remembers that a file did not come: trying again is a new page. */
export function later<P extends object>(load: () => Promise<(props: P) => JSX.Element>): (props: P) => JSX.Element {
  return function Later(props) {
    const [state, set] = useState<{ View?: (props: P) => JSX.Element; problem?: string }>({});
    useEffect(() => {
      void load().then(
        (View) => set({ View }),
        (error: Error) => set({ problem: error.message }),
      );
    }, []);
    if (state.View) return <state.View {...props} />;
    if (!state.problem) return <p class="soft">{t('loading')}</p>;
    return (
      <Alert>
        {t('failed', { message: state.problem })}{' '}
        <button type="button" class="plain" onClick={() => location.reload()}>
          {t('retry')}
        </button>
      </Alert>
    );
  };
}
