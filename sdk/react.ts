/** For React: `useStage()`. */
import { useSyncExternalStore } from 'react';
import type { Stagetag, State } from './bare.js';

/** What was shown last: the same object until something of it changes, as React asks. */
let shown: State | undefined;

const textOf = (state: State | undefined) => JSON.stringify(state && { ...state, asOf: 0 });

function subscribe(changed: () => void): () => void {
  document.addEventListener('stagetag:state', changed);
  return () => document.removeEventListener('stagetag:state', changed);
}

/**
 * The visitor's state, kept up to date; undefined on a server and until the SDK runs.
 * @param stagetag what `init` returned; the script tag's where absent
 * @example const stage = useStage()?.stage;
 */
export function useStage(stagetag?: Stagetag): State | undefined {
  const read = () => {
    const now = (stagetag ?? (window as { stagetag?: Partial<Stagetag> }).stagetag)?.state?.();
    if (textOf(now) !== textOf(shown)) shown = now;
    return shown;
  };
  return useSyncExternalStore(subscribe, read, () => undefined);
}
